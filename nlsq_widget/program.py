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

from nlsq_widget.cache import Promise, compiled, promised
from nlsq_widget.device import Device, device, scope
from nlsq_widget.fingerprint import Identity, unjitted
from nlsq_widget.forms import At, Traced, resolved
from nlsq_widget.model import Model, ModelError, first_line
from nlsq_widget.outcome import Outcome, few, named
from nlsq_widget.packed import SHORT, Layout, layout, one_kernel, packed, unpacked
from nlsq_widget.problem import Problem, bucket
from nlsq_widget.solver import (
    Form,
    Mode,
    advance,
    asked,
    covariance,
    forward_is_cheaper,
    lengths,
    linear,
    start,
    triangle,
)
from nlsq_widget.stepwise import Linear, Step, bare, iterate, lowered
from nlsq_widget.watch import Tell

Found = TypeVar("Found")
Ask = Callable[[np.ndarray, np.ndarray, int], np.ndarray]  # x, p [parameters], points -> the curve [points]


class Place(NamedTuple):
    """Where the derivatives of a curve are asked for."""

    x: np.ndarray  # [..., points]
    p: np.ndarray  # [parameters]
    moves: np.ndarray  # bool [parameters]; finite differences spare themselves the others
    points: int


class Program(NamedTuple):
    """What has been compiled for a model, and how it takes derivatives."""

    run: Callable[..., Any]  # of NumPy arrays
    model: Model  # in the form that was compiled
    mode: Mode


class Lanes(NamedTuple):
    """A compiled program for many fits at once, and what it gives for one of them."""

    run: Callable[..., Any]
    gives: Any


def refit(model: Model, mode: Mode, pointwise: bool, problem: Problem) -> Outcome:
    """The whole re-fit as one pure function of arrays; what is compiled, and what may be vmapped."""
    linearise = partial(triangle, _form(model, mode, pointwise))
    end = advance(linearise, problem, start(problem), problem.max_steps)
    p0 = jnp.clip(problem.p0, problem.lower, problem.upper)
    return Outcome(
        popt=end.p,
        inverse=covariance(end.triangle.R, problem.free, end.points),
        R=end.triangle.R,
        norms=jnp.maximum(end.first, lengths(end.triangle.R)),
        cost=end.triangle.cost,
        status=end.status,
        steps=end.steps,
        fitted=model.curve(problem.x, end.p, problem.y.size),
        curve_p0=_along(model, problem.grid, p0),
        curve=_along(model, problem.grid, end.p),
    )


def outline(model: Model, mode: Mode, pointwise: bool, problem: Problem) -> Outcome:
    """What `refit` gives, but for the values: it asks of the model all that `refit` asks, and does no more."""
    p = problem.p0
    value, columns = asked(_form(model, mode, pointwise), problem, p)
    told, square = jnp.sum(value) + jnp.sum(columns), jnp.zeros((p.size, p.size), p.dtype)
    fitted, curve = model.curve(problem.x, p, problem.y.size), _along(model, problem.grid, p)
    return Outcome(p, square, square, p, told, told, told, fitted, curve, curve)


def _form(model: Model, mode: Mode, pointwise: bool) -> Form:
    return Form(model.curve, model.columns if model.own_columns else None, mode, pointwise)


def _slopes(model: Model, mode: Mode, points: int, x: Array, p: Array) -> Array:
    """The curve, and below it its derivatives [1 + parameters, points]."""
    value, columns = linear(_form(model, mode, pointwise=False), x, p, points, jnp.eye(p.size, dtype=p.dtype))
    return jnp.concatenate([value[None], columns])


def _along(model: Model, grid: Array, p: Array) -> Array:
    """Nobody draws where the grid is empty; the model is then not asked."""
    return model.curve(grid, p, grid.size) if grid.size else grid


class Known(NamedTuple):
    """What has been found out about a model."""

    model: Model  # in the form that works: traced, traced as NumPy, or called on the host
    pointwise: bool  # it takes each point by itself: points may be padded, and taken in chunks
    identity: Identity


class Programs:
    """The compiled programs of this process, the least recently used dropped beyond `keep`.

    Its methods are called within the scope of a device.
    """

    def __init__(self, keep: int = 256) -> None:  # all of the library, twice
        self._keep = keep
        self._known: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.RLock()
        self._maker: int | None = None  # the thread that makes something
        self.compiled = 0  # how many programs have been compiled so far

    def known(self, model: Model, x: np.ndarray | Array, p0: Any, points: int, padded: int) -> Known:
        """What to know about `model` for data of these shapes. Raises ModelError when it works in no form."""
        identity = _identity(model)

        def found() -> tuple[Model, bool]:
            identity.forget_inner_programs()
            at = At(x, np.array(p0, dtype=float), points)
            plain = replace(model, function=unjitted(model.function))
            with scope(device()):  # float32 would show other values than NumPy's
                return resolved(plain, at, padded, partial(self._tangent, identity))

        (form, pointwise), identity = self.remembered((x.shape, points), identity, model, found)
        return Known(form, pointwise, identity)

    def _tangent(
        self, identity: Identity, name: str, traced: Traced, at: At, along: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The value of a traced form, and its slope `along` a direction of the parameters."""
        where = device()  # that of the scope

        def sloped(x: Array, p: Array, along: Array) -> tuple[Array, Array]:
            return jax.jvp(lambda q: traced(x, q, at.points), (p,), (along,))

        def made() -> Callable[..., Any]:
            program = compiled(jax.jit(sloped, keep_unused=True).lower(at.x, at.p0, along), where)
            self.compiled += 1
            return program

        key = ("tangent", name, at.x.shape, at.points, where.name)
        value, slope = self.remembered(key, identity, None, made)[0](at.x, at.p0, along)
        return np.asarray(value), np.asarray(slope)

    def program(self, model: Model, known: Known, problem: Problem, wanted: str, where: Device) -> Program:
        """`refit` compiled for these shapes on `where`; `wanted` is a mode of derivatives, or "auto"."""
        key = (layout(problem), known.pointwise, wanted, where.name)

        def made() -> Program:
            program = _compile(known, problem, wanted, where, lambda: _identity(model) == known.identity)
            self.compiled += 1
            return program

        make = partial(self._stepwise, model, known, problem, where) if known.model.on_host else made
        return self.remembered(key, known.identity, model, make)[0]

    def _stepwise(self, model: Model, known: Known, problem: Problem, where: Device) -> Program:
        """The fit of a model that is asked on the host. The step knows nothing of it, and so serves any other."""
        length = problem.y.size if problem.whiten is not None else bucket(problem.y.size)
        slim = bare(problem, length)
        shapes = tuple([(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(slim)])

        def made() -> Step:
            program, blank = lowered(slim)
            self.compiled += 1
            return Step(compiled(program, where), blank)

        step = self.remembered(("step", shapes, problem.whiten is None, where.name), None, None, made)[0]
        ask = self._asked(model, known, where)
        return Program(partial(_refit_on_host, known.model, step, length, ask), known.model, _own_mode(known.model))

    def _asked(self, model: Model, known: Known, where: Device) -> Ask:
        """The curve by itself: on the host, or compiled where only `jac` must be called there."""
        if known.model.host is not None:
            return known.model.tried

        kept: dict[Any, Callable[..., Any]] = {}  # a model that records its calls is soon known by another identity

        def asked(x: np.ndarray, p: np.ndarray, points: int) -> np.ndarray:
            x, p = (values.astype(jnp.result_type(float), copy=False) for values in (x, p))

            def made() -> Callable[..., Any]:
                known.identity.forget_inner_programs()
                curve = jax.jit(lambda x, p: known.model.curve(x, p, points), keep_unused=True)
                program = compiled(curve.lower(x, p), where)
                self.compiled += 1
                return program

            key = ("curve", x.shape, x.dtype, points, where.name)
            if key not in kept:
                kept[key] = self.remembered(key, known.identity, model, made)[0]
            return np.asarray(kept[key](x, p), dtype=float)

        return asked

    @property
    def making_here(self) -> bool:
        """Whether this thread is making something: threads that it waits for would wait for it."""
        return self._maker == threading.get_ident()

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

        return self.remembered(("lanes", shapes, known.pointwise, where.name), known.identity, model, made)[0]

    @staticmethod
    def run(program: Program, problem: Problem, where: Device) -> Outcome:
        """The arrays may be NumPy's or on `where`; what comes back is NumPy's, but for `fitted`, which stays there."""
        return _guarded(where, lambda: program.run(problem))

    def slopes(self, model: Model, known: Known, mode: Mode, at: Place, where: Device) -> np.ndarray:
        """The curve, and below it its derivatives [1 + parameters, points], compiled once for these shapes."""
        if known.model.on_host:
            ask = self._asked(model, known, where)
            lower, upper = np.where(at.moves, -np.inf, at.p), np.where(at.moves, np.inf, at.p)
            value, columns = _linear(known.model, ask, at.x, at.p, lower, upper, at.points)
            return np.concatenate([value[None], columns])
        given = at.x, at.p
        key = ("slopes", at.x.shape, at.x.dtype, at.points, mode, where.name)

        def made() -> Program:
            known.identity.forget_inner_programs()
            lowered = jax.jit(partial(_slopes, known.model, mode, at.points), keep_unused=True).lower(*given)
            program = Program(compiled(lowered, where), known.model, mode)
            self.compiled += 1
            return program

        program = self.remembered(key, known.identity, model, made)[0]
        return _guarded(where, lambda: np.asarray(program.run(*given), dtype=float))

    def seen(self, what: Any, identity: Identity) -> Any:
        """The thing that was made once for this model as it is; None before."""
        with self._lock:
            kept = self._known.get((what, identity))
            if kept is None:
                return None
            self._known.move_to_end(kept[0])
            return kept[1]

    def remembered(
        self, what: Any, identity: Identity | None, model: Model | None, make: Callable[[], Any]
    ) -> tuple[Any, Any]:
        """The thing made once for this model as it is, or for all, and the identity under which it is now known."""
        with self._lock:
            kept = self._known.get((what, identity))
            if kept is None:
                before, self._maker = self._maker, threading.get_ident()
                try:
                    kept = (what, identity), make()
                finally:
                    self._maker = before
                self._known[kept[0]] = kept
                if model is not None:
                    kept = self._renamed(kept, _identity(model))
            self._known.move_to_end(kept[0])
            while len(self._known) > self._keep:
                self._known.popitem(last=False)
            return kept[1], kept[0][1]

    def _renamed(self, kept: Any, identity: Identity) -> Any:
        """A model that keeps a record of its calls was changed by being traced; what was just learnt still holds."""
        what, before = kept[0]
        for known in [known for known in self._known if known[1] == before != identity]:
            new = known[0], identity
            self._known[new] = new, self._known.pop(known)[1]
        return self._known.get((what, identity), kept)


PROGRAMS = Programs()


def _guarded(where: Device, run: Callable[[], Found]) -> Found:
    """What `run` gives, or one sentence."""
    try:
        return run()
    except jax.errors.JaxRuntimeError as error:
        raise ModelError(f"The fit broke off on {where.name}: {first_line(error)}") from error


def _refit_on_host(
    model: Model, step: Step, length: int, ask: Ask, problem: Problem, tell: Tell | None = None
) -> Outcome:
    """The whole re-fit, where the model is asked between the steps."""
    x, grid, choices = (np.asarray(values, dtype=float) for values in (problem.x, problem.grid, problem.choices))
    p0, lower, upper = choices[:3]
    points = problem.y.size

    def linear_at(p: np.ndarray) -> Linear:
        return _linear(model, ask, x, p, lower, upper, points)

    end, inverse, norms = iterate(step, linear_at, bare(problem, length), tell)
    popt = np.asarray(end.p, dtype=float)

    def along(p: np.ndarray) -> np.ndarray:
        return ask(grid, p, grid.size) if grid.size else grid

    return Outcome(
        popt=popt,
        inverse=np.asarray(inverse, dtype=float),
        R=np.asarray(end.triangle.R, dtype=float),
        norms=np.asarray(norms, dtype=float),
        cost=end.triangle.cost,
        status=end.status,
        steps=end.steps,
        fitted=ask(x, popt, points),
        curve_p0=along(np.clip(p0, lower, upper)),
        curve=along(popt),
    )


def _linear(
    model: Model, ask: Ask, x: np.ndarray, p: np.ndarray, lower: np.ndarray, upper: np.ndarray, points: int
) -> Linear:
    value = ask(x, p, points)
    return Linear(value, model.sloped(x, p, value, lower, upper))


def _identity(model: Model) -> Identity:
    functions = (model.function,) if model.jacobian is None else (model.function, model.jacobian)
    return Identity((len(model.names), model.ties.key), *functions)


def _compile(known: Known, problem: Problem, wanted: str, where: Device, steady: Callable[[], bool]) -> Program:
    """Ahead of time: such a program cannot compile again behind our back, it would refuse another shape."""
    model = known.model
    known.identity.forget_inner_programs()
    said = ""
    for mode in _modes(model, problem.y.size, wanted):
        try:
            lower = partial(_lowered, model, mode, known.pointwise, problem, where)
            program = promised(Promise(partial(lower, outline), partial(lower, refit), steady), where)
            return Program(partial(_called, program, layout(problem)), model, mode)
        except (TypeError, ValueError) as error:
            # Some models know one mode only: loops of unknown length forward, custom_vjp reverse. JAX says
            # "Reverse-mode ..." or "forward-mode ...".
            if "-mode " not in str(error):
                raise
            said = first_line(error)
    raise ModelError(f"The model {model.name} cannot be differentiated: {said}")


def _called(program: Callable[..., Any], how: Layout, problem: Problem) -> Outcome:
    return named(program(*packed(how, problem)), problem.choices.shape[1])


def _modes(model: Model, points: int, wanted: str) -> tuple[Mode, ...]:
    """The modes to try, the best first."""
    if model.own_columns:
        return (_own_mode(model),)
    if wanted == "auto":
        return ("forward", "reverse") if forward_is_cheaper(len(model.names), points) else ("reverse", "forward")
    return ("reverse",) if wanted == "reverse" else ("forward",)


def _own_mode(model: Model) -> Mode:
    return "differences" if model.jacobian is None else "given"


def _lowered(
    model: Model, mode: Mode, pointwise: bool, problem: Problem, where: Device, what: Callable[..., Outcome]
) -> Any:
    how = layout(problem)

    def whole(vector: Array, others: list[Array]) -> tuple[Array, Array, Array | None]:
        return few(what(model, mode, pointwise, unpacked(how, vector, others)))

    run = partial(one_kernel, whole) if where.host and problem.y.size <= SHORT else whole
    return jax.jit(run, keep_unused=True).lower(*packed(how, problem))
