"""Parameters that are computed from others, by expressions that are read and never run as code."""

from __future__ import annotations

import ast
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

_LONGEST = 500  # characters of an expression
_CONSTANTS = {"pi": math.pi, "e": math.e}
# Each function by its name in NumPy and JAX, with its derivative.
_FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "sqrt": lambda u: 0.5 / np.sqrt(u),
    "exp": np.exp,
    "log": lambda u: 1.0 / u,
    "sin": np.cos,
    "cos": lambda u: -np.sin(u),
    "tan": lambda u: 1.0 / np.cos(u) ** 2,
    "abs": np.sign,
}
_ALLOWED = f"numbers, other parameters, + - * / **, parentheses, {', '.join(_FUNCTIONS)}, {' and '.join(_CONSTANTS)}"
_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a ** _whole(b),
}


@dataclass(frozen=True)
class Ties:
    """Expressions by the names of the parameters that they give, checked: `Ties.of(names, {"b": "1.5 * a"})`."""

    names: tuple[str, ...] = ()  # all parameters of the model
    texts: tuple[tuple[str, str], ...] = ()  # tied parameter, expression; in the order of the names

    @staticmethod
    def of(names: Sequence[str], texts: Mapping[str, str]) -> Ties:
        """Raises ValueError, in one sentence, for what is no expression of other parameters, or goes in a circle."""
        read = {name: _read(name, text, names) for name, text in texts.items()}
        _refuse_circles(read)
        return Ties(tuple(names), tuple((name, read[name].text) for name in names if name in read))

    def __bool__(self) -> bool:
        return bool(self.texts)

    def __contains__(self, name: str) -> bool:
        return any(name == tied for tied, _ in self.texts)

    def text(self, name: str) -> str | None:
        """The expression of a parameter; None where it is not tied."""
        return dict(self.texts).get(name)

    def with_(self, name: str, text: str | None) -> Ties:
        """The same with this parameter tied by `text`, or by itself again. Raises ValueError as `of`."""
        others = {tied: other for tied, other in self.texts if tied != name}
        return Ties.of(self.names, others if text is None else others | {name: text})

    def complete(self, p: Any, space: Any = np) -> list[Any]:
        """All parameters, the tied ones computed from the others; `space` is np, or jnp inside what is traced."""
        values = {name: p[i] for i, name in enumerate(self.names)}
        for name, tree in self._ordered:
            values[name] = _value(tree, values, space)
        return [values[name] for name in self.names]

    def values(self, p: Any) -> np.ndarray:
        """As `complete`, of numbers -> [parameters]; nan where an expression has no value."""
        with np.errstate(all="ignore"):
            return np.array(self.complete(np.asarray(p, dtype=float)), dtype=float)

    def slopes(self, p: np.ndarray) -> np.ndarray:
        """The derivatives of all parameters by all [parameters, parameters]: a row of the unit matrix for what is
        not tied, zero in the columns of what is."""
        known = {name: (p[i], row) for i, (name, row) in enumerate(zip(self.names, np.eye(p.size), strict=True))}
        with np.errstate(all="ignore"):
            for name, tree in self._ordered:
                known[name] = _slope(tree, known, np.zeros(p.size))
        return np.array([known[name][1] for name in self.names])

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """What the computation depends on; equal for expressions that differ by blanks and parentheses only."""
        return (self.names, *((name, ast.unparse(tree)) for name, tree in self._ordered)) if self else ()

    @cached_property
    def _ordered(self) -> list[tuple[str, ast.expr]]:
        """The expressions, each after those that it reads."""
        waiting = {name: ast.parse(text, mode="eval").body for name, text in self.texts}
        ordered: list[tuple[str, ast.expr]] = []
        while waiting:
            name = next(name for name, tree in waiting.items() if not _names_in(tree) & set(waiting))
            ordered.append((name, waiting.pop(name)))
        return ordered


UNTIED = Ties()


@dataclass(frozen=True)
class _Read:
    text: str
    reads: frozenset[str]


def _read(name: str, text: Any, names: Sequence[str]) -> _Read:
    """An expression that holds only what is allowed."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise ValueError(
            f"The tie of {name} is {text!r:.80}; give an expression such as '1.5 * {_other(name, names)}'."
        )
    text = text.strip().removeprefix("=").strip()
    try:
        tree = ast.parse(text, mode="eval").body
        _check(name, tree, names)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, _RefusedError):
            raise
        raise ValueError(
            f"The tie of {name}, {text!r}, is no expression; write it as 1.5 * {_other(name, names)}."
        ) from error
    return _Read(text, frozenset(_names_in(tree) & set(names)))


class _RefusedError(ValueError):
    """A sentence of ours, among what Python's parser may raise."""


def _check(name: str, tree: ast.expr, names: Sequence[str]) -> None:
    match tree:
        case ast.Constant(value=bool() | complex()):
            raise _RefusedError(f"The tie of {name} holds {tree.value!r}; it may hold {_ALLOWED}.")
        case ast.Constant(value=int() | float() as number):
            if number > sys.float_info.max:
                raise _RefusedError(f"The tie of {name} holds a number that no float can hold.")
        case ast.Name(id=read):
            _check_name(name, read, names)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _check(name, operand, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            _check(name, left, names)
            _check(name, right, names)
        case ast.Call(func=ast.Name(id=function), args=[argument], keywords=[]) if function in _FUNCTIONS:
            _check(name, argument, names)
        case _:
            raise _RefusedError(f"The tie of {name} holds {ast.unparse(tree)!r:.60}; it may hold {_ALLOWED}.")


def _check_name(name: str, read: str, names: Sequence[str]) -> None:
    if read == name:
        raise _RefusedError(f"{name} cannot be tied to itself; give an expression of the other parameters.")
    if read not in names and read not in _CONSTANTS:
        raise _RefusedError(
            f"The tie of {name} names {read!r}, which is no parameter; the model has {', '.join(names)}."
        )


def _refuse_circles(read: Mapping[str, _Read]) -> None:
    done: set[str] = set()
    while len(done) < len(read):
        ready = [name for name, of in read.items() if name not in done and not (of.reads & set(read)) - done]
        if not ready:
            circle = ", ".join(f"{name} = {of.text}" for name, of in read.items() if name not in done)
            raise ValueError(f"The ties {circle} go round in a circle; untie one of them.")
        done.update(ready)


def _other(name: str, names: Sequence[str]) -> str:
    return next((other for other in names if other != name), "other")


def _names_in(tree: ast.expr) -> set[str]:
    """The names that are read, functions left out."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}


def _value(tree: ast.expr, values: Mapping[str, Any], space: Any) -> Any:
    match tree:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return values[name] if name in values else _CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=operand):
            value = _value(operand, values, space)
            return -value if isinstance(op, ast.USub) else value
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _value(left, values, space), _value(right, values, space)
            return _BINARY[type(op)](a, b) if _varies(a) or _varies(b) else _number(_BINARY[type(op)], a, b)
        case ast.Call(func=ast.Name(id=function), args=[argument]):
            u = _value(argument, values, space)
            return getattr(space, function)(u) if _varies(u) else _number(getattr(np, function), u)
        case _:
            raise TypeError(ast.dump(tree))


def _varies(value: Any) -> bool:
    """Whether it depends on a parameter: what does not stays Python's float, of no dtype to JAX."""
    return type(value) is not float


def _number(function: Callable[..., Any], *values: float) -> float:
    """Of constants, as NumPy has it: nan or inf where Python would raise, or turn to complex numbers."""
    with np.errstate(all="ignore"):
        return float(function(*map(np.float64, values)))


def _slope(tree: ast.expr, known: Mapping[str, tuple[Any, np.ndarray]], none: np.ndarray) -> tuple[Any, np.ndarray]:
    """The value, and its derivatives [parameters]."""
    match tree:
        case ast.Name(id=name) if name in known:
            return known[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value, slope = _slope(operand, known, none)
            return -value, -slope
        case ast.UnaryOp(operand=operand):
            return _slope(operand, known, none)
        case ast.BinOp(left=left, op=op, right=right):
            (a, da), (b, db) = _slope(left, known, none), _slope(right, known, none)
            value = _BINARY[type(op)](np.float64(a), np.float64(b))
            return value, _binary_slope(op, np.float64(a), da, np.float64(b), db)
        case ast.Call(func=ast.Name(id=function), args=[argument]):
            u, du = _slope(argument, known, none)
            return getattr(np, function)(u), _FUNCTIONS[function](np.float64(u)) * du
        case _:
            return _value(tree, {}, np), none


def _binary_slope(op: ast.operator, a: Any, da: np.ndarray, b: Any, db: np.ndarray) -> np.ndarray:
    match op:
        case ast.Add():
            return da + db
        case ast.Sub():
            return da - db
        case ast.Mult():
            return da * b + a * db
        case ast.Div():
            return da / b - a / b**2 * db
        case _:
            by_base = b * a ** _whole(b - 1) * da if da.any() else da
            return by_base + (a**b * np.log(a) * db if db.any() else db)


def _whole(exponent: Any) -> Any:
    """A whole exponent as such: it is exact, and fine for a negative base."""
    return int(exponent) if isinstance(exponent, float) and exponent.is_integer() and abs(exponent) <= 64 else exponent
