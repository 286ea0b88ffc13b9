"""The committed NIST numbers and the formulas written for them agree with what NIST certifies."""

import jax
import numpy as np
import pytest
from scipy.optimize import curve_fit

from nist import PROBLEMS, Problem

EVERY = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
# The data of Lanczos1 follow its model to 14 digits: 11 digits of the parameters cannot show that residual.
ROUNDED = 1e-18


def _jacobian(problem: Problem) -> np.ndarray:
    def curve(parameters):
        return problem.model(problem.x, *parameters)

    return np.asarray(jax.jit(jax.jacfwd(curve))(problem.certified))


def test_all_27_problems_are_here() -> None:
    levels = [problem.difficulty for problem in PROBLEMS.values()]
    assert [levels.count(level) for level in ("lower", "average", "higher")] == [8, 11, 8]


@EVERY
def test_the_residual_sum_of_squares_is_the_certified_one(problem: Problem) -> None:
    with jax.enable_x64(True):
        residual = problem.y - np.asarray(problem.model(problem.x, *problem.certified))
    assert residual @ residual == pytest.approx(problem.rss, rel=2e-10, abs=ROUNDED)
    assert problem.rss / problem.dof == pytest.approx(problem.residual_sd**2, rel=1e-9)


@EVERY
def test_the_certified_standard_deviations_follow_from_the_jacobian(problem: Problem) -> None:
    with jax.enable_x64(True):
        jacobian = _jacobian(problem)
    scale = np.linalg.norm(jacobian, axis=0)
    inverse = np.linalg.pinv(jacobian / scale, rcond=1e-15)
    sd = problem.residual_sd * np.linalg.norm(inverse, axis=1) / scale
    np.testing.assert_allclose(sd, problem.certified_sd, rtol=1e-6)


@EVERY
def test_scipy_finds_the_certified_values_from_the_near_start(problem: Problem) -> None:
    compiled = jax.jit(problem.model)

    def curve(x, *parameters):
        return np.asarray(compiled(x, *parameters))

    with jax.enable_x64(True):
        popt, _ = curve_fit(curve, problem.x, problem.y, problem.start_2, maxfev=20000, ftol=1e-15, xtol=1e-15)
    np.testing.assert_allclose(popt, problem.certified, rtol=1e-4)
