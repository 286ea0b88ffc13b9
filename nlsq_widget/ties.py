"""Parameters that are computed from others, by expressions that are read and never run as code."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nlsq_widget.expression import ARITHMETIC, Functions, Grammar, Walk, binary, first_refused, names_in, parsed, whole

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
_NUMPYS: Functions = {name: getattr(np, name) for name in _FUNCTIONS}
_GRAMMAR = Grammar(dict.fromkeys(_FUNCTIONS, (1,)), ARITHMETIC)
_ALLOWED = f"numbers, other parameters, + - * / **, parentheses, {', '.join(_FUNCTIONS)}, {' and '.join(_CONSTANTS)}"


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
        values = _CONSTANTS | {name: p[i] for i, name in enumerate(self.names)}
        functions = {name: getattr(space, name) for name in _FUNCTIONS}
        for name, tree in self._ordered:
            values[name] = Walk(values, functions, _NUMPYS).value(tree)
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
        waiting = {name: parsed(text) for name, text in self.texts}
        ordered: list[tuple[str, ast.expr]] = []
        while waiting:
            name = next(name for name, tree in waiting.items() if set(waiting).isdisjoint(names_in(tree)))
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
        tree = parsed(text)
    except SyntaxError as error:
        raise ValueError(
            f"The tie of {name}, {text!r}, is no expression; write it as 1.5 * {_other(name, names)}."
        ) from error
    _check(name, tree, names)
    return _Read(text, frozenset(names_in(tree)) & set(names))


def _check(name: str, tree: ast.expr, names: Sequence[str]) -> None:
    refused = first_refused(tree, _GRAMMAR)
    if isinstance(refused, ast.Constant) and type(refused.value) in (int, float):
        raise ValueError(f"The tie of {name} holds a number that no float can hold.")
    if refused is not None:
        raise ValueError(f"The tie of {name} holds {ast.unparse(refused)!r:.60}; it may hold {_ALLOWED}.")
    for read in names_in(tree):
        if read == name:
            raise ValueError(f"{name} cannot be tied to itself; give an expression of the other parameters.")
        if read not in names and read not in _CONSTANTS:
            raise ValueError(
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


def _slope(tree: ast.expr, known: Mapping[str, tuple[Any, np.ndarray]], none: np.ndarray) -> tuple[Any, np.ndarray]:
    """The value, and its derivatives [parameters]."""
    match tree:
        case ast.Name(id=name) if name in known:
            return known[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            u, du = _slope(operand, known, none)
            return -u, -du
        case ast.UnaryOp(operand=operand):
            return _slope(operand, known, none)
        case ast.BinOp(left=left, op=op, right=right):
            (a, da), (b, db) = _slope(left, known, none), _slope(right, known, none)
            a, b = np.float64(a), np.float64(b)
            return binary(op, a, b), _binary_slope(op, a, da, b, db)
        case ast.Call(func=ast.Name(id=function), args=[argument]):
            u, du = _slope(argument, known, none)
            return getattr(np, function)(u), _FUNCTIONS[function](np.float64(u)) * du
        case _:
            return Walk(_CONSTANTS, _NUMPYS, _NUMPYS).value(tree), none


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
            by_base = b * a ** whole(b - 1) * da if da.any() else da
            return by_base + (a**b * np.log(a) * db if db.any() else db)
