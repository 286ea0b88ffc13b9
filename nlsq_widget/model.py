"""A curve and its parameters. What a function reads besides its arguments is part of which model it is."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


class ModelError(ValueError):
    """The model cannot be evaluated; the message says where and what to do."""


@dataclass(frozen=True, eq=False)
class Model:
    """A function of x and of named parameters, to be traced by JAX."""

    function: Callable[..., Any]
    names: tuple[str, ...]
    defaults: tuple[float | None, ...]  # start values that the signature gives
    jacobian: Callable[..., Any] | None = None  # as `jac` of SciPy: (x, *parameters) -> [points, parameters]

    @property
    def name(self) -> str:
        return getattr(self.function, "__name__", type(self.function).__name__)

    def curve(self, x: Array, p: Array) -> Array:
        """The model at `x` [..., points] -> [points], or [] where x has no influence on its shape."""
        with _blaming(self):
            value = self.function(x, *_scalars(p))
        return _one_for_each_point(self, value, x)

    def columns(self, x: Array, p: Array) -> Array:
        """The derivatives that the user gave, one row for each parameter [parameters, points]."""
        assert self.jacobian is not None
        with _blaming(self):
            value = jnp.asarray(self.jacobian(x, *_scalars(p)))
        if value.ndim != 2 or value.shape[1] != p.size:
            raise ModelError(
                f"jac returned an array of shape {value.shape}; return one row for each point and one column "
                f"for each of the {p.size} parameters."
            )
        return value.T


def as_model(
    function: Callable[..., Any], parameters: int | None = None, jacobian: Callable[..., Any] | None = None
) -> Model:
    """The model that a Python function `f(x, a, b, ...)` is; `parameters` counts what `*args` stands for.

    >>> as_model(lambda x, slope, offset=1.0: slope * x + offset).names
    ('slope', 'offset')
    """
    if isinstance(function, Model):
        return function
    if not callable(function):
        raise ValueError(
            f"The model is {type(function).__name__!r}; give a function of x and the parameters: def f(x, a, b)."
        )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise ValueError("The model has no readable signature; wrap it: lambda x, a, b: model(x, a, b).") from error
    fixed, rest = _positional(signature)
    if rest is not None:
        if parameters is None:
            raise ValueError(f"The model takes *{rest}, so the number of parameters is unknown; give p0.")
        fixed += [(f"{rest}{i}", None) for i in range(parameters - len(fixed))]
    if not fixed:
        raise ValueError("The model has no parameters to fit; write it as def f(x, a, b).")
    if parameters is not None and parameters != len(fixed):
        names = ", ".join(name for name, _ in fixed)
        raise ValueError(
            f"p0 has {parameters} values, but the model has {len(fixed)} parameters ({names}); give one for each."
        )
    return Model(function, tuple(n for n, _ in fixed), tuple(d for _, d in fixed), jacobian)


def _positional(signature: inspect.Signature) -> tuple[list[tuple[str, float | None]], str | None]:
    """The parameters after x with their defaults, and the name of *args."""
    named: list[tuple[str, float | None]] = []
    rest = None
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            default = parameter.default
            number = isinstance(default, int | float | np.number) and not isinstance(default, bool)
            named.append((parameter.name, float(default) if number else None))
        elif parameter.kind is parameter.VAR_POSITIONAL:
            rest = parameter.name
    if not named and rest is None:
        raise ValueError("The model takes no arguments; write it as def f(x, a, b).")
    return named[1:], rest


def _scalars(p: Array) -> list[Array]:
    return [p[i] for i in range(p.size)]


class _blaming:
    """Turns what the user's code raises into one sentence. It may raise anything."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        if not isinstance(error, Exception) or isinstance(error, ModelError):
            return
        where = _line_in(self.model.function, trace)
        if isinstance(error, jax.errors.TracerArrayConversionError):
            advice = "it calls NumPy on values that JAX traces: use jax.numpy (jnp.exp for np.exp)"
        elif isinstance(error, jax.errors.TracerBoolConversionError):
            advice = "it asks `if` about a value that JAX traces: use jnp.where(condition, a, b)"
        elif isinstance(error, jax.errors.ConcretizationTypeError):
            advice = "it needs the number behind a value that JAX traces (math.exp, float(), int()): use jax.numpy"
        else:
            advice = f"{type(error).__name__}: {first_line(error)}"
        raise ModelError(f"The model {self.model.name} cannot be evaluated{where}: {advice.rstrip('.')}.") from error


def first_line(error: BaseException) -> str:
    """What an exception says, without the pages that may follow."""
    return next(iter(str(error).splitlines()), "")


def _line_in(function: Callable[..., Any], trace: types.TracebackType | None) -> str:
    """The last line of the traceback that lies in the user's own file."""
    code = getattr(unjitted(function), "__code__", None)
    found = ""
    while trace is not None:
        if code is not None and trace.tb_frame.f_code.co_filename == code.co_filename:
            found = f" (line {trace.tb_lineno})"
        trace = trace.tb_next
    return found


def _one_for_each_point(model: Model, value: Any, x: Array) -> Array:
    try:
        array = jnp.asarray(value)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"The model {model.name} returned {type(value).__name__}, not numbers; return one value for each x."
        ) from error
    if jnp.iscomplexobj(array):
        raise ModelError(
            f"The model {model.name} returns complex numbers; return their magnitude, or real and imaginary parts."
        )
    return array.astype(x.dtype)


_JITTED = type(jax.jit(lambda: None))


def unjitted(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function under `jax.jit`, whose own cache would not see a changed global."""
    while isinstance(function, _JITTED):
        function = inspect.getattr_static(function, "__wrapped__", function)
    return function


@dataclass(frozen=True)
class _Same:
    """Equal only to itself; keeps what it names alive, so that no other object takes its address."""

    thing: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


_LIBRARIES = {"jax", "jaxlib", "numpy", "scipy", "math", "builtins", "functools", "operator"}


def fingerprint(function: Callable[..., Any]) -> tuple[Any, ...]:
    """What the function's value depends on besides its arguments: defaults, closure, globals, attributes.

    Equal for the same function object while all of these are unchanged, also when an array that it closes
    over is changed in place. Never made from bytecode alone: two functions of the same text differ.

    >>> scale = np.ones(3)
    >>> before = fingerprint(lambda x, a: a * scale)
    >>> def model(x, a): return a * scale
    >>> one = fingerprint(model); scale[0] = 2.0; one == fingerprint(model)
    False
    """
    return tuple(_reads(function, set()))


def _reads(value: Any, seen: set[int]) -> Iterator[Any]:
    if isinstance(value, bool | int | float | complex | str | bytes | np.generic | None):
        yield type(value), repr(value)
    elif isinstance(value, np.ndarray) and value.dtype != object:
        yield value.shape, value.dtype.str, blake2b(np.ascontiguousarray(value).data, digest_size=16).digest()
    elif id(value) in seen:
        yield "again"
    else:
        seen.add(id(value))
        yield from _inside(value, seen)


def _inside(value: Any, seen: set[int]) -> Iterator[Any]:
    if isinstance(value, tuple | list | set | frozenset):
        yield type(value), len(value)
        yield from _each(value, seen)
    elif isinstance(value, dict):
        yield dict, tuple(map(repr, value))
        yield from _each(value.values(), seen)
    elif isinstance(value, _JITTED):
        yield from _reads(unjitted(value), seen)
    elif isinstance(value, types.MethodType):
        yield from _each((value.__func__, value.__self__), seen)
    elif isinstance(value, functools.partial):
        yield _Same(value)
        yield from _each((value.func, value.args, value.keywords), seen)
    elif isinstance(value, types.FunctionType) and not _from_library(value):
        yield _Same(value)
        yield _Same(value.__code__)
        yield from _each(_read_by(value), seen)
    else:
        yield _Same(value)
        if not isinstance(value, type | types.ModuleType | jax.Array) and not _from_library(type(value)):
            yield from _each(getattr(value, "__dict__", {}).items(), seen)
            call = vars(type(value)).get("__call__")
            if isinstance(call, types.FunctionType):
                yield from _reads(call, seen)


def _each(values: Iterable[Any], seen: set[int]) -> Iterator[Any]:
    for value in values:
        yield from _reads(value, seen)


def _from_library(value: Any) -> bool:
    return str(getattr(value, "__module__", "")).partition(".")[0] in _LIBRARIES


def _read_by(function: types.FunctionType) -> Iterator[Any]:
    """Defaults, closure, the globals that the code names, and what it names inside the user's own modules."""
    yield function.__defaults__
    yield function.__kwdefaults__
    yield function.__dict__
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            yield "empty"
    names = sorted(set(_names(function.__code__)))
    for name in names:
        if name in function.__globals__:
            found = function.__globals__[name]
            yield found
            if isinstance(found, types.ModuleType) and found.__name__.partition(".")[0] not in _LIBRARIES:
                yield from (vars(found)[inner] for inner in names if inner in vars(found))


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)
