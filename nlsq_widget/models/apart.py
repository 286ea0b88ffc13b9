"""Start values of models that are added: what lies below is taken off first, then each is guessed in what is left."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from nlsq_widget.models.glance import bump, regression

if TYPE_CHECKING:
    from nlsq_widget.models.record import LibraryModel

_ROUNDS = 3  # after which what the others leave hardly changes


def apart(parts: Sequence[LibraryModel], x: np.ndarray, y: np.ndarray) -> list[tuple[float, ...]]:
    """Start values of each part from the points of their sum, which come in the order of x.

    A polynomial is what lies below the others, where these are small. The others are then guessed one after the
    other, and again once all of them are known; of peaks that are alike the first is that at the least x.
    """
    found: list[tuple[float, ...]] = [(0.0,) * len(part.names) for part in parts]
    if not x.size:
        return [part.guess(x, y) for part in parts]
    below = max((part for part in parts if part.family == "lines"), key=lambda part: len(part.names), default=None)
    others = [i for i, part in enumerate(parts) if part.family != "lines"]
    left = y
    if below is not None:
        coefficients = _below(x, y, len(below.names) - 1 if others else None, {parts[i].rests for i in others})
        base = np.polynomial.polynomial.polyval(x, coefficients) if others else y
        found[parts.index(below)] = below.guess(x, base)
        left = y - base
    others.sort(key=lambda i: parts[i].rests == "edges")  # peaks last: they stand on what is smooth
    curves = {i: np.zeros_like(y) for i in others}
    for _ in range(_ROUNDS if len(others) > 1 else 1):
        for i in others:
            rest = left - sum(curve for j, curve in curves.items() if j != i)
            found[i] = parts[i].guess(x, rest)
            curves[i] = np.nan_to_num(parts[i](x, *found[i])) if len(others) > 1 else curves[i]
    return _in_order(parts, found)


def _below(x: np.ndarray, y: np.ndarray, degree: int | None, rests: set[str]) -> np.ndarray:
    """The coefficients of what lies below, the lowest power first."""
    if degree is None:
        return np.zeros(1)
    tenth = max(1, x.size // 10)
    if "right" in rests:
        return np.array([np.median(y[-tenth:])])
    if "left" in rests:
        return np.array([np.median(y[:tenth])])
    if "nowhere" in rests:
        return np.zeros(1)
    return _polynomial(x, y, degree, peaked="edges" in rests)


def _polynomial(x: np.ndarray, y: np.ndarray, degree: int, *, peaked: bool) -> np.ndarray:
    """A polynomial through the points; where there are peaks, through those that are none, found by turns: what is
    farther from it than three times the median distance is left out."""
    middle, half = (x[0] + x[-1]) / 2, (x[-1] - x[0]) / 2 or 1.0
    powers = [((x - middle) / half) ** k for k in range(degree + 1)]
    kept = np.ones(x.size, dtype=bool)
    if peaked:
        seen = bump(x, y - np.median(y))
        near = (x > seen.centre - 2 * seen.left) & (x < seen.centre + 2 * seen.right)
        kept = ~near if np.count_nonzero(~near) > 2 * degree + 2 else kept
    coefficients = regression(y[kept], *(power[kept] for power in powers))
    for _ in range(20 if peaked else 0):
        distance = np.abs(y - sum(c * power for c, power in zip(coefficients, powers, strict=True)))
        inside = distance <= 3 * np.median(distance)
        if np.count_nonzero(inside) <= 2 * degree + 2:
            break
        coefficients = regression(y[inside], *(power[inside] for power in powers))
    return np.polynomial.Polynomial(coefficients, domain=[middle - half, middle + half]).convert().coef


def _in_order(parts: Sequence[LibraryModel], found: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Parts that are alike, in the order of their place in x, where they have one."""
    for part in set(parts):
        alike = [i for i, other in enumerate(parts) if other is part]
        places = [k for k, name in enumerate(part.names) if name in ("centre", "midpoint")]
        if places:
            rows = sorted((found[i] for i in alike), key=itemgetter(places[0]))
            for i, row in zip(alike, rows, strict=True):
                found[i] = row
    return found
