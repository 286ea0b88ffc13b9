"""Formulas as LaTeX: a pure function of their text and of the symbols that names are written with."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

from nlsq_widget.expression import is_condition, parsed

_GREEK = frozenset(
    """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi omega
    Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
    """.split()
)
_NAMED = {
    "log": r"\ln",
    "ln": r"\ln",
    "log10": r"\log_{10}",
    "log2": r"\log_{2}",
    "asin": r"\arcsin",
    "acos": r"\arccos",
    "atan": r"\arctan",
    "min": r"\min",
    "max": r"\max",
    "minimum": r"\min",
    "maximum": r"\max",
    "sign": r"\operatorname{sgn}",
    "gamma": r"\Gamma",
    "heaviside": r"\operatorname{H}",
    "w": "w",
}
_NAMED |= {name: f"\\{name}" for name in "exp sin cos tan arcsin arccos arctan sinh cosh tanh".split()}
_FENCED = {
    "sqrt": (r"\sqrt{", "}"),
    "cbrt": (r"\sqrt[3]{", "}"),
    "abs": (r"\left|", r"\right|"),
    "floor": (r"\left\lfloor ", r" \right\rfloor"),
    "ceil": (r"\left\lceil ", r" \right\rceil"),
}
_COMPARED = {ast.Lt: "<", ast.LtE: r"\le", ast.Gt: ">", ast.GtE: r"\ge", ast.Eq: "=", ast.NotEq: r"\ne"}
_ESCAPED = {"\\": r"\textbackslash ", "~": r"\sim "}
_SHORT = 32  # characters that may stand in the exponent of e


class _Level(IntEnum):
    """How tightly a piece holds together."""

    SUM = 0
    PRODUCT = 1
    POWER = 2
    ATOM = 3


class _Piece(NamedTuple):
    text: str
    level: _Level

    def held(self, level: _Level) -> str:
        """In parentheses where it does not hold so tightly."""
        return self.text if self.level >= level else _fenced(self.text)


def latex(text: str, symbols: Mapping[str, str] | None = None) -> str:
    r"""A formula as LaTeX writes it, the names by their symbols, else as they are: a Greek letter, an index.

    What stands after a comma is said beside it: a definition, `z = x/2`, or where something holds. What is no formula
    stands as text.

    >>> print(latex("a*exp(-x/tau1) + c"))
    a e^{-x/\tau_{1}} + c
    """
    main, *beside = re.split(r", (?=\w+(?:\(\w+\))? = |[^()]* where )", text.replace("^", "**"))
    write = _Writer(symbols or {}).write
    try:
        return r", \quad ".join([write(main), *(_beside(piece, write) for piece in beside)])
    except SyntaxError:
        return rf"\text{{{_plain(text)}}}"


def symbol(name: str) -> str:
    r"""A name as LaTeX writes it.

    >>> [symbol(name) for name in ("a", "tau1", "k_on", "slope")]
    ['a', '\\tau_{1}', 'k_{\\mathrm{on}}', '\\mathrm{slope}']
    """
    head, _, index = re.sub(r"(?<=[^\W\d_])(?=\d+$)", "_", name, count=1).partition("_")
    if not (head and index):
        return _word(name)
    return f"{_word(head)}_{{{index if index.isdigit() else _word(index)}}}"


def _word(word: str) -> str:
    return f"\\{word}" if word in _GREEK else word if len(word) == 1 else rf"\mathrm{{{_plain(word)}}}"


def _plain(word: str) -> str:
    return re.sub(r"[_%#&$~{}\\]", lambda sign: _ESCAPED.get(sign.group(), f"\\{sign.group()}"), word)


def _beside(text: str, write: Callable[[str], str]) -> str:
    said, where, test = text.partition(" where ")
    return rf"{write(said)} \text{{ where }} {write(test)}" if where else " = ".join(map(write, text.split(" = ")))


@dataclass(frozen=True)
class _Writer:
    symbols: Mapping[str, str]
    inline: bool = False  # a fraction is written a/b: it stands in another one, or in an exponent

    def write(self, text: str) -> str:
        tree = parsed(text)
        return self._test(tree) if is_condition(tree) else self.of(tree).text

    def small(self, tree: ast.expr) -> _Piece:
        return replace(self, inline=True).of(tree)

    def of(self, tree: ast.expr) -> _Piece:
        match tree:
            case ast.Constant():
                return _number(tree.value)
            case ast.Name(id=name):
                return _Piece(self.symbols.get(name) or symbol(name), _Level.ATOM)
            case ast.Subscript(value=value, slice=index):
                return _Piece(f"{self.of(value).text}_{{{self.of(index).text}}}", _Level.ATOM)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _Piece(f"-{self.of(operand).held(_Level.PRODUCT)}", _Level.SUM)
            case ast.UnaryOp(operand=operand):
                return self.of(operand)
            case ast.BinOp():
                return self._operation(tree)
            case ast.Call(func=ast.Name(id=name), args=arguments) if name != "where":
                return self._call(name, arguments)
            case _:
                return self._choice(tree)

    def _operation(self, tree: ast.BinOp) -> _Piece:
        match tree.op:
            case ast.Add():
                right = self.of(tree.right)
                held = right.held(_Level.PRODUCT) if right.text.startswith("-") else right.text
                return _Piece(f"{self.of(tree.left).text} + {held}", _Level.SUM)
            case ast.Sub():
                return _Piece(f"{self.of(tree.left).text} - {self.of(tree.right).held(_Level.PRODUCT)}", _Level.SUM)
            case ast.Pow():
                base = self.of(tree.left).held(_Level.ATOM)
                return _Piece(f"{base}^{{{self.small(tree.right).text}}}", _Level.POWER)
            case ast.Mod():
                sides = (self.of(side).held(_Level.POWER) for side in (tree.left, tree.right))
                return _Piece(r" \bmod ".join(sides), _Level.SUM)
            case _:
                return self._scaled(tree)

    def _scaled(self, tree: ast.BinOp) -> _Piece:
        bare = _unsigned(tree)
        if bare is not None:
            return self.of(ast.UnaryOp(ast.USub(), bare))
        return self._product(tree) if isinstance(tree.op, ast.Mult) else self._ratio(tree)

    def _product(self, tree: ast.BinOp) -> _Piece:
        left, right = self.of(tree.left).held(_Level.PRODUCT), self.of(tree.right).held(_Level.PRODUCT)
        if self.inline and isinstance(tree.left, ast.BinOp) and isinstance(tree.left.op, ast.Div):
            left = _fenced(left)  # a/b c would be read as a/(b c)
        if re.match(r"[\d-]", right):
            return _Piece(rf"{left} \cdot {right}", _Level.PRODUCT)
        # Words would grow together.
        gap = r" \, " if r"\mathrm" in left or right.startswith(r"\mathrm") else " "
        return _Piece(f"{left}{gap}{right}", _Level.PRODUCT)

    def _ratio(self, tree: ast.BinOp) -> _Piece:
        above, below = self.small(tree.left), self.small(tree.right)
        if self.inline:
            return _Piece(f"{above.held(_Level.PRODUCT)}/{below.held(_Level.POWER)}", _Level.PRODUCT)
        return _Piece(rf"\frac{{{above.text}}}{{{below.text}}}", _Level.PRODUCT)

    def _call(self, name: str, arguments: list[ast.expr]) -> _Piece:
        if name in _FENCED:
            opening, shut = _FENCED[name]
            return _Piece(f"{opening}{self.of(arguments[0]).text}{shut}", _Level.ATOM)
        if name == "exp":
            power = self.small(arguments[0]).text
            if "^" not in power and "begin" not in power and len(power) <= _SHORT:
                return _Piece(f"e^{{{power}}}", _Level.POWER)
        written = _NAMED.get(name, rf"\operatorname{{{_plain(name)}}}")
        return _Piece(written + _fenced(", ".join(self.of(argument).text for argument in arguments)), _Level.POWER)

    def _choice(self, tree: ast.expr) -> _Piece:
        match tree:
            case ast.Call(args=[test, one, other]) | ast.IfExp(test=test, body=one, orelse=other):
                rows = (
                    rf"{self.of(one).text} & \text{{if }} {self._test(test)} \\ {self.of(other).text} & \text{{else}}"
                )
                return _Piece(rf"\begin{{cases}} {rows} \end{{cases}}", _Level.ATOM)
            case ast.Compare() | ast.BoolOp():
                return _Piece(rf"\left[{self._test(tree)}\right]", _Level.ATOM)
            case _:
                raise SyntaxError(f"{ast.unparse(tree)} is no formula")

    def _test(self, tree: ast.expr) -> str:
        match tree:
            case ast.Compare():
                pairs = zip(tree.ops, tree.comparators, strict=True)
                told = [f"{_COMPARED[type(op)]} {self.of(side).text}" for op, side in pairs]
                return " ".join([self.of(tree.left).text, *told])
            case ast.BoolOp():
                word = r" \text{ and } " if isinstance(tree.op, ast.And) else r" \text{ or } "
                return word.join(map(self._test, tree.values))
            case _:
                return self.of(tree).text


def _unsigned(tree: ast.BinOp) -> ast.BinOp | None:
    """A product or a ratio without the sign that its first factor has; None where it has none."""
    match tree.left:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return ast.BinOp(operand, tree.op, tree.right)
        case ast.BinOp(op=ast.Mult() | ast.Div()):
            bare = _unsigned(tree.left)
            return None if bare is None else ast.BinOp(bare, tree.op, tree.right)
        case _:
            return None


def _fenced(text: str) -> str:
    """In parentheses, as high as what stands in them."""
    tall = re.search(r"\\(frac|begin|left|sqrt)", text)
    return rf"\left({text}\right)" if tall else f"({text})"


def _number(value: object) -> _Piece:
    digits, _, power = str(value).removesuffix(".0").partition("e")
    if not power:
        return _Piece(digits, _Level.ATOM)
    ten = f"10^{{{int(power)}}}"
    return _Piece(ten, _Level.POWER) if digits == "1" else _Piece(rf"{digits} \cdot {ten}", _Level.PRODUCT)
