"""A curve and its parameters, from a Python function. What the user's code raises becomes one sentence here."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from nlsq_widget.fingerprint import unjitted


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

    def curve(self, x: Array, p: Array | Sequence[Array], points: int) -> Array:
        """The model at `x` -> [points]; a single value stands for all of them."""
        with _blaming(self):
            value = self.function(x, *_scalars(p))
        array = _numbers(self, value)
        if array.shape not in ((), (1,), (points,)):
            raise ModelError(
                f"The model {self.name} returned an array of shape {array.shape} for {points} points; "
                "return one value for each point."
            )
        return jnp.broadcast_to(array.astype(x.dtype), (points,))

    def columns(self, x: Array, p: Array, points: int) -> Array:
        """The derivatives that the user gave, one row for each parameter [parameters, points]."""
        if self.jacobian is None:
            raise ValueError("This model came without derivatives.")
        with _blaming(self):
            value = jnp.asarray(self.jacobian(x, *_scalars(p)))
        if value.shape != (points, p.size):
            raise ModelError(
                f"jac returned an array of shape {value.shape}; return one row for each of the {points} points "
                f"and one column for each of the {p.size} parameters."
            )
        return value.astype(x.dtype).T


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
        taken = {name for name, _ in fixed}
        mark = "" if taken.isdisjoint(f"{rest}{i}" for i in range(parameters)) else "_"
        fixed += [(f"{rest}{mark}{i}", None) for i in range(parameters - len(fixed))]
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


def _scalars(p: Array | Sequence[Array]) -> list[Array]:
    return [p[i] for i in range(len(p))]


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


def _numbers(model: Model, value: Any) -> Array:
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
    return array
