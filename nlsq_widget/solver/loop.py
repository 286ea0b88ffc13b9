"""The iteration: start, advance by at most k steps, k a value. So a long fit can be shown, cancelled and resumed."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from nlsq_widget.problem import Problem
from nlsq_widget.solver.residuals import Curve, Triangle, triangle
from nlsq_widget.solver.step import blocked, bounded_step


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
    # their largest for ever, which takes thousands of steps where a far start had a steep slope.
    scale: Array
    radius: Array  # of the trust region, in scaled units
    polish: Array  # length of the last step that was too small for the cost to tell, inf before
    steps: Array  # int, trial steps taken
    status: Array  # int, a Status


def start(curve: Curve, jacobian: Curve | None, problem: Problem) -> State:
    """The state at p0, moved into the box."""
    p = jnp.clip(problem.p0, problem.lower, problem.upper)
    t = triangle(curve, jacobian, problem, p)
    norms = jnp.linalg.norm(t.R, axis=0)
    scale = jnp.where(norms > 0, norms, 1.0)
    length = jnp.linalg.norm(scale * p)
    finite = jnp.isfinite(t.cost) & jnp.all(jnp.isfinite(t.R))
    return State(
        p=p,
        triangle=t,
        scale=scale,
        radius=jnp.where(length > 0, length, 1.0),
        polish=jnp.full_like(length, jnp.inf),
        steps=jnp.asarray(0),
        status=jnp.where(finite, Status.UNFINISHED, Status.NOT_FINITE),
    )


def advance(curve: Curve, jacobian: Curve | None, problem: Problem, state: State, steps: Array) -> State:
    """Take at most `steps` more trial steps, fewer when the iteration converges."""
    last = state.steps + steps.astype(state.steps.dtype)

    def unfinished(here: State) -> Array:
        return (here.status == Status.UNFINISHED) & (here.steps < last)

    return lax.while_loop(unfinished, lambda here: _try_step(curve, jacobian, problem, here), state)


def _try_step(curve: Curve, jacobian: Curve | None, problem: Problem, here: State) -> State:
    t = here.triangle
    gradient = t.R.T @ t.z
    held = blocked(gradient, here.p, problem.lower, problem.upper, problem.free)
    step = bounded_step(t, here.p, problem.lower, problem.upper, held, here.scale, here.radius)
    trial = triangle(curve, jacobian, problem, step.to)

    actual = t.cost - trial.cost  # nan for a wild step, which every comparison below then rejects
    ratio = actual / step.predicted
    usable = jnp.isfinite(trial.cost) & jnp.all(jnp.isfinite(trial.R))
    # Near the solution the cost is flat to its last digit long before the parameters are exact. There a full
    # step is taken on trust as long as the steps keep shrinking, and the fit ends when they no longer do.
    noise = _rounding(problem, t)
    flat = step.full & (step.predicted <= noise) & (jnp.abs(actual) <= 4 * noise)
    polished = flat & usable & (step.length < 0.95 * here.polish)
    accept = ((ratio > 1e-4) & (actual > 0) & usable & ~flat) | polished

    exhausted = (step.possible <= noise) & ~accept
    status = _status(problem, here, step.predicted, step.length, step.full, held, exhausted)
    norms = jnp.linalg.norm(trial.R, axis=0)
    return State(
        p=jnp.where(accept, step.to, here.p),
        triangle=Triangle(*(jnp.where(accept, new, old) for new, old in zip(trial, t, strict=True))),
        scale=jnp.where(accept, jnp.maximum(0.5 * here.scale, norms), here.scale),
        radius=_radius(here.radius, step.length, ratio, step.full | polished),
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


def _status(
    problem: Problem, here: State, predicted: Array, length: Array, full: Array, held: Array, exhausted: Array
) -> Array:
    t = here.triangle
    norms = jnp.linalg.norm(t.R, axis=0)
    size = jnp.sqrt(2 * t.cost)
    cosines = jnp.where(held | (norms == 0) | (size == 0), 0.0, jnp.abs(t.R.T @ t.z) / (norms * size))
    position = jnp.linalg.norm(here.scale * here.p)
    return jnp.select(
        [
            jnp.max(cosines, initial=0.0) <= problem.gtol,
            exhausted,
            full & (predicted <= problem.ftol * t.cost),
            full & (length <= problem.xtol * position),
            here.radius <= jnp.finfo(position.dtype).eps * position,
        ],
        [Status.GRADIENT, Status.ROUNDING, Status.COST, Status.STEP, Status.STALLED],
        Status.UNFINISHED,
    )
