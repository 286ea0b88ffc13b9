"""A fit whose model is asked between two runs of one compiled step: on the caller's own thread, never on XLA's.

XLA has few threads. A model that was called from inside a program, and called JAX itself, would wait there for one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from nlsq_widget.problem import Problem, pad
from nlsq_widget.solver import Form, State, Status, advance, covariance, lengths, start, triangle
from nlsq_widget.watch import Tell


class Linear(NamedTuple):
    """What a model says at one place."""

    value: Any  # [points]
    columns: Any  # [parameters, points], the derivatives


class Stand(NamedTuple):
    """Where the fit stands after a step."""

    state: State
    inverse: Any  # [parameters, parameters], (J'J)^-1
    norms: Any  # [parameters], of the columns of the weighted Jacobian, the greater of those at p0 and here


class Step(NamedTuple):
    """The compiled step, the same for all models of as many parameters and points."""

    run: Callable[..., Stand]
    blank: State  # what a fit that has not begun passes for its state


def bare(problem: Problem, length: int) -> Problem:
    """What the step needs of a problem, padded to `length`."""
    y, weight = pad(np.asarray(problem.y), length), pad(np.asarray(problem.weight), length, fill=0.0)
    return replace(problem, x=y[:0], y=y, weight=weight, grid=y[:0])


def lowered(problem: Problem) -> tuple[Any, State]:
    """The step for problems of this shape, ready to be compiled, and the state of a fit that has not begun."""
    shapes = jax.eval_shape(start, problem)
    blank = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    told = Linear(problem.y, np.zeros((problem.choices.shape[1], problem.y.size), problem.y.dtype))
    return jax.jit(_step, keep_unused=True).lower(problem, told, blank, np.asarray(True)), blank


def _step(problem: Problem, told: Linear, state: State, fresh: Array) -> Stand:
    """Judge the trial step by what the model said there, and plan the next; p0 itself is the first trial."""
    form = Form(lambda *_: told.value, lambda *_: told.columns, "given", pointwise=False)
    state = jax.tree.map(partial(jnp.where, fresh), start(problem), state)
    state = advance(partial(triangle, form), problem, state, jnp.where(fresh, 0, 1))
    R = state.triangle.R
    norms = jnp.maximum(state.first, lengths(R))
    return Stand(state, covariance(R, problem.free, state.points), norms)


def iterate(step: Step, ask: Callable[[np.ndarray], Linear], problem: Problem, tell: Tell | None = None) -> Stand:
    """The fit of a bare `problem`, in NumPy's arrays; `ask` is the model, parameters [parameters] -> `Linear`."""
    p0, lower, upper = np.asarray(problem.choices, dtype=float)[:3]
    max_steps = float(problem.rules[3])

    def tried(p: np.ndarray, state: State, *, fresh: bool) -> Stand:
        padded = (pad(values, problem.y.size, fill=0.0) for values in ask(p))
        told = Linear(*(values.astype(problem.y.dtype, copy=False) for values in padded))
        return jax.device_get(step.run(problem, told, state, np.asarray(fresh)))

    stand = tried(np.clip(p0, lower, upper), step.blank, fresh=True)
    while stand.state.status == Status.UNFINISHED and stand.state.steps < max_steps:
        stand = tried(np.asarray(stand.state.plan.step.to, dtype=float), stand.state, fresh=False)
        if tell is not None:
            tell(int(stand.state.steps), float(stand.state.triangle.cost))
    return stand
