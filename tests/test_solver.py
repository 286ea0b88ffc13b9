"""The solver against certified values, SciPy, and what must not matter."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import nist
from nlsq_widget import curve_fit, fit
from nlsq_widget.solver import Status
from nlsq_widget.solver.errors import covariance
from nlsq_widget.solver.residuals import forward_is_cheaper

PROBLEMS = list(nist.PROBLEMS.values())


def digits(found, certified):
    """Certified digits that `found` has: the fewest over the parameters, 11 at most."""
    error = np.max(np.abs(found - certified) / np.abs(certified))
    return min(11.0, -np.log10(max(error, 1e-11)))


def decay(x, a, tau, c):
    return a * jnp.exp(-x / tau) + c


def plane(x, a, b, c, d):
    return a * x[0] + b * x[1] + c * x[2] + d * x[3]


def noisy_decay(seed=0, points=60):
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 10, points)
    return x, 3.0 * np.exp(-x / 2.0) + 0.5 + 0.05 * rng.standard_normal(points)


@pytest.mark.parametrize("start", ["start_1", "start_2"])
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name)
def test_certified_values_are_found_from_both_starts(problem, start):
    result = fit(problem.model, problem.x, problem.y, p0=getattr(problem, start))
    assert result.success
    assert digits(result.popt, problem.certified) >= 6
    assert result.dof == problem.dof
    if problem.name != "Lanczos1":  # its residuals, 1e-13 of the data, are below what float64 holds
        assert digits(result.stderr, problem.certified_sd) >= 5


def test_bounds_that_are_not_reached_change_nothing():
    for problem in PROBLEMS:
        if problem.difficulty == "lower":
            wide = (
                np.minimum(problem.certified * 0.01, problem.certified * 100) - 1e3,
                np.full(problem.certified.size, 1e6),
            )
            result = fit(problem.model, problem.x, problem.y, p0=problem.start_2, bounds=wide)
            assert digits(result.popt, problem.certified) >= 6, problem.name


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    low=st.tuples(st.floats(0.1, 4), st.floats(0.2, 3), st.floats(-1, 1)),
    width=st.tuples(st.floats(0.1, 3), st.floats(0.1, 3), st.floats(0.1, 1)),
)
@example(seed=0, low=(3.0, 2.0, 0.0), width=(1.0, 1.0, 0.25))  # two bounds in the way of the first step
def test_inside_any_box_the_cost_is_scipys_or_lower(seed, low, width):
    x, y = noisy_decay(seed)
    lower, upper = np.array(low), np.array(low) + np.array(width)
    start = (lower + upper) / 2
    result = fit(decay, x, y, p0=start, bounds=(lower, upper))
    theirs = scipy.optimize.least_squares(
        lambda p: p[0] * np.exp(-x / p[1]) + p[2] - y, start, bounds=(lower, upper), xtol=1e-14, ftol=1e-14, gtol=1e-14
    )
    assert result.success
    assert np.all(result.popt >= lower)
    assert np.all(result.popt <= upper)
    assert result.cost <= theirs.cost * (1 + 1e-9)


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), at_bound=st.integers(0, 15))
def test_a_linear_problem_in_a_box_has_the_one_answer(seed, at_bound):
    """Convex, so there is one minimum, and another method for it; some starts lie on their bounds."""
    rng = np.random.default_rng(seed)
    columns, y = rng.standard_normal((4, 12)) * 10.0 ** rng.integers(-3, 4, (4, 1)), rng.standard_normal(12)
    lower, upper = np.sort(rng.standard_normal((2, 4)) / np.linalg.norm(columns, axis=1), axis=0)
    start = np.where([at_bound & 1 << i for i in range(4)], lower, lower + rng.uniform(size=4) * (upper - lower))
    result = fit(plane, columns, y, p0=start, bounds=(lower, upper))
    theirs = scipy.optimize.lsq_linear(columns.T, y, bounds=(lower, upper), method="bvls", tol=1e-14)
    assert result.success
    assert result.cost <= theirs.cost * (1 + 1e-9)
    np.testing.assert_allclose(result.popt, theirs.x, atol=1e-6 * np.max(np.abs(theirs.x)))


@settings(max_examples=25, deadline=None)
@given(factor=st.floats(-12, 12), of=st.sampled_from(["x", "y"]))
def test_units_do_not_matter(factor, of):
    """Metres or nanometres: the same fit, to many digits."""
    unit = 10.0**factor
    x, y = noisy_decay()
    plain = fit(decay, x, y, p0=[2, 1, 0])
    if of == "x":
        result, expected = fit(decay, x * unit, y, p0=[2, unit, 0]), plain.popt * [1, unit, 1]
    else:
        result, expected = fit(decay, x, y * unit, p0=[2 * unit, 1, 0]), plain.popt * [unit, 1, unit]
    np.testing.assert_allclose(result.popt, expected, rtol=1e-7)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_order_of_points_does_not_matter(seed):
    x, y = noisy_decay()
    order = np.random.default_rng(seed).permutation(x.size)
    np.testing.assert_allclose(
        fit(decay, x[order], y[order], p0=[2, 1, 0]).popt, fit(decay, x, y, p0=[2, 1, 0]).popt, rtol=1e-9
    )


@settings(max_examples=25, deadline=None)
@given(out=st.sets(st.integers(0, 59), max_size=40))
def test_excluding_a_point_equals_removing_it(out):
    assume(len(out) < 50)
    x, y = noisy_decay()
    y[list(out)] += 100.0  # a point that counted would show
    keep = np.setdiff1d(np.arange(60), list(out))
    without = fit(decay, x, y, p0=[2, 1, 0], excluded=out)
    removed = fit(decay, x[keep], y[keep], p0=[2, 1, 0])
    np.testing.assert_allclose(without.popt, removed.popt, rtol=1e-8)
    np.testing.assert_allclose(without.pcov, removed.pcov, rtol=1e-6)
    assert (without.dof, without.n_points) == (removed.dof, removed.n_points)
    assert without.r_squared == pytest.approx(removed.r_squared)


def test_a_fixed_parameter_equals_a_model_without_it():
    x, y = noisy_decay()
    locked = fit(decay, x, y, p0=[2, 1.7, 0], fixed=["tau"])
    smaller = fit(lambda x, a, c: decay(x, a, 1.7, c), x, y, p0=[2, 0])
    np.testing.assert_allclose(locked.popt, [smaller.popt[0], 1.7, smaller.popt[1]], rtol=1e-9)
    np.testing.assert_allclose(locked.pcov[np.ix_([0, 2], [0, 2])], smaller.pcov, rtol=1e-8)
    assert locked.dof == smaller.dof
    assert np.all(locked.pcov[1] == 0)


def test_a_fit_from_the_other_side_of_the_world_ends_on_its_bound():
    x, y = noisy_decay()
    result = fit(decay, x, y, p0=[2, 1, 0], bounds={"a": (0, 2.5)})
    assert result.popt[0] == 2.5  # to the last digit
    assert result.at_bound == ("upper", None, None)
    assert "a ended at its upper bound" in result.message


def test_equal_bounds_hold_a_parameter():
    x, y = noisy_decay()
    result = fit(decay, x, y, p0=[2, 1.7, 0], bounds={"tau": (1.7, 1.7)})
    np.testing.assert_allclose(result.popt, fit(decay, x, y, p0=[2, 1.7, 0], fixed=["tau"]).popt, rtol=1e-10)


def test_a_start_on_a_bound_can_leave_it():
    x, y = noisy_decay()
    result = fit(decay, x, y, p0=[0.0, 5.0, 1.0], bounds=([0, 0.1, -1], [10, 5, 1]))
    np.testing.assert_allclose(result.popt, fit(decay, x, y, p0=[2, 1, 0]).popt, rtol=1e-8)


def test_what_the_data_do_not_determine_has_an_infinite_error_and_the_rest_its_own():
    x, y = noisy_decay()
    result = fit(lambda x, a, tau, c, idle: decay(x, a, tau, c) + 0 * idle, x, y, p0=[2, 1, 0, 7])
    plain = fit(decay, x, y, p0=[2, 1, 0])
    same_scatter = np.sqrt(plain.dof / result.dof)  # one degree of freedom is spent on it
    np.testing.assert_allclose(result.stderr[:3], plain.stderr * same_scatter, rtol=1e-8)
    assert result.stderr[3] == np.inf
    assert "do not determine idle" in result.message


def test_two_parameters_that_cannot_be_told_apart_are_named():
    x, y = noisy_decay()
    result = fit(lambda x, a, tau, b, c: decay(x, a, tau, b + c), x, y, p0=[2, 1, 0, 0])
    assert np.isfinite(result.stderr[:2]).all()
    assert np.isinf(result.stderr[2:]).all()
    assert "do not determine b, c" in result.message


def test_more_parameters_than_points_says_so():
    result = fit(decay, [0.0, 1.0], [3.0, 2.0], p0=[2, 1, 0])
    assert result.cost == pytest.approx(0, abs=1e-18)
    assert np.isinf(result.stderr).all()
    assert "2 points cannot give the errors of 3 parameters" in result.message


def test_an_exact_fit_that_leaves_a_parameter_open_says_so():
    result = fit(lambda x, a, b: (a + b) * x, [1.0, 2.0, 3.0], [2.0, 4.0, 6.0], p0=[1, 1])
    assert np.isinf(result.stderr).all()
    assert "do not determine a, b" in result.message


SCALES = {
    "a tiny y": (
        lambda x, a, tau, b: a * jnp.exp(-x / tau) + b,
        np.linspace(0, 10, 50),
        lambda x: 1e-15 * (3 * np.exp(-x / 2) + 0.5),
        {"p0": [1e-15, 1, 0]},
        [3e-15, 2, 0.5e-15],
    ),
    "a large fixed parameter": (
        lambda t, a, tau, t0: a * jnp.exp(-(t - t0) / tau),
        1.7e15 + np.linspace(0, 1e4, 60),
        lambda t: 2 * np.exp(-(t - 1.7e15) / 3e3),
        {"p0": [1, 1e3, 1.7e15], "fixed": ["t0"]},
        [2, 3e3, 1.7e15],
    ),
    "a peak at the time of day in milliseconds": (
        lambda t, a, m, s: a * jnp.exp(-(((t - m) / s) ** 2) / 2),
        1.7e12 + np.linspace(0, 1e4, 60),
        lambda t: 5 * np.exp(-(((t - 1.7e12 - 5e3) / 1.5e3) ** 2) / 2),
        {"p0": [3, 1.7e12 + 4e3, 1e3]},
        [5, 1.7e12 + 5e3, 1.5e3],
    ),
    "a signal on a large offset": (
        lambda x, a, b, c: a * jnp.exp(-b * x) + c,
        np.linspace(0, 10, 60),
        lambda x: 1e9 + 3 * np.exp(-0.4 * x),
        {"p0": [1, 1, 1e9]},
        [3, 0.4, 1e9],
    ),
    "a line of huge numbers from 1": (
        lambda x, a, b: a * x + b,
        np.linspace(0, 10, 50),
        lambda x: 1e20 * (2 * x + 1),
        {"p0": [1, 1]},
        [2e20, 1e20],
    ),
}


@pytest.mark.parametrize(("model", "x", "truth", "choices", "expected"), SCALES.values(), ids=SCALES.keys())
def test_sizes_that_differ_do_not_stop_it_early(model, x, truth, choices, expected):
    result = fit(model, x, truth(x), **choices)
    assert result.success
    np.testing.assert_allclose(result.popt, expected, rtol=1e-5)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_what_is_called_converged_has_no_slope(seed):
    """From wild starts a fit may fail or end elsewhere; where it says that it converged, the gradient is zero."""
    rng = np.random.default_rng(seed)
    x, y = noisy_decay()
    start = rng.standard_normal(3) * 10.0 ** rng.uniform(-2, 2, 3)
    result = fit(decay, x, y, p0=start * [1, np.sign(start[1]), 1])
    if not result.success or not np.isfinite(result.stderr).all():
        return
    a, tau, _ = result.popt
    e = np.exp(-x / tau)
    columns = np.stack([e, a * e * x / tau**2, np.ones_like(x)])
    sizes = np.linalg.norm(columns, axis=1) * np.linalg.norm(result.residuals)
    assert np.all(np.abs(columns @ result.residuals) <= 1e-3 * sizes)


def test_too_few_steps_is_not_called_converged():
    x, y = noisy_decay()
    result = fit(decay, x, y, p0=[2, 1, 0], max_steps=2)
    assert (result.status, result.steps, result.success) == (Status.UNFINISHED, 2, False)
    assert "stopped after 2 steps" in result.message


def test_a_wild_step_into_nan_is_only_rejected():
    x = np.linspace(0.1, 5, 40)
    result = fit(lambda x, a, b: jnp.sqrt(a) * jnp.log(b * x), x, 2.0 * np.log(3.0 * x), p0=[100.0, 1e-3 + 20])
    np.testing.assert_allclose(result.popt, [4, 3], rtol=1e-8)


def test_covariance_is_scipys_on_random_problems():
    rng = np.random.default_rng(5)
    for scale in (1.0, 1e-9, 1e9):
        J = rng.standard_normal((30, 4)) * [1, scale, 1, 1 / scale]
        R = np.linalg.qr(J, mode="r")
        with jax.enable_x64(True):
            found = covariance(jnp.asarray(R), jnp.ones(4, bool), jnp.asarray(30))
        expected = np.linalg.inv((J / np.linalg.norm(J, axis=0)).T @ (J / np.linalg.norm(J, axis=0)))
        expected /= np.outer(np.linalg.norm(J, axis=0), np.linalg.norm(J, axis=0))
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_reverse_mode_where_parameters_are_many_gives_the_same_fit():
    """Thirty heights through ten points, held near zero by nothing but the start: both modes agree."""
    assert not forward_is_cheaper(30, 10)
    knots = np.linspace(0, 1, 30)

    def bumps(x, *heights):
        return jnp.sum(jnp.stack(heights)[:, None] * jnp.exp(-((x[None, :] - knots[:, None]) ** 2) / 0.02), axis=0)

    x = np.linspace(0, 1, 10)
    result = fit(bumps, x, np.sin(3 * x), p0=np.zeros(30))
    assert result.success
    np.testing.assert_allclose(result.fitted, np.sin(3 * x), atol=1e-7)


def test_an_analytic_jacobian_is_used_and_agrees():
    x, y = noisy_decay()
    asked = []

    def slopes(x, a, tau, c):
        asked.append(True)
        e = jnp.exp(-x / tau)
        return jnp.stack([e, a * e * x / tau**2, jnp.ones_like(x)], axis=1)

    popt, pcov = curve_fit(decay, x, y, p0=[2, 1, 0], jac=slopes)
    plain, plain_cov = curve_fit(decay, x, y, p0=[2, 1, 0])
    assert asked
    np.testing.assert_allclose(popt, plain, rtol=1e-9)
    np.testing.assert_allclose(pcov, plain_cov, rtol=1e-7)
