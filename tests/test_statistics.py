"""Statistics, intervals and bands: textbook formulas, SciPy, lmfit, and how often they cover the truth."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.stats

from nist import PROBLEMS
from nlsq_widget import confidence_band, fit, prediction_band
from nlsq_widget.student import two_sided

RNG = np.random.default_rng(5)
X = np.linspace(1, 9, 40)
Y = 2 + 0.7 * X + 0.3 * RNG.standard_normal(40)
SIGMA = np.linspace(0.2, 0.6, 40)
AT = np.array([-3.0, 0, 4.5, 20])


def line(x, a, b):
    return a + b * x


def decay(x, a, tau, c):
    return a * jnp.exp(-x / tau) + c


def decay_numpy(x, a, tau, c):
    return a * np.exp(-x / tau) + c


def decay_called(x, a, tau, c):
    return np.array([a * math.exp(-each / tau) + c for each in x.tolist()])


DECAY = decay_numpy(X, 3, 2, 0.5) + 0.05 * np.random.default_rng(6).standard_normal(40)
P0 = [2, 1, 0]


def halves(band):
    return (band.upper - band.lower) / 2


def textbook(at, x, y, sigma, level, absolute):
    """Half-widths of the bands of a straight line, by the normal equations in NumPy (Seber and Wild 1989, 5.1)."""
    A, G = np.stack([np.ones_like(x), x], axis=1), np.stack([np.ones_like(at), at], axis=1)
    W = np.diag(sigma**-2.0)
    inverse = np.linalg.inv(A.T @ W @ A)
    r = y - A @ inverse @ A.T @ W @ y
    scatter = 1.0 if absolute else r @ W @ r / (x.size - 2)
    tail = (1 - level) / 2
    quantile = scipy.stats.norm.isf(tail) if absolute else scipy.stats.t.isf(tail, x.size - 2)
    share = np.einsum("pi,ij,pj->p", G, inverse, G)
    return quantile * np.sqrt(scatter * share), quantile * np.sqrt(scatter * (share + 1))


@pytest.mark.parametrize("dof", [1, 2, 3, 4, 5, 9, 32, 199, 200, 201, 1000, 12345, 10**6, math.inf])
def test_quantiles_are_scipys(dof):
    levels = np.array([0.5, 0.6827, 0.8, 0.9, 0.95, 0.99, 0.999, 0.999999])
    # From the upper tail, which 1 - level gives without rounding.
    theirs = scipy.stats.norm.isf((1 - levels) / 2) if dof == math.inf else scipy.stats.t.isf((1 - levels) / 2, dof)
    np.testing.assert_allclose([two_sided(level, dof) for level in levels], theirs, rtol=1e-10)


def test_quantiles_of_one_and_two_degrees_of_freedom_have_a_closed_form():
    for level in (0.3, 0.5, 0.95, 1 - 1e-9):
        assert two_sided(level, 1) == pytest.approx(1 / math.tan(math.pi * (1 - level) / 2), rel=1e-10)
        assert two_sided(level, 2) == pytest.approx(level * math.sqrt(2 / (1 - level) / (1 + level)), rel=1e-10)


@pytest.mark.parametrize("level", [0, 1, -0.5, 95, math.nan, "0.95%", None])
def test_a_level_is_between_0_and_1(level):
    with pytest.raises(ValueError, match=r"^level is .*; give a number between 0 and 1, as 0\.95\.$"):
        fit(line, X, Y).confidence_interval(level)


def test_criteria_and_bands_are_those_of_lmfit():
    # Model.fit, .aic, .bic, .rsquared, eval_uncertainty(sigma=0.95) and dely_predicted of lmfit 1.3.4, which takes
    # its derivatives by differences.
    problem = PROBLEMS["Eckerle4"]
    r = fit(problem.model, problem.x, problem.y, problem.start_2)
    assert r.aic == pytest.approx(-346.87741558054256, rel=1e-10)
    assert r.bic == pytest.approx(-342.2113713960743, rel=1e-10)
    assert r.r_squared == pytest.approx(0.9970642690337129, rel=1e-10)
    at = np.array([430.0, 445, 450, 451.5, 460])
    curve = [2.3135462404448388e-07, 0.006661877008793659, 0.00724330878500684, 0.007675370437384887]
    np.testing.assert_allclose(halves(confidence_band(r, at)), [*curve, 0.004553306018424883], rtol=5e-4)
    new = [0.013775626506440392, 0.015301911347008637, 0.015563849387165613, 0.01576956552801947]
    np.testing.assert_allclose(halves(prediction_band(r, at)), [*new, 0.014508634714846274], rtol=2e-4)
    weighted = fit(problem.model, problem.x, problem.y, problem.start_2, sigma=np.linspace(0.5, 2, 35))
    assert (weighted.aic, weighted.bic) == pytest.approx((-361.173965849105, -356.50792166463674), rel=1e-10)


def test_the_criteria_count_free_parameters_and_points_that_count():
    r = fit(decay, X, DECAY, P0, fixed=["c"], excluded=[3, 7])
    n, k = 38, 2
    assert (r.n_points, r.dof) == (n, n - k)
    base = n * math.log(np.sum(np.delete(r.residuals, [3, 7]) ** 2) / n)
    assert r.aic == pytest.approx(base + 2 * k)
    assert r.bic == pytest.approx(base + k * math.log(n))
    assert r.aicc == pytest.approx(base + 2 * k + 2 * k * (k + 1) / (n - k - 1))


def test_adjusted_r_squared_is_one_less_the_ratio_of_the_variances():
    r = fit(line, X, Y)
    assert r.adjusted_r_squared == pytest.approx(1 - np.sum(r.residuals**2) / 38 / np.var(Y, ddof=1))
    assert r.adjusted_r_squared < r.r_squared


def test_what_too_few_points_cannot_tell_is_nan_or_infinite():
    three = fit(line, X[:3], Y[:3])
    assert np.isnan(three.aicc)
    assert np.isfinite(three.adjusted_r_squared)
    two = fit(line, X[:2], Y[:2])
    assert np.isnan(two.adjusted_r_squared)
    assert two.confidence_interval().tolist() == [[-np.inf, np.inf]] * 2
    for band in (confidence_band(two, AT), prediction_band(two, AT)):
        assert np.isneginf(band.lower).all()
        assert np.isposinf(band.upper).all()
    assert np.isfinite(fit(line, X[:2], Y[:2], sigma=0.1, absolute_sigma=True).confidence_interval()).all()


@pytest.mark.parametrize("name", ["Misra1a", "Thurber", "Hahn1"])
def test_intervals_follow_from_the_certified_standard_errors(name):
    p = PROBLEMS[name]
    ends = fit(p.model, p.x, p.y, p.start_2).confidence_interval(0.99)
    t = scipy.stats.t.isf(0.005, p.dof)
    expected = np.stack([p.certified - t * p.certified_sd, p.certified + t * p.certified_sd], axis=1)
    np.testing.assert_allclose(ends, expected, atol=1e-5 * p.certified_sd.min())


def test_what_was_fixed_has_an_interval_of_no_width():
    r = fit(line, X, Y, {"a": 2, "b": 1}, fixed=["a"])
    assert r.confidence_interval()[0].tolist() == [2, 2]
    assert np.ptp(r.confidence_interval()[1]) > 0
    assert np.ptp(fit(line, X[:1], Y[:1], {"a": 2, "b": 1}, fixed=["a"]).confidence_interval()[0]) == 0


def test_correlation_is_that_of_the_covariance():
    r = fit(line, X, Y)
    A = np.linalg.inv([[40, X.sum()], [X.sum(), X @ X]])
    np.testing.assert_allclose(r.correlation, A / np.sqrt(np.outer(np.diag(A), np.diag(A))), rtol=1e-10)


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
@pytest.mark.parametrize("absolute", [False, True])
def test_bands_of_a_straight_line_are_those_of_the_textbook(level, absolute):
    r = fit(line, X, Y, sigma=SIGMA, absolute_sigma=absolute)
    curve, new = textbook(AT, X, Y, SIGMA, level, absolute)
    np.testing.assert_allclose(halves(confidence_band(r, AT, level)), curve, rtol=1e-9)
    np.testing.assert_allclose(halves(prediction_band(r, AT, level, sigma=1)), new, rtol=1e-9)
    lower, upper = confidence_band(r, AT, level)
    np.testing.assert_allclose((lower + upper) / 2, r["a"] + r["b"] * AT, rtol=1e-12)


def test_no_sigma_is_a_sigma_of_one():
    curve, new = textbook(AT, X, Y, np.ones(40), 0.95, absolute=False)
    r = fit(line, X, Y)
    np.testing.assert_allclose(halves(confidence_band(r, AT)), curve, rtol=1e-9)
    np.testing.assert_allclose(halves(prediction_band(r, AT)), new, rtol=1e-9)


def test_at_the_data_a_new_measurement_has_the_sigma_of_the_old():
    r = fit(line, X, Y, sigma=SIGMA)
    ours = halves(prediction_band(r))
    np.testing.assert_allclose(ours, halves(prediction_band(r, X.tolist(), sigma=SIGMA)))
    t = scipy.stats.t.isf(0.025, 38)
    np.testing.assert_allclose(ours**2, halves(confidence_band(r)) ** 2 + t**2 * r.reduced_chi2 * SIGMA**2)
    # A covariance has them on its diagonal; one sigma for all holds everywhere.
    r = fit(line, X, Y, sigma=np.diag(SIGMA**2))
    np.testing.assert_allclose(halves(prediction_band(r)), ours)
    one = [fit(line, X, Y, sigma=sigma) for sigma in (0.4, None)]
    np.testing.assert_allclose(*(halves(prediction_band(r, AT)) for r in one))
    with pytest.raises(ValueError, match=r"^sigma differs from point to point; give sigma, .*\.$"):
        prediction_band(r, AT)


def test_excluding_points_equals_removing_them():
    excluded = [0, 5, 39]
    rest = np.delete(np.arange(40), excluded)
    y = Y.copy()
    y[excluded] = 1e6
    whole = fit(line, X, y, sigma=SIGMA, excluded=excluded)
    part = fit(line, X[rest], Y[rest], sigma=SIGMA[rest])
    for of in (confidence_band, prediction_band):
        np.testing.assert_allclose(halves(of(whole))[rest], halves(of(part)), rtol=1e-9)
    assert whole.aicc == pytest.approx(part.aicc)
    assert whole.adjusted_r_squared == pytest.approx(part.adjusted_r_squared)
    np.testing.assert_allclose(whole.confidence_interval(), part.confidence_interval(), rtol=1e-9)


def test_bands_go_with_the_units():
    here = fit(decay, X, DECAY, P0)
    there = fit(decay, X * 1e-6, DECAY * 1e6, [2e6, 1e-6, 0])
    for of in (confidence_band, prediction_band):
        np.testing.assert_allclose(halves(of(there, AT * 1e-6)), 1e6 * halves(of(here, AT)), rtol=1e-6)


@pytest.mark.parametrize("model", [decay, decay_numpy, decay_called], ids=lambda model: model.__name__)
def test_bands_of_a_curve_follow_from_scipys_covariance(model):
    _, pcov = scipy.optimize.curve_fit(decay_numpy, X, DECAY, P0, ftol=1e-14, xtol=1e-14)
    r = fit(model, X, DECAY, P0)
    a, tau, _ = r.popt
    for at in (X, AT, np.array([2.5])):
        g = np.stack([np.exp(-at / tau), a * at / tau**2 * np.exp(-at / tau), np.ones_like(at)])
        variance = np.sum(g * (pcov @ g), axis=0)
        t = scipy.stats.t.isf(0.025, 37)
        np.testing.assert_allclose(halves(confidence_band(r, at)), t * np.sqrt(variance), rtol=1e-4)
        np.testing.assert_allclose(halves(prediction_band(r, at)), t * np.sqrt(variance + r.reduced_chi2), rtol=1e-4)


def test_the_derivatives_that_came_with_a_model_give_the_same_bands():
    def columns(x, a, tau, c):
        return jnp.stack([jnp.exp(-x / tau), a * x / tau**2 * jnp.exp(-x / tau), jnp.ones_like(x)], axis=1)

    bands = [confidence_band(fit(decay, X, DECAY, P0, jac=jac), AT) for jac in (columns, "forward", "reverse")]
    for band in bands[1:]:
        np.testing.assert_allclose(halves(band), halves(bands[0]), rtol=1e-7)


def test_a_model_of_several_predictors_has_bands():
    x = np.random.default_rng(8).uniform(1, 2, (2, 30))
    y = 2 * x[0] + 3 * x[1] + 0.1 * np.random.default_rng(9).standard_normal(30)
    r = fit(lambda x, a, b: a * x[0] + b * x[1], x, y)
    at = np.array([[1.0, 2, 5], [0, 1, 1]])
    inverse = np.linalg.inv(x @ x.T)
    expected = scipy.stats.t.isf(0.025, 28) * np.sqrt(r.reduced_chi2 * np.sum(at * (inverse @ at), axis=0))
    np.testing.assert_allclose(halves(confidence_band(r, at)), expected, rtol=1e-9)
    np.testing.assert_allclose(halves(confidence_band(r, at[:, 1])), expected[1:2], rtol=1e-9)
    assert confidence_band(r).lower.shape == (30,)
    with pytest.raises(ValueError, match=r"^x has shape \(3,\); the model was fitted to x of shape \[2, points\]\.$"):
        confidence_band(r, [1, 2, 3])


def test_what_was_fixed_counts_as_known():
    fixed = fit(decay, X, DECAY, [2, 1, 0.4], fixed=["c"])
    without = fit(lambda x, a, tau: a * jnp.exp(-x / tau) + 0.4, X, DECAY, [2, 1])
    for of in (confidence_band, prediction_band):
        np.testing.assert_allclose(of(fixed, AT), of(without, AT), rtol=1e-7)


def test_what_ended_at_a_bound_counts_as_known():
    settings = {"sigma": 0.05, "absolute_sigma": True}
    bound = fit(decay, X, DECAY, P0, bounds={"c": (None, 0.4)}, **settings)
    assert bound.at_bound == (None, None, "upper")
    fixed = fit(decay, X, DECAY, [2, 1, 0.4], fixed=["c"], **settings)
    np.testing.assert_allclose(confidence_band(bound, AT), confidence_band(fixed, AT), rtol=1e-7)
    held = fit(decay, X, DECAY, [2, 1, 0.4], bounds={"c": (0.4, 0.4)}, **settings)
    np.testing.assert_allclose(confidence_band(held, AT), confidence_band(fixed, AT), rtol=1e-7)


def test_a_band_is_infinite_where_the_curve_depends_on_what_the_data_do_not_determine():
    r = fit(lambda x, a, b: jnp.where(x < 10, a * x, b * x), X, Y)
    assert np.isinf(r.confidence_interval()[1]).all()
    for of in (confidence_band, prediction_band):
        assert np.isinf(halves(of(r, [3, 9, 11, 20]))).tolist() == [False, False, True, True]
    # The sum of two is determined, each of them is not: the curve has the variance that its other form has.
    settings = {"sigma": 0.3, "absolute_sigma": True}
    twice = fit(lambda x, a, b, c: (a + b) * x + c, X, Y, **settings)
    assert np.isinf(twice.stderr[:2]).all()
    np.testing.assert_allclose(
        halves(confidence_band(twice, AT)), halves(confidence_band(fit(line, X, Y, **settings), AT)), rtol=1e-7
    )


def test_correlated_parameters_cost_no_digits():
    # A polynomial far from its origin: pcov of the one form has lost all digits (its condition number is 1e30).
    x, y = X + 300, Y
    far = fit(lambda x, a, b, c, d: a + x * (b + x * (c + x * d)), x, y, [0, 0, 0, 0])
    near = fit(lambda x, a, b, c, d: a + (x - 305) * (b + (x - 305) * (c + (x - 305) * d)), x, y, [0, 0, 0, 0])
    np.testing.assert_allclose(halves(confidence_band(far)), halves(confidence_band(near)), rtol=1e-4)


def test_new_values_and_lengths_of_a_bucket_compile_nothing(compilations, compiled):
    def model(x, a, tau, c):
        return a * jnp.exp(-x / tau) + c

    r = fit(model, X, DECAY, P0)
    confidence_band(r)
    assert (compilations.count, compiled()) == (2, 2)
    other = fit(model, X[:-1], 2 * DECAY[:-1], P0, fixed=["c"], excluded=[3])
    for each in (r, other):
        for level in (0.5, 0.9):
            confidence_band(each, level=level)
            prediction_band(each, np.linspace(0, 30, 38), level, sigma=2)
    assert (compilations.count, compiled()) == (2, 2)
    confidence_band(r, np.linspace(0, 30, 200))
    assert (compilations.count, compiled()) == (3, 3)


def test_a_model_that_needs_all_its_points_has_bands_at_its_own_x_only():
    def drift(x, a, b):
        return a + b * (x - jnp.mean(x))

    r = fit(drift, X, Y)
    curve, new = textbook(X, X, Y, np.ones(40), 0.95, absolute=False)
    np.testing.assert_allclose(halves(confidence_band(r)), curve, rtol=1e-9)
    np.testing.assert_allclose(halves(prediction_band(r, X)), new, rtol=1e-9)
    with pytest.raises(ValueError, match=r"^The model drift needs all its points together, .*; leave x out\.$"):
        confidence_band(r, AT)

    def summed(x, a, b):
        return np.array([a * sum(float(each) for each in x[: i + 1]) + b for i in range(x.size)])

    r = fit(summed, X, Y)
    assert r.host is not None
    assert np.isfinite(halves(confidence_band(r))).all()
    with pytest.raises(ValueError, match=r"^The model summed needs all its points together"):
        confidence_band(r, AT)


def test_bad_input_is_one_sentence():
    r = fit(line, X, Y)
    with pytest.raises(ValueError, match=r"^x has shape \(2, 2\); the model was fitted to x of shape \[points\]\.$"):
        confidence_band(r, np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"^x is empty; give at least one\.$"):
        confidence_band(r, [])
    with pytest.raises(ValueError, match=r"^sigma has shape \(2,\); give one standard error, or one for each of 4"):
        prediction_band(r, AT, sigma=[1, 2])
    with pytest.raises(ValueError, match=r"^sigma has a value that is negative or nan"):
        prediction_band(r, AT, sigma=-1)
    with pytest.raises(ValueError, match=r"^level is 95"):
        confidence_band(r, AT, 95)


def test_bands_are_computed_where_and_as_precisely_as_the_fit():
    settings = {"sigma": 0.05, "absolute_sigma": True}
    double = confidence_band(fit(decay, X, DECAY, P0, **settings), AT)
    single = confidence_band(fit(decay, X, DECAY, P0, precision="float32", **settings), AT)
    np.testing.assert_allclose(halves(single), halves(double), rtol=1e-3)
    second = f"{jax.devices()[0].platform}:{len(jax.devices()) - 1}"
    np.testing.assert_allclose(confidence_band(fit(decay, X, DECAY, P0, device=second, **settings), AT), double)
    assert jnp.ones(1).dtype == jnp.float32


def test_intervals_and_bands_cover_the_truth_as_often_as_they_say():
    level, sets, truth = 0.9, 400, np.array([2.0, 0.7])
    x, rng = np.linspace(1, 9, 7), np.random.default_rng(11)  # few points: the normal quantile would show
    at = np.array([0.0, 5, 12])
    curve = line(at, *truth)
    hits = np.zeros((sets, 8))
    for hit in hits:
        r = fit(line, x, line(x, *truth) + 0.3 * rng.standard_normal(7))
        ends = r.confidence_interval(level)
        hit[:2] = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
        band = confidence_band(r, at, level)
        hit[2:5] = (band.lower <= curve) & (curve <= band.upper)
        new = curve + 0.3 * rng.standard_normal(3)
        band = prediction_band(r, at, level)
        hit[5:] = (band.lower <= new) & (new <= band.upper)
    # Five standard errors of a binomial to either side would be wrong once in a million runs.
    low, high = scipy.stats.binom.interval(1 - 1e-6, sets, level)
    assert np.all((low <= hits.sum(axis=0)) & (hits.sum(axis=0) <= high))
    assert hits.mean() == pytest.approx(level, abs=0.02)


def test_a_range_of_x_equals_leaving_out_what_is_beyond():
    inside = X <= 5
    r, short = fit(line, X, Y, sigma=SIGMA, x_range=(None, 5)), fit(line, X[inside], Y[inside], sigma=SIGMA[inside])
    assert (r.n_points, r.dof) == (short.n_points, short.dof)
    assert r.reduced_chi2 == pytest.approx(short.reduced_chi2)
    np.testing.assert_allclose(r.stderr, short.stderr)
    np.testing.assert_allclose(r.confidence_interval(), short.confidence_interval())
