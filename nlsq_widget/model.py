"""A curve and its parameters, from a function or a formula. What the user's code raises becomes one sentence here."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from nlsq_widget.differences import differences
from nlsq_widget.fingerprint import unjitted
from nlsq_widget.foreign import foreign
from nlsq_widget.formula import Formula, FormulaError
from nlsq_widget.numpy_models import UntraceableError
from nlsq_widget.ties import UNTIED, Ties

_NONE = inspect.Parameter.empty  # no default
# Where a trial step may well lead: to the logarithm of a negative number, say. The value there is nan.
_OUT_OF_DOMAIN = (ArithmeticError, ValueError, Warning)


class ModelError(ValueError):
    """The model cannot be evaluated; the message says where and what to do."""


class Origin(NamedTuple):
    """From where a model comes that is no function of the user."""

    name: str
    guess: Callable[[np.ndarray, np.ndarray], tuple[float, ...]] | None = None  # start values from x and y
    latex: str | None = None
    written: str = "model"  # in a line of Python: "gaussian + line"
    imported: tuple[str, ...] = ()  # what that line names of the library


@dataclass(frozen=True, eq=False)
class Model:
    """A function of x and of named parameters, traced by JAX, or called on the host where JAX cannot follow it."""

    function: Callable[..., Any]
    names: tuple[str, ...]
    defaults: tuple[float | None, ...]  # start values that the signature gives
    jacobian: Callable[..., Any] | None = None  # as `jac` of SciPy: (x, *parameters) -> [points, parameters]
    host: str | None = None  # why the function is called on the host; None where it is traced
    host_jacobian: str | None = None  # the same of `jacobian`
    ties: Ties = UNTIED  # parameters that are computed from others, whatever value they are given
    bounds: tuple[tuple[float, float], ...] = ()  # where each parameter has a meaning; empty where nobody said
    fixed: frozenset[str] = frozenset()  # unless the user says otherwise
    origin: Origin | None = None  # None: the user's own
    formula: Formula | None = None  # as which it was typed

    @property
    def name(self) -> str:
        if self.origin is not None:
            return self.origin.name
        if self.formula is not None:
            return self.formula.text
        function = _own(self.function)
        return getattr(function, "__name__", type(function).__name__)

    @property
    def latex(self) -> str | None:
        """The formula as LaTeX writes it; None where there is only a function."""
        told = self.origin or self.formula
        return None if told is None else told.latex

    @property
    def own_columns(self) -> bool:
        """Whether the derivatives are the user's or finite differences, not JAX's."""
        return self.jacobian is not None or self.host is not None

    @property
    def on_host(self) -> str | None:
        """Why it is asked on the host; None where a program holds it."""
        return self.host or self.host_jacobian

    def curve(self, x: Array, p: Array | Sequence[Array], points: int) -> Array:
        """The model at `x` -> [points]; a single value stands for all of them."""
        with _blaming(self, "traced"), unnoted(self.function):
            value = self.function(x, *self._complete(p))
            array = self._checked(value, points, jnp.asarray)
        return jnp.broadcast_to(array.astype(x.dtype), (points,))

    def columns(self, x: Array, p: Array, points: int) -> Array:
        """The derivatives that the user's `jac` gives, one row for each parameter [parameters, points]."""
        assert self.jacobian is not None
        with _blaming(self, "traced"), unnoted(self.jacobian):
            return self._rows(jnp.asarray(self.jacobian(x, *_scalars(p))), points).astype(x.dtype).T

    def values(self, x: np.ndarray, p: np.ndarray, points: int) -> np.ndarray:
        """The function called as SciPy does, on NumPy's numbers -> [points]."""
        with _blaming(self, "evaluated"), np.errstate(all="ignore"):  # a trial step may be wild
            # A copy of x: a model that writes into it shall not change the data.
            full = self.ties.values(p) if self.ties else p
            value = self._checked(self.function(x.copy(), *full), points, np.asarray)
        return np.broadcast_to(value.astype(float), (points,))

    def slopes(self, x: np.ndarray, p: np.ndarray, points: int) -> np.ndarray:
        """The user's `jac` on NumPy's numbers -> [parameters, points]."""
        assert self.jacobian is not None
        with _blaming(self, "evaluated"), np.errstate(all="ignore"):
            return np.asarray(self._rows(np.asarray(self.jacobian(x.copy(), *p)), points), dtype=float).T

    def tried(self, x: np.ndarray, p: np.ndarray, points: int) -> np.ndarray:
        """`values`, or nan where the function is not defined."""
        return _or_nan((points,), lambda: self.values(x, p, points))

    def sloped(
        self, x: np.ndarray, p: np.ndarray, value: np.ndarray, lower: np.ndarray, upper: np.ndarray
    ) -> np.ndarray:
        """The derivatives on NumPy's numbers [parameters, points], where the value is `value`.

        Those of the user's `jac`, else finite differences, which stay within the bounds.
        """
        if self.jacobian is not None:
            return _or_nan((p.size, value.size), lambda: self.slopes(x, p, value.size))
        return differences(lambda q: self.tried(x, q, value.size), p, value, lower, upper)

    def _complete(self, p: Array | Sequence[Array]) -> list[Array]:
        return self.ties.complete(p, jnp) if self.ties else _scalars(p)

    def _checked(self, value: Any, points: int, asarray: Callable[[Any], Any]) -> Any:
        array = _numbers(self, value, asarray)
        if array.shape not in ((), (1,), (points,)):
            raise ModelError(
                f"The model {self.name} returned an array of shape {array.shape} for {points} points; "
                "return one value for each point."
            )
        return array

    def _rows(self, value: Any, points: int) -> Any:
        if value.shape != (points, len(self.names)):
            raise ModelError(
                f"jac returned an array of shape {value.shape}; return one row for each of the {points} points "
                f"and one column for each of the {len(self.names)} parameters."
            )
        return value


def as_model(
    function: Callable[..., Any] | str,
    parameters: int | None = None,
    jacobian: Callable[..., Any] | None = None,
    *,
    keep_defaults: bool = False,
) -> Model:
    """The model that a Python function `f(x, a, b, ...)` or a formula is; `parameters` counts what `*args` stands for.

    With `keep_defaults` it is called as SciPy does: no default is a start value, and what so many parameters do not
    reach stays at its default, or empty.

    >>> as_model(lambda x, slope, offset=1.0: slope * x + offset).names
    ('slope', 'offset')
    """
    if isinstance(function, Model):
        return function
    known = _known(function)
    if known is not None:
        if parameters is not None and parameters != len(known.names):
            raise ValueError(_miscounted(parameters, list(known.names)))
        return known if jacobian is None else replace(known, jacobian=jacobian)
    if not callable(function):
        raise ValueError(
            f"The model is {type(function).__name__!r}; give a function of x and the parameters: def f(x, a, b), "
            "or a formula: 'a*x + b'."
        )
    fixed, rest = _positional(function)
    if keep_defaults:
        rest = None if parameters is None and fixed else rest
        fixed = [(n, _NONE) for i, (n, d) in enumerate(fixed) if d is _NONE or parameters is None or i < parameters]
    if rest is not None:
        fixed += _starred(rest, [name for name, _ in fixed], parameters)
    if not fixed:
        raise ValueError("The model has no parameters to fit; write it as def f(x, a, b).")
    if parameters is not None and parameters != len(fixed):
        raise ValueError(_miscounted(parameters, [name for name, _ in fixed]))
    return Model(function, tuple(n for n, _ in fixed), tuple(_start_value(d) for _, d in fixed), jacobian)


def _known(function: Any) -> Model | None:
    """The model that a formula is, or one of the library or of another package, which say what they know of it."""
    typed = Formula(function) if isinstance(function, str) else function
    if isinstance(typed, Formula):
        return Model(typed.function, typed.names, (None,) * len(typed.names), formula=typed)
    known = getattr(function, "model", None)
    if isinstance(known, Model):
        return known
    told = foreign(function)
    if told is None:
        return None
    ties = Ties.of(told.names, told.ties)
    return Model(
        told.function,
        told.names,
        told.start,
        ties=ties,
        bounds=told.bounds,
        fixed=told.fixed,
        origin=Origin(told.name),
    )


def _miscounted(given: int, names: list[str]) -> str:
    found = f"{len(names)} parameter{'s' if len(names) > 1 else ''} ({', '.join(names)})"
    hint = "give one for each"
    if "x" in names:  # as in np.polyval(p, x)
        hint = "its first argument is x, and each parameter is one of its own: lambda x, a, b: f([a, b], x)"
    return f"p0 has {given} value{'s' if given != 1 else ''}, but the model has {found}; {hint}."


def _starred(rest: str, named: list[str], parameters: int | None) -> list[tuple[str, Any]]:
    """The parameters that `*rest` stands for."""
    if parameters is None:
        raise ValueError(f"Unable to determine number of fit parameters: the model takes *{rest}; give p0.")
    mark = "" if set(named).isdisjoint(f"{rest}{i}" for i in range(parameters)) else "_"
    return [(f"{rest}{mark}{i}", _NONE) for i in range(parameters - len(named))]


def _positional(function: Callable[..., Any]) -> tuple[list[tuple[str, Any]], str | None]:
    """The parameters after x with their defaults, or `_NONE`, and the name of *args."""
    if type(function) is types.FunctionType and not vars(function):
        named, rest = _written(function)
    else:
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError) as error:
            raise ValueError("The model has no readable signature; wrap it: lambda x, a, b: model(x, a, b).") from error
        named = [(p.name, p.default) for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
    if not named and rest is None:
        raise ValueError("The model takes no arguments; write it as def f(x, a, b).")
    return named[1:], rest


def _written(function: types.FunctionType) -> tuple[list[tuple[str, Any]], str | None]:
    """What inspect.signature says of a plain function, in a tenth of the time."""
    code, defaults = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount]
    named = list(zip(names, (_NONE,) * (len(names) - len(defaults)) + defaults, strict=True))
    starred = bool(code.co_flags & inspect.CO_VARARGS)
    return named, code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if starred else None


def _start_value(default: Any) -> float | None:
    """A default that is a start value."""
    if default is _NONE or isinstance(default, bool) or not isinstance(default, int | float | np.number):
        return None
    return float(default)


def _scalars(p: Array | Sequence[Array]) -> list[Array]:
    return [p[i] for i in range(len(p))]


# What stops JAX, the first that fits, and how such a thing is written for it.
_ADVICE: tuple[tuple[type[Exception], str], ...] = (
    (
        jax.errors.TracerArrayConversionError,
        "it calls NumPy on values that JAX traces: use jax.numpy (jnp.exp for np.exp, jnp.array for np.array)",
    ),
    (
        jax.errors.TracerBoolConversionError,
        "it asks `if` about a value that JAX traces: use jnp.where(condition, a, b), or jax.lax.while_loop for a loop",
    ),
    (
        jax.errors.NonConcreteBooleanIndexError,
        "it picks points by a mask: use jnp.where(mask, a, b) over all of them",
    ),
    (
        jax.errors.TracerIntegerConversionError,
        "it counts or indexes with a value that JAX traces: use jnp.take, or jax.lax.fori_loop",
    ),
    (
        jax.errors.ConcretizationTypeError,
        "it needs the number behind a value that JAX traces (math.exp, float(), int()): use jax.numpy",
    ),
)


def _or_nan(shape: tuple[int, ...], ask: Callable[[], np.ndarray]) -> np.ndarray:
    """What `ask` gives, or nan where the user's code says that the parameters are none for it."""
    try:
        return ask()
    except ModelError as error:
        if not isinstance(error.__cause__, _OUT_OF_DOMAIN):
            raise
        return np.full(shape, np.nan)


class _blaming:
    """Turns what the user's code raises into one sentence. It may raise anything."""

    def __init__(self, model: Model, verb: str) -> None:
        self.model = model
        self.verb = verb

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        if not isinstance(error, Exception) or isinstance(error, ModelError):
            return
        # A line of ours would say nothing.
        where = "" if self.model.formula is not None else _line_in(self.model.function, trace)
        said = (advice for kind, advice in _ADVICE if isinstance(error, kind))
        ours = isinstance(error, UntraceableError | FormulaError)
        plain = first_line(error) if ours else f"{type(error).__name__}: {first_line(error)}"
        advice = next(said, plain).rstrip(".")
        raise ModelError(f"The model {self.model.name} cannot be {self.verb}{where}: {advice}.") from error


@contextmanager
def unnoted(*functions: Callable[..., Any] | None) -> Generator[None]:
    """What functions note in attributes of their own, the last parameters say, is as it was afterwards.

    JAX's placeholders must not be met again by a later call. A function names itself by a global or in its closure.
    """
    noted = [(notes, dict(notes)) for function in functions for notes in _notes(function)]
    try:
        yield
    finally:
        for notes, before in noted:
            notes.clear()
            notes.update(before)


def _notes(function: Any) -> list[dict[str, Any]]:
    function = inspect.unwrap(unjitted(function))
    if not isinstance(function, types.FunctionType):
        return []
    named = [function.__globals__.get(name) for name in function.__code__.co_names]
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # not filled yet
            named.append(cell.cell_contents)
    return [vars(found) for found in (function, *named) if isinstance(found, types.FunctionType)]


def first_line(error: BaseException) -> str:
    """What an exception says, without the pages that may follow."""
    return next(iter(str(error).splitlines()), "")


def _line_in(function: Callable[..., Any], trace: types.TracebackType | None) -> str:
    """The last line of the traceback that lies in the user's own file."""
    code = _code(function)
    found = ""
    while trace is not None:
        if code is not None and trace.tb_frame.f_code.co_filename == code.co_filename:
            found = f" (line {trace.tb_lineno})"
        trace = trace.tb_next
    return found


def _own(function: Any) -> Any:
    """The user's function, where one of ours is bound to it and to its x."""
    while isinstance(bound := getattr(function, "__self__", None), tuple) and bound and callable(bound[0]):
        function = bound[0]
    return function


def _code(function: Any) -> types.CodeType | None:
    """The code that the user wrote, under decorators, in an object that is called, or in a method."""
    for _ in range(9):
        function = unjitted(_own(function))
        if isinstance(function, types.FunctionType | types.MethodType) and not hasattr(function, "__wrapped__"):
            return function.__code__
        under = getattr(function, "__wrapped__", None) or getattr(function, "func", None)
        function = under or getattr(function, "pyfunc", None) or type(function).__call__
    return None


def _numbers(model: Model, value: Any, asarray: Callable[[Any], Any]) -> Any:
    try:
        array = asarray(value)
    except (TypeError, ValueError):
        array = np.array(None)
    if not (jnp.issubdtype(array.dtype, jnp.number) or array.dtype == bool):
        raise ModelError(
            f"The model {model.name} returned {type(value).__name__}, not numbers; return one value for each x."
        )
    if jnp.iscomplexobj(array):
        raise ModelError(
            f"The model {model.name} returns complex numbers; return their magnitude, or real and imaginary parts."
        )
    return array
