"""Many fits at once are the same fits as one by one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nist
from nlsq_widget import fit, fit_batch, multistart
from nlsq_widget.solver import Status


def decay(x, a, k, c):
    return a * jnp.exp(-k * x) + c


X = np.linspace(0, 4, 60)


def noisy(fits, seed=1):
    rng = np.random.default_rng(seed)
    a, k, c = rng.uniform(1, 4, (fits, 1)), rng.uniform(0.5, 3, (fits, 1)), rng.uniform(0, 1, (fits, 1))
    return a * np.exp(-k * X) + c + 0.1 * rng.normal(size=(fits, X.size))


def test_each_fit_of_a_batch_is_the_fit_alone():
    Y = noisy(40)
    many = fit_batch(decay, X, Y, p0=[1, 1, 1], bounds={"k": (0.8, None)})
    for i, y in enumerate(Y):
        one = fit(decay, X, y, p0=[1, 1, 1], bounds={"k": (0.8, None)})
        np.testing.assert_allclose(many.popt[i], one.popt, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(many.stderr[i], one.stderr, rtol=1e-7)
        assert many.chi2[i] == pytest.approx(one.chi2, rel=1e-12)
        assert many.success[i] == one.success
    assert many.dof == X.size - 3
    assert len(many) == 40


def test_the_order_of_the_fits_changes_none():
    Y = noisy(700, seed=3)  # more than there are lanes
    many = fit_batch(decay, X, Y, p0=[1, 1, 1])
    turned = fit_batch(decay, X, Y[::-1], p0=[1, 1, 1])
    assert many.success.all()
    np.testing.assert_array_equal(many.popt, turned.popt[::-1])


def test_new_data_and_new_starts_compile_nothing(compiled):
    fit_batch(decay, X, noisy(20), p0=[1, 1, 1])
    before = compiled()
    fit_batch(decay, X, noisy(20, seed=9), p0=[2, 1, 0])
    assert compiled() == before


@pytest.mark.parametrize("name", ["Thurber", "MGH17", "Eckerle4", "Misra1a"])
def test_certified_values_from_both_starts_in_one_batch(name):
    problem = nist.PROBLEMS[name]
    many = fit_batch(problem.model, problem.x, problem.y, p0=[problem.start_1, problem.start_2])
    assert many.success.all()
    for popt, stderr in zip(many.popt, many.stderr, strict=True):
        np.testing.assert_allclose(popt, problem.certified, rtol=1e-6)
        np.testing.assert_allclose(stderr, problem.certified_sd, rtol=1e-5)


def test_a_fit_that_fails_stops_no_other():
    Y = noisy(3)
    starts = np.array([[1.0, 1, 1], [1, -1e6, 1], [1, 1, 1]])  # exp(4e6) is infinite
    many = fit_batch(decay, X, Y, p0=starts)
    assert many.status.tolist()[1] == Status.NOT_FINITE
    assert many.success.tolist() == [True, False, True]
    assert "not finite" in many.message(1)


def test_fixed_weights_and_losses_hold_in_every_lane():
    Y, sigma = noisy(4), np.linspace(0.1, 0.3, X.size)
    Y[:, 5] += 4  # an outlier
    how = {"p0": [1, 1, 0.5], "sigma": sigma, "fixed": ["c"], "loss": "cauchy", "loss_scale": 1.5}
    many = fit_batch(decay, X, Y, **how)
    for i, y in enumerate(Y):
        one = fit(decay, X, y, **how)
        np.testing.assert_allclose(many.popt[i], one.popt, rtol=1e-7)
        np.testing.assert_allclose(many.pcov[i], one.pcov, rtol=1e-5, atol=1e-15)
    assert (many.popt[:, 2] == 0.5).all()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"y": np.ones((3, 60)), "p0": np.ones((2, 3))}, "as many of each"),
        ({"y": np.full((3, 60), np.nan), "p0": [1, 1, 1]}, "not finite"),
        ({"y": np.ones((3, 60)), "p0": [1, 1, 1], "sigma": np.zeros(60)}, "not positive"),
        (
            {"y": np.ones((3, 60)), "p0": [[1, 1, 1], [1, 9, 1], [1, 1, 1]], "bounds": {"k": (0, 5)}},
            "outside its bounds",
        ),
        ({"y": np.ones((3, 59)), "p0": [1, 1, 1]}, "give one x for each y"),
        ({"y": np.ones((3, 60)), "p0": [1, 1, 1], "sigma": np.ones(59)}, "give one for each point"),
        ({"y": np.ones((0, 60)), "p0": [1, 1, 1]}, "at least"),
    ],
)
def test_bad_input_gets_one_sentence(given, says):
    with pytest.raises(ValueError, match=says):
        fit_batch(decay, X, **given)


def test_many_starts_find_the_frequency_that_one_misses():
    def wave(x, a, w):
        return a * jnp.sin(w * x)

    x = np.linspace(0, 10, 80)
    y = 2 * np.sin(3 * x) + 0.01 * np.random.default_rng(0).normal(size=80)
    alone = fit(wave, x, y, p0=[1, 1])
    best = multistart(wave, x, y, p0=[1, 1], seed=2)
    assert best.chi2 < 0.02 < alone.chi2
    assert abs(best["w"]) == pytest.approx(3, abs=1e-2)
    np.testing.assert_array_equal(best.popt, multistart(wave, x, y, p0=[1, 1], seed=2).popt)


def test_one_standard_error_is_that_of_all_points():
    Y = noisy(3)
    single = fit_batch(decay, X, Y, p0=[1, 1, 1], sigma=0.1, absolute_sigma=True)
    each = fit_batch(decay, X, Y, p0=[1, 1, 1], sigma=np.full(X.size, 0.1), absolute_sigma=True)
    np.testing.assert_array_equal(single.popt, each.popt)
    np.testing.assert_array_equal(single.stderr, each.stderr)


def test_a_model_on_the_host_may_itself_fit_a_batch():
    def inner(x, a):
        return a * x

    def model(x, a, tau):
        if a > 1e9:
            return 0 * x
        scale = fit_batch(inner, np.arange(5.0), np.arange(5.0) * float(a), p0=[1.0]).popt[0, 0]
        return scale * np.exp(-x / tau)

    r = fit(model, X, 3 * np.exp(-X / 2), p0=[1, 1])
    np.testing.assert_allclose(r.popt, [3, 2], rtol=1e-5)


def test_many_lanes_are_shared_out_among_the_cores_and_give_the_same(monkeypatch):
    Y = noisy(150)
    together = fit_batch(decay, X, Y, p0=[1, 1, 1])
    monkeypatch.setattr("nlsq_widget.batch._CACHE", 2 * X.size * 64)
    monkeypatch.setattr("nlsq_widget.batch.cores", lambda: 3)
    np.testing.assert_allclose(fit_batch(decay, X, Y, p0=[1, 1, 1]).popt, together.popt, rtol=1e-12)


def test_equal_bounds_count_in_a_batch_as_fixing_does():
    held = fit_batch(decay, X, noisy(2), p0=[1, 2, 1], fixed=["k"])
    boxed = fit_batch(decay, X, noisy(2), p0=[1, 2, 1], bounds={"k": (2, 2)})
    assert boxed.dof == held.dof == X.size - 2
    np.testing.assert_array_equal(boxed.stderr, held.stderr)


def test_what_jax_is_told_in_a_thread_holds_for_all_that_its_batch_compiles(monkeypatch):
    """The last few fits, which take long, get a program of their own."""
    problem = nist.PROBLEMS["Bennett5"]

    def promoted(x, a, b, c):
        return (problem.model(x, a, b, c) + jnp.zeros((1, x.size)))[0]

    monkeypatch.setattr("nlsq_widget.batch._CACHE", 2 * problem.x.size * 64)
    monkeypatch.setattr("nlsq_widget.batch.cores", lambda: 2)
    starts = np.repeat(problem.certified[None], 140, axis=0)
    starts[[0, 1, 138, 139]] = problem.start_2
    Y = np.repeat(problem.y[None], 140, axis=0)
    with jax.numpy_rank_promotion("allow"):
        many = fit_batch(promoted, problem.x, Y, p0=starts)
    assert many.success.all()
    np.testing.assert_allclose(many.popt, np.repeat(problem.certified[None], 140, axis=0), rtol=1e-6)
    assert (many.steps[[0, 1, 138, 139]] > 100).all()
