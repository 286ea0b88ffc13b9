"""The compiled program of a model: start, iterate, draw, in one dispatch. Found by the model, never by bytecode."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from nlsq_widget.cache import compiled
from nlsq_widget.device import Device
from nlsq_widget.fingerprint import fingerprint, forget_inner_programs, unjitted
from nlsq_widget.forms import resolved
from nlsq_widget.model import Model, ModelError, first_line
from nlsq_widget.pointwise import is_pointwise
from nlsq_widget.problem import Problem
from nlsq_widget.solver import Form, Mode, State, advance, covariance, forward_is_cheaper, linear, start, triangle

Found = TypeVar("Found")


class Outcome(NamedTuple):
    """All that a re-fit brings back, as arrays."""

    popt: Any  # [parameters]
    inverse: Any  # [parameters, parameters], (J'J)^-1
    R: Any  # [parameters, parameters], upper triangular, R'R = J'J at popt
    norms: Any  # [parameters], of the columns of the weighted Jacobian, the greater of those at p0 and at popt
    cost: Any  # half the sum of the squared weighted residuals, or of their loss
    status: Any  # a solver.Status
    steps: Any
    fitted: Any  # [points], the model at popt
    curve_p0: Any  # [grid]
    curve: Any  # [grid], at popt


class Place(NamedTuple):
    """Where the derivatives of a curve are asked for."""

    x: np.ndarray  # [..., points]
    p: np.ndarray  # [parameters]
    moves: np.ndarray  # bool [parameters]; finite differences spare themselves the others
    points: int


class Program(NamedTuple):
    """A compiled function of arrays, and how it takes derivatives."""

    run: Callable[..., Any]
    model: Model  # in the form that was compiled
    mode: Mode


class Lanes(NamedTuple):
    """A compiled program for many fits at once, and what it gives for one of them."""

    run: Callable[..., Any]
    gives: Any


def refit(model: Model, mode: Mode, pointwise: bool, problem: Problem) -> Outcome:
    """The whole re-fit as one pure function of arrays; what is compiled, and what may be vmapped."""
    jacobian = partial(model.columns, lower=problem.lower, upper=problem.upper) if model.own_columns else None
    linearise = partial(triangle, Form(model.curve, jacobian, mode, pointwise))
    end: State = advance(linearise, problem, start(problem), problem.max_steps)
    p0 = jnp.clip(problem.p0, problem.lower, problem.upper)
    return Outcome(
        popt=end.p,
        inverse=covariance(end.triangle.R, problem.free, end.points),
        R=end.triangle.R,
        norms=jnp.maximum(end.first, jnp.linalg.norm(end.triangle.R, axis=0)),
        cost=end.triangle.cost,
        status=end.status,
        steps=end.steps,
        fitted=model.curve(problem.x, end.p, problem.y.size),
        curve_p0=_along(model, problem.grid, p0),
        curve=_along(model, problem.grid, end.p),
    )


def _packed(outcome: Outcome) -> tuple[Array, Array, Array | None]:
    """The outcome as few arrays: all the small numbers, the points, the curves."""
    scalars = jnp.stack([outcome.cost, *(n.astype(outcome.popt.dtype) for n in (outcome.status, outcome.steps))])
    numbers = jnp.concatenate([scalars, outcome.popt, outcome.norms, outcome.inverse.ravel(), outcome.R.ravel()])
    return numbers, outcome.fitted, jnp.stack([outcome.curve_p0, outcome.curve]) if outcome.curve.size else None


def _unpacked(packed: tuple[Any, Any, Any], parameters: int) -> Outcome:
    numbers, fitted = np.array(packed[0], dtype=float), np.asarray(packed[1], dtype=float)
    curve_p0, curve = (_NO_CURVE, _NO_CURVE) if packed[2] is None else np.asarray(packed[2], dtype=float)
    n = parameters
    popt, norms, squares = numbers[3 : 3 + n], numbers[3 + n : 3 + 2 * n], numbers[3 + 2 * n :].reshape(2, n, n)
    cost, status, steps = numbers[:3]
    return Outcome(popt, squares[0], squares[1], norms, cost, status, steps, fitted, curve_p0, curve)


_NO_CURVE = np.zeros(0)


def _slopes(model: Model, mode: Mode, points: int, x: Array, p: Array, moves: Array) -> Array:
    """The curve, and below it its derivatives [1 + parameters, points]."""
    lower, upper = jnp.where(moves, -jnp.inf, p), jnp.where(moves, jnp.inf, p)
    jacobian = partial(model.columns, lower=lower, upper=upper) if model.own_columns else None
    value, columns = linear(
        Form(model.curve, jacobian, mode, pointwise=False), x, p, points, jnp.eye(p.size, dtype=p.dtype)
    )
    return jnp.concatenate([value[None], columns])


def _along(model: Model, grid: Array, p: Array) -> Array:
    """Nobody draws where the grid is empty; the model is then not asked."""
    return model.curve(grid, p, grid.size) if grid.size else grid


class Known(NamedTuple):
    """What has been found out about a model."""

    model: Model  # in the form that works: traced, traced as NumPy, or called on the host
    pointwise: bool  # it takes each point by itself: points may be padded, and taken in chunks
    identity: Any  # the function object and all that it reads, as it is now


class Programs:
    """The compiled programs of this process, the least recently used dropped beyond `keep`.

    Its methods are called within the scope of a device.
    """

    def __init__(self, keep: int = 64) -> None:
        self._keep = keep
        self._known: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.RLock()
        self.compiled = 0  # how many programs have been compiled so far

    def known(self, model: Model, x: np.ndarray, p0: Any, points: int, padded: int) -> Known:
        """What to know about `model` for data of these shapes. Raises ModelError when it works in no form."""

        def found() -> tuple[Model, bool]:
            forget_inner_programs(fingerprint(model.function))
            form = resolved(replace(model, function=unjitted(model.function)), x, np.array(p0, dtype=float), points)
            separate = not form.own_columns and x.shape[-1] == points and is_pointwise(form, x.shape, padded)
            return form, separate

        (form, pointwise), identity = self._remembered((x.shape, points), _identity(model), model, found)
        return Known(form, pointwise, identity)

    def program(self, model: Model, known: Known, problem: Problem, wanted: str, where: Device) -> Program:
        """`refit` compiled for these shapes on `where`; `wanted` is a mode of derivatives, or "auto"."""
        shapes = tuple([(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(problem)])
        key = (shapes, problem.whiten is None, known.pointwise, wanted, where.name)

        def made() -> Program:
            program = _compile(known, problem, wanted, where)
            self.compiled += 1
            return program

        return self._remembered(key, known.identity, model, made)[0]

    def lanes(self, model: Model, known: Known, go_on: Callable[..., Any], problem: Problem, where: Device) -> Lanes:
        """`go_on` for many problems at once, that have x, grid and rules in common."""
        shapes = tuple([leaf.shape for leaf in jax.tree.leaves(problem)])

        def made() -> Lanes:
            self.compiled += 1
            one = replace(problem, y=problem.y[0], weight=problem.weight[0], choices=problem.choices[0])
            lane = partial(go_on, known.model, known.pointwise)
            given = (jax.eval_shape(start, one), np.asarray(True), np.asarray(1.0))
            gives = jax.eval_shape(lane, one, *given)
            width = len(problem.y)
            many = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((width, *leaf.shape), leaf.dtype), given)
            axes = (Problem(None, 0, 0, None, None, 0, None), 0, 0, 0)
            lowered = jax.jit(jax.vmap(lane, in_axes=axes), keep_unused=True).lower(problem, *many)
            return Lanes(compiled(lowered, where), gives)

        return self._remembered(("lanes", shapes, known.pointwise, where.name), known.identity, model, made)[0]

    @staticmethod
    def run(program: Program, problem: Problem, where: Device) -> Outcome:
        """NumPy arrays in and out."""
        return _guarded(program.model, where, lambda: _unpacked(program.run(problem), problem.choices.shape[1]))

    def slopes(self, model: Model, known: Known, mode: Mode, at: Place, where: Device) -> np.ndarray:
        """The curve, and below it its derivatives [1 + parameters, points], compiled once for these shapes."""
        given = at.x, at.p, at.moves
        key = ("slopes", at.x.shape, at.x.dtype, at.points, mode, where.name)

        def made() -> Program:
            forget_inner_programs(fingerprint(known.model.function))
            lowered = jax.jit(partial(_slopes, known.model, mode, at.points), keep_unused=True).lower(*given)
            program = Program(compiled(lowered, where), known.model, mode)
            self.compiled += 1
            return program

        program = self._remembered(key, known.identity, model, made)[0]
        return _guarded(program.model, where, lambda: np.asarray(program.run(*given), dtype=float))

    def _remembered(self, what: Any, identity: Any, model: Model, make: Callable[[], Any]) -> tuple[Any, Any]:
        """The thing made once for this model as it is, and the identity under which it is now known."""
        with self._lock:
            key = (what, identity)
            if key not in self._known:
                self._known[key] = make()
                key = self._renamed(key, _identity(model))
            self._known.move_to_end(key)
            while len(self._known) > self._keep:
                self._known.popitem(last=False)
            return self._known[key], key[1]

    def _renamed(self, key: Any, identity: Any) -> Any:
        """A model that keeps a record of its calls was changed by being traced; what was just learnt still holds."""
        for known in [known for known in self._known if known[1] == key[1] != identity]:
            self._known[known[0], identity] = self._known.pop(known)
        return key[0], identity


PROGRAMS = Programs()


def _guarded(model: Model, where: Device, run: Callable[[], Found]) -> Found:
    """What `run` gives; what the user's code raised on the host is raised here."""
    try:
        found = run()
    except jax.errors.JaxRuntimeError as error:
        model.raised.again()
        raise ModelError(f"The fit broke off on {where.name}: {first_line(error)}") from error
    model.raised.again()
    return found


def _identity(model: Model) -> Any:
    """The model object and what it reads; the jacobian likewise."""
    jacobian = () if model.jacobian is None else fingerprint(model.jacobian)
    return fingerprint(model.function), jacobian, len(model.names)


def _compile(known: Known, problem: Problem, wanted: str, where: Device) -> Program:
    """Ahead of time: such a program cannot compile again behind our back, it would refuse another shape."""
    model = known.model
    forget_inner_programs(fingerprint(model.function))
    said = ""
    for mode in _modes(model, problem.y.size, wanted):
        try:
            return Program(compiled(_lowered(model, mode, known.pointwise, problem), where), model, mode)
        except (TypeError, ValueError) as error:
            # Some models know one mode only: loops of unknown length forward, custom_vjp reverse. JAX says
            # "Reverse-mode ..." or "forward-mode ...".
            if "-mode " not in str(error):
                raise
            said = first_line(error)
    raise ModelError(f"The model {model.name} cannot be differentiated: {said}")


def _modes(model: Model, points: int, wanted: str) -> tuple[Mode, ...]:
    """The modes to try, the best first."""
    if model.own_columns:
        return ("given",) if model.jacobian is not None else ("differences",)
    if wanted == "auto":
        return ("forward", "reverse") if forward_is_cheaper(len(model.names), points) else ("reverse", "forward")
    return ("reverse",) if wanted == "reverse" else ("forward",)


def _lowered(model: Model, mode: Mode, pointwise: bool, problem: Problem) -> Any:
    return jax.jit(lambda given: _packed(refit(model, mode, pointwise, given)), keep_unused=True).lower(problem)
