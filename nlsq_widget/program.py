"""The compiled program of a model: start, iterate, draw, in one dispatch. Found by the model, never by bytecode."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from nlsq_widget.device import Device, scope
from nlsq_widget.fingerprint import fingerprint, forget_inner_programs, unjitted
from nlsq_widget.model import Model, ModelError, first_line
from nlsq_widget.pointwise import is_pointwise
from nlsq_widget.problem import Problem
from nlsq_widget.solver import State, advance, covariance, forward_is_cheaper, start, triangle


class Outcome(NamedTuple):
    """All that a re-fit brings back, as arrays."""

    popt: Any  # [parameters]
    inverse: Any  # [parameters, parameters], (J'J)^-1
    norms: Any  # [parameters], of the columns of the weighted Jacobian, the greater of those at p0 and at popt
    cost: Any  # |weighted residuals|^2 / 2
    status: Any  # a solver.Status
    steps: Any
    fitted: Any  # [points], the model at popt
    curve_p0: Any  # [grid]
    curve: Any  # [grid], at popt


def refit(model: Model, forward: bool, problem: Problem) -> Outcome:
    """The whole re-fit as one pure function of arrays; what is compiled, and what may be vmapped."""
    jacobian = None if model.jacobian is None else model.columns
    linearise = partial(triangle, model.curve, jacobian, forward)
    begin = start(linearise, problem)
    end: State = advance(linearise, problem, begin, problem.max_steps)
    return Outcome(
        popt=end.p,
        inverse=covariance(end.triangle.R, problem.free, jnp.sum(problem.weight > 0)),
        norms=jnp.maximum(jnp.linalg.norm(begin.triangle.R, axis=0), jnp.linalg.norm(end.triangle.R, axis=0)),
        cost=end.triangle.cost,
        status=end.status,
        steps=end.steps,
        fitted=model.curve(problem.x, end.p, problem.y.size),
        curve_p0=_along(model, problem.grid, begin.p),
        curve=_along(model, problem.grid, end.p),
    )


def _packed(outcome: Outcome) -> tuple[Array, Array, Array]:
    """The outcome as three arrays: all the small numbers, the points, the curves."""
    scalars = jnp.stack([outcome.cost, outcome.status.astype(float), outcome.steps.astype(float)])
    numbers = jnp.concatenate([scalars, outcome.popt, outcome.norms, outcome.inverse.ravel()])
    return numbers, outcome.fitted, jnp.stack([outcome.curve_p0, outcome.curve])


def _unpacked(packed: tuple[np.ndarray, np.ndarray, np.ndarray], parameters: int) -> Outcome:
    numbers, fitted, curves = packed
    cost, status, steps = numbers[:3]
    popt, norms, inverse = np.split(numbers[3:], [parameters, 2 * parameters])
    return Outcome(popt, inverse.reshape(parameters, parameters), norms, cost, status, steps, fitted, *curves)


def _along(model: Model, grid: Array, p: Array) -> Array:
    """Nobody draws where the grid is empty; the model is then not asked."""
    return model.curve(grid, p, grid.size) if grid.size else grid


class Programs:
    """The compiled programs of this process, the least recently used dropped beyond `keep`."""

    def __init__(self, keep: int = 64) -> None:
        self._keep = keep
        self._known: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.RLock()
        self.compiled = 0  # how many programs have been compiled so far

    def program(self, model: Model, problem: Problem, where: Device) -> Any:
        """`refit` compiled for these shapes on `where`. Raises ModelError when the model cannot be traced."""
        shapes = tuple(np.shape(leaf) for leaf in jax.tree.leaves(problem))
        with scope(where):
            return self._remembered(
                (shapes, problem.whiten is None, where.name), model, lambda: _compile(model, problem)
            )

    @staticmethod
    def run(program: Any, problem: Problem, where: Device) -> Outcome:
        """NumPy arrays out, in one transfer."""
        try:
            with scope(where):
                packed = jax.device_get(program(jax.device_put(problem, where.jax)))
        except jax.errors.JaxRuntimeError as error:
            raise ModelError(f"The fit broke off on {where.name}: {first_line(error)}") from error
        return _unpacked(packed, problem.choices.shape[1])

    def pointwise(self, model: Model, x_shape: tuple[int, ...], padded: int, where: Device) -> bool:
        """Whether the points of the model may be padded to this length."""
        with scope(where):
            return self._remembered(
                (x_shape, padded), model, lambda: is_pointwise(model, x_shape, padded), counts=False
            )

    def _remembered(self, shapes: Any, model: Model, make: Callable[[], Any], *, counts: bool = True) -> Any:
        with self._lock:
            key = (shapes, counts, _identity(model))
            if key not in self._known:
                self._known[key] = make()
                self.compiled += counts
                key = self._renamed(key, _identity(model))
            self._known.move_to_end(key)
            while len(self._known) > self._keep:
                self._known.popitem(last=False)
            return self._known[key]

    def _renamed(self, key: Any, identity: Any) -> Any:
        """A model that keeps a record of its calls was changed by being traced; what was just learnt still holds."""
        for known in [known for known in self._known if known[-1] == key[-1] != identity]:
            self._known[(*known[:-1], identity)] = self._known.pop(known)
        return (*key[:-1], identity)


PROGRAMS = Programs()


def _identity(model: Model) -> Any:
    """The model object and what it reads; the jacobian likewise."""
    jacobian = () if model.jacobian is None else fingerprint(model.jacobian)
    return fingerprint(model.function), jacobian, len(model.names)


def _compile(model: Model, problem: Problem) -> Any:
    """Ahead of time: such a program cannot compile again behind our back, it would refuse another shape."""
    forget_inner_programs(fingerprint(model.function))
    traceable = Model(unjitted(model.function), model.names, model.defaults, model.jacobian)
    forward = forward_is_cheaper(len(model.names), problem.y.size)
    try:
        return _lowered(traceable, forward, problem).compile()
    except (TypeError, ValueError) as error:
        if "-mode " not in str(error):  # JAX says "Reverse-mode ..." or "forward-mode ..."
            raise
    # Some models know the other mode only: loops of unknown length forward, custom_vjp reverse.
    try:
        return _lowered(traceable, not forward, problem).compile()
    except (TypeError, ValueError) as error:
        raise ModelError(f"The model {model.name} cannot be differentiated: {first_line(error)}") from error


def _lowered(model: Model, forward: bool, problem: Problem) -> Any:
    return jax.jit(lambda given: _packed(refit(model, forward, given))).lower(problem)
