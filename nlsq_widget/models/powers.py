"""Power laws, of x to the right of where they begin; zero elsewhere. Start values are those of a grid of exponents that
leave the least, where the size is solved for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jax import Array

from nlsq_widget.models.glance import search
from nlsq_widget.models.record import LibraryModel, Parameter
from nlsq_widget.models.safe import power

_EXPONENT = Parameter("exponent", "k", "1", "slope on axes that are both logarithmic")


def _power_law(x: Array, amplitude: Array, exponent: Array) -> Array:
    return amplitude * power(x, exponent)


def _shifted(x: Array, amplitude: Array, origin: Array, exponent: Array) -> Array:
    return amplitude * power(x - origin, exponent)


def _raised(x: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    return np.where(x > 0, np.exp(exponent * np.log(np.where(x > 0, x, 1.0))), 0.0)


def _of_power_law(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    (exponent,), scale, _ = search(x, y, _raised, np.linspace(-6, 6, 49))
    return scale, exponent


def _of_shifted(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    """The origin from just below the first point to far below it."""
    span = float(np.ptp(x)) or 1.0
    away = np.geomspace(0.2 * span / max(x.size, 2), 10 * span, 24)
    first = float(x[0])

    def curve(x: np.ndarray, away: np.ndarray, exponent: np.ndarray) -> np.ndarray:
        return _raised((x - first + away) / span, exponent)

    (away_, exponent), scale, _ = search(x, y, curve, away, np.linspace(-5, 5, 41))
    return scale * span**-exponent, first - away_, exponent


power_law = LibraryModel(
    name="power_law",
    family="powers",
    function=_power_law,
    parameters=(Parameter("amplitude", "A", "y/x^exponent", "value at x = 1"), _EXPONENT),
    formula="amplitude*x^exponent, 0 where x <= 0",
    about="What has no scale of its own: gravity, sizes of earthquakes, metabolism by mass.",
    rule=_of_power_law,
)

shifted_power_law = LibraryModel(
    name="shifted_power_law",
    family="powers",
    function=_shifted,
    parameters=(
        Parameter("amplitude", "A", "y/x^exponent", "value at a distance of 1 from the origin"),
        Parameter("origin", "x_0", "x", "where it begins"),
        _EXPONENT,
    ),
    formula="amplitude*(x - origin)^exponent, 0 where x <= origin",
    about="A power law from an origin that is not known: a phase transition, aftershocks.",
    rule=_of_shifted,
)

POWERS = (power_law, shifted_power_law)
