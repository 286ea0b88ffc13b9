"""What a glance at points tells, with NumPy: a bump, a shape on a grid, a frequency. Points come in the order of x."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

_POINTS = 256  # a shape is seen as well in means of so many groups
_BUMP_POINTS = 16384
_PERIODIC_POINTS = 4096
_BINS = 65536


class Bump(NamedTuple):
    """The highest or deepest place, and its half-maximum widths."""

    centre: float
    height: float
    left: float  # from the centre to half of the height
    right: float
    base: float  # the level that it stands on

    @property
    def fwhm(self) -> float:
        return self.left + self.right


class Shape(NamedTuple):
    """y = level + scale * curve, where the parameters of the curve are those of a grid that leave the least."""

    at: tuple[float, ...]
    scale: float
    level: float


def bump(x: np.ndarray, y: np.ndarray) -> Bump:
    """The place that stands out most from the noise: of all moving averages that whose mean is farthest from zero, in
    units of its own error. It stands on zero, or on the edges where these are above a fifth of it."""
    x, y = thinned(x, y, _BUMP_POINTS)
    base = _edge(y)
    rise = y - base
    window, place, best = 1, 0, -1.0
    for width in _windows(y.size):
        mean, count = _moving(rise, width)
        score = np.abs(mean) * np.sqrt(count)
        if score.max() > best * (1 + 1e-9):
            window, place, best = width, int(np.argmax(score)), float(score.max())
    smooth, _ = _moving(rise, max(1, window // 4) | 1)
    sign = 1.0 if smooth[place] >= 0 else -1.0
    first, last = max(0, place - window), place + window + 1
    top = first + int(np.argmax(sign * smooth[first:last]))
    rise = sign * smooth
    left = _crossing(x[top::-1], rise[top::-1])
    right = _crossing(x[top:], rise[top:])
    half = left or right or float(np.ptp(x)) / 2
    return Bump(float(x[top]), float(smooth[top]), left or half, right or half, base)


def _edge(y: np.ndarray) -> float:
    tenth = max(1, y.size // 10)
    base = min(float(np.median(y[:tenth])), float(np.median(y[-tenth:])), key=abs)
    return base if abs(base) > 0.2 * float(np.max(np.abs(y))) else 0.0


def _windows(points: int) -> Iterator[int]:
    width = 1
    while width <= max(1, points // 2):
        yield width
        width = width + 2 if width < 9 else int(width * 1.5) | 1


def _moving(y: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean over so many points around each, and how many there were."""
    sums = np.concatenate([[0.0], np.cumsum(y)])
    place = np.arange(y.size)
    low, high = np.maximum(place - width // 2, 0), np.minimum(place + width // 2 + 1, y.size)
    return (sums[high] - sums[low]) / (high - low), high - low


def _crossing(x: np.ndarray, rise: np.ndarray) -> float:
    """How far it is to half of the first value; 0 where it is not reached."""
    below = np.flatnonzero(rise < rise[0] / 2)
    if not below.size:
        return 0.0
    i = int(below[0])
    part = (rise[i - 1] - rise[0] / 2) / (rise[i - 1] - rise[i])
    return float(abs(x[i - 1] + part * (x[i] - x[i - 1]) - x[0]))


def search(
    x: np.ndarray,
    y: np.ndarray,
    curve: Callable[..., np.ndarray],
    *axes: np.ndarray,
    level: bool = False,
) -> Shape:
    """The curve(x, ...) of a grid of parameters that comes nearest to y, when its scale is free, and a level as well.

    What is linear is solved for (Golub and Pereyra 1973); the grid is refined around the best place.
    """
    x, y = thinned(x, y)
    mean = float(np.mean(y)) if level else 0.0
    found = Shape((), 0.0, mean)
    for _ in range(3):
        grid = [values.reshape(-1, 1) for values in np.meshgrid(*axes, indexing="ij")]
        rows = curve(x[None], *grid)
        rows = np.where(np.isfinite(rows), rows, 0.0)
        size = np.maximum(np.abs(rows).max(axis=1, keepdims=True), np.finfo(float).tiny)
        rows = rows / size
        middle = rows.mean(axis=1, keepdims=True) if level else np.zeros_like(size)
        norms = np.sum((rows - middle) ** 2, axis=1)
        along = (rows - middle) @ (y - mean)
        norms = np.maximum(norms, 1e-12 * x.size)
        best = int(np.argmax(along**2 / norms))
        scale = float(along[best] / norms[best])
        at = tuple(float(values[best, 0]) for values in grid)
        found = Shape(at, scale / float(size[best, 0]), mean - scale * float(middle[best, 0]))
        axes = tuple(_zoomed(axis, value) for axis, value in zip(axes, at, strict=True))
    return found


def _zoomed(axis: np.ndarray, value: float) -> np.ndarray:
    i = int(np.argmin(np.abs(axis - value)))
    low, high = axis[max(i - 1, 0)], axis[min(i + 1, axis.size - 1)]
    return np.geomspace(low, high, 9) if low > 0 else np.linspace(low, high, 9)


def thinned(x: np.ndarray, y: np.ndarray, points: int = _POINTS) -> tuple[np.ndarray, np.ndarray]:
    """The means of so many groups of neighbours."""
    if x.size <= points:
        return x, y
    begins = np.arange(points) * x.size // points
    counts = np.diff(begins, append=x.size)
    return np.add.reduceat(x, begins) / counts, np.add.reduceat(y, begins) / counts


def thinned_by(x: np.ndarray, y: np.ndarray, points: int = _PERIODIC_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Every second, third, ... point, so that there are not more than so many: means would flatten a wave."""
    every = -(-x.size // points)
    return x[::every], y[::every]


def lengths(x: np.ndarray, count: int = 32) -> np.ndarray:
    """Lengths that x may show, from below its spacing to far beyond its span."""
    span = float(np.ptp(x)) or abs(float(x[0])) or 1.0
    return np.geomspace(0.2 * span / max(x.size, 2), 20 * span, count)


def places(x: np.ndarray, count: int = 33) -> np.ndarray:
    """Places between the ends of x."""
    return np.linspace(x[0], x[-1], count)


def doses(x: np.ndarray, count: int = 25) -> np.ndarray:
    """Positive places, a decade beyond the ends of what is positive in x."""
    positive = x[x > 0]
    low, high = (positive[0], positive[-1]) if positive.size else (1.0, 1.0)
    return np.geomspace(max(low, 1e-6 * high) / 10, high * 10, count)


def regression(y: np.ndarray, *columns: np.ndarray) -> np.ndarray:
    """The coefficients of the columns, by linear least squares; zeros where there are none."""
    matrix = np.stack(np.broadcast_arrays(*columns, y)[:-1], axis=1)
    if not (np.isfinite(matrix).all() and np.isfinite(y).all()):
        return np.zeros(len(columns))
    return np.linalg.lstsq(matrix, y, rcond=None)[0]


def frequency(x: np.ndarray, y: np.ndarray) -> float:
    """The frequency of the wave that takes away most: the highest places of a periodogram, then the least squares of
    Lomb (1976) around them. Up to half of the mean rate of points."""
    span = float(np.ptp(x))
    if span == 0 or y.size < 4:
        return 0.5 / (span or abs(float(x[0])) or 1.0)
    points = min(y.size, _BINS)
    bins = 1 << (32 * points - 1).bit_length()  # fine enough for points at uneven x
    place = ((x - x[0]) * (bins / (4 * span))).astype(int)
    power = np.abs(np.fft.rfft(np.bincount(place, y - y.mean(), minlength=bins)))[: 2 * points + 1]
    unit = 1 / (4 * span)
    # Less than half a wave is none: beside a level it would explain any slope.
    found = [_refined(x, y, max(peak - 1.5, 2.0) * unit, max(peak + 1.5, 2.5) * unit) for peak in _highest(power)]
    return max(found)[1]


def _refined(x: np.ndarray, y: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """How much the best frequency between these takes away, and which it is."""
    best = (-np.inf, low)
    for _ in range(2):
        tried = np.linspace(low, high, 13).tolist()
        best = max((_explained(x, y, rate), rate) for rate in tried)
        i = tried.index(best[1])
        low, high = tried[max(i - 1, 0)], tried[min(i + 1, 12)]
    return best


def _highest(power: np.ndarray) -> list[int]:
    """Three places in a periodogram that are no neighbours."""
    power, found = power.copy(), []
    power[0] = 0.0
    for _ in range(3):
        found.append(int(np.argmax(power)))
        power[max(found[-1] - 5, 0) : found[-1] + 6] = 0.0
    return found


def _explained(x: np.ndarray, y: np.ndarray, rate: float) -> float:
    """How much of the sum of squares a wave of this frequency and a level take away."""
    x, y = thinned_by(x, y)
    cos, sin = np.cos(2 * np.pi * rate * x), np.sin(2 * np.pi * rate * x)
    a, b, c = regression(y, cos, sin, np.ones_like(x))
    return float(np.sum(y**2) - np.sum((y - a * cos - b * sin - c) ** 2))


def wave(x: np.ndarray, y: np.ndarray, rate: float) -> tuple[float, float]:
    """Amplitude and phase of the sine of this frequency, beside a level."""
    cos, sin = np.cos(2 * np.pi * rate * x), np.sin(2 * np.pi * rate * x)
    a, b, _ = regression(y, cos, sin, np.ones_like(x))
    return float(np.hypot(a, b)), float(np.arctan2(a, b))
