"""Profile intervals: published ones, those of linear models, and what must hold however a model is written."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from nlsq_widget import fit, profile_interval
from nlsq_widget.watch import Watch

# Puromycin, treated cells (Treloar 1974; Bates and Watts 1988, appendix 1, table A1.3).
CONCENTRATION = np.array([0.02, 0.02, 0.06, 0.06, 0.11, 0.11, 0.22, 0.22, 0.56, 0.56, 1.10, 1.10])
VELOCITY = np.array([76.0, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200])
X = np.linspace(0.1, 4, 30)
Y = 2.5 * np.exp(-1.3 * X) + 0.05 * np.random.default_rng(1).normal(size=30)


def menten(x, top, half):
    return top * x / (half + x)


def decay(x, a, b):
    return a * jnp.exp(-b * x)


def test_the_intervals_of_r_for_puromycin():
    # confint(nls(rate ~ Vm * conc / (K + conc))): by splines through the profile, so that four digits agree.
    found = profile_interval(fit(menten, CONCENTRATION, VELOCITY, p0=[200, 0.05]))
    np.testing.assert_allclose(found, [[197.30213, 229.29007], [0.04692517, 0.08615995]], rtol=2e-4)


@pytest.mark.parametrize("level", [0.5, 0.6827, 0.95, 0.999])
def test_of_a_linear_model_they_are_popt_and_t_standard_errors(level):
    r = fit(lambda x, a, b: a + b * x, X, Y, p0=[1, 1])
    np.testing.assert_allclose(profile_interval(r, level), r.confidence_interval(level), rtol=1e-7)


def test_at_an_end_chi2_has_risen_by_what_the_f_distribution_says():
    r = fit(decay, X, Y, p0=[2, 1])
    ratio = scipy.stats.f.ppf(0.9, 1, r.dof)
    for i, name in enumerate(r.names):
        for end in profile_interval(r, 0.9)[i]:
            held = fit(decay, X, Y, p0={name: end}, fixed=[name])
            assert held.chi2 / r.chi2 - 1 == pytest.approx(ratio / r.dof, rel=1e-5)


def test_where_sigma_is_known_chi2_rises_by_the_normal_quantile():
    sigma = np.full(30, 0.05)
    r = fit(decay, X, Y, p0=[2, 1], sigma=sigma, absolute_sigma=True)
    for end in profile_interval(r)[1]:
        held = fit(decay, X, Y, p0=[2, end], sigma=sigma, fixed=["b"])
        assert held.chi2 - r.chi2 == pytest.approx(scipy.stats.norm.ppf(0.975) ** 2, rel=1e-5)


def test_they_do_not_depend_on_how_a_parameter_is_written():
    plain = profile_interval(fit(decay, X, Y, p0=[2, 1]))
    others = profile_interval(fit(lambda x, a, tau: a * jnp.exp(-x / tau), X, Y, p0=[2, 1]))
    logs = profile_interval(fit(lambda x, a, b: jnp.exp(a - jnp.exp(b) * x), X, Y, p0=[1, 0]))
    np.testing.assert_allclose(1 / others[1, ::-1], plain[1], rtol=1e-6)
    np.testing.assert_allclose(np.exp(logs), plain, rtol=1e-6)


def test_units_do_not_matter():
    plain = profile_interval(fit(decay, X, Y, p0=[2, 1]))
    small = profile_interval(fit(decay, 1e9 * X, 1e-12 * Y, p0=[2e-12, 1e-9]))
    np.testing.assert_allclose(small, plain * [[1e-12], [1e-9]], rtol=1e-6)


def test_an_end_without_limit_is_infinite():
    # The data rise hardly at all towards saturation: the half-saturation may be as large as one likes.
    x = np.linspace(0.01, 0.1, 12)
    y = menten(x, 2.0, 1.0) + 0.004 * np.random.default_rng(3).normal(size=12)
    lower, upper = profile_interval(fit(menten, x, y, p0=[2, 1], bounds=(0, np.inf)))[1]
    assert 0 < lower < 1
    assert upper == np.inf


def test_a_bound_that_comes_first_is_the_end():
    r = fit(decay, X, Y, p0=[2, 1.3], bounds={"b": (1.28, 9)})
    free = profile_interval(fit(decay, X, Y, p0=[2, 1.3]))
    found = profile_interval(r)
    assert free[1, 0] < 1.28 == found[1, 0]
    assert found[1, 1] == pytest.approx(free[1, 1], rel=1e-6)
    at_bound = fit(decay, X, Y, p0=[2, 1.8], bounds={"b": (1.7, 9)})
    assert profile_interval(at_bound)[1, 0] == 1.7


def test_what_is_fixed_has_no_width_and_what_is_tied_none():
    r = fit(
        lambda x, a, b, c, d: a * jnp.exp(-b * x) + c + d * x,
        X,
        Y,
        p0=[2, 1, 0, 0.1],
        fixed=["c"],
        ties={"d": "b / 10"},
    )
    found = profile_interval(r)
    assert found[2].tolist() == [0, 0]
    assert np.isnan(found[3]).all()
    assert (found[:2, 0] < r.popt[:2]).all()
    assert (r.popt[:2] < found[:2, 1]).all()


def test_what_the_data_do_not_determine_may_be_anything():
    r = fit(lambda x, a, b, c: a * jnp.exp(-b * x) + 0 * c, X, Y, p0=[2, 1, 1])
    assert profile_interval(r)[2].tolist() == [-np.inf, np.inf]


def test_excluded_points_and_losses_hold():
    wild = np.append(Y, 40.0)
    x = np.append(X, 2.0)
    without = profile_interval(fit(decay, x, wild, p0=[2, 1], excluded=[30]))
    np.testing.assert_allclose(without, profile_interval(fit(decay, X, Y, p0=[2, 1])), rtol=1e-6)
    r = fit(decay, x, wild, p0=[2, 1], loss="cauchy", loss_scale=0.05)
    end = profile_interval(r)[1, 1]
    held = fit(decay, x, wild, p0=[r["a"], end], loss="cauchy", loss_scale=0.05, fixed=["b"])
    assert held.chi2 / r.chi2 - 1 == pytest.approx(scipy.stats.f.ppf(0.95, 1, r.dof) / r.dof, rel=1e-4)


def test_where_the_model_ends_the_interval_ends():
    # The square root has no value beyond b = 4.
    r = fit(lambda x, a, b: a * jnp.sqrt(4.0 - b) + x, X, X + 0.1 * Y, p0=[0.1, 3.9], fixed=["a"])
    lower, upper = profile_interval(r, 0.999999999)[1]
    assert lower < r["b"] < upper <= 4.0


def test_a_better_minimum_on_the_way_is_told():
    x = np.linspace(0, 10, 60)
    y = np.sin(1.9 * x) + 0.1 * np.random.default_rng(5).normal(size=60)
    worse = fit(lambda x, a, k, c: a * jnp.sin(k * x + c), x, y, p0=[0.3, 1.4, 0.0])
    assert worse.success
    assert worse.r_squared < 0.1
    with pytest.raises(ValueError, match="A better fit was found on the way, near a = "):
        profile_interval(worse)


def test_without_a_minimum_or_degrees_of_freedom_a_sentence_says_so():
    with pytest.raises(ValueError, match="leave nothing to judge by"):
        profile_interval(fit(decay, X[:2], Y[:2], p0=[2, 1]))
    with pytest.raises(ValueError, match="There is no minimum to go from"):
        profile_interval(fit(decay, X, Y, p0=[20, 9], max_steps=1))
    with pytest.raises(ValueError, match="level"):
        profile_interval(fit(decay, X, Y, p0=[2, 1]), 95)


def test_nothing_is_compiled_and_every_fit_is_told(compiled):
    r = fit(decay, X, Y, p0=[2, 1])
    before, told = compiled(), []
    profile_interval(r, watch=Watch(told.append))
    assert compiled() == before
    assert 8 <= sum(told) <= 60
