"""Derivatives of a function that JAX cannot trace, by finite differences, which never leave the bounds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_EPS = float(np.finfo(float).eps)
_STEP = _EPS ** (1 / 3)  # of a parameter: truncation and rounding are then as large (Dennis and Schnabel 1983)
_BENT = 1e-6  # the part of a difference quotient by which a finer one may differ
_SEEN = 1e-7  # the part of the values that a difference must be, or the rounding of the values shows in it

Curve = Callable[[np.ndarray], np.ndarray]  # parameters [parameters] -> values [points]


def differences(f: Curve, p: np.ndarray, here: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """The derivatives of `f` at `p`, where it is `here`, by differences within the bounds -> [parameters, points].

    Central ones where both sides are finite, else of the same order from one side (Nocedal and Wright 2006, ch. 8).
    """
    return np.array([_column(f, here, p, i, lower[i], upper[i]) for i in range(p.size)])


def _column(f: Curve, here: np.ndarray, p: np.ndarray, i: int, lower: float, upper: float) -> np.ndarray:
    """The derivative by one parameter. A step that the values hardly feel is widened: the parameter may be near 0."""
    if not lower < upper:
        return np.zeros_like(here)
    counts = np.isfinite(here)
    size = max(abs(p[i]), 1e-12)
    slope, response = _refined(f, here, p, i, _STEP * size, lower, upper)
    while size < max(1.0, abs(p[i])) and response <= _SEEN * _largest(here, counts):
        size *= 100.0
        wider, response = _slope(f, here, p, i, _STEP * size, lower, upper)
        if not np.isfinite(wider[counts]).all():
            break
        slope = wider
    return slope


def _refined(
    f: Curve, here: np.ndarray, p: np.ndarray, i: int, h: float, lower: float, upper: float
) -> tuple[np.ndarray, float]:
    """The difference quotient for a step of `h`, or of less where the curve bends within it: a centre at 574 may
    belong to a peak of width 0.01. The step shrinks as long as that changes the quotient, and changes it less and less.
    """
    slope, response = _slope(f, here, p, i, h, lower, upper)
    counts, last = np.isfinite(here), np.inf
    while True:
        h /= 10.0
        finer, felt = _slope(f, here, p, i, h, lower, upper)
        change = _largest(finer - slope, counts) / max(_largest(slope, counts), np.finfo(float).tiny)
        if not _BENT < change < last:
            return slope, response
        slope, response, last = finer, felt, change


def _slope(
    f: Curve, here: np.ndarray, p: np.ndarray, i: int, h: float, lower: float, upper: float
) -> tuple[np.ndarray, float]:
    """The difference quotient for a step of about `h`, and how much the values changed."""
    counts = np.isfinite(here)

    def at(step: float) -> tuple[np.ndarray, float, bool]:
        q = p.copy()
        q[i] += step
        inside = lower <= q[i] <= upper
        value = f(q) if inside else np.full_like(here, np.nan)
        return value, q[i] - p[i], bool(np.isfinite(value[counts]).all())  # the step that was really taken

    with np.errstate(all="ignore"):
        (up, a, above), (down, b, below) = at(h), at(-h)
        if above and below:
            return (up - down) / (a - b), _largest(up - down, counts)
        if not (above or below):
            room = max(upper - p[i], p[i] - lower)
            return _slope(f, here, p, i, room / 4, lower, upper) if room < h else (np.full_like(here, np.nan), np.inf)
        near, a = (up, a) if above else (down, b)
        far, b, usable = at(2 * a)
        if not usable:
            return (near - here) / a, _largest(near - here, counts)
        # The parabola through the three, steps a and b from here.
        return ((near - here) * b / a - (far - here) * a / b) / (b - a), _largest(near - here, counts)


def _largest(change: np.ndarray, counts: np.ndarray) -> float:
    return float(np.max(np.abs(change), initial=0.0, where=counts))
