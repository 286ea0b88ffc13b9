"""Robust losses are SciPy's, and single precision reaches what it can."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from scipy.optimize._lsq.least_squares import IMPLEMENTED_LOSSES

import nist
from nlsq_widget import curve_fit, fit
from nlsq_widget.solver import LOSSES


def decay(x, a, k, c):
    return a * jnp.exp(-k * x) + c


X = np.linspace(0, 4, 60)
Y = 3 * np.exp(-1.3 * X) + 0.5 + 0.05 * np.random.default_rng(0).normal(size=60)
Y[::9] += 1.5  # outliers


@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "linear"])
def test_each_loss_and_its_derivatives_are_the_formulas_of_scipy(loss):
    s = np.concatenate([np.linspace(0, 0.99, 20), np.geomspace(1.01, 1e6, 20)])
    expected = np.empty((3, s.size))
    formula = IMPLEMENTED_LOSSES[loss]
    assert formula is not None
    formula(s, expected, cost_only=False)
    with jax.enable_x64(True):
        ours = [np.asarray(part(jnp.asarray(s))) for part in LOSSES[loss]]
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_minimum_of_each_loss_is_where_scipy_finds_it(loss):
    def residuals(p):
        return p[0] * np.exp(-p[1] * X) + p[2] - Y

    theirs = scipy.optimize.least_squares(
        residuals, [2, 1, 0], loss=loss, f_scale=0.1, xtol=1e-15, ftol=1e-15, gtol=1e-15
    )
    ours = fit(decay, X, Y, p0=[2, 1, 0], loss=loss, loss_scale=0.1)
    assert ours.success
    assert ours.cost <= theirs.cost * (1 + 1e-9)
    np.testing.assert_allclose(ours.popt, theirs.x, rtol=1e-5)
    popt, _ = curve_fit(decay, X, Y, p0=[2, 1, 0], loss=loss, f_scale=0.1)
    np.testing.assert_array_equal(popt, ours.popt)


def test_another_loss_compiles_nothing(compiled):
    fit(decay, X, Y, p0=[2, 1, 0])
    before = compiled()
    fit(decay, X, Y, p0=[2, 1, 0], loss="arctan", loss_scale=0.3)
    assert compiled() == before


@pytest.mark.parametrize(
    ("given", "says"), [({"loss": "tukey"}, "choose one of: linear"), ({"loss_scale": 0}, "positive")]
)
def test_an_unknown_loss_gets_one_sentence(given, says):
    with pytest.raises(ValueError, match=says):
        fit(decay, X, Y, p0=[2, 1, 0], **given)


@pytest.mark.parametrize("name", nist.PROBLEMS)
def test_single_precision_gives_four_certified_digits_or_says_that_it_does_not(name):
    problem = nist.PROBLEMS[name]
    for start in (problem.start_1, problem.start_2):
        result = fit(problem.model, problem.x, problem.y, p0=start, precision="float32")
        digits = -np.log10(np.max(np.abs(result.popt / problem.certified - 1)))
        assert digits >= 4 or not result.success, (digits, result.message)


def test_single_precision_is_enough_for_most_certified_problems():
    ended = [fit(p.model, p.x, p.y, p0=p.start_2, precision="float32") for p in nist.PROBLEMS.values()]
    assert sum(result.success for result in ended) >= 0.8 * len(ended)


def test_single_precision_is_nobody_elses():
    fit(decay, X, Y, p0=[2, 1, 0], precision="float32")
    assert jnp.ones(1).dtype == jnp.float32
    assert fit(decay, X, Y, p0=[2, 1, 0]).popt.dtype == np.float64


def test_the_mode_of_the_derivatives_is_chosen_by_the_shapes_and_told():
    few, many = X[:2], X
    assert fit(decay, many, Y, p0=[2, 1, 0]).derivatives == "forward"
    assert fit(decay, few, Y[:2], p0=[2, 1, 0]).derivatives == "forward"  # padded to more points than parameters
    assert fit(lambda x, *p: p[0] * x + sum(p), few, Y[:2], p0=[1.0] * 12).derivatives == "reverse"
    same = [fit(decay, many, Y, p0=[2, 1, 0], jac=mode).popt for mode in ("forward", "reverse")]
    np.testing.assert_allclose(*same, rtol=1e-10)
    given = fit(
        decay,
        many,
        Y,
        p0=[2, 1, 0],
        jac=lambda x, a, k, c: jnp.stack([jnp.exp(-k * x), -a * x * jnp.exp(-k * x), jnp.ones_like(x)], 1),
    )
    assert given.derivatives == "given"
    np.testing.assert_allclose(given.popt, same[0], rtol=1e-10)
