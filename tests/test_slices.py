"""A fit in slices is the same fit, tells how far it is, and can be broken off."""

import math

import numpy as np
import pytest
from jax import numpy as jnp

from nist import PROBLEMS
from nlsq_widget.begin import begin
from nlsq_widget.fit import solve
from nlsq_widget.program import PROGRAMS


class EnoughError(Exception):
    """Raised by a test to break off a fit."""


def told():
    seen = []
    return seen, lambda steps, cost: seen.append((steps, cost))


@pytest.mark.parametrize("name", ["MGH10", "Hahn1", "Eckerle4"])
def test_it_ends_where_the_fit_in_one_go_ends(name):
    """MGH10 and Hahn1 are among the longest of NIST's: many slices."""
    problem = PROBLEMS[name]
    session = begin(problem.model, problem.x, problem.y, p0=problem.start_1)
    seen, tell = told()
    sliced, _ = solve(session, tell=tell)
    whole, _ = solve(session)
    assert (sliced.status, sliced.steps) == (whole.status, whole.steps)
    np.testing.assert_allclose(sliced.popt, whole.popt, rtol=1e-7)
    np.testing.assert_allclose(sliced.stderr, whole.stderr, rtol=1e-5)
    np.testing.assert_allclose(sliced.residuals, whole.residuals, atol=1e-9 * np.ptp(problem.y))
    steps = [step for step, _ in seen]
    assert steps == sorted(set(steps))
    assert steps[-1] == whole.steps
    assert seen[-1][1] == pytest.approx(whole.cost, rel=1e-9)


def by_hand(x, a, tau):
    return np.array([a * math.exp(-value / tau) for value in x])


@pytest.mark.parametrize("model", [lambda x, a, tau: a * jnp.exp(-x / tau), by_hand], ids=["traced", "host"])
def test_it_can_be_broken_off_and_begun_anew(model):
    x = np.linspace(0, 4, 40)
    session = begin(model, x, 3 * np.exp(-x / 2), p0=[1, 9])
    taken = []

    def tell(steps, _cost):
        taken.append(steps)
        if steps >= 2:
            raise EnoughError

    with pytest.raises(EnoughError):
        solve(session, tell=tell)
    assert taken[-1] < solve(session)[0].steps
    np.testing.assert_allclose(solve(session, tell=lambda *_: None)[0].popt, [3, 2], rtol=1e-6)


def test_its_steps_are_compiled_once():
    x = np.linspace(0, 4, 40)

    def model(x, a, tau):
        return a * jnp.exp(-x / tau)

    def compiled_for(p0):
        before = PROGRAMS.compiled
        session = begin(model, x, 3 * np.exp(-x / 2), p0=p0)
        solve(session)
        solve(session, tell=lambda *_: None)
        return PROGRAMS.compiled - before

    assert compiled_for([1, 9]) == 2
    assert compiled_for([2, 3]) == 0
