"""The iteration: start, advance by at most k steps, k a value. So a long fit can be shown, cancelled and resumed."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from jax import Array, lax

from nlsq_widget.problem import Problem
from nlsq_widget.solver.linalg import inverse, lengths, regular, sums, times
from nlsq_widget.solver.residuals import Linearise, Triangle
from nlsq_widget.solver.secant import Secant, informed, learnt, nothing
from nlsq_widget.solver.step import Step, blocked, bounded_step

_REPEATS = 3  # each may bring back half of the digits that nearly dependent columns lose

Chosen = TypeVar("Chosen")


class Status(IntEnum):
    """Why the iteration stands where it stands; positive when it converged."""

    IMPRECISE = -3
    STALLED = -2
    NOT_FINITE = -1
    UNFINISHED = 0
    GRADIENT = 1
    COST = 2
    STEP = 3
    ROUNDING = 4


class Plan(NamedTuple):
    """The next trial step, and what can be said before it is tried."""

    step: Step
    verdict: Array  # int, the Status that this step will have earned
    spent: Array  # bool: if it gains nothing, only rounding is left to gain
    noise: Array  # how far rounding alone can move the cost


class State(NamedTuple):
    """Where the iteration is: all that the next step needs."""

    p: Array  # [parameters]
    triangle: Triangle  # of the problem linearised at p
    near: Array  # [parameters, parameters], a triangle that is regular and near that of the next trial
    again: Array  # int, how often that trial was repeated with another triangle
    data: Array  # the length of the weighted data
    points: Array  # how many count
    origin: Array  # the cost at p0
    first: Array  # [parameters], the norms of the columns of the Jacobian at p0
    # [parameters], such norms, falling by half at most at a step: Moré (1978) keeps their largest for ever,
    # which takes thousands of steps where a far start had a steep slope. Zero: not seen yet.
    scale: Array
    radius: Array  # of the trust region, in scaled units
    secant: Secant
    polish: Array  # length of the last step that was too small for the cost to tell, inf before
    steps: Array  # int, trial steps taken; -1 before p0 itself was tried
    status: Array  # int, a Status
    plan: Plan


def start(problem: Problem) -> State:
    """Nothing tried yet; the first trial is p0, moved into the box. So the model is linearised in one place."""
    p = jnp.clip(problem.p0, problem.lower, problem.upper)
    zero, inf = jnp.zeros((), p.dtype), jnp.full((), jnp.inf, p.dtype)
    none = jnp.zeros_like(p)
    counts = problem.weight > 0
    squares, points = sums([jnp.where(counts, problem.weight * problem.y, 0.0) ** 2, counts.astype(p.dtype)])
    step = Step(p, zero, inf, zero, jnp.asarray(True))
    return State(
        p=p,
        triangle=Triangle(jnp.zeros((p.size, p.size), p.dtype), none, inf),
        near=jnp.diag(1.0 / _sizes(p)),
        again=jnp.asarray(0),
        data=jnp.sqrt(squares),
        points=points,
        origin=zero,
        first=none,
        scale=none,
        radius=zero,
        secant=nothing(p),
        polish=inf,
        steps=jnp.asarray(-1),
        status=jnp.asarray(int(Status.UNFINISHED)),
        plan=Plan(step, jnp.asarray(int(Status.UNFINISHED)), jnp.asarray(False), zero),
    )


def _sizes(p: Array) -> Array:
    """What each parameter is likely to change by, within what can be squared: a start of 1e-200 may stand for zero."""
    least = float(jnp.finfo(p.dtype).tiny) ** 0.45
    return jnp.where(p == 0, 1.0, jnp.clip(jnp.abs(p), least, 1 / least))


def advance(linearise: Linearise, problem: Problem, state: State, steps: Array) -> State:
    """Take at most `steps` more trial steps, fewer when the iteration converges."""
    last = jnp.maximum(state.steps, 0) + steps.astype(state.steps.dtype)

    def unfinished(here: State) -> Array:
        return (here.status == Status.UNFINISHED) & (here.steps < last)

    return lax.while_loop(unfinished, lambda here: _try_step(linearise, problem, here), state)


def _try_step(linearise: Linearise, problem: Problem, here: State) -> State:
    t, (step, verdict, spent, noise) = here.triangle, here.plan
    trial, sure = linearise(problem, step.to, here.near)
    begun = here.steps >= 0

    actual = t.cost - trial.cost  # nan for a wild step, which every comparison below then rejects
    ratio = actual / step.predicted
    usable = _all(jnp.isfinite(trial.cost), jnp.all(jnp.isfinite(trial.R)), jnp.all(jnp.isfinite(trial.z)))
    # Near the solution the cost is flat to its last digit long before the parameters are exact. There a full
    # step is taken on trust as long as the steps keep shrinking, and the fit ends when they no longer do.
    flat = _all(begun, step.full, step.predicted <= noise, jnp.abs(actual) <= 4 * noise)
    polished = flat & usable & (step.length < 0.95 * here.polish)
    felt = (step.predicted > noise) | (actual > noise)  # else it is rounding that seems to lower the cost
    accept = _any((ratio > 1e-4) & (actual > 0) & usable & ~flat & felt, polished, ~begun & usable)

    secant = learnt(here.secant, here.near, t, trial, step.to - here.p, here.scale, _all(accept, begun, ~flat, felt))
    norms = lengths(trial.R)
    radius = jnp.where(flat, here.radius, _radius(here.radius, step.length, jnp.where(felt, ratio, 0.0), step.full))
    status = jnp.where(spent & ~accept & (verdict != Status.GRADIENT), Status.ROUNDING, verdict)
    if trial.cost.dtype == jnp.float32:
        status = jnp.where((status == Status.ROUNDING) & _inexact(problem, here), Status.IMPRECISE, status)
    there = State(
        p=jnp.where(accept, step.to, here.p),
        triangle=_chosen(accept, trial, t),
        near=jnp.where(accept, regular(trial.R), here.near),
        again=jnp.asarray(0),
        data=here.data,
        points=here.points,
        origin=jnp.where(begun, here.origin, trial.cost),
        first=jnp.where(begun, here.first, norms),
        scale=jnp.where(accept, jnp.maximum(0.5 * here.scale, norms), here.scale),
        radius=jnp.where(begun, radius, _initial_radius(problem, trial, norms)),
        secant=_chosen(accept, secant, here.secant),
        polish=jnp.where(flat, step.length, here.polish),
        steps=here.steps + 1,
        status=jnp.where(begun | usable, status, Status.NOT_FINITE),
        plan=here.plan,
    )
    resized, near = _resized(here, trial, norms)
    repeat = _all(_any(_all(accept, ~sure), resized), here.again < _REPEATS)
    repeated = here._replace(near=jnp.where(resized, near, regular(trial.R)), again=here.again + 1)
    return _chosen(repeat, repeated, _planned(problem, there))


def _resized(here: State, trial: Triangle, norms: Array) -> tuple[Array, Array]:
    """Whether p0 is to be tried again, since squares of columns vanished or overflowed; and a better `near` for that.

    Until then nothing but p0 itself says how large they are, and p0 may be a mere 1 in a unit of 1e-170.
    """
    far = 2.0 ** int(0.47 * jnp.finfo(here.near.dtype).maxexp)
    tried = jnp.diagonal(here.near)  # a diagonal matrix, as long as nothing has been accepted
    # A column that is still nothing after two of these is nothing.
    short = (norms < tried / far) & (tried > far**-1.5)
    lost = _all(here.again == 0, ~jnp.all(jnp.isfinite(trial.R)), jnp.isfinite(trial.cost))  # which, is not known
    factor = jnp.where(lost, far, jnp.where(short, 1 / far, 1.0)).astype(tried.dtype)
    return _all(here.steps < 0, lost | jnp.any(short)), jnp.diag(tried * factor)


def _inexact(problem: Problem, here: State) -> Array:
    """Whether rounding may hide more than the fourth digit of what matters to the curve.

    It forbids the next step, and it shakes the parameters as errors of the data's last digit do.
    """
    back = inverse(here.near)
    shaken = jnp.finfo(here.p.dtype).eps * here.data * lengths(back.T)
    move = jnp.where(problem.free, jnp.maximum(jnp.abs(here.plan.step.to - here.p), shaken), 0.0)
    seen = here.scale * move > 1e-5 * here.data
    return ~here.plan.step.full | jnp.any(seen & (move > 1e-4 * jnp.abs(here.p)))


def _any(*flags: Array) -> Array:
    return _once(jnp.any(jnp.stack(flags)))


def _all(*flags: Array) -> Array:
    return _once(jnp.all(jnp.stack(flags)))


def _once(flag: Array) -> Array:
    """XLA computes a root once; a chain of comparisons it would copy to wherever the flag is used."""
    return jnp.sqrt(flag.astype(float)) > 0


def _chosen(new: Array, yes: Chosen, no: Chosen) -> Chosen:
    return jax.tree.map(lambda a, b: jnp.where(new, a, b), yes, no)


def _initial_radius(problem: Problem, t: Triangle, norms: Array) -> Array:
    """Both are lengths of residuals: the change that p0 makes from nothing, and the one that is wanted."""
    made = jnp.linalg.norm(jnp.where(problem.free, norms * problem.p0, 0.0))
    return jnp.maximum(made, 0.03 * jnp.sqrt(2 * t.cost))


def _planned(problem: Problem, here: State) -> State:
    """The state with its next step."""
    t = here.triangle
    gradient = times(t.R.T, t.z)
    held = blocked(gradient, here.p, problem.lower, problem.upper, problem.free)
    bent = informed(here.secant, t)
    step = bounded_step(bent, here.p, problem.lower, problem.upper, held, here.scale, here.radius)

    norms = lengths(t.R)
    noise = _rounding(here, norms)
    slopes = jnp.where(held, 0.0, _quotients(gradient, norms))
    # One column alone promises more than all do: beside a scale left from a steeper place it looked like rounding.
    alone = 0.5 * jnp.max(jnp.where(held, 0.0, _quotients(gradient, lengths(bent.R))) ** 2, initial=0.0)
    stale = alone > jnp.maximum(2 * step.possible, noise)
    verdict = jnp.where(stale, Status.UNFINISHED, _verdict(problem, here, step, held, slopes, alone <= noise))
    plan = Plan(step, verdict, ~stale & (step.possible <= noise), noise)
    # A last step that gains nothing that the cost could show need not be tried.
    last = (here.status == Status.UNFINISHED) & ((verdict == Status.COST) | (verdict == Status.STEP))
    done = last | ((here.status == Status.UNFINISHED) & (verdict == Status.GRADIENT))
    return here._replace(
        p=jnp.where(last, step.to, here.p),
        scale=jnp.where(stale, norms, here.scale),
        status=jnp.where(done, verdict, here.status),
        plan=plan,
    )


def _quotients(values: Array, lengths: Array) -> Array:
    return jnp.where(lengths > 0, values / jnp.where(lengths > 0, lengths, 1.0), 0.0)


def _rounding(here: State, norms: Array) -> Array:
    """How far rounding alone can move the cost: the residuals carry the last digits of the data, and of p."""
    size = jnp.sqrt(2 * here.triangle.cost)
    return 4 * jnp.finfo(size.dtype).eps * size * (here.data + jnp.max(norms * jnp.abs(here.p), initial=0.0) + size)


def _radius(radius: Array, length: Array, ratio: Array, full: Array) -> Array:
    """Shrink after a bad prediction, grow after a good one (Moré 1978)."""
    shrunk = 0.25 * jnp.minimum(radius, length)
    grown = jnp.where(full, jnp.maximum(radius, 2 * length), 2 * length)
    good = jnp.where(ratio >= 0.75, grown, radius)
    return jnp.where(ratio >= 0.25, good, shrunk)  # False for nan


def _verdict(problem: Problem, here: State, step: Step, held: Array, slopes: Array, flat: Array) -> Array:
    """The Status that stands once the step has been tried; `flat`: no parameter alone promises to lower the cost."""
    t = here.triangle
    size = jnp.sqrt(2 * t.cost)
    exact = t.cost <= (jnp.finfo(size.dtype).eps ** 2) * here.origin
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
            collapsed & (nearly | flat | exact),  # the model may be rounded more coarsely than the arithmetic
            step.full & (step.predicted <= problem.ftol * t.cost),
            step.full & jnp.all(still) & idle,
            collapsed,
        ],
        [Status.GRADIENT, Status.ROUNDING, Status.COST, Status.STEP, Status.STALLED],
        Status.UNFINISHED,
    )
