"""An expression as Python's parser reads it, walked for its value. Text of the user is read and never run as code."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial, reduce
from itertools import pairwise
from typing import Any

import numpy as np

_DEEPEST = 100  # of a tree: deeper ones would be too much for a walk that calls itself
_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Mod: lambda a, b: a % b,
    ast.Pow: lambda a, b: a ** whole(b),
}
_COMPARED: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
}
_JOINED: Mapping[type[ast.boolop], Callable[[Any, Any], Any]] = {
    ast.And: lambda a, b: a & b,
    ast.Or: lambda a, b: a | b,
}
ARITHMETIC = frozenset((ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow))

Functions = Mapping[str, Callable[..., Any]]


def parsed(text: str) -> ast.expr:
    """The tree of an expression. Raises SyntaxError for what is none, and for what is nested too deep."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error)) from error
    level: list[ast.AST] = [tree]
    for _ in range(_DEEPEST):
        level = [inner for node in level for inner in ast.iter_child_nodes(node)]
    if level:
        raise SyntaxError("too deep")
    return tree


@dataclass(frozen=True)
class Grammar:
    """What an expression may hold besides numbers and names."""

    arguments: Mapping[str, Collection[int]]  # how many each function takes
    operators: frozenset[type[ast.operator]]
    rows: str | None = None  # with conditions, and rows of what bears this name: x[0]


def first_refused(tree: ast.expr, grammar: Grammar) -> ast.expr | None:
    """The first piece that is not of the grammar; None when all are."""
    inner = _operands(tree, grammar)
    if inner is None and grammar.rows is not None:
        inner = _choices(tree, grammar.rows)
    if inner is None:
        return tree
    found = (first_refused(piece, grammar) for piece in inner)
    return next((piece for piece in found if piece is not None), None)


def _operands(tree: ast.expr, grammar: Grammar) -> list[ast.expr] | None:
    """The pieces that arithmetic is made of; None for what is no arithmetic."""
    match tree:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return [] if number <= sys.float_info.max else None
        case ast.Name():
            return []
        case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            return [tree.operand]
        case ast.BinOp() if type(tree.op) in grammar.operators:
            return [tree.left, tree.right]
        case ast.Call(func=ast.Name(id=name), keywords=[]) if len(tree.args) in grammar.arguments.get(name, ()):
            return tree.args if name != "where" or is_condition(tree.args[0]) else None
        case _:
            return None


def _choices(tree: ast.expr, rows: str) -> list[ast.expr] | None:
    match tree:
        case ast.Compare() if all(type(op) in _COMPARED for op in tree.ops):
            return [tree.left, *tree.comparators]
        case ast.BoolOp() if all(map(is_condition, tree.values)):
            return tree.values
        case ast.IfExp() if is_condition(tree.test):
            return [tree.body, tree.test, tree.orelse]
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=int() as k)) if name == rows and k >= 0:
            return []
        case _:
            return None


def is_condition(tree: ast.expr) -> bool:
    """Whether it holds or does not, where other pieces are numbers."""
    return isinstance(tree, ast.Compare | ast.BoolOp)


def names_in(tree: ast.expr) -> tuple[str, ...]:
    """The names that are read, in the order in which they are written; functions left out."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    read = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called]
    return tuple(dict.fromkeys(node.id for node in sorted(read, key=lambda node: (node.lineno, node.col_offset))))


@dataclass(frozen=True)
class Walk:
    """The value of trees that were not refused.

    `functions` are those of the arrays among the values; what depends on none of these is computed by `plain`, which
    are NumPy's, and stays Python's float, of no dtype to JAX.
    """

    values: Mapping[str, Any]
    functions: Functions
    plain: Functions

    def value(self, tree: ast.expr) -> Any:
        """A number, or one for each point; a condition is 1 or 0."""
        match tree:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name):
                return self.values[name]
            case ast.UnaryOp():
                return -self.value(tree.operand) if isinstance(tree.op, ast.USub) else self.value(tree.operand)
            case ast.BinOp():
                function = partial(binary, tree.op)
                return _applied(function, function, self.value(tree.left), self.value(tree.right))
            case ast.Call(func=ast.Name(id=name)) if name != "where":
                return _applied(self.functions[name], self.plain[name], *map(self.value, tree.args))
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=int() as k)):
                return self.values[name][k]
            case _:
                return self._chosen(tree)

    def _chosen(self, tree: ast.expr) -> Any:
        match tree:
            case ast.Call(args=[test, one, other]) | ast.IfExp(test=test, body=one, orelse=other):
                holds, one, other = self._holds(test), self.value(one), self.value(other)
            case _:
                holds, one, other = self._holds(tree), 1.0, 0.0
        if isinstance(holds, bool | np.bool_):
            return one if holds else other
        return self.functions["where"](holds, one, other)

    def _holds(self, tree: ast.expr) -> Any:
        match tree:
            case ast.Compare():
                sides = pairwise([self.value(tree.left), *map(self.value, tree.comparators)])
                found = [_COMPARED[type(op)](a, b) for op, (a, b) in zip(tree.ops, sides, strict=True)]
                return reduce(_JOINED[ast.And], found)
            case ast.BoolOp():
                return reduce(_JOINED[type(tree.op)], map(self._holds, tree.values))
            case _:
                raise TypeError(ast.dump(tree))


def binary(op: ast.operator, a: Any, b: Any) -> Any:
    """What an operator of arithmetic makes of two numbers or arrays."""
    return _BINARY[type(op)](a, b)


def _applied(function: Callable[..., Any], plain: Callable[..., Any], *values: Any) -> Any:
    if any(type(value) is not float for value in values):
        return function(*values)
    # As NumPy has it: nan or inf where Python would raise, or turn to complex numbers.
    with np.errstate(all="ignore"):
        return float(plain(*map(np.float64, values)))


def whole(exponent: Any) -> Any:
    """A whole exponent as such: it is exact, and fine for a negative base."""
    return int(exponent) if isinstance(exponent, float) and exponent.is_integer() and abs(exponent) <= 64 else exponent
