"""What compiles a program and what does not, counted by XLA's own events."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erfc

from nlsq_widget import FitWidget, curve_fit, fit
from nlsq_widget.problem import bucket

X = np.linspace(0, 10, 60)
Y = 3.0 * np.exp(-X / 2.0) + 0.5 + 0.05 * np.random.default_rng(1).standard_normal(60)


def new_model():
    def decay(x, a, tau, c):
        return a * jnp.exp(-x / tau) + c

    return decay


CHANGES = {
    "p0": {"p0": [1, 3, 0.1]},
    "another y": {"y": Y * 1.1},
    "a bound": {"bounds": {"a": (0, 9)}},
    "an active bound": {"bounds": {"a": (0, 2.5)}},
    "other bounds": {"bounds": ([0, 0.1, -1], [9, 9, 1])},
    "a fixed parameter": {"fixed": ["tau"]},
    "excluded points": {"excluded": [3, 4, 17]},
    "weights": {"sigma": np.linspace(0.1, 1, 60)},
    "the number of steps": {"max_steps": 3},
    "a length in the same bucket": {"x": X[:-3], "y": Y[:-3]},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_a_user_changes_compiles_nothing(change, compilations, compiled):
    model = new_model()
    settings = {"x": X, "y": Y, "p0": [2, 1, 0]}
    fit(model, **settings)
    first = compilations.count
    assert (first, compiled()) == (1, 1)
    fit(model, **settings | change)
    assert (compilations.count, compiled()) == (first, 1)


def test_curve_fit_twice_compiles_once(compilations):
    model = new_model()
    for p0 in ([2, 1, 0], [3, 2, 1]):
        curve_fit(model, X, Y, p0=p0)
    assert compilations.count == 1


@pytest.mark.parametrize("chosen", ["cpu:0", "cpu:1"])
def test_dragging_compiles_nothing(chosen, compilations, compiled):
    w = FitWidget(new_model(), X, Y, p0=[2, 1, 0])
    w.device = chosen
    first = compilations.count
    of_each = 2  # the fit, and the derivatives that the band is made of
    assert first == compiled() == of_each * len({"cpu:0", chosen})
    for value in np.linspace(0.5, 4, 20):
        w.p0["a"] = value
    w.bounds["a"] = (0, 2.5)
    w.fixed.add("tau")
    w.excluded = [1, 2]
    w.x_range = (0.5, None)
    w.following.add("c")
    w.p0["a"] = 1.0
    w.loss = "cauchy"
    w.level = 0.68
    w.take()
    w.reset()
    w.undo()
    assert (compilations.count, compiled()) == (first, first)


def test_a_second_widget_of_the_same_model_compiles_nothing(compilations):
    model = new_model()
    FitWidget(model, X, Y, p0=[2, 1, 0])
    first = compilations.count
    FitWidget(model, X, Y, p0=[1, 1, 0])
    assert compilations.count == first


KINDS = {
    "jax": lambda: lambda x, a, b: a * jnp.exp(-b * x),
    "numpy": lambda: lambda x, a, b: a * np.exp(-b * x),
    "scipy.special": lambda: lambda x, a, b: a * erfc(b * x),
    "both": lambda: lambda x, a, b: a * np.exp(jnp.sin(b * x)),
    "on the host": lambda: lambda x, a, b: a * np.exp(-b * x) if a > 0 else b * x,
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_no_length_in_the_same_bucket_compiles_whatever_the_model_is_written_with(kind, compilations):
    model = kind()
    counts = []
    for points in (100, 101, 110):
        x = np.linspace(0, 4, points)
        fit(model, x, 3 * np.exp(-x / 2), p0=[1, 1])
        counts.append(compilations.count)
    assert counts[0] == counts[1] == counts[2]


def test_models_on_the_host_share_the_compiled_step(compilations):
    fit(KINDS["on the host"](), X, Y, p0=[1, 1])
    first = compilations.count
    fit(KINDS["on the host"](), X, Y, p0=[1, 1])
    assert compilations.count == first


def test_another_bucket_and_another_device_compile_once_each(compiled):
    model = new_model()
    fit(model, X, Y, p0=[2, 1, 0])
    fit(model, np.tile(X, 3), np.tile(Y, 3), p0=[2, 1, 0])
    assert compiled() == 2
    fit(model, X, Y, p0=[2, 1, 0], device="cpu:1")
    fit(model, X, Y, p0=[3, 1, 0], device="cpu:1")
    assert compiled() == 3


def test_a_bucket_wastes_a_quarter_at_most():
    for points in range(9, 5000):
        assert points <= bucket(points) <= 1.25 * points + 1
    assert len({bucket(points) for points in range(1, 1_000_001, 7)}) < 80


# -- never an old answer ---------------------------------------------------------------------------------------

scale = 1.0
table = np.ones(60)


def test_a_changed_global_closure_or_default_is_a_new_model():
    global scale
    offset = 0.0

    def line(x, a, *, gain=1.0):
        return a * x * scale * gain + offset

    y = 6.0 * X
    assert fit(line, X, y)["a"] == pytest.approx(6)
    scale = 2.0
    assert fit(line, X, y)["a"] == pytest.approx(3)
    scale = 1.0
    line.__kwdefaults__["gain"] = 3.0
    assert fit(line, X, y)["a"] == pytest.approx(2)
    line.__kwdefaults__["gain"] = 1.0
    offset = 6.0
    assert fit(line, X, y + 6.0)["a"] == pytest.approx(6)


def test_an_array_changed_in_place_is_a_new_model():
    def weighted(x, a):
        return a * x * table

    assert fit(weighted, X, 6.0 * X)["a"] == pytest.approx(6)
    table[:] = 2.0
    assert fit(weighted, X, 6.0 * X)["a"] == pytest.approx(3)
    table[:] = 1.0


def test_a_changed_helper_attribute_or_jitted_model_is_a_new_model():
    class Instrument:
        gain = 1.0

        def response(self, x, a):
            return a * x * self.gain

    instrument = Instrument()
    instrument.gain = 1.0
    assert fit(instrument.response, X, 6.0 * X)["a"] == pytest.approx(6)
    instrument.gain = 2.0
    assert fit(instrument.response, X, 6.0 * X)["a"] == pytest.approx(3)

    factors = [1.0]

    @jax.jit
    def jitted(x, a):
        return a * x * factors[0]

    assert fit(jitted, X, 6.0 * X)["a"] == pytest.approx(6)
    factors[0] = 2.0
    assert fit(jitted, X, 6.0 * X)["a"] == pytest.approx(3)


def test_a_jitted_jac_reads_a_global_anew():
    space = {"k": 1.0, "jax": jax, "__name__": "cell"}
    exec("@jax.jit\ndef jac(x, a):\n    return (k * x)[:, None]", space)

    def line(x, a):
        return a * x

    first = fit(line, X, Y, p0=[1], jac=space["jac"]).stderr
    space["k"] = 2.0
    np.testing.assert_allclose(fit(line, X, Y, p0=[1], jac=space["jac"]).stderr, first / 2, rtol=1e-6)


def test_an_edited_cell_is_a_new_model():
    found = []
    for text in ("a * x", "a * x + 6"):
        cell = {}
        exec(f"def model(x, a): return {text}", cell)
        found.append(fit(cell["model"], X, 6.0 * X + 6).popt[0])
    assert found[0] != pytest.approx(6)
    assert found[1] == pytest.approx(6)


# -- models that need their points together are never padded ----------------------------------------------------

WHOLE = {
    "a mean": lambda x, a: a * (x - jnp.mean(x)),
    "its length": lambda x, a: a * x / x.size,
    "a cumulative sum": lambda x, a: a * jnp.cumsum(x),
    "its last point": lambda x, a: a * x / x[-1],
    "an index": lambda x, a: a * jnp.arange(x.size, dtype=x.dtype),
    "an array of its length": lambda x, a: a * x * jnp.asarray(np.linspace(1, 2, 61)),
    "reversed": lambda x, a: a * x[::-1],
}


@pytest.mark.parametrize("model", WHOLE.values(), ids=WHOLE.keys())
def test_a_model_that_reads_all_of_x_is_not_padded(model):
    x = np.linspace(1, 5, 61)
    with jax.enable_x64(True):
        y = 3.0 * np.asarray(model(jnp.asarray(x), 1.0))
    result = fit(model, x, y)
    assert result["a"] == pytest.approx(3, rel=1e-9)
    assert result.dof == 60
