"""The compiled program of a model: start, iterate, draw, in one dispatch. Found by the model, never by bytecode."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from nlsq_widget.device import Device, scope
from nlsq_widget.model import Model, ModelError, fingerprint, first_line, unjitted
from nlsq_widget.pointwise import is_pointwise
from nlsq_widget.problem import Problem
from nlsq_widget.solver import State, advance, covariance, start


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


def refit(model: Model, problem: Problem) -> Outcome:
    """The whole re-fit as one pure function of arrays; what is compiled, and what may be vmapped."""
    function = _curve(model)
    jacobian = None if model.jacobian is None else model.columns
    begin = start(function, jacobian, problem)
    end: State = advance(function, jacobian, problem, begin, problem.max_steps)
    points = jnp.sum(problem.weight > 0)
    return Outcome(
        popt=end.p,
        inverse=covariance(end.triangle.R, problem.free, points),
        norms=jnp.maximum(jnp.linalg.norm(begin.triangle.R, axis=0), jnp.linalg.norm(end.triangle.R, axis=0)),
        cost=end.triangle.cost,
        status=end.status,
        steps=end.steps,
        fitted=function(problem.x, end.p),
        curve_p0=_along(function, problem.grid, begin.p),
        curve=_along(function, problem.grid, end.p),
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


def _along(function: Callable[[Array, Array], Array], grid: Array, p: Array) -> Array:
    """Nobody draws where the grid is empty; the model is then not asked."""
    return function(grid, p) if grid.size else grid


def _curve(model: Model) -> Callable[[Array, Array], Array]:
    """The model with its shape checked: one value for each point, or one for all."""

    def curve(x: Array, p: Array) -> Array:
        value = model.curve(x, p)
        points = x.shape[-1:]
        if value.shape not in ((), (1,), points):
            raise ModelError(
                f"The model {model.name} returned an array of shape {value.shape} for {points[0]} points; "
                "return one value for each point."
            )
        return jnp.broadcast_to(value, points)

    return curve


class Programs:
    """The compiled programs of this process, the least recently used dropped beyond `keep`."""

    def __init__(self, keep: int = 64) -> None:
        self._keep = keep
        self._known: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.RLock()
        self.compiled = 0  # how many programs have been compiled so far

    def program(self, model: Model, problem: Problem, where: Device) -> Any:
        """`refit` compiled for these shapes on `where`. Raises ModelError when the model cannot be traced."""
        shapes = [np.shape(leaf) for leaf in jax.tree.leaves(problem)]
        key = (_identity(model), problem.whiten is None, tuple(shapes), where.name)
        with scope(where):
            return self._remembered(key, lambda: _compile(model, problem))

    @staticmethod
    def run(program: Any, problem: Problem, where: Device) -> Outcome:
        """NumPy arrays out, in one transfer."""
        try:
            with scope(where):
                packed = jax.device_get(program(jax.device_put(problem, where.jax)))
        except jax.errors.JaxRuntimeError as error:
            raise ModelError(f"The fit broke off on {where.name}: {first_line(error)}") from error
        return _unpacked(packed, problem.choices.shape[1])

    def pointwise(self, model: Model, x_shape: tuple[int, ...], parameters: int, where: Device) -> bool:
        key = ("pointwise", _identity(model), x_shape[:-1], parameters)
        with scope(where):
            return self._remembered(key, lambda: is_pointwise(model, x_shape, parameters), counts=False)

    def _remembered(self, key: Any, make: Callable[[], Any], *, counts: bool = True) -> Any:
        with self._lock:
            if key not in self._known:
                self._known[key] = make()
                self.compiled += counts
            self._known.move_to_end(key)
            while len(self._known) > self._keep:
                self._known.popitem(last=False)
            return self._known[key]


PROGRAMS = Programs()


def _identity(model: Model) -> Any:
    """The model object and what it reads; the jacobian likewise."""
    jacobian = () if model.jacobian is None else fingerprint(model.jacobian)
    return fingerprint(model.function), jacobian, len(model.names)


def _compile(model: Model, problem: Problem) -> Any:
    traceable = Model(unjitted(model.function), model.names, model.defaults, model.jacobian)
    # Ahead of time: such a program cannot compile again behind our back, it would refuse another shape.
    return jax.jit(lambda given: _packed(refit(traceable, given))).lower(problem).compile()
