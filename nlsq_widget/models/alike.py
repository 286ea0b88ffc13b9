"""Of which models of the library a typed formula is the sum, told by values: then their guess is its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import permutations, product
from math import tau
from typing import NamedTuple

import numpy as np

from nlsq_widget.expression import names_in, parsed
from nlsq_widget.formula import Formula, numbers
from nlsq_widget.models import MODELS, LibraryModel, Sum, exponential, polynomial, two_exponentials

Guess = Callable[[np.ndarray, np.ndarray], tuple[float, ...]]

# Where formulas are compared: places that no symmetry and no whole number makes alike.
_X = np.array([0.31, 0.57, 0.93, 1.41, 1.73, 2.27, 2.89])
_AT = np.array([0.83, 1.21, 0.67, 1.37, 0.91, 1.09])
_DEGREE = 6
# How a parameter may be written otherwise, as itself, with the other sign, as its reciprocal, as an angular frequency:
# what the library's is then, and back again.
_TURNS: tuple[tuple[Callable[[float], float], Callable[[float], float]], ...] = (
    (lambda p: p, lambda p: p),
    (lambda p: -p, lambda p: -p),
    (lambda p: 1.0 / p, lambda p: 1.0 / p),
    (lambda p: p / tau, lambda p: p * tau),
)
_MANY = 5  # parameters of which only the sign is tried


class _Part(NamedTuple):
    """A model of the library that some of the summands are."""

    model: LibraryModel
    names: tuple[str | None, ...]  # of the formula, in the order of the model; None for a term that it lacks
    turns: tuple[int, ...]


def alike(formula: Formula) -> Guess | None:
    """Start values from x and y as the library finds them; None where it knows no such model."""
    parts = _parts(formula.text)
    if parts is None:
        return None

    def guess(x: np.ndarray, y: np.ndarray) -> tuple[float, ...]:
        found = iter(Sum(tuple(part.model for part in parts)).guess(x, y))
        values: dict[str | None, float] = {}
        for part in parts:
            for name, turn in zip(part.names, part.turns, strict=True):
                values[name] = _TURNS[turn][1](next(found) or 1e-300)
        return tuple(values[name] if np.isfinite(values[name]) else 1.0 for name in formula.names)

    return guess


@lru_cache(maxsize=64)
def _parts(text: str) -> tuple[_Part, ...] | None:
    powers: dict[int, tuple[str, int]] = {}
    found: list[_Part | None] = []
    for terms, names in _groups(Formula(text).tree):
        power = _power(terms, names)
        if power is not None and power[0] in powers:
            return None
        if power is not None:
            powers[power[0]] = names[0], power[1]
        else:
            found.append(_known(terms, names))
    if powers:
        rows = [powers.get(k, (None, 0)) for k in range(max(powers) + 1)]
        found.append(_Part(polynomial(max(powers)), *zip(*rows, strict=True)))
    parts = [part for part in found if part is not None]
    return _paired(parts) if len(parts) == len(found) else None


def _paired(parts: list[_Part]) -> tuple[_Part, ...]:
    """With two exponentials as the model of both: one after the other they would be found badly."""
    single = [part for part in parts if part.model is exponential]
    if len(single) != 2:
        return tuple(parts)
    both = _Part(two_exponentials, single[0].names + single[1].names, single[0].turns + single[1].turns)
    return (both, *(part for part in parts if part not in single))


def _groups(tree: ast.expr) -> Iterator[tuple[list[ast.expr], tuple[str, ...]]]:
    """The summands, those together that have parameters in common, and these parameters."""
    groups: list[tuple[list[ast.expr], tuple[str, ...]]] = []
    for term in _summands(tree):
        names = tuple(name for name in names_in(term) if name not in ("x", "pi", "e"))
        met = [group for group in groups if not set(names).isdisjoint(group[1])]
        groups = [group for group in groups if group not in met]
        together = [piece for pieces, _ in met for piece in pieces]
        groups.append(([*together, term], tuple(dict.fromkeys([*(n for _, own in met for n in own), *names]))))
    yield from groups


def _summands(tree: ast.expr) -> Iterator[ast.expr]:
    match tree:
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            yield from (*_summands(left), *_summands(right))
        case ast.BinOp(op=ast.Sub(), left=left, right=right):
            yield from (*_summands(left), *(ast.UnaryOp(ast.USub(), term) for term in _summands(right)))
        case _:
            yield tree


def _valued(terms: Sequence[ast.expr], names: Sequence[str], at: np.ndarray) -> np.ndarray:
    """The sum of the terms [..., points], with parameters [..., len(names)]."""
    values = {"x": _X} | {name: at[..., i, None] for i, name in enumerate(names)}
    return np.sum([np.broadcast_to(numbers(term, values), (*at.shape[:-1], _X.size)) for term in terms], axis=0)


def _power(terms: Sequence[ast.expr], names: Sequence[str]) -> tuple[int, int] | None:
    """The power of x whose coefficient the only parameter is, and which of `_TURNS` it takes."""
    if len(names) != 1:
        return None
    value = _valued(terms, names, _AT[:1])
    return next(
        (
            (k, turn)
            for k in range(_DEGREE + 1)
            for turn, (there, _) in enumerate(_TURNS)
            if np.allclose(value, there(_AT[0]) * _X**k, 1e-10)
        ),
        None,
    )


def _known(terms: Sequence[ast.expr], names: Sequence[str]) -> _Part | None:
    """The model of the library that has the same values, written in the most similar way."""
    if not names or len(names) > len(_AT) - 1:
        return None
    value = _valued(terms, names, _AT[: len(names)])
    tried, ways = _ways(len(names))
    found: list[tuple[int, _Part]] = []
    for model in MODELS.values() if np.isfinite(value).all() else ():
        if model.family == "lines" or len(model.names) != len(names):
            continue
        with np.errstate(all="ignore"):
            same = np.flatnonzero(np.isclose(_of_library(model, tried), value, rtol=1e-10, atol=0.0).all(axis=-1))
        if same.size:
            order, turns = ways[int(same[0])]
            found.append((sum(map(bool, turns)), _Part(model, tuple(names[i] for i in order), turns)))
    return min(found, key=lambda one: one[0])[1] if found else None


@lru_cache
def _ways(count: int) -> tuple[np.ndarray, list[tuple[tuple[int, ...], tuple[int, ...]]]]:
    """Every order of so many parameters, each in every way of writing it: the values [ways, parameters], and how."""
    turned = range(2 if count >= _MANY else len(_TURNS))
    ways = [(order, turns) for turns in product(turned, repeat=count) for order in permutations(range(count))]
    rows = [[_TURNS[turn][0](float(_AT[i])) for i, turn in zip(*way, strict=True)] for way in ways]
    return np.array(rows), ways


def _of_library(model: LibraryModel, at: np.ndarray) -> np.ndarray:
    """The formula of a model with parameters [..., parameters] -> [..., points]; nan for one that is not arithmetic."""
    main, *beside = model.formula.replace("^", "**").split(", ")
    values = {"x": _X} | {name: at[..., i, None] for i, name in enumerate(model.names)}
    try:
        for name, text in (piece.split(" = ") for piece in beside if re.match(r"\w+ = ", piece)):
            values[name] = numbers(parsed(text), values)
        return np.broadcast_to(numbers(parsed(main), values), (*at.shape[:-1], _X.size))
    except KeyError:  # functions of complex numbers
        return np.full((*at.shape[:-1], _X.size), np.nan)
