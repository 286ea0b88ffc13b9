"""The iteration: start, advance by at most k steps, k a value. So a long fit can be shown, cancelled and resumed."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from nlsq_widget.problem import Problem
from nlsq_widget.solver.residuals import Linearise, Triangle
from nlsq_widget.solver.step import Step, blocked, bounded_step


class Status(IntEnum):
    """Why the iteration stands where it stands; positive when it converged."""

    STALLED = -2
    NOT_FINITE = -1
    UNFINISHED = 0
    GRADIENT = 1
    COST = 2
    STEP = 3
    ROUNDING = 4


class State(NamedTuple):
    """Where the iteration is: all that the next step needs."""

    p: Array  # [parameters]
    triangle: Triangle  # of the problem linearised at p
    # [parameters], the norms of the columns of the Jacobian, falling by half at most at a step: Moré (1978) keeps
    # their largest for ever, which takes thousands of steps where a far start had a steep slope. Zero: not seen yet.
    scale: Array
    radius: Array  # of the trust region, in scaled units
    polish: Array  # length of the last step that was too small for the cost to tell, inf before
    steps: Array  # int, trial steps taken
    status: Array  # int, a Status


def start(linearise: Linearise, problem: Problem) -> State:
    """The state at p0, moved into the box."""
    p = jnp.clip(problem.p0, problem.lower, problem.upper)
    t = linearise(problem, p)
    norms = jnp.linalg.norm(t.R, axis=0)
    # Both are lengths of residuals: the change that p makes from nothing, and the one that is wanted.
    length = jnp.maximum(jnp.linalg.norm(jnp.where(problem.free, norms * p, 0.0)), 0.03 * jnp.sqrt(2 * t.cost))
    finite = jnp.isfinite(t.cost) & jnp.all(jnp.isfinite(t.R))
    return State(
        p=p,
        triangle=t,
        scale=norms,
        radius=length,
        polish=jnp.full_like(length, jnp.inf),
        steps=jnp.asarray(0),
        status=jnp.where(finite, Status.UNFINISHED, Status.NOT_FINITE),
    )


def advance(linearise: Linearise, problem: Problem, state: State, steps: Array) -> State:
    """Take at most `steps` more trial steps, fewer when the iteration converges."""
    last = state.steps + steps.astype(state.steps.dtype)

    def unfinished(here: State) -> Array:
        return (here.status == Status.UNFINISHED) & (here.steps < last)

    return lax.while_loop(unfinished, lambda here: _try_step(linearise, problem, here), state)


def _try_step(linearise: Linearise, problem: Problem, here: State) -> State:
    t = here.triangle
    gradient = t.R.T @ t.z
    held = blocked(gradient, here.p, problem.lower, problem.upper, problem.free)
    step = bounded_step(t, here.p, problem.lower, problem.upper, held, here.scale, here.radius)
    trial = linearise(problem, step.to)

    actual = t.cost - trial.cost  # nan for a wild step, which every comparison below then rejects
    ratio = actual / step.predicted
    usable = jnp.isfinite(trial.cost) & jnp.all(jnp.isfinite(trial.R))
    # Near the solution the cost is flat to its last digit long before the parameters are exact. There a full
    # step is taken on trust as long as the steps keep shrinking, and the fit ends when they no longer do.
    noise = _rounding(problem, t)
    flat = step.full & (step.predicted <= noise) & (jnp.abs(actual) <= 4 * noise)
    polished = flat & usable & (step.length < 0.95 * here.polish)
    accept = ((ratio > 1e-4) & (actual > 0) & usable & ~flat) | polished

    # One column alone promises more than all do: beside a scale left from a steeper place it looked like rounding.
    norms = jnp.linalg.norm(t.R, axis=0)
    slopes = jnp.where(held | (norms == 0), 0.0, gradient / jnp.where(norms > 0, norms, 1.0))
    stale = 0.5 * jnp.max(slopes**2, initial=0.0) > jnp.maximum(2 * step.possible, noise)
    exhausted = (step.possible <= noise) & ~accept
    status = jnp.where(stale, Status.UNFINISHED, _status(problem, here, step, held, slopes, exhausted))
    scale = jnp.maximum(0.5 * here.scale, jnp.linalg.norm(trial.R, axis=0))
    return State(
        p=jnp.where(accept, step.to, here.p),
        triangle=Triangle(*(jnp.where(accept, new, old) for new, old in zip(trial, t, strict=True))),
        scale=jnp.where(stale, norms, jnp.where(accept, scale, here.scale)),
        radius=jnp.where(flat, here.radius, _radius(here.radius, step.length, ratio, step.full)),
        polish=jnp.where(flat, step.length, here.polish),
        steps=here.steps + 1,
        status=status,
    )


def _rounding(problem: Problem, t: Triangle) -> Array:
    """How far rounding alone can move the cost: the residuals carry the last digits of the data."""
    eps = jnp.finfo(t.cost.dtype).eps
    data = jnp.sqrt(jnp.sum(jnp.where(problem.weight > 0, problem.weight * problem.y, 0.0) ** 2))
    size = jnp.sqrt(2 * t.cost)
    return 4 * eps * size * (data + size)


def _radius(radius: Array, length: Array, ratio: Array, full: Array) -> Array:
    """Shrink after a bad prediction, grow after a good one (Moré 1978)."""
    shrunk = 0.25 * jnp.minimum(radius, length)
    grown = jnp.where(full, jnp.maximum(radius, 2 * length), 2 * length)
    good = jnp.where(ratio >= 0.75, grown, radius)
    return jnp.where(ratio >= 0.25, good, shrunk)  # False for nan


def _status(problem: Problem, here: State, step: Step, held: Array, slopes: Array, exhausted: Array) -> Array:
    t = here.triangle
    size = jnp.sqrt(2 * t.cost)
    cosines = jnp.where(size > 0, jnp.abs(slopes) / jnp.where(size > 0, size, 1.0), 0.0)
    still = held | (jnp.abs(step.to - here.p) <= problem.xtol * jnp.abs(here.p))
    # A peak at 1e12 may move by its width and still count as still: then it must not gain anything either.
    idle = step.possible <= 1e-6 * t.cost
    nearly = step.possible <= 1e-4 * t.cost
    position = jnp.linalg.norm(jnp.where(held, 0.0, here.scale * here.p))
    collapsed = here.radius <= jnp.finfo(position.dtype).eps * position
    return jnp.select(
        [
            jnp.max(cosines, initial=0.0) <= problem.gtol,
            exhausted | (collapsed & nearly),  # the model may be rounded more coarsely than the arithmetic
            step.full & (step.predicted <= problem.ftol * t.cost),
            step.full & jnp.all(still) & idle,
            collapsed,
        ],
        [Status.GRADIENT, Status.ROUNDING, Status.COST, Status.STEP, Status.STALLED],
        Status.UNFINISHED,
    )
