"""A long fit, a few steps at a time: between them it tells how far it is, and may be broken off."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from nlsq_widget.cache import compiled
from nlsq_widget.device import Device
from nlsq_widget.model import Model
from nlsq_widget.outcome import Outcome
from nlsq_widget.problem import Problem
from nlsq_widget.program import PROGRAMS, Known, Program
from nlsq_widget.solver import Form, Mode, State, Status, advance, start, triangle
from nlsq_widget.watch import Tell

_SLICE_S = 0.1  # a slice is about so long; a finger waits no longer for a fit to be broken off


class _Onward(NamedTuple):
    """The compiled steps, and what a fit that has not begun passes for its state."""

    run: Callable[..., State]
    blank: State


def in_slices(model: Model, known: Known, program: Program, problem: Problem, where: Device, tell: Tell) -> Outcome:
    """What `program` gives, in slices; `tell(steps, cost)` is called between them, and ends the fit by raising.

    The iteration is the same. The outcome is drawn by the program itself, which starts at the end and takes no step.
    """
    if known.model.on_host:
        return program.run(problem, tell)
    onward = _onward(model, known, program.mode, problem, where)
    limit = float(problem.rules[3])
    state, steps = onward.blank, 0.0
    while state.status == Status.UNFINISHED and (state is onward.blank or state.steps < limit):
        began = time.perf_counter()
        going = np.asarray(min(steps, limit - max(int(state.steps), 0)), dtype=problem.rules.dtype)
        state = jax.device_get(onward.run(problem, state, np.asarray(state is onward.blank), going))
        took = time.perf_counter() - began
        steps = max(1.0, min(2 * steps, np.floor(steps * _SLICE_S / took)))
        tell(int(state.steps), float(state.triangle.cost))
    choices = np.array(problem.choices)
    choices[0] = state.p
    end = PROGRAMS.run(program, replace(problem, choices=choices, rules=_no_steps(problem.rules)), where)
    return end._replace(status=state.status, steps=state.steps, norms=np.maximum(end.norms, state.first))


def _no_steps(rules: Any) -> np.ndarray:
    still = np.array(rules)
    still[3] = 0
    return still


def _onward(model: Model, known: Known, mode: Mode, problem: Problem, where: Device) -> _Onward:
    shapes = tuple([(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(problem)])

    def made() -> _Onward:
        known.identity.forget_inner_programs()
        gives = jax.eval_shape(start, problem)
        blank = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), gives)
        go = partial(_go, known, mode)
        lowered = jax.jit(go, keep_unused=True).lower(problem, blank, np.asarray(True), problem.rules[3])
        PROGRAMS.compiled += 1
        return _Onward(compiled(lowered, where), blank)

    key = ("onward", shapes, problem.whiten is None, known.pointwise, mode, where.name)
    return PROGRAMS.remembered(key, known.identity, model, made)[0]


def _go(known: Known, mode: Mode, problem: Problem, state: State, fresh: Array, steps: Array) -> State:
    model = known.model
    jacobian = model.columns if model.own_columns else None
    linearise = partial(triangle, Form(model.curve, jacobian, mode, known.pointwise))
    state = jax.tree.map(partial(jnp.where, fresh), start(problem), state)
    return advance(linearise, problem, state, steps)
