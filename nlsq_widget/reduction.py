"""Many points as few marks, for a window of the plot: no outlier is lost, and where points lie dense is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Window:
    """A part of a plot, and how many marks it has room for."""

    x: tuple[float, float]
    y: tuple[float, float]
    columns: int
    rows: int
    residual_rows: int


@dataclass(frozen=True, eq=False)
class Ordered:
    """Points by rising x."""

    x: np.ndarray  # [points], ascending
    index: np.ndarray | None  # int [points], where each was; None where they were in order

    @classmethod
    def by(cls, x: np.ndarray) -> Self:
        """The order of these x."""
        if bool(np.all(x[1:] >= x[:-1])):
            return cls(x, None)
        index = np.argsort(x, kind="stable")
        return cls(x[index], index)

    def of(self, values: np.ndarray) -> np.ndarray:
        """`values` [points] in this order."""
        return values if self.index is None else values[self.index]

    def within(self, x: tuple[float, float]) -> slice:
        """Those from the first to the last x of a range, and one more on each side, to which lines lead."""
        first, last = np.searchsorted(self.x, x[0], "left"), np.searchsorted(self.x, x[1], "right")
        return slice(max(0, int(first) - 1), int(last) + 1)


@dataclass(frozen=True, eq=False)
class Columns:
    """Upright bars from the least to the greatest value in each; the empty ones are left out."""

    part: slice  # of the points in their order
    starts: np.ndarray  # int [columns], where each begins in that part
    x: np.ndarray  # [columns], their centres

    def extremes(self, ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The least and the greatest of values [points, in order] in each column; nan only where all are."""
        part = ordered[self.part]
        return np.fmin.reduceat(part, self.starts), np.fmax.reduceat(part, self.starts)


def columns(points: Ordered, count: int, x: tuple[float, float] | None = None) -> Columns:
    """At most `count` columns of one width over a range of x, by default over all points."""
    part = slice(0, points.x.size) if x is None else points.within(x)
    here = points.x[part]
    low, high = (here[0], here[-1]) if x is None else x
    width = (high - low) / count or 1.0
    edges = np.searchsorted(here, low + width * np.arange(1, count))
    starts = np.unique(np.concatenate([[0], edges]))
    starts = starts[starts < here.size]
    place = np.clip(np.floor((here[starts] - low) / width), 0, count - 1)
    return Columns(part, starts, low + (place + 0.5) * width)


def density(
    points: Ordered, ordered: np.ndarray, window: Window, y: tuple[float, float] | None = None, rows: int | None = None
) -> np.ndarray:
    """How many points lie in each cell of a window, as shades: uint8 [rows, columns], the lowest row first.

    Its height and its rows may be others than those of the window. 0 where there is none, else 1 to 255 by the
    logarithm of their number, so that a single one is still seen.
    """
    low, high = window.y if y is None else y
    rows = window.rows if rows is None else rows
    edges = np.searchsorted(points.x, np.linspace(*window.x, window.columns + 1))
    column = np.repeat(np.arange(window.columns), np.diff(edges))
    # Above and below the window lie a row each for what is not in it, nan included.
    row = np.fmin(np.fmax((ordered[edges[0] : edges[-1]] - low) * (rows / (high - low)) + 1, 0), rows + 1)
    cell = row.astype(np.intp) * window.columns + column
    counts = np.bincount(cell, minlength=(rows + 2) * window.columns)[window.columns : -window.columns]
    depth = np.log(np.maximum(counts, 1))
    shades = np.where(counts > 0, 1 + 254 * depth / max(depth.max(), np.log(2)), 0)
    return shades.round().astype(np.uint8).reshape(rows, window.columns)
