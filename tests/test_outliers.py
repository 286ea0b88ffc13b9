"""Suspected outliers: those that were planted are found, and clean data are left in peace."""

import jax.numpy as jnp
import numpy as np
import pytest

from nlsq_widget import fit, outliers
from nlsq_widget.begin import begin
from nlsq_widget.program import PROGRAMS

X = np.linspace(0, 10, 40)
NOISE = 0.1


def decay(x, a, tau, c):
    return a * jnp.exp(-x / tau) + c


def measured(rng, planted=()):
    y = np.asarray(decay(X, 3.0, 2.0, 0.5)) + NOISE * rng.standard_normal(X.size)
    y[list(planted)] += rng.uniform(9, 20, len(planted)) * NOISE
    return y


def test_planted_outliers_are_found_and_few_others():
    rng = np.random.default_rng(0)
    found = missed = wrong = 0
    for count in (1, 4, 8):  # up to a fifth of the points, all on one side
        for _ in range(15):
            planted = set(rng.choice(X.size, count, replace=False).tolist())
            suspects = set(outliers(fit(decay, X, measured(rng, sorted(planted)), p0=[2, 1, 0])).tolist())
            found += len(suspects & planted)
            missed += len(planted - suspects)
            wrong += len(suspects - planted)
    assert missed <= 0.05 * (found + missed)
    assert wrong <= 0.05 * found


def test_clean_data_seldom_have_a_suspect():
    """Motulsky and Brown find one in 1 to 3 % of clean experiments at q = 1 %."""
    rng = np.random.default_rng(1)
    any_found = [outliers(fit(decay, X, measured(rng), p0=[2, 1, 0])).size > 0 for _ in range(150)]
    assert np.mean(any_found) <= 0.05


def test_a_greater_q_suspects_no_fewer():
    y = measured(np.random.default_rng(2), [3, 20])
    r = fit(decay, X, y, p0=[2, 1, 0])
    few, many = (set(outliers(r, q).tolist()) for q in (0.001, 0.2))
    assert {3, 20} <= few <= many


def test_it_does_not_depend_on_the_units_of_y():
    y = measured(np.random.default_rng(3), [7, 30])
    one, small, large = (outliers(fit(decay, X, unit * y, p0=[2 * unit, 1, 0])).tolist() for unit in (1.0, 1e-9, 1e9))
    assert one == small == large
    assert {7, 30} <= set(one)


def test_a_large_error_excuses_a_large_residual():
    y = measured(np.random.default_rng(4), [7, 30])
    sigma = np.full(X.size, NOISE)
    sigma[7] = 3.0
    assert outliers(fit(decay, X, y, sigma=sigma, p0=[2, 1, 0])).tolist() == [30]


def test_what_does_not_count_is_not_suspected_and_what_is_fixed_stays():
    y = measured(np.random.default_rng(5), [7, 30])
    assert outliers(fit(decay, X, y, p0=[2, 1, 0.5], fixed=["c"], excluded=[7])).tolist() == [30]


def test_data_without_noise_show_the_one_that_is_off():
    y = np.array(decay(X, 3.0, 2.0, 0.5))
    y[11] += 1e-3
    assert 11 in outliers(fit(decay, X, y, p0=[2, 1, 0]))


def test_a_session_says_the_same_as_its_result_and_nothing_is_compiled():
    y = measured(np.random.default_rng(6), [7])
    r = fit(decay, X, y, p0=[2, 1, 0])
    compiled = PROGRAMS.compiled
    assert outliers(r).tolist() == outliers(begin(decay, X, y, p0=[2, 1, 0])).tolist() == [7]
    assert PROGRAMS.compiled == compiled


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(ValueError, match="3 points cannot tell outliers from 3 free parameters"):
        outliers(fit(decay, X[:3], [3, 2, 1], p0=[2, 1, 0]))
    with pytest.raises(ValueError, match="cannot be judged one by one"):
        outliers(fit(lambda x, a: a * x, [1, 2, 3], [1, 2, 3], sigma=np.eye(3) + 0.1))
    with pytest.raises(ValueError, match="q is 2; give"):
        outliers(fit(lambda x, a: a * x, [1, 2, 3], [1, 2, 3]), q=2)
