"""The solver against MINPACK's lmder on the problems of Moré, Garbow and Hillstrom, from all starts of its driver."""

import numpy as np
import pytest

import mgh
from nlsq_widget import fit

every_start = pytest.mark.parametrize("case", mgh.CASES, ids=str)


def norm(case):
    """Our |r|, computed apart from the solver."""
    return mgh.norm_at(case.problem, mgh.ours(case).popt)


def nothing(case):
    """What counts as |r| = 0 beside the residuals of the standard start."""
    return 1e-12 * case.problem.at_start[0]


@every_start
def test_the_formulas_give_the_norms_that_minpack_prints(case):
    printed = case.problem.at_start[round(np.log10(case.factor))]
    assert mgh.norm_at(case.problem, case.problem.begin(case.factor)) == pytest.approx(printed, rel=1e-7)


@every_start
def test_no_start_ends_higher_than_with_lmder(case):
    listed = [minimum for minimum in case.problem.minima if norm(case) == pytest.approx(minimum, rel=1e-6)]
    assert norm(case) <= mgh.lmder(case).norm * (1 + 1e-6) + nothing(case) or listed


@every_start
def test_what_is_called_converged_is_where_lmder_finds_nothing_lower(case):
    result = mgh.ours(case)
    if result.success and mgh.slope(case.problem, result.popt) > 1e-6:
        lower = mgh.lmder_from(case.problem, result.popt, 1e-15).norm
        assert lower**2 >= norm(case) ** 2 * (1 - 1e-8) - nothing(case) ** 2


@every_start
def test_what_lmder_solves_is_called_converged(case):
    """A minimum at infinity is none: there a fit may say that it could not end."""
    solved = mgh.lmder(case).info in (1, 2, 3, 4)
    escaped = any(norm(case) == pytest.approx(limit, rel=1e-4) for limit in case.problem.at_infinity)
    assert mgh.ours(case).success or escaped or not solved, mgh.ours(case).message


@pytest.mark.parametrize("factor", [1, 10, 100])
def test_the_residuals_of_brown_and_dennis_take_fewer_steps_than_lmder_takes_evaluations(factor):
    case = next(case for case in mgh.CASES if case.problem.name == "Brown-Dennis" and case.factor == factor)
    lmder = mgh.lmder_from(case.problem, case.problem.begin(factor), 1e-15)
    assert mgh.ours(case).steps < lmder.nfev


@every_start
def test_the_cost_that_is_reported_is_that_of_the_parameters_reported(case):
    assert 2 * mgh.ours(case).cost == pytest.approx(norm(case) ** 2, rel=1e-9, abs=nothing(case) ** 2)


def test_a_start_from_another_factor_compiles_nothing(compiled):
    problem = next(problem for problem in mgh.PROBLEMS if problem.name == "Rosenbrock")
    for factor in (1, 10, 100):
        fit(problem.model, np.arange(2.0), np.zeros(2), p0=problem.begin(factor))
    assert compiled() <= 1
