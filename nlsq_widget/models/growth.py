"""Growth. Start values are those of a grid of rates and places that leave the least, where the size is solved for."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.nn import sigmoid

from nlsq_widget.models.glance import lengths, search
from nlsq_widget.models.record import LibraryModel, Parameter
from nlsq_widget.models.safe import exponential as exp
from nlsq_widget.models.safe import logarithm

_TOP = Parameter("top", "K", "y", "what it grows up to")
_RATE = Parameter("rate", "r", "1/x", "how fast it grows while it is small", 0.0)
_MIDPOINT = Parameter("midpoint", "x_m", "x", "where it grows fastest")


def _growing(x: Array, amplitude: Array, rate: Array) -> Array:
    return amplitude * exp(rate * x)


def _logistic(x: Array, top: Array, rate: Array, midpoint: Array) -> Array:
    return top * sigmoid(rate * (x - midpoint))


def _gompertz(x: Array, top: Array, rate: Array, midpoint: Array) -> Array:
    return top * jnp.exp(-exp(-rate * (x - midpoint)))


def _richards(x: Array, top: Array, rate: Array, midpoint: Array, nu: Array) -> Array:
    """(1 + nu e^-u)^(-1/nu), by its logarithm."""
    u = rate * (x - midpoint)
    return top * jnp.exp(-jnp.logaddexp(logarithm(nu) - u, jnp.zeros_like(u)) / nu)


def _rates(x: np.ndarray, count: int = 20) -> np.ndarray:
    return 1 / lengths(x, count)[::-1]


def _wide(x: np.ndarray) -> np.ndarray:
    """Places half a span beyond the ends of x as well."""
    half = np.ptp(x) / 2
    return np.linspace(x[0] - half, x[-1] + half, 33)


def _of_growing(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    (rate,), scale, _ = search(x, y, lambda x, rate: np.exp(rate * (x - x[:, -1:])), _rates(x, 32))
    return scale * np.exp(-rate * x[-1]), rate


def _of_logistic(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    def curve(x: np.ndarray, rate: np.ndarray, midpoint: np.ndarray) -> np.ndarray:
        return 0.5 + 0.5 * np.tanh(0.5 * rate * (x - midpoint))

    (rate, midpoint), scale, _ = search(x, y, curve, _rates(x), _wide(x))
    return scale, rate, midpoint


def _of_gompertz(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    def curve(x: np.ndarray, rate: np.ndarray, midpoint: np.ndarray) -> np.ndarray:
        return np.exp(-np.exp(np.minimum(-rate * (x - midpoint), 50.0)))

    (rate, midpoint), scale, _ = search(x, y, curve, _rates(x), _wide(x))
    return scale, rate, midpoint


def _of_richards(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    def curve(x: np.ndarray, rate: np.ndarray, midpoint: np.ndarray, nu: np.ndarray) -> np.ndarray:
        return np.exp(-np.logaddexp(np.log(nu) - rate * (x - midpoint), 0.0) / nu)

    axes = _rates(x, 14), _wide(x)[::2], np.geomspace(0.1, 10, 5)
    (rate, midpoint, nu), scale, _ = search(x, y, curve, *axes)
    return scale, rate, midpoint, nu


exponential_growth = LibraryModel(
    name="exponential_growth",
    family="growth",
    function=_growing,
    parameters=(Parameter("amplitude", "A", "y", "value at x = 0"), _RATE),
    formula="amplitude*exp(rate*x)",
    about="What grows in proportion to what there is: a colony with food, a chain reaction, interest.",
    rule=_of_growing,
    rests="left",
)

logistic = LibraryModel(
    name="logistic",
    family="growth",
    function=_logistic,
    parameters=(_TOP, _RATE, _MIDPOINT),
    formula="top/(1 + exp(-rate*(x - midpoint)))",
    about="Growth that slows down as room is used up, evenly on both sides of its middle (Verhulst).",
    rule=_of_logistic,
    rests="left",
)

gompertz = LibraryModel(
    name="gompertz",
    family="growth",
    function=_gompertz,
    parameters=(_TOP, Parameter("rate", "r", "1/x", "how fast it ends", 0.0), _MIDPOINT),
    formula="top*exp(-exp(-rate*(x - midpoint)))",
    about="Growth that starts faster than it ends: tumours, animals, the use of something new.",
    rule=_of_gompertz,
    rests="left",
)

richards = LibraryModel(
    name="richards",
    family="growth",
    function=_richards,
    parameters=(
        _TOP,
        Parameter("rate", "r", "1/x", "how fast it ends", 0.0),
        _MIDPOINT,
        Parameter("nu", r"\nu", "1", "1 is logistic, towards 0 it is Gompertz's", 0.01, 100.0),
    ),
    formula="top/(1 + nu*exp(-rate*(x - midpoint)))^(1/nu)",
    about="Growth with its bend at any height: plants, epidemics.",
    rule=_of_richards,
    rests="left",
)

GROWTH = (exponential_growth, logistic, gompertz, richards)
