"""Data that are JAX arrays: fitted where they are, and as NumPy's would be.

A CPU's memory is the host's. So that the way of a GPU is taken, the two CPUs are said to have memories of their own.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nlsq_widget import FitWidget, curve_fit, fit, fit_batch, multistart
from nlsq_widget.device import Device

X = np.linspace(0, 10, 60)
Y = 3.0 * np.exp(-X / 2.0) + 0.5 + 0.05 * np.random.default_rng(1).standard_normal(60)
SIGMA = np.linspace(0.1, 1, 60)
P0 = [2, 1, 0]


def decay(x, a, tau, c):
    return a * jnp.exp(-x / tau) + c


def new_model():
    def model(x, a, tau, c):
        return a * jnp.exp(-x / tau) + c

    return model


def put(values, place=1, dtype="float32"):
    with jax.enable_x64(True):
        return jax.device_put(jnp.asarray(values).astype(dtype), jax.devices()[place])


def as_numpy(values):
    return np.asarray(values).astype(float)


@pytest.fixture
def own_memory(monkeypatch):
    monkeypatch.setattr(Device, "host", False)


@pytest.fixture
def pulled(monkeypatch):
    """The shapes of the bfloat16 arrays that were brought to the host. They alone cannot be read as a plain buffer."""
    shapes = []
    array_type = type(put(X))
    read = array_type.__array__

    def reading(self, *args, **kwargs):
        if self.dtype == jnp.bfloat16:
            shapes.append(self.shape)
        return read(self, *args, **kwargs)

    monkeypatch.setattr(array_type, "__array__", reading)
    return shapes


# -- which device ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("memory", ["shared", "own"])
@pytest.mark.parametrize("which", ["x", "y", "sigma"])
def test_one_array_on_a_device_takes_the_fit_there(which, memory, monkeypatch):
    monkeypatch.setattr(Device, "host", memory == "shared")
    given = {"x": X, "y": Y, "sigma": SIGMA}
    given[which] = put(given[which], dtype="float64")
    there = fit(decay, **given, p0=P0)
    assert there.device == "cpu:1"
    assert there.popt.tolist() == fit(decay, X, Y, P0, sigma=SIGMA).popt.tolist()


def test_arrays_that_nobody_put_anywhere_are_fitted_on_the_default_device():
    with jax.default_device(jax.devices()[1]):
        x = jnp.asarray(X)  # there, but not by anybody's choice
    assert fit(decay, x, Y, P0).device == "cpu:0"
    assert fit(decay, jnp.asarray(X), put(Y, 1), P0).device == "cpu:1"
    with jax.default_device(jax.devices()[1]):
        assert fit(decay, X, Y, P0).device == "cpu:1"


@pytest.mark.parametrize("memory", ["shared", "own"])
def test_a_device_that_is_named_wins(memory, monkeypatch):
    monkeypatch.setattr(Device, "host", memory == "shared")
    expected = fit(decay, as_numpy(put(X)), as_numpy(put(Y)), P0).popt.tolist()
    for name in ("cpu:0", "cpu:1"):
        moved = fit(decay, put(X, 0), put(Y, 1), P0, device=name)
        assert (moved.device, moved.popt.tolist()) == (name, expected)
    best = multistart(decay, put(X, 0), put(Y, 1), P0, starts=4, device="cpu:1")
    np.testing.assert_allclose(best.popt, expected, rtol=1e-9)


@pytest.mark.parametrize("fitting", [fit, curve_fit, fit_batch, multistart, FitWidget], ids=lambda f: f.__name__)
def test_data_on_two_devices_are_one_sentence(fitting):
    with pytest.raises(
        ValueError, match=r"^The data are on cpu:0 and cpu:1; put them on one, or say by device= where to fit\.$"
    ):
        fitting(decay, put(X, 0), put(Y, 1), p0=P0)


def test_a_widget_fits_where_its_data_are_and_moves_them(own_memory):
    widget = FitWidget(decay, put(X), put(Y), p0=P0)
    assert (widget.device, widget.result.device) == ("cpu:1", "cpu:1")
    before = widget.result.popt
    widget.excluded = [3]
    widget.excluded = []
    widget.device = "cpu:0"
    assert widget.result.device == "cpu:0"
    assert widget.result.popt.tolist() == before.tolist()


# -- as NumPy's arrays are fitted --------------------------------------------------------------------------------

SETTINGS = {
    "plain": {},
    "one sigma": {"sigma": 0.5},
    "sigma": {"sigma": SIGMA},
    "in float64": {"sigma": SIGMA, "dtype": "float64"},
    "in bfloat16": {"sigma": SIGMA, "dtype": "bfloat16"},
    "covariance": {"sigma": np.diag(SIGMA**2) + 1e-2},
    "excluded": {"excluded": [3, 17], "sigma": SIGMA},
    "float32": {"precision": "float32", "sigma": SIGMA},
    "float32, excluded": {"precision": "float32", "excluded": [3, 17]},
    "all together": {"model": lambda x, a, tau, c: decay(x - jnp.mean(x), a, tau, c)},
    "for NumPy": {"model": lambda x, a, tau, c: a * np.exp(-x / tau) + c},
    "two predictors": {"model": lambda x, a, tau, c: decay(x[0], a, tau, c) + 0 * x[1], "x": np.stack([X, Y])},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
def test_a_fit_where_the_data_are_is_the_same_to_the_last_bit(settings, own_memory):
    settings = {"model": decay, "x": X, "y": Y, "p0": P0, "dtype": "float32"} | settings
    dtype = settings.pop("dtype")
    data = {name: put(settings[name], dtype=dtype) for name in ("x", "y", "sigma") if name in settings}
    there = fit(**settings | data)
    here = fit(**settings | {name: as_numpy(array) for name, array in data.items()}, device="cpu:1")
    for found, expected in zip(there, here, strict=True):
        assert found.tolist() == expected.tolist()
    assert there.residuals.tolist() == here.residuals.tolist()
    assert str(there) == str(here)


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
def test_whole_numbers_on_a_device_are_fitted_as_numpys(dtype, own_memory):
    y = (10 * Y).astype(dtype)
    there = fit(decay, put(X), put(y, dtype=dtype), P0)
    assert there.popt.tolist() == fit(decay, as_numpy(put(X)), y, P0).popt.tolist()


def test_a_batch_where_the_data_are_is_the_same_to_the_last_bit(own_memory):
    ys, sigmas = np.stack([Y * (1 + i / 7) for i in range(40)]), np.stack([SIGMA * (1 + i) for i in range(40)])
    for y, sigma in ((ys, None), (ys, SIGMA), (Y, sigmas)):
        given = [put(X), put(y), None if sigma is None else put(sigma)]
        there = fit_batch(decay, *given[:2], P0, sigma=given[2])
        numbers = [None if array is None else as_numpy(array) for array in given]
        here = fit_batch(decay, *numbers[:2], P0, sigma=numbers[2], device="cpu:1")
        assert (there.popt.tolist(), there.pcov.tolist()) == (here.popt.tolist(), here.pcov.tolist())
    with pytest.raises(ValueError, match="for 3, 40 fits"):
        fit_batch(decay, put(X), put(ys), P0, sigma=put(sigmas[:3]))


# -- nothing is brought to the host ------------------------------------------------------------------------------


@pytest.mark.parametrize("fitting", [fit, curve_fit, fit_batch], ids=lambda f: f.__name__)
def test_data_on_a_device_are_not_read_by_a_fit_but_by_who_asks(fitting, own_memory, pulled):
    x, y, sigma = (put(array, dtype="bfloat16") for array in (X, Y, SIGMA))
    result = fitting(new_model(), x, y, p0=P0, sigma=sigma)
    assert pulled == []
    if fitting is fit:
        assert result.message.startswith("Converged")
        assert pulled == []
        assert result.residuals.shape == (60,)
        assert result.residuals is result.residuals
        assert pulled == [(60,)]


def test_another_fit_compiles_nothing_and_another_length_no_fit(own_memory, compilations, compiled):
    model = new_model()
    fit(model, put(X), put(Y), P0)
    x, y, shorter = put(X), put(1.1 * Y), (put(X[:-3]), put(Y[:-3]))
    first = compilations.count
    fit(model, x, y, P0)
    assert (compilations.count, compiled()) == (first, 1)
    fit(model, *shorter, P0)
    assert (compilations.count, compiled()) == (first + 1, 1)  # what pads them


def test_where_numpy_reads_the_memory_another_length_compiles_nothing(compilations, compiled):
    model, x, y, shorter = new_model(), put(X), put(Y), (put(X[:-3]), put(Y[:-3]))
    fit(model, x, y, P0)
    first = compilations.count
    fit(model, *shorter, P0)
    assert (compilations.count, compiled()) == (first, 1)


def test_a_fit_of_arrays_from_outside_runs_within_a_function_that_is_traced(own_memory):
    x, y, found = put(X), put(Y), []

    @jax.jit
    def traced(a):
        found.append(fit(decay, x, y, P0, excluded=[3]).popt)
        return a

    traced(1.0)
    assert found[0].tolist() == fit(decay, x, y, P0, excluded=[3]).popt.tolist()


# -- one sentence ------------------------------------------------------------------------------------------------


def spoilt(values, *wrong):
    values = values.copy()
    values[7 : 7 + len(wrong)] = wrong
    return values


WRONG = {
    "nan in y": {"y": spoilt(Y, np.nan)},
    "inf in x": {"x": spoilt(X, np.inf, -np.inf)},
    "nan in sigma": {"sigma": spoilt(SIGMA, np.nan)},
    "sigma zero": {"sigma": spoilt(SIGMA, 0.0)},
    "sigma negative": {"sigma": spoilt(SIGMA, -1.0, -2.0)},
    "sigma short": {"sigma": SIGMA[1:]},
    "not a covariance": {"sigma": np.triu(np.ones((60, 60)))},
    "x short": {"x": X[1:]},
    "y too great": {"y": 1e150 * Y},
    "y too small": {"y": 1e-310 * Y},
    "y / sigma too great": {"y": 1e100 * Y, "sigma": 1e-100 * SIGMA},
    "y of two dimensions": {"y": Y[None]},
    "no points": {"x": X[:0], "y": Y[:0]},
    "a number": {"y": np.array(1.0)},
    "two numbers": {"x": np.array(1.0), "y": np.array(1.0)},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_said_as_of_numpys_arrays(wrong, own_memory):
    numbers = {"x": X, "y": Y} | wrong
    with pytest.raises(ValueError, match=r"\.$") as expected:
        fit(decay, **numbers)
    with pytest.raises(ValueError, match=r"\.$") as said:
        fit(decay, **{name: put(array, dtype="float64") for name, array in numbers.items()})
    assert str(said.value) == str(expected.value)


def test_zeros_and_complex_numbers_and_curve_fits_own_cases_are_taken_as_numpys(own_memory):
    assert fit(decay, put(X), put(0 * Y), P0).success
    with pytest.raises(ValueError, match="y is complex"):
        fit(decay, put(X), put(Y, dtype="complex64"), P0)
    spoilt_y = spoilt(Y, np.nan)
    with pytest.raises(ValueError, match="nan values"):
        curve_fit(decay, put(X), put(spoilt_y), P0, nan_policy="raise")
    popt, _ = curve_fit(decay, put(X), put(spoilt_y), P0, nan_policy="omit")
    there = curve_fit(decay, put(X).tolist(), put(spoilt_y), P0, nan_policy="omit")[0]
    assert popt.tolist() == there.tolist()
    constant, _ = curve_fit(lambda x, a: a + 0 * x, put(X), put([2.0]), [1])
    assert constant == pytest.approx(2)


@pytest.mark.parametrize("memory", ["shared", "own"])
@pytest.mark.parametrize("fitting", [fit, curve_fit, fit_batch], ids=lambda f: f.__name__)
def test_an_array_that_was_deleted_is_one_sentence(fitting, memory, monkeypatch):
    monkeypatch.setattr(Device, "host", memory == "shared")
    gone = put(Y)
    gone.delete()
    with pytest.raises(
        ValueError, match=r"^y was deleted, or donated to a function of JAX; give an array that is kept"
    ):
        fitting(decay, put(X), gone, p0=P0)


@pytest.mark.parametrize("fitting", [fit, curve_fit, fit_batch], ids=lambda f: f.__name__)
@pytest.mark.parametrize("which", ["x", "y", "sigma", "p0"])
def test_what_is_traced_is_sent_to_least_squares(fitting, which):
    given = {"x": X, "y": Y, "sigma": SIGMA, "p0": np.array(P0)}

    def traced(array):
        named = given | {which: array}
        x, y = named.pop("x"), named.pop("y")
        return fitting(decay, x, y, **named)

    with pytest.raises(ValueError, match=rf"^{which} is traced by .* call least_squares, which is pure\."):
        jax.jit(traced)(given[which])


def test_an_array_spread_over_devices_is_fitted_on_the_default_one(own_memory):
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:2]), ("points",))
    spread = jax.device_put(jnp.asarray(Y), jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("points")))
    result = fit(decay, X, spread, P0)
    assert result.device == "cpu:0"
    assert result.popt.tolist() == fit(decay, X, as_numpy(spread), P0).popt.tolist()
