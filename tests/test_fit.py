"""curve_fit and fit: SciPy's answers, SciPy's shapes, one sentence for bad input."""

import doctest
import importlib
import pkgutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

import nlsq_widget
from nlsq_widget import CovarianceWarning, curve_fit, fit


def decay(x, a, tau, c):
    return a * jnp.exp(-x / tau) + c


def decay_numpy(x, a, tau, c):
    return a * np.exp(-x / tau) + c


X = np.linspace(0, 10, 61)
NOISE = np.random.default_rng(3).standard_normal(61)
Y = decay_numpy(X, 3, 2, 0.5) + 0.05 * NOISE
SIGMA = np.linspace(0.02, 0.2, 61)


@pytest.mark.parametrize("absolute_sigma", [False, True])
@pytest.mark.parametrize("sigma", [None, SIGMA, np.diag(SIGMA**2) + 1e-4], ids=["none", "errors", "covariance"])
def test_curve_fit_gives_scipys_popt_and_pcov(sigma, absolute_sigma):
    settings = {"p0": [2, 1, 0], "sigma": sigma, "absolute_sigma": absolute_sigma}
    popt, pcov = curve_fit(decay, X, Y, **settings)
    theirs, their_cov = scipy.optimize.curve_fit(decay_numpy, X, Y, **settings, ftol=1e-14, xtol=1e-14)
    np.testing.assert_allclose(popt, theirs, rtol=1e-6)
    np.testing.assert_allclose(pcov, their_cov, rtol=1e-4)


@pytest.mark.parametrize(
    "bounds", [(0, np.inf), ([0, 0, 0], [2.5, 5, 1]), scipy.optimize.Bounds([0, 0, 0.6], [5, 5, 1])], ids=repr
)
def test_curve_fit_gives_scipys_answer_inside_bounds(bounds):
    popt, _ = curve_fit(decay, X, Y, bounds=bounds)
    theirs, _ = scipy.optimize.curve_fit(decay_numpy, X, Y, bounds=bounds, ftol=1e-14, xtol=1e-14, gtol=1e-14)
    np.testing.assert_allclose(popt, theirs, rtol=1e-5)


def test_p0_left_out_is_what_scipy_takes():
    assert fit(decay, X, Y).p0.tolist() == [1, 1, 1]
    assert fit(decay, X, Y, bounds=([2, -3, -np.inf], [6, np.inf, 0])).p0.tolist() == [4, -2, -1]


def test_a_default_in_the_signature_is_a_start_value_for_fit_but_not_for_curve_fit():
    def line(x, slope=4.0, offset=-1.0):
        return slope * x + offset

    assert fit(line, X, Y).p0.tolist() == [4, -1]
    assert curve_fit(line, X, Y, full_output=True)[0].shape == (2,)


def test_full_output_has_scipys_five_parts():
    popt, pcov, info, message, ier = curve_fit(decay, X, Y, full_output=True)
    np.testing.assert_allclose(info["fvec"], decay_numpy(X, *popt) - Y, atol=1e-12)
    assert info["nfev"] > 1
    assert ier in (1, 2, 3, 4)
    assert message.startswith("Converged")
    assert pcov.shape == (3, 3)


def test_models_of_several_predictors_fit():
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 2, (2, 40))
    popt, _ = curve_fit(lambda x, a, b: a * x[0] ** b * x[1], x, 2 * x[0] ** 3 * x[1], p0=[1, 1])
    np.testing.assert_allclose(popt, [2, 3], rtol=1e-9)
    rows = fit(lambda x, a, b: a * x[:, 0] + b * x[:, 1], x.T, 2 * x[0] + 3 * x[1])
    np.testing.assert_allclose(rows.popt, [2, 3], rtol=1e-9)


def test_x_of_any_shape_reaches_the_model_as_it_is():
    """As in SciPy: rows of predictors, or a grid, where the model returns one value for each y."""
    xy = np.random.default_rng(0).normal(size=(30, 2))
    y = 1.5 * np.linalg.norm(xy, axis=1) + 2
    np.testing.assert_allclose(fit(lambda x, a, b: a * jnp.linalg.norm(x, axis=1) + b, xy, y).popt, [1.5, 2], rtol=1e-9)
    grid = np.array(np.meshgrid(np.arange(6.0), np.arange(5.0)))
    z = (2 * grid[0] + 3 * grid[1]).ravel()
    np.testing.assert_allclose(fit(lambda x, a, b: (a * x[0] + b * x[1]).ravel(), grid, z).popt, [2, 3], rtol=1e-9)


def test_a_mask_excludes_what_it_marks():
    assert fit(decay, X, Y, excluded=X < 1).counts.tolist() == (X >= 1).tolist()


def test_fixed_by_name_and_truth():
    assert fit(decay, X, Y, p0=[2, 1, 0], fixed={"a": False, "c": True}).free.tolist() == [True, True, False]


@pytest.mark.parametrize("sigma", [SIGMA, np.diag(SIGMA**2) + 1e-4], ids=["errors", "covariance"])
def test_fvec_is_scipys(sigma):
    info = curve_fit(decay, X, Y, p0=[2, 1, 0], sigma=sigma, full_output=True)[2]
    theirs = scipy.optimize.curve_fit(decay_numpy, X, Y, p0=[2, 1, 0], sigma=sigma, full_output=True, xtol=1e-14)[2]
    np.testing.assert_allclose(info["fvec"], theirs["fvec"], rtol=1e-4, atol=1e-5)


def test_a_jac_that_closes_over_the_points_is_given_them_unpadded():
    x = np.linspace(1, 2, 30)
    popt, _ = curve_fit(
        lambda x, a, b: a * x + b, x, 2 * x + 1, jac=lambda x, a, b: jnp.stack([x, jnp.ones(30)], axis=1)
    )
    np.testing.assert_allclose(popt, [2, 1], rtol=1e-9)


def test_a_model_that_knows_one_mode_of_derivatives_is_fitted_in_that():
    def newton(x, a):  # a loop of unknown length: forward mode only
        return jax.lax.while_loop(lambda s: s[1] < 5, lambda s: (0.5 * (s[0] + a / s[0]), s[1] + 1), (a * x, 0))[0]

    assert fit(newton, [1.0], [3.0], p0=[4.0])["a"] == pytest.approx(9, rel=1e-3)

    @jax.custom_vjp
    def scaled(a, x):
        return a * x

    scaled.defvjp(lambda a, x: (a * x, (a, x)), lambda kept, g: (jnp.sum(g * kept[1]), g * kept[0]))
    assert fit(scaled_by := lambda x, a: scaled(a, x), X, 2 * X)["a"] == pytest.approx(2), scaled_by


def test_strict_switches_of_the_user_do_not_stop_a_fit():
    with jax.disable_jit(), jax.debug_nans(True), jax.transfer_guard("disallow"):
        assert fit(decay, X, Y, p0=[2, 1, 0]).success


def test_parameters_may_come_as_star_args():
    popt, _ = curve_fit(lambda x, *c: c[0] + c[1] * x, X, 2 + 3 * X, p0=[0, 0])
    np.testing.assert_allclose(popt, [2, 3], rtol=1e-9)


def test_integers_lists_and_float32_are_fitted_in_float64():
    popt, _ = curve_fit(lambda x, a, b: a * x + b, [0, 1, 2, 3], [1, 3, 5, 7])
    np.testing.assert_allclose(popt, [2, 1], rtol=1e-12)
    popt, _ = curve_fit(decay, X.astype(np.float32), Y.astype(np.float32), p0=[2, 1, 0])
    assert popt.dtype == np.float64
    assert np.max(np.abs(popt / curve_fit(decay, X, Y, p0=[2, 1, 0])[0] - 1)) < 1e-6


def test_nan_policy_omit_drops_the_points():
    y = Y.copy()
    y[[3, 9]] = np.nan
    popt, pcov = curve_fit(decay, X, y, p0=[2, 1, 0], nan_policy="omit", sigma=SIGMA)
    keep = ~np.isnan(y)
    theirs, their_cov = curve_fit(decay, X[keep], Y[keep], p0=[2, 1, 0], sigma=SIGMA[keep])
    np.testing.assert_allclose(popt, theirs)
    np.testing.assert_allclose(pcov, their_cov)


def test_an_undetermined_parameter_warns_and_makes_pcov_infinite():
    with pytest.warns(CovarianceWarning, match="do not determine b"):
        _, pcov = curve_fit(lambda x, a, b: a * x + 0 * b, X, Y)
    assert np.isinf(pcov).all()


def test_not_converging_is_a_runtime_error_with_advice():
    with pytest.raises(RuntimeError, match="stopped after 2 steps"):
        curve_fit(decay, X, Y, maxfev=2)


def test_the_callers_jax_stays_as_it_was():
    assert jnp.zeros(2).dtype == jnp.float32
    fit(decay, X, Y)
    assert jnp.zeros(2).dtype == jnp.float32


def test_results_are_ordinary_float64_numpy():
    result = fit(decay, X, Y)
    popt, pcov = result
    assert type(popt) is type(pcov) is np.ndarray
    assert popt.dtype == pcov.dtype == np.float64


def test_statistics_are_those_of_the_formulas():
    result = fit(decay, X, Y, sigma=SIGMA, excluded=[5])
    keep = np.arange(61) != 5
    r = (Y - decay_numpy(X, *result.popt))[keep] / SIGMA[keep]
    mean = np.average(Y[keep], weights=SIGMA[keep] ** -2)
    assert result.chi2 == pytest.approx(np.sum(r**2))
    assert result.dof == 57
    assert result.reduced_chi2 == pytest.approx(np.sum(r**2) / 57)
    assert result.r_squared == pytest.approx(1 - np.sum(r**2) / np.sum(((Y[keep] - mean) / SIGMA[keep]) ** 2))
    assert result.aic == pytest.approx(60 * np.log(np.sum(r**2) / 60) + 6)
    assert result.bic == pytest.approx(60 * np.log(np.sum(r**2) / 60) + 3 * np.log(60))
    np.testing.assert_allclose(np.diag(result.correlation), 1)


def test_the_report_names_every_parameter_its_error_and_its_state():
    report = str(fit(decay, X, Y, p0=[2, 1, 0], bounds={"a": (0, 2.5)}, fixed=["c"]))
    assert "at its upper bound" in report
    assert "c   =  0  (fixed)" in report
    assert "58" not in report.splitlines()[0]
    assert "59 degrees of freedom" in report


SENTENCES = {
    "lengths": (lambda: fit(decay, X[:-1], Y), "x has 60 values and y has 61; give one x for each y."),
    "nan": (
        lambda: fit(decay, X, np.where(X == 5, np.nan, Y)),
        "y has 1 value that is not finite .* first at index 30",
    ),
    "words": (lambda: fit(decay, X, ["a"] * 61), "y holds values that are not numbers"),
    "sigma": (lambda: fit(decay, X, Y, sigma=SIGMA - 0.1), "not positive, first at index 0; to drop a point, exclude"),
    "covariance": (lambda: fit(decay, X, Y, sigma=-np.eye(61)), "not a covariance matrix"),
    "p0 count": (lambda: fit(decay, X, Y, p0=[1, 2]), r"p0 has 2 values, but the model has 3 parameters \(a, tau, c\)"),
    "p0 name": (lambda: fit(decay, X, Y, p0={"b": 1}), "p0 names 'b', which is no parameter; the model has a, tau, c."),
    "p0 outside": (lambda: fit(decay, X, Y, p0=[9, 1, 0], bounds={"a": (0, 2)}), "9 of a is outside its bounds"),
    "p0 nan": (lambda: fit(decay, X, Y, p0=[np.nan, 1, 0]), "nan"),
    "crossed": (lambda: fit(decay, X, Y, bounds={"a": (3, 1)}), "The bounds of a are 3 and 1; the lower one must not"),
    "fixed": (lambda: fit(decay, X, Y, fixed=["q"]), "There is no parameter 'q'; the model has a, tau, c."),
    "device": (
        lambda: fit(decay, X, Y, device="tpu:9"),
        "There is no device 'tpu:9' here; choose one of: cpu:0, cpu:1.",
    ),
    "not finite": (
        lambda: fit(lambda x, a: jnp.log(a * x), X, Y),
        r"not finite at the start values \(a = 1\) for 1 of 61 points, first at x = 0",
    ),
    "shape": (
        lambda: fit(lambda x, a: jnp.stack([a * x, x]), X, Y),
        r"shape \(2, 61\) for 61 points; return one value",
    ),
    "complex": (lambda: fit(lambda x, a: jax.lax.complex(a * x, x), X, Y), "returns complex numbers"),
    "nothing": (lambda: fit(lambda x, a: None, X, Y), "returned NoneType, not numbers"),
    "raises": (lambda: fit(lambda x, a: 1 / 0, X, Y), "ZeroDivisionError"),
    "not a function": (lambda: fit(3.0, X, Y), "give a function of x and the parameters"),
    "no parameters": (lambda: fit(lambda x: x, X, Y), "no parameters to fit"),
    "method": (lambda: curve_fit(decay, X, Y, method="newton"), "method is 'newton'"),
    "mask": (lambda: fit(decay, X, Y, excluded=np.ones(5, bool)), r"mask of excluded points has shape \(5,\) for 61"),
    "no index": (lambda: fit(decay, X, Y, excluded=[1.7]), "whole numbers, or a mask"),
    "dates": (lambda: fit(decay, X.astype("datetime64[s]"), Y), "holds dates or times"),
    "masked": (lambda: fit(decay, X, np.ma.array(Y, mask=X == 5)), "not finite .* first at index 30"),
    "huge": (lambda: fit(decay, X, Y, p0=[10**400, 1, 1]), "give one number for each parameter"),
    "p0 word": (lambda: fit(decay, X, Y, p0="abc"), "give one number for each parameter"),
    "p0 digits": (lambda: fit(decay, X, Y, p0="123"), "p0 is '123'; give one number for each parameter"),
    "bounds of letters": (
        lambda: curve_fit(decay, X, Y, bounds="ab"),
        "bounds has 'a' for the lower ones; give numbers",
    ),
    "x second": (
        lambda: curve_fit(np.polyval, X, Y, p0=[1, 2]),
        r"p0 has 2 values, but the model has 1 parameter \(x\); its first argument is x",
    ),
    "y None": (lambda: curve_fit(decay, X, None), "y is None"),
    "x None": (
        lambda: curve_fit(decay, None, Y),
        r"The model decay cannot be evaluated \(line \d+\): TypeError: .*NoneType",
    ),
    "jac": (lambda: curve_fit(decay, X, Y, jac="foo"), "leave it out for exact derivatives"),
    "jac rows": (
        lambda: curve_fit(decay, X, Y, jac=lambda x, *p: jnp.ones((7, 3))),
        "one row for each of the 61 points",
    ),
    "omit": (lambda: curve_fit(decay, X[1:], Y, nan_policy="omit"), "x has 60 values and y has 61"),
    "tolerance": (lambda: curve_fit(decay, X, Y, ftol="a"), "ftol is 'a'"),
    "all excluded": (lambda: fit(decay, X, Y, excluded=range(61)), "All points are excluded"),
}


@pytest.mark.parametrize(("call", "sentence"), SENTENCES.values(), ids=SENTENCES.keys())
def test_bad_input_gets_one_sentence_that_says_what_to_do(call, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert str(caught.value).count("The model ") <= 1  # said once


def test_an_unknown_keyword_is_not_swallowed():
    with pytest.raises(TypeError, match="no keyword 'tolerance'"):
        curve_fit(decay, X, Y, tolerance=1e-3)


@pytest.mark.parametrize(
    "module", [m.name for m in pkgutil.walk_packages(nlsq_widget.__path__, "nlsq_widget.") if "__main__" not in m.name]
)
def test_every_example_in_a_docstring_runs(module):
    assert doctest.testmod(importlib.import_module(module)).failed == 0
