"""What a function's value depends on besides its arguments. Never its bytecode alone, never a hidden cache."""

from __future__ import annotations

import dis
import functools
import inspect
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from hashlib import blake2b
from itertools import chain
from typing import Any

import jax
import numpy as np

_JITTED = type(jax.jit(lambda: None))
_LIBRARIES = {"jax", "jaxlib", "numpy", "scipy", "math", "builtins", "functools", "operator"}
_OURS = __name__.partition(".")[0]  # a model may itself fit
_PLAIN = frozenset((bool, int, float, complex, str, bytes, type(None)))
_BY_WORD = {"getattr", "globals", "vars", "__dict__", "attrgetter"}  # what takes a name as a word
_DEEP = 60  # what lies deeper than this is known by identity
_LONG = 64  # longer rows of numbers are compared as arrays


def fingerprint(function: Callable[..., Any]) -> tuple[Any, ...]:
    """Defaults, closure, globals, attributes and helpers of a function, as something to compare.

    Equal for the same function object while all of these are unchanged, also when an array that it closes
    over is changed in place. Two functions of the same text differ.

    >>> scale = np.ones(3)
    >>> def model(x, a): return a * scale
    >>> one = fingerprint(model); scale[0] = 2.0; one == fingerprint(model)
    False
    """
    read: list[Any] = []
    _read(function, read, {}, 0)
    return tuple(read)


def unjitted(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function under `jax.jit`, whose own cache would not see a changed global."""
    while isinstance(function, _JITTED):
        function = inspect.getattr_static(function, "__wrapped__", function)
    return function


def names_read(function: types.FunctionType) -> tuple[str, ...]:
    """The globals that the code of a function names, nested functions included."""
    return _named(function.__code__)[0]


def writes_in_place(function: Callable[..., Any]) -> bool:
    """Whether the code of a function has a statement such as `y += 1`, nested functions included."""
    codes = [getattr(unjitted(function), "__code__", None) or getattr(type(function).__call__, "__code__", None)]
    for code in codes:
        if code is not None and any(
            i.argrepr.endswith("=") for i in dis.get_instructions(code) if i.opname == "BINARY_OP"
        ):
            return True
        codes += [constant for constant in getattr(code, "co_consts", ()) if isinstance(constant, types.CodeType)]
    return False


class Identity:
    """Functions and all that they read, as they are now, beside `about`: something to look up again and again."""

    def __init__(self, about: Any, *functions: Callable[..., Any]) -> None:
        self._reads = tuple([fingerprint(function) for function in functions])
        self._parts = about, self._reads
        self._hash = hash(self._parts)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Identity) and self._parts == other._parts)

    def __hash__(self) -> int:
        return self._hash

    def forget_inner_programs(self) -> None:
        """Empty the caches of the jitted helpers among what was read: they would answer with what they read before."""
        for part in chain.from_iterable(self._reads):
            if isinstance(part, _Same) and isinstance(part.thing, _JITTED):
                getattr(part.thing, "clear_cache", lambda: None)()


class _Same:
    """Equal only to itself; keeps what it names alive, so that no other object takes its address."""

    __slots__ = ("thing",)

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


def _read(value: Any, read: list[Any], seen: dict[int, Any], depth: int) -> None:
    """`seen` keeps what it has seen alive: an address that is free again may soon be another object's."""
    if type(value) in _PLAIN:
        read.append((type(value), repr(value)))
    elif isinstance(value, np.ndarray | np.generic) and value.dtype != object:
        read.append(_digest(np.asarray(value)))
        if isinstance(value, np.ma.MaskedArray):
            read.append(_digest(np.ma.getmaskarray(value)))
    elif isinstance(value, types.ModuleType) or id(value) in seen or depth > _DEEP:
        read.append(_Same(value))
    else:
        seen[id(value)] = value
        for inner in _inside(value):
            if type(inner) is _Same:
                read.append(inner)
            else:
                _read(inner, read, seen, depth + 1)


def _digest(array: np.ndarray) -> tuple[Any, ...]:
    raw = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return array.shape, array.dtype.str, blake2b(raw.data, digest_size=16).digest()


def _inside(value: Any) -> Iterator[Any]:
    """What a value is made of, or `_Same` where only its identity tells."""
    if isinstance(value, types.FunctionType) and not _from_library(value):
        yield _Same(value)
        yield _Same(value.__code__)
        yield from _read_by(value)
    elif isinstance(value, tuple | list | set | frozenset | deque):
        yield type(value).__name__
        yield from _row(value)
    elif isinstance(value, dict):
        yield from _row(value.keys())
        yield from _row(value.values())
    elif isinstance(value, np.ndarray):
        yield value.tolist()
    elif isinstance(value, property):
        yield value.fget
    elif isinstance(value, staticmethod | classmethod):
        yield value.__func__
    elif isinstance(value, types.MethodType):
        yield value.__func__
        yield value.__self__
    elif isinstance(value, functools.partial):
        yield from (_Same(value), value.func, value.args, value.keywords)
    elif isinstance(value, jax.Array | _JITTED) or _from_library(value):
        yield _Same(value)
        yield from _wrapped(value)
        yield from _numbers_in(value)
    else:
        yield _Same(value)
        yield from _wrapped(value)
        yield from _members(value)


def _row(values: Any) -> Iterable[Any]:
    """The elements; a long row of numbers as one array."""
    if len(values) > _LONG and {type(value) for value in values} <= {int, float}:
        return [len(values), np.array([float(value) for value in values])]
    return [len(values), *values]


def _members(value: Any) -> Iterator[Any]:
    """Attributes in the instance, in slots, and in the user's classes, methods included."""
    if isinstance(value, type):
        for name, member in vars(value).items():
            if name not in ("__dict__", "__weakref__", "__doc__"):
                yield name
                yield member
        yield from (base for base in value.__bases__ if not _from_library(base))
        return
    if isinstance(value, ContextVar):
        yield value.get(None)
    kept = getattr(value, "__dict__", {})
    yield list(kept.keys())
    yield from list(kept.values())
    for base in type(value).__mro__:
        for slot in base.__dict__.get("__slots__", ()):
            yield getattr(value, slot, None)
    yield type(value)


def _wrapped(value: Any) -> Iterator[Any]:
    """The function under a decorator such as lru_cache, custom_jvp or jit."""
    names = ("__wrapped__", "__func__", "pyfunc")  # the last is that of np.vectorize
    under = next((found for name in names if (found := inspect.getattr_static(value, name, None)) is not None), None)
    # Of what is jitted there is no more to know: the rest is JAX's own, in thousands of pieces.
    if isinstance(under, types.FunctionType) or isinstance(value, _JITTED):
        yield under
    elif not isinstance(value, type) and isinstance(getattr(value, "__wrapped__", None), types.FunctionType):
        yield value.__wrapped__


def _numbers_in(value: Any, depth: int = 0) -> Iterator[Any]:
    """The coefficients of a polynomial or a spline, say, which may be changed in place."""
    if isinstance(value, type | types.ModuleType | types.FunctionType | jax.Array) or depth > 1:
        return
    slots = (getattr(value, slot, None) for base in type(value).__mro__ for slot in base.__dict__.get("__slots__", ()))
    for part in (*getattr(value, "__dict__", {}).values(), *slots):
        if isinstance(part, np.ndarray | float):
            yield part
        elif _from_library(part):
            yield from _numbers_in(part, depth + 1)


def _from_library(value: Any) -> bool:
    home = getattr(value, "__module__", None) or getattr(type(value), "__module__", "")
    top = str(home).partition(".")[0]
    return top in _LIBRARIES or (top == _OURS and not _typed_in(value))


def _typed_in(value: Any) -> bool:
    """Whether a function comes from no file: from a cell, or from an example in a docstring of ours."""
    return isinstance(value, types.FunctionType) and value.__code__.co_filename.startswith("<")


def _read_by(function: types.FunctionType) -> Iterator[Any]:
    """Defaults, closure, the globals that the code names, and what it names inside the user's own modules."""
    yield function.__defaults__
    yield function.__kwdefaults__
    if function.__dict__:
        yield function.__dict__
    cells = []
    for cell in function.__closure__ or ():
        try:
            cells.append(cell.cell_contents)
        except ValueError:  # not filled yet
            cells.append("empty")
    yield from cells
    names, attributes = _named(function.__code__)
    found = [function.__globals__[name] for name in names if name in function.__globals__]
    yield from found
    imported = [sys.modules[name] for name in attributes if name in sys.modules]
    for module in (*found, *cells, *imported):
        yield from _named_in(module, attributes)


def _named_in(module: Any, attributes: tuple[str, ...], depth: int = 0) -> Iterator[Any]:
    if not isinstance(module, types.ModuleType) or module.__name__.partition(".")[0] in _LIBRARIES or depth > 3:
        return
    for name in attributes:
        if name in vars(module):
            yield vars(module)[name]
            yield from _named_in(vars(module)[name], attributes, depth + 1)


@functools.lru_cache(maxsize=1024)
def _named(code: types.CodeType) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The globals that the code reads, nested functions included, and its other names: attributes, imports."""
    names: set[str] = set()
    attributes: set[str] = set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            names.add(str(instruction.argval))
        elif instruction.opname.startswith(("LOAD_ATTR", "LOAD_METHOD", "IMPORT")):
            attributes.add(str(instruction.argval))
    if _BY_WORD & (names | attributes):
        words = {word for word in code.co_consts if isinstance(word, str) and word.isidentifier()}
        names, attributes = names | words, attributes | words
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            inner = _named(constant)
            names.update(inner[0])
            attributes.update(inner[1])
    return tuple(sorted(names)), tuple(sorted(attributes))
