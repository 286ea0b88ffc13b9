"""What np, scipy and math mean inside a model while it is traced. Nothing of NumPy, and no global, is changed."""

from __future__ import annotations

import functools
import math
import types
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy as jscipy
import numpy as np
from jax.core import Tracer

from nlsq_widget.fingerprint import names_read, unjitted
from nlsq_widget.numpy_models import Traced, UntraceableError, array_function, has_traced, unwrapped, wrapped

_JAX = frozenset(("jax", "jaxlib"))
_LIBRARIES = frozenset(("numpy", "scipy", "math")) | _JAX
_FILLED = (np.zeros, np.ones, np.empty, np.full)
_CONVERTED = (np.array, np.asarray, np.asanyarray, np.ascontiguousarray)


def numpy_form(function: Callable[..., Any]) -> Callable[..., Any]:
    """A model written with NumPy as one that JAX traces: arrays that answer NumPy go in, JAX values come out.

    It runs the same code, where np, scipy, math and what was imported from them name stand-ins that do the same
    to numbers, and take traced values as well.
    """
    inside = _copied(function, {})

    @functools.wraps(unjitted(function), updated=())
    def form(x: Any, *p: Any) -> Any:
        # NumPy lets arrays of any rank and dtype meet, whatever the user asked of JAX.
        with jax.numpy_rank_promotion("allow"), jax.numpy_dtype_promotion("standard"):
            value = unwrapped(inside(Traced(x), *(Traced(number) for number in p)))
            return jnp.asarray(value) if has_traced(value) else value

    form.__name__ = getattr(function, "__name__", type(function).__name__)
    return form


def _copied(value: Any, known: dict[int, Any]) -> Any:
    """The user's function with stand-ins for what it reads; the functions that it calls likewise."""
    value = unjitted(value)
    if id(value) in known:
        return known[id(value)]
    if isinstance(value, types.FunctionType) and not _library(value):
        return _copied_function(value, known)
    if isinstance(value, types.MethodType):
        return types.MethodType(_copied(value.__func__, known), value.__self__)
    if isinstance(value, functools.partial):
        return functools.partial(_copied(value.func, known), *value.args, **value.keywords)
    if _library(value):
        return _stand_in(value)
    call = getattr(type(value), "__call__", None)  # noqa: B004 # the function itself is wanted
    if isinstance(call, types.FunctionType) and not isinstance(value, type):
        return types.MethodType(_copied(call, known), value)
    return value


def _copied_function(function: types.FunctionType, known: dict[int, Any]) -> types.FunctionType:
    space = dict(function.__globals__)
    cells = tuple(types.CellType() for _ in function.__closure__ or ())
    copy = types.FunctionType(function.__code__, space, function.__name__, function.__defaults__, cells or None)
    copy.__kwdefaults__ = function.__kwdefaults__
    known[id(function)] = copy  # before what it calls, which may be itself
    for name in names_read(function):
        if name in space:
            space[name] = _inner(space[name], known)
    for cell, original in zip(cells, function.__closure__ or (), strict=True):
        try:
            cell.cell_contents = _inner(original.cell_contents, known)
        except ValueError:  # not filled yet
            continue
    return copy


def _inner(value: Any, known: dict[int, Any]) -> Any:
    """What a model reads: its functions and the libraries. Objects keep their identity and their own methods."""
    if isinstance(value, types.FunctionType | types.MethodType | functools.partial) or _library(value):
        return _copied(value, known)
    return value


def _library(value: Any) -> bool:
    """A module of a library, or a function or distribution from one; no type, and no other object."""
    if isinstance(value, types.ModuleType):
        return value.__name__.partition(".")[0] in _LIBRARIES
    named = callable(value) and not isinstance(value, type) and (hasattr(value, "__name__") or hasattr(value, "pdf"))
    return named and _home(value).partition(".")[0] in _LIBRARIES


def _home(value: Any) -> str:
    return str(getattr(value, "__module__", None) or type(value).__module__)


def _stand_in(value: Any) -> StandIn:
    """The stand-in for a module, or for what was imported from one, which has the name of its twin in JAX."""
    if isinstance(value, types.ModuleType):
        path = value.__name__.split(".")
    else:
        path = [*_home(value).split("."), getattr(value, "__name__", None) or getattr(value, "name", "")]
    if path[0] in _JAX:
        return StandIn(value, value)
    twin: Any = {"scipy": jscipy, "math": _MATH}.get(path[0])
    for part in path[1:]:
        twin = twin if part.startswith("_") else getattr(twin, part, None)
    return StandIn(value, twin)


class StandIn:
    """A module or function that does to numbers what it always did, and takes values that JAX traces."""

    def __init__(self, original: Any, twin: Any) -> None:
        self._original = original
        self._twin = twin  # JAX's; None for NumPy, whose functions ask the arrays

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._original, name)
        if isinstance(value, type) or not (callable(value) or isinstance(value, types.ModuleType)):
            return value
        return StandIn(value, value if self._twin is self._original else getattr(self._twin, name, None))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._twin is self._original:
            return self._original(*map(_plain, args), **{key: _plain(value) for key, value in kwargs.items()})
        if self._original in _FILLED:
            return _filled(self._original, *args, **kwargs)
        if not has_traced([*args, *kwargs.values()]):
            return self._original(*args, **kwargs)
        if self._original in _CONVERTED:
            return _converted(self._original, *args, **kwargs)
        if isinstance(self._original, type(np.sum)):
            return array_function(self._original, args, kwargs)
        args, kwargs = tuple(map(_array, args)), {key: _array(value) for key, value in kwargs.items()}
        if isinstance(self._original, np.ufunc):
            return self._original(*args, **kwargs)
        if callable(self._twin):
            return wrapped(self._twin(*unwrapped(args), **unwrapped(kwargs)))
        if _home(self._original).startswith("scipy"):
            name = getattr(self._original, "__name__", "a function of SciPy")
            raise UntraceableError(
                f"it calls {name}, which jax.scipy does not have: write it with jax.numpy and jax.lax.scan "
                "(jax.experimental.ode.odeint for a differential equation)"
            )
        return self._original(*args, **kwargs)


def _filled(function: Any, *args: Any, **kwargs: Any) -> Any:
    """np.zeros and the like: an array that takes traced values when it is written into."""
    if has_traced([*args, *kwargs.values()]):
        return Traced(jnp.full(*unwrapped(args), **unwrapped(kwargs)))
    made = function(*args, **kwargs)
    if made.dtype.kind not in "fc":
        return made
    return Traced(jnp.zeros(made.shape, made.dtype) if function is np.empty else jnp.asarray(made))


def _converted(function: Any, value: Any, dtype: Any = None, **kwargs: Any) -> Traced:
    """np.array of traced values; what is an array already is not copied where NumPy would not."""
    if isinstance(value, Traced) and function is not np.array and (dtype is None or np.dtype(dtype) == value.dtype):
        return value
    array = jnp.asarray(unwrapped(value), dtype=dtype)
    return Traced(array.reshape((1,) * (kwargs.get("ndmin", 0) - array.ndim) + array.shape))


def _array(value: Any) -> Any:
    """An argument as NumPy's protocols know it."""
    if isinstance(value, Tracer):
        return Traced(value)
    return Traced(jnp.asarray(unwrapped(value))) if isinstance(value, list | tuple) and has_traced(value) else value


def _plain(value: Any) -> Any:
    """An argument of a function of JAX; a function among them may return what NumPy made."""
    if isinstance(value, types.FunctionType):
        return lambda *args, **kwargs: unwrapped(value(*args, **kwargs))
    return unwrapped(value)


def _of_math(name: str) -> Any:
    """A function of the module math for one number."""
    special = {"fabs": "abs", "lgamma": "gammaln"}.get(name, name)
    twin: Any = getattr(jnp, special, None) or getattr(jscipy.special, special, None)

    def scalar(*args: Any) -> Any:
        if any(np.size(arg) != 1 for arg in args):
            raise UntraceableError(f"it calls math.{name} on an array: use jnp.{name}")
        return jnp.log(args[0]) / jnp.log(args[1]) if name == "log" and len(args) > 1 else twin(*args)

    return twin and scalar


_MATH = types.SimpleNamespace(**{name: _of_math(name) for name, value in vars(math).items() if callable(value)})
