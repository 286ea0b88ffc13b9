"""What a fit could get wrong without a word: each answer is right to many digits, or a sentence says what is not."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache, lru_cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from nlsq_widget import curve_fit, fit


def decay(x, a, tau, c):
    return a * jnp.exp(-x / tau) + c


def ray(x, a):
    return a * x


def root(x, a):
    return jnp.sqrt(a * x)


X = np.linspace(0, 10, 60)
NOISE = np.random.default_rng(11).standard_normal(60)
TRUTH = np.array([3.0, 2.0, 0.5])
EXACT = 3.0 * np.exp(-X / 2.0) + 0.5
Y = EXACT + 0.05 * NOISE


@cache
def plain():
    return fit(decay, X, Y, p0=[2, 1, 0])


def right_or_said(call, expected, rtol):
    """The answer, or that it is none: a sentence instead of a number that is wrong."""
    try:
        result = call()
    except ValueError:
        return
    if result.success:
        np.testing.assert_allclose(result.popt, expected, rtol=rtol)
    else:
        assert result.message.startswith("Not converged")


# -- what the data do not determine ------------------------------------------------------------------------------


def test_a_product_of_two_parameters_is_found_and_each_has_an_infinite_error():
    result = fit(lambda x, a, b, tau, c: decay(x, a * b, tau, c), X, Y, p0=[1, 2, 1, 0])
    assert result.success
    assert result["a"] * result["b"] == pytest.approx(plain()["a"], rel=1e-8)
    np.testing.assert_allclose(result.popt[2:], plain().popt[1:], rtol=1e-8)
    assert np.isinf(result.stderr[:2]).all()
    np.testing.assert_allclose(result.stderr[2:], plain().stderr[1:] * np.sqrt(57 / 56), rtol=1e-6)
    assert "do not determine a, b" in result.message


def test_a_parameter_that_matters_nowhere_stays_where_it_began():
    result = fit(lambda x, a, idle: a * x + 0 * idle, X, 2 * X, p0=[1, 7])
    assert result["idle"] == 7
    assert result["a"] == pytest.approx(2, rel=1e-12)
    assert np.isinf(result.stderr[1])


def test_a_parameter_that_stops_to_matter_at_the_start_is_named():
    """exp(-x / 1e-6) is zero at every point: the start says nothing about a and tau."""
    result = fit(lambda x, a, tau, c: decay(x + 1, a, tau, c), X, Y, p0=[2, 1e-6, 0])
    assert not result.success or np.isinf(result.stderr[:2]).all()
    assert result["c"] == pytest.approx(np.mean(Y), rel=1e-9)


# -- bounds --------------------------------------------------------------------------------------------------------


def test_a_solution_on_a_bound_is_that_of_the_others_with_it_held():
    bounded = fit(decay, X, Y, p0=[2, 1, 0], bounds={"tau": (None, 1.5)})
    held = fit(decay, X, Y, p0=[2, 1.5, 0], fixed=["tau"])
    assert bounded["tau"] == 1.5
    np.testing.assert_allclose(bounded.popt, held.popt, rtol=1e-9)
    assert bounded.cost == pytest.approx(held.cost, rel=1e-12)


@pytest.mark.parametrize("lower", [0.0, 1e-300])
def test_a_start_on_a_bound_where_the_derivative_is_infinite_is_left_or_refused(lower):
    right_or_said(
        lambda: fit(root, X[1:], np.sqrt(2 * X[1:]), p0=[lower], bounds={"a": (lower, None)}),
        [2.0],
        1e-8,
    )


def test_a_solution_on_a_bound_where_the_derivative_is_infinite_is_found_or_refused():
    def call():
        return fit(root, X[1:], -X[1:], p0=[1.0], bounds={"a": (0, None)})

    try:
        result = call()
    except ValueError:
        return
    assert result["a"] <= 1e-12 or not result.success


def test_bounds_that_leave_no_room_hold_their_parameter_whatever_p0_is_left_out():
    result = fit(decay, X, Y, bounds={"tau": (1.7, 1.7), "a": (0, None)})
    held = fit(decay, X, Y, p0=[2, 1.7, 0], fixed=["tau"])
    np.testing.assert_allclose(result.popt, held.popt, rtol=1e-9)
    np.testing.assert_allclose(result.pcov, held.pcov, rtol=1e-6)
    assert (result.dof, result.at_bound) == (held.dof, held.at_bound) == (58, (None, None, None))
    assert (result.reduced_chi2, result.bic) == pytest.approx((held.reduced_chi2, held.bic), rel=1e-12)


def test_a_fit_of_nothing_but_locked_parameters_keeps_them_and_their_cost():
    result = fit(decay, X, Y, p0=TRUTH, fixed=["a", "tau", "c"])
    assert result.popt.tolist() == TRUTH.tolist()
    assert result.chi2 == pytest.approx(np.sum((Y - EXACT) ** 2), rel=1e-12)
    assert (result.dof, result.success) == (60, True)
    assert not result.stderr.any()


# -- sizes of numbers ----------------------------------------------------------------------------------------------


def test_parameters_of_1e_17_and_1e6_are_those_of_the_problem_in_good_units():
    """The same curve written for a in units of 1e-17 and tau in units of 1e6."""
    scaled = fit(
        lambda x, a, tau, c: decay(x, a * 1e17, tau / 1e6, c), X, Y, p0=[2e-17, 1e6, 0], bounds={"a": (0, None)}
    )
    units = np.array([1e-17, 1e6, 1.0])
    assert scaled.success
    np.testing.assert_allclose(scaled.popt, plain().popt * units, rtol=1e-8)
    np.testing.assert_allclose(scaled.stderr, plain().stderr * units, rtol=1e-7)


@pytest.mark.parametrize("start", [1e-300, -1e-170, 1e-20, 0.0])
def test_a_start_of_almost_zero_is_as_good_as_zero(start):
    x = np.linspace(0, 1, 20)
    y = 2 * x + 0.5
    r = fit(lambda x, a, b: a * x + b, x, y, p0=[1, start])
    np.testing.assert_allclose(r.popt, [2, 0.5], rtol=1e-12)
    assert np.isfinite(r.stderr).all()


@pytest.mark.parametrize("power", [-30, 30])
@pytest.mark.parametrize("with_sigma", [False, True])
def test_the_unit_of_y_scales_values_and_errors(power, with_sigma):
    unit, units = 10.0**power, np.array([10.0**power, 1, 10.0**power])
    sigma = 0.05 * (1 + X / 10) if with_sigma else None
    reference = fit(decay, X, Y, p0=[2, 1, 0], sigma=sigma)
    result = fit(decay, X, Y * unit, p0=np.array([2, 1, 0]) * units, sigma=None if sigma is None else sigma * unit)
    assert result.success
    np.testing.assert_allclose(result.popt, reference.popt * units, rtol=1e-8)
    np.testing.assert_allclose(result.pcov, reference.pcov * np.outer(units, units), rtol=1e-6)
    assert result.r_squared == pytest.approx(reference.r_squared, rel=1e-9)


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_the_size_of_all_sigmas_does_not_matter(size):
    result = fit(decay, X, Y, p0=[2, 1, 0], sigma=np.full(60, size))
    np.testing.assert_allclose(result.popt, plain().popt, rtol=1e-8)
    np.testing.assert_allclose(result.pcov, plain().pcov, rtol=1e-6)


@pytest.mark.parametrize("unit", [1e-200, 1e-160, 1e-154, 1e-150, 1e150, 1e160, 1e200])
def test_data_whose_square_is_no_number_are_fitted_or_refused(unit):
    """1e-200 squared is 0: a cost of zero is no sign of a good fit."""
    right_or_said(
        lambda: fit(decay, X, EXACT * unit, p0=[2 * unit, 1, 0.1 * unit]), TRUTH * np.array([unit, 1, unit]), 1e-6
    )


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_sigmas_whose_square_is_no_number_give_the_fit_or_a_refusal(size):
    right_or_said(lambda: fit(decay, X, Y, p0=[2, 1, 0], sigma=np.full(60, size)), plain().popt, 1e-6)


# -- small and dull data -------------------------------------------------------------------------------------------


def test_a_start_at_the_exact_solution_stays_there():
    result = fit(ray, X, 2 * X, p0=[2.0])
    assert (result["a"], result.cost, result.success) == (2.0, 0.0, True)
    assert result.stderr[0] == 0
    assert result.r_squared == 1


def test_residuals_that_can_all_be_zero_are_brought_there():
    result = fit(decay, X, EXACT, p0=[2, 1, 0])
    assert result.success
    np.testing.assert_allclose(result.popt, TRUTH, rtol=1e-12)
    assert result.cost < 1e-28


def test_residuals_of_y_that_is_zero_are_brought_to_zero():
    """As a system of equations: there are no data to say what is small."""
    result = fit(lambda x, a, b: jnp.where(x < 1, a**2 + b - 3, a - b**2 + 3), [0.0, 2.0], [0.0, 0.0], p0=[2, 3])
    assert result.success
    np.testing.assert_allclose([result["a"] ** 2 + result["b"], result["b"] ** 2 - result["a"]], [3, 3], rtol=1e-12)


def test_one_point_is_met_and_has_no_error():
    result = fit(ray, [2.0], [3.0])
    assert (result["a"], result.dof) == (pytest.approx(1.5, rel=1e-14), 0)
    assert np.isinf(result.stderr[0])
    assert np.isnan(result.reduced_chi2)
    assert np.isnan(result.r_squared)
    assert "1 points cannot" in result.message or "1 point cannot" in result.message


def test_one_point_with_an_absolute_sigma_has_that_error():
    result = fit(ray, [2.0], [3.0], sigma=[0.1], absolute_sigma=True)
    assert result.stderr[0] == pytest.approx(0.05, rel=1e-12)


def test_y_that_does_not_vary_has_no_r_squared():
    result = fit(lambda x, a, b: a * x + b, X, np.full(60, 0.1))
    assert result.success
    np.testing.assert_allclose(result.popt, [0, 0.1], atol=1e-14)
    assert np.isnan(result.r_squared)


def test_a_constant_model_finds_the_mean_and_its_error():
    result = fit(lambda x, a: a, X, Y)
    assert result["a"] == pytest.approx(np.mean(Y), rel=1e-13)
    assert result.stderr[0] == pytest.approx(np.std(Y, ddof=1) / np.sqrt(60), rel=1e-12)
    assert result.r_squared == pytest.approx(0, abs=1e-12)


# -- points that do not count --------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 17, 59])
def test_an_excluded_point_where_the_model_is_nan_does_no_harm(at):
    """The last point is the one that padding repeats."""
    x = X + 1
    x[at] = -5.0
    keep = np.arange(60) != at
    result = fit(lambda x, a, b: a * jnp.log(x) + b, x, Y, excluded=[at])
    columns = np.stack([np.log(x[keep]), np.ones(59)], axis=1)
    np.testing.assert_allclose(result.popt, np.linalg.lstsq(columns, Y[keep], rcond=None)[0], rtol=1e-10)
    assert np.isfinite(result.pcov).all()
    assert np.isfinite([result.chi2, result.aic, result.bic, result.r_squared]).all()


def test_an_excluded_point_where_the_model_is_nan_does_no_harm_with_more_parameters_than_points():
    """Derivatives then come from the other mode, where zero times nan lurks."""
    x, y = np.array([1.0, -5.0, 3.0]), np.array([1.0, 9.0, 2.0])
    result = fit(
        lambda x, a, b, c, d: a * jnp.log(x) + b + c * jnp.sqrt(x) + d * x, x, y, p0=[1, 1, 1, 1], excluded=[1]
    )
    assert result.success
    np.testing.assert_allclose(result.fitted[[0, 2]], y[[0, 2]], rtol=1e-9)


def test_a_point_of_enormous_sigma_counts_for_nothing_but_the_dof():
    sigma = np.ones(60)
    sigma[[7, 30]] = 1e30
    y = Y.copy()
    y[[7, 30]] += 1e3
    result = fit(decay, X, y, p0=[2, 1, 0], sigma=sigma)
    without = fit(decay, X, Y, p0=[2, 1, 0], excluded=[7, 30])
    np.testing.assert_allclose(result.popt, without.popt, rtol=1e-8)
    assert result.dof == without.dof + 2


def test_a_start_where_the_model_has_no_value_is_refused_whatever_is_fixed():
    with pytest.raises(ValueError, match="not finite at the start"):
        fit(lambda x, a, t: a * jnp.log(t) * x, X, Y, p0=[1, -1], fixed=["a"])


def test_points_with_correlated_errors_are_left_out_by_the_user_or_refused():
    with pytest.raises(ValueError, match="correlated errors cannot be excluded"):
        fit(decay, X, Y, p0=[2, 1, 0], sigma=np.eye(60), excluded=[3])


# -- what JAX and Python keep --------------------------------------------------------------------------------------


def test_threads_under_different_settings_of_jax_get_the_same_bits():
    reference = plain()

    def one(i):
        with ExitStack() as settings:
            for bit, setting in enumerate((jax.enable_x64(True), jax.disable_jit(), jax.debug_nans(True))):
                if i >> bit & 1:
                    settings.enter_context(setting)
            own = jnp.ones(1).dtype
            result = fit(decay, X, Y, p0=[2, 1, 0], device=f"cpu:{i % 2}")
            return result.popt, result.pcov, own == jnp.ones(1).dtype

    with ThreadPoolExecutor(8) as pool:
        for popt, pcov, unchanged in pool.map(one, range(16)):
            np.testing.assert_array_equal(popt, reference.popt)
            np.testing.assert_array_equal(pcov, reference.pcov)
            assert unchanged


def test_a_jitted_model_and_an_array_it_holds_are_fitted_in_float64_whatever_is_set_between_calls():
    """What jax.jit has compiled for float32 is not met again."""
    held = jnp.asarray(X)
    model = jax.jit(lambda x, a, tau, c: decay(x, a, tau, c) + 0 * held.astype(x.dtype))
    model(jnp.asarray(X), *map(jnp.float32, (2, 1, 0)))
    for double in (False, True, False):
        with jax.enable_x64(double):
            np.testing.assert_allclose(fit(model, X, Y, p0=[2, 1, 0]).popt, plain().popt, rtol=1e-9)


@lru_cache
def gain(a):
    return 2 * a


def test_a_helper_that_keeps_what_it_returned_is_called_as_scipy_calls_it():
    def model(x, a, c):
        return gain(a) * x + c

    expected, _ = scipy.optimize.curve_fit(model, X, Y, p0=[1, 1])
    for _ in range(2):
        np.testing.assert_allclose(curve_fit(model, X, Y, p0=[1, 1])[0], expected, rtol=1e-6)


def test_models_of_one_text_and_name_with_other_globals_are_other_models():
    for unit in (1.0, 2.0, 1.0):
        cell = {"unit": unit}
        exec("def model(x, a):\n    return a * unit * x", cell)
        assert fit(cell["model"], X, 6 * X)["a"] == pytest.approx(6 / unit, rel=1e-12)


def test_one_number_changed_in_a_large_array_that_a_model_holds_is_seen():
    table = np.ones((1000, 1000))

    def model(x, a):
        return a * table[999, :60] * x

    assert fit(model, X, X)["a"] == pytest.approx(1, rel=1e-12)
    table[999, 59] = 3.0
    wanted = np.sum(X * X * table[999, :60]) / np.sum((X * table[999, :60]) ** 2)
    assert fit(model, X, X)["a"] == pytest.approx(wanted, rel=1e-12)
