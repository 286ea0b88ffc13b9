"""The unit of a parameter, of y or of sigma changes numbers, not the fit: a power of ten comes in, and comes out."""

from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlsq_widget import confidence_band, curve_fit, fit

X = np.linspace(0, 10, 60)
Y = 3.0 * np.exp(-X / 2.0) + 0.5 + 0.05 * np.random.default_rng(11).standard_normal(60)
POWERS = st.integers(-200, 200)


def decay(x, a, tau, c, of_a=1.0, of_tau=1.0, of_c=1.0):
    return a * of_a * jnp.exp(-x / (tau * of_tau)) + c * of_c


def line(x, a, b):
    return a * x + b


@cache
def plain(**how):
    return fit(decay, X, Y, p0=[2, 1, 0.1, 1, 1, 1], fixed=["of_a", "of_tau", "of_c"], **how)


def measured_in(units, y=1.0, **how):
    """The same fit, with the first three parameters in other units and y in another one."""
    p0 = np.array([2, 1, 0.1]) / units
    return fit(decay, X, Y * y, p0=[*p0, *(units * [y, 1, y])], fixed=["of_a", "of_tau", "of_c"], **how)


@settings(deadline=None, max_examples=25)
@given(POWERS, POWERS, POWERS)
def test_the_units_of_the_parameters_change_nothing_but_their_numbers(a, tau, c):
    """Over 154 tens the variance is no float; the standard error is one, and is right."""
    units = 10.0 ** np.array([a, tau, c])
    result, reference = measured_in(units), plain()
    assert result.success
    np.testing.assert_allclose(result.popt[:3] * units, reference.popt[:3], rtol=1e-8)
    np.testing.assert_allclose(result.stderr[:3] * units, reference.stderr[:3], rtol=1e-7)
    np.testing.assert_allclose(result.correlation[:3, :3], reference.correlation[:3, :3], rtol=1e-6)
    variances = np.diag(result.pcov)[:3]
    beyond = [name for name, v in zip("a tau c".split(), variances, strict=True) if v == 0 or np.isinf(v)]
    assert (f"The variance of {', '.join(beyond)} is no float" in result.message) == bool(beyond)


@settings(deadline=None, max_examples=10)
@given(st.integers(-15, 15), st.integers(-15, 15))
def test_the_units_of_the_parameters_change_nothing_in_float32(a, c):
    units = 10.0 ** np.array([a, 0, c])
    result, reference = measured_in(units, precision="float32"), plain()
    np.testing.assert_allclose(result.popt[:3] * units, reference.popt[:3], rtol=1e-3)
    np.testing.assert_allclose(result.stderr[:3] * units, reference.stderr[:3], rtol=1e-2)


@settings(deadline=None, max_examples=25)
@given(POWERS, st.sampled_from([None, 0.05]), st.booleans())
def test_the_unit_of_y_and_sigma_changes_nothing_but_the_numbers_or_is_refused(power, error, absolute):
    unit = 10.0**power
    sigma, reference = (None, plain()) if error is None else (np.full(60, error * unit), plain(sigma=(error,) * 60))
    if absolute and error is not None:
        reference = plain(sigma=(error,) * 60, absolute_sigma=True)

    def call():
        return measured_in(np.ones(3), unit, sigma=sigma, absolute_sigma=absolute and error is not None)

    if abs(power) > 138:
        with pytest.raises(ValueError, match="another unit"):
            call()
        return
    result = call()
    assert result.success
    np.testing.assert_allclose(result.popt[:3], reference.popt[:3], rtol=1e-8)
    np.testing.assert_allclose(result.stderr[:3], reference.stderr[:3], rtol=1e-7)
    assert result.r_squared == pytest.approx(reference.r_squared, rel=1e-9)


@pytest.mark.parametrize("unit", [1e-300, 1e-250, 1e-170, 1e-120, 1e120])
@pytest.mark.parametrize("start", [1.0, 0.0])
def test_a_start_that_knows_nothing_of_the_unit_does_as_well(unit, start):
    """At p0 = 1 the squares of the derivatives are no floats."""
    result = fit(lambda x, a, b: a * (x * unit) + b, X, Y, p0=[start, 1])
    reference = fit(line, X, Y)
    assert result.success
    np.testing.assert_allclose(result.popt * [unit, 1], reference.popt, rtol=1e-10)
    np.testing.assert_allclose(result.stderr * [unit, 1], reference.stderr, rtol=1e-9)
    assert "determine" not in result.message


@pytest.mark.parametrize("unit", [1e170, 1e290])
def test_a_slope_whose_square_is_no_float_is_fitted_from_zero(unit):
    result = fit(lambda x, a, b: a * x * unit + b, X, Y, p0=[0, 0])
    np.testing.assert_allclose(result.popt * [unit, 1], fit(line, X, Y).popt, rtol=1e-10)


@pytest.mark.parametrize("unit", [1e-22, 1e-30])
def test_a_start_that_knows_nothing_of_the_unit_does_as_well_in_float32(unit):
    result = fit(lambda x, a, b: a * x * unit + b, X, Y, precision="float32")
    reference = fit(line, X, Y)
    np.testing.assert_allclose(result.popt * [unit, 1], reference.popt, rtol=1e-4)
    np.testing.assert_allclose(result.stderr * [unit, 1], reference.stderr, rtol=1e-3)


def test_a_parameter_that_matters_nowhere_is_still_named_beside_one_in_an_odd_unit():
    result = fit(lambda x, a, b, idle: a * x * 1e-170 + b + 0 * idle, X, Y)
    np.testing.assert_allclose(result.popt[:2] * [1e-170, 1], fit(line, X, Y).popt, rtol=1e-10)
    assert np.isinf(result.stderr[2])
    assert np.isfinite(result.stderr[:2]).all()
    assert "do not determine idle" in result.message


def test_the_band_of_a_fit_in_an_odd_unit_is_that_in_a_good_one():
    odd = fit(lambda x, a, b: a * x * 1e-170 + b, X, Y)
    np.testing.assert_allclose(confidence_band(odd), confidence_band(fit(line, X, Y)), rtol=1e-9)


def test_residuals_whose_squares_are_no_floats_are_named():
    with pytest.raises(ValueError, match=r"residuals reach 1e\+171 at the start values .* Start nearer"):
        fit(lambda x, a, b: a * x * 1e170 + b, X, Y)
    with pytest.raises(ValueError, match=r"residuals reach .* another unit"):
        fit(line, X, 0 * Y, sigma=np.full(60, 1e-200))


def test_data_whose_squares_are_no_float32_are_refused_in_float32():
    for unit in (1e-20, 1e20):
        with pytest.raises(ValueError, match="no float32 can hold"):
            fit(line, X, Y * unit, precision="float32")
        assert fit(line, X, Y * unit).success


def test_a_weight_whose_square_is_no_float_keeps_its_r_squared():
    result = fit(line, X, Y * 1e100, sigma=np.full(60, 1e170))
    assert result.r_squared == pytest.approx(fit(line, X, Y).r_squared, rel=1e-9)


def test_curve_fit_says_that_a_variance_is_no_float():
    with pytest.warns(UserWarning, match="variance of a is no float"):
        popt, _ = curve_fit(lambda x, a, b: a * x * 1e-170 + b, X, Y)
    np.testing.assert_allclose(popt * [1e-170, 1], fit(line, X, Y).popt, rtol=1e-10)
    with pytest.warns(UserWarning, match="variance of a is no float"):
        curve_fit(lambda x, a, b: a * x * 1e170 + b, X, Y, p0=[1e-170, 1])
