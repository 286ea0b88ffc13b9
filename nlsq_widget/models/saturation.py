"""What comes near to a limit, and ratios of polynomials."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jax import Array

from nlsq_widget.models.glance import doses, lengths, regression, search
from nlsq_widget.models.record import LibraryModel, Parameter
from nlsq_widget.models.safe import expm1, quotient, ratio


def _langmuir(x: Array, capacity: Array, affinity: Array) -> Array:
    return capacity * quotient(affinity * x, 1.0 + affinity * x)


def _saturating(x: Array, limit: Array, tau: Array) -> Array:
    return -limit * expm1(-ratio(x, tau))


def _rational(x: Array, a: Array, b: Array, c: Array) -> Array:
    return quotient(a + b * x, 1.0 + c * x)


def _of_langmuir(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    (half,), scale, _ = search(x, y, lambda x, half: x / (half + x), doses(x))
    return scale, 1 / half


def _of_saturating(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    (tau,), scale, _ = search(x, y, lambda x, tau: -np.expm1(-x / tau), lengths(x))
    return scale, tau


def _of_rational(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    """y = a + b x - c x y by linear least squares, weighted anew by what the denominator was (Sanathanan and Koerner
    1963). A pole among the points is none of the curve: it is moved away."""
    weight, found = np.ones_like(x), np.zeros(3)
    for _ in range(5):
        found = regression(weight * y, weight, weight * x, -weight * x * y)
        below = 1 + found[2] * x
        weight = 1 / np.maximum(np.abs(below), 1e-3)
    a, b, c = found
    return (a, b, c) if (1 + c * x > 0).all() else (a, b, 0.0)


langmuir = LibraryModel(
    name="langmuir",
    family="saturation",
    function=_langmuir,
    parameters=(
        Parameter("capacity", "Q", "y", "what it comes near to"),
        Parameter("affinity", "K", "1/x", "one over the x where it is half full", 0.0),
    ),
    formula="capacity*affinity*x/(1 + affinity*x)",
    about="Places that are taken one by one: a gas on a surface by its pressure, a ligand on a receptor.",
    rule=_of_langmuir,
    rests="left",
)

saturating_exponential = LibraryModel(
    name="saturating_exponential",
    family="saturation",
    function=_saturating,
    parameters=(
        Parameter("limit", "A", "y", "what it comes near to"),
        Parameter("tau", r"\tau", "x", "length over which it comes nearer by 63 %", 0.0),
    ),
    formula="limit*(1 - exp(-x/tau))",
    about="What is filled in proportion to what is missing: a capacitor, a bath that warms, photosynthesis by light.",
    rule=_of_saturating,
    rests="left",
)

rational = LibraryModel(
    name="rational",
    family="saturation",
    function=_rational,
    parameters=(
        Parameter("a", "a", "y", "value at x = 0"),
        Parameter("b", "b", "y/x", "b/c is the value far away"),
        Parameter("c", "c", "1/x", "the pole is at -1/c"),
    ),
    formula="(a + b*x)/(1 + c*x)",
    about="The simplest curve that bends towards a limit: a calibration of a detector, a lens.",
    rule=_of_rational,
)

SATURATION = (langmuir, saturating_exponential, rational)
