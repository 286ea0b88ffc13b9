"""A curve typed as text, such as "a*exp(-x/tau) + c". It is read by a grammar, and never run as code."""

from __future__ import annotations

import ast
import keyword
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from types import MethodType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.scipy.special as jsp
import numpy as np

from nlsq_widget.expression import ARITHMETIC, Functions, Grammar, Walk, first_refused, names_in, parsed
from nlsq_widget.latex import latex

_LONGEST = 1000  # characters
_EXAMPLE = "'a*exp(-x/tau) + c'"
_CONSTANTS = {"pi": math.pi, "e": math.e}
_ALIKE = """
    exp log log10 log2 sqrt cbrt sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh abs sign floor
    ceil arctan2 hypot minimum maximum where
""".split()
# Other words for them: of mathematics, of Python and of Origin.
_WORDS = {"ln": "log", "min": "minimum", "max": "maximum", "atan2": "arctan2", "sgn": "sign"}
_WORDS |= {f"a{name}": f"arc{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")}
_SIGNS = {"^": "**", "²": "**2", "³": "**3", "−": "-", "·": "*", "×": "*", "π": "pi"}
_TWO = frozenset(("arctan2", "hypot", "minimum", "maximum"))


def _functions(space: Any, **special: Callable[..., Any]) -> Functions:
    known = {name: getattr(space, name) for name in _ALIKE} | special
    known["heaviside"] = lambda u, at_zero=0.5: space.where(u > 0.0, 1.0, space.where(u < 0.0, 0.0, at_zero))
    return known | {word: known[name] for word, name in _WORDS.items()}


def _gamma(u: Any) -> Any:
    """Of each point by itself, as far as JAX's program tells, which that of jax.scipy.special is not."""
    sign = jnp.where(u > 0.0, 1.0, 1.0 - 2.0 * (jnp.floor(u) % 2.0))
    return sign * jnp.exp(jsp.gammaln(u))


_JAX = _functions(jnp, erf=jsp.erf, erfc=jsp.erfc, gamma=_gamma, gammaln=jsp.gammaln)


def _each(function: Callable[[float], float]) -> Callable[..., Any]:
    def value(u: float) -> float:
        try:
            return function(u)
        except OverflowError:
            return math.inf
        except ValueError:  # a pole
            return math.nan

    return np.vectorize(value, otypes=[float])


_NUMPYS = _functions(
    np, erf=_each(math.erf), erfc=_each(math.erfc), gamma=_each(math.gamma), gammaln=_each(math.lgamma)
)


def _arguments(name: str) -> Collection[int]:
    plain = _WORDS.get(name, name)
    return (3,) if plain == "where" else (1, 2) if plain == "heaviside" else (2,) if plain in _TWO else (1,)


FUNCTIONS: Mapping[str, Collection[int]] = {name: _arguments(name) for name in sorted(_JAX)}
_GRAMMAR = Grammar(FUNCTIONS, ARITHMETIC | {ast.Mod}, rows="x")
_ALSO_NAMES = frozenset(("gamma", "min", "max"))  # of parameters, where they are not called


class FormulaError(ValueError):
    """A text is no formula; the message says what to do."""


@dataclass(frozen=True, repr=False)
class Formula:
    """A curve that `fit`, `curve_fit`, `fit_batch` and `FitWidget` take as they take its bare text.

    `x` is the variable, and x[0], x[1], ... are its rows where there are several; every other name is a parameter, in
    the order in which they are written, but for pi and e (Euler's number, which stands only under a power: e^x).
    There are + - * / % and ** or ^ for powers, comparisons (1 where they hold, else 0), `where(x < x0, a, b)` or
    `a if x < x0 else b`, and the functions in `FUNCTIONS`. Raises FormulaError, a ValueError of one sentence, for
    anything else.

    >>> Formula("a*exp(-x/tau) + c").names
    ('a', 'tau', 'c')
    >>> Formula("a*x^2")(np.arange(3), 2)
    array([0., 2., 8.])
    """

    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _written(self.text))
        _read(self.text)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters, in the order in which they are written."""
        return _read(self.text).names

    @property
    def tree(self) -> ast.expr:
        """As it was read; to be looked at only."""
        return _read(self.text).tree

    @property
    def latex(self) -> str:
        """As LaTeX writes it."""
        return latex(self.text)

    @property
    def function(self) -> Callable[..., Any]:
        """f(x, *parameters). Bound as a method, it is compared by what it is bound to: equal texts are one model."""
        return MethodType(_curve, _read(self.text).key)

    def __call__(self, x: Any, *values: Any) -> Any:
        """The curve: JAX's where JAX's arrays are given, else NumPy's in float64."""
        if len(values) != len(self.names):
            raise ValueError(f"{self.text} has {len(self.names)} parameters and was given {len(values)} values.")
        return self.function(x, *values)

    def __repr__(self) -> str:
        return f"Formula({self.text!r})"

    def __str__(self) -> str:
        return self.text

    def _repr_latex_(self) -> str:
        return f"$y = {self.latex}$"


class _Read(NamedTuple):
    tree: ast.expr
    names: tuple[str, ...]
    rows: int | None  # how many rows of x it needs at least; None where x is a row by itself
    key: str  # the same for texts that differ by blanks and parentheses only


def _curve(key: str, x: Any, *values: Any) -> Any:
    read = _read(key)
    traced = any(isinstance(value, jax.Array) for value in (x, *values))
    if not traced:
        x, values = np.asarray(x, dtype=float), tuple(map(np.float64, values))
    _check_rows(read.rows, np.shape(x))
    named = {"x": x} | dict(zip(read.names, values, strict=True))
    return Walk(_CONSTANTS | named, _JAX, _NUMPYS).value(read.tree) if traced else numbers(read.tree, named)


def numbers(tree: ast.expr, values: Mapping[str, Any]) -> Any:
    """What the tree of a formula is worth with NumPy; nan where it has no value."""
    with np.errstate(all="ignore"):
        return Walk({**_CONSTANTS, **values}, _NUMPYS, _NUMPYS).value(tree)


def _check_rows(rows: int | None, shape: tuple[int, ...]) -> None:
    if rows is None and len(shape) > 1:
        raise FormulaError(f"x has {shape[0]} rows; write x[0] for the first of them, and so on, in the formula")
    if rows is not None and (len(shape) < 2 or shape[0] < rows):
        there = shape[0] if len(shape) > 1 else 1
        raise FormulaError(f"it reads x[{rows - 1}], but x has {there} row{'s' if there > 1 else ''}")


# -- reading ---------------------------------------------------------------------------------------------------


def _written(text: Any) -> str:
    """The text as Python's parser takes it; ^ is a power, as no formula has any use for what Python means by it."""
    if not isinstance(text, str) or not text.strip():
        raise FormulaError(f"The formula is {text!r:.40}; write it as {_EXAMPLE}.")
    if len(text) > _LONGEST:
        raise FormulaError(f"The formula has {len(text)} characters; write a function for more than {_LONGEST}.")
    for sign, meant in _SIGNS.items():
        text = text.replace(sign, meant)
    return " ".join(text.split())


@lru_cache(maxsize=256)
def _read(text: str) -> _Read:
    _refuse_slips(text)
    try:
        tree = parsed(text)
    except SyntaxError as error:
        raise _refused(text, _unreadable(text, error)) from None
    wrong = first_refused(tree, _GRAMMAR)
    if wrong is not None:
        raise _refused(text, _advice(wrong))
    names = tuple(name for name in names_in(tree) if name != "x" and name not in _CONSTANTS)
    _check_names(text, tree, names)
    rows = [int(ast.unparse(node.slice)) for node in ast.walk(tree) if isinstance(node, ast.Subscript)]
    return _Read(tree, names, max(rows) + 1 if rows else None, ast.unparse(tree))


def _refused(text: str, why: str) -> FormulaError:
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    return FormulaError(f"The formula {shown!r} {why}.")


_NUMBER = r"(?<![\w.])(?>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
_OTHERWISE = r"(?!(?:if|else|and|or)\b)"
# What Python would read otherwise, or not at all: a number or a bracket right before what it is to multiply.
_MISSING = re.compile(rf"({_NUMBER}|\))\s*{_OTHERWISE}([^\W\d]\w*|\()")
_NEXT_TO = re.compile(rf"\b(?!(?:if|else|and|or)\b)([^\W\d]\w*)\s+{_OTHERWISE}([^\W\d]\w*|\d+)")
_ASSIGNED = re.compile(r"^(?:\w+(?:\(\w*\))?\s*)?:?=(?!=)\s*")


def _refuse_slips(text: str) -> None:
    assigned = _ASSIGNED.match(text)
    if assigned:
        raise _refused(text, f"assigns; leave {assigned.group().strip()!r} out and write only what stands after it")
    odd = re.search(r"[^\w\s.,+\-*/%()<>=!\[\]]", text)
    if odd:
        meant = {"&": "write 'and' between conditions", "|": "write 'or' between conditions"}
        raise _refused(
            text, f"has {odd.group()!r} in it, which means nothing here; {meant.get(odd.group(), 'take it out')}"
        )
    missing = _MISSING.search(text)
    if missing:
        raise _refused(text, _unjoined(*missing.groups()))
    if text.count("(") != text.count(")"):
        more, fewer = ("(", ")") if text.count("(") > text.count(")") else (")", "(")
        many = abs(text.count("(") - text.count(")"))
        raise _refused(text, f"has {many} {more!r} too many; add {fewer!r} where it belongs, or take {more!r} out")


def _unreadable(text: str, error: SyntaxError) -> str:
    """What is wrong with a text that Python's parser does not take, and what to do."""
    if error.msg == "too deep" or "nested" in str(error.msg):
        return "is nested too deep; write a function for it"
    words = [word for word in re.findall(r"[^\W\d]\w*", text) if keyword.iskeyword(word)]
    strange = [word for word in words if word not in ("if", "else", "and", "or")]
    if strange:
        other = {"lambda": "lam"}.get(strange[0], f"{strange[0]}_")
        return f"uses {strange[0]!r}, which is a word of Python; give it another name, {other!r} say"
    beside = _NEXT_TO.search(text)
    if beside:
        return _unjoined(*beside.groups())
    return f"cannot be read; write it as {_EXAMPLE}"


def _unjoined(left: str, right: str) -> str:
    meant = f"{left}({right})" if left in FUNCTIONS else "* there for a product"
    return f"has no operator between {left!r} and {right!r}; write {meant}"


def _advice(wrong: ast.expr) -> str:
    """Why a piece is refused, and what to do."""
    shown = f"{ast.unparse(wrong)!r:.60}"
    match wrong:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return "holds a number that no float can hold; leave it out"
        case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
            if name == "where" and len(wrong.args) == 3:
                return f"asks where {ast.unparse(wrong.args[0])!r:.40} holds; compare it with something: x < 1"
            return f"calls {name} in {shown}; it takes {' or '.join(map(str, FUNCTIONS[name]))} in its parentheses"
        case ast.Call(func=ast.Name(id=name)):
            near = get_close_matches(name, FUNCTIONS, n=3) or [known for known in FUNCTIONS if known not in _WORDS]
            return f"calls {name!r}, which is no function; for a product write {name}*(...), else {_listed(near)}"
        case ast.Call(func=ast.Attribute(attr=name)) if name in FUNCTIONS:
            return f"holds {shown}; write {name} without what stands before the point"
        case ast.BoolOp() | ast.IfExp():
            return f"asks in {shown} what is no condition; compare with something: x < 1"
        case ast.Tuple():
            return "has a comma outside of a function; write decimals with a point, 1.5, and one curve only"
        case _:
            return f"holds {shown}, which is no arithmetic; write a function for it"


def _listed(words: Collection[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def _check_names(text: str, tree: ast.expr, names: tuple[str, ...]) -> None:
    bare = [name for name in names if name in FUNCTIONS and name not in _ALSO_NAMES]
    if bare:
        raise _refused(text, f"names {bare[0]} without its parentheses; write {bare[0]}(...)")
    under = {id(node.left) for node in ast.walk(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)}
    if any(isinstance(node, ast.Name) and node.id == "e" and id(node) not in under for node in ast.walk(tree)):
        raise _refused(text, "uses e, which is Euler's number; write exp(1) for that, or another name for a parameter")
    if not names:
        raise _refused(text, f"has no parameter; name what is to be fitted, as in {_EXAMPLE}")
    whole, rows = _reads_x(tree)
    if whole and rows:
        raise _refused(text, "reads both x and a row of it; write x[0] for the first row")
    if len(names) > 1 and not (whole or rows):
        raise _refused(text, "does not depend on x; name the variable x, or give one parameter alone for a constant")


def _reads_x(tree: ast.expr) -> tuple[bool, bool]:
    """Whether it reads x as a whole, and whether by rows."""
    rows = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Subscript)}
    whole = any(isinstance(node, ast.Name) and node.id == "x" and id(node) not in rows for node in ast.walk(tree))
    return whole, bool(rows)
