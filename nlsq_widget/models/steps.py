"""Steps, up from zero or down to a negative height. Start values are those of a grid of places and widths that leave
the least, where the height is solved for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import pi, sqrt

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.nn import sigmoid
from jax.scipy.special import erfc

from nlsq_widget.models.glance import lengths, places, search
from nlsq_widget.models.record import LibraryModel, Parameter
from nlsq_widget.models.safe import ratio

_HEIGHT = Parameter("height", "A", "y", "value far to the right")
_CENTRE = Parameter("centre", "x_0", "x", "where it is half of that")


def _erf_step(x: Array, height: Array, centre: Array, sigma: Array) -> Array:
    return 0.5 * height * erfc(-ratio(x - centre, sigma) / sqrt(2))


def _arctan_step(x: Array, height: Array, centre: Array, width: Array) -> Array:
    return height * (0.5 + jnp.arctan(ratio(x - centre, width)) / pi)


def _logistic_step(x: Array, height: Array, centre: Array, width: Array) -> Array:
    return height * sigmoid(ratio(x - centre, width))


def _of(x: np.ndarray, y: np.ndarray, curve: Callable[[np.ndarray], np.ndarray]) -> Sequence[float]:
    axes = places(x), lengths(x, 20)
    (centre, width), scale, _ = search(x, y, lambda x, centre, width: curve((x - centre) / width), *axes)
    return scale, centre, width


def _rising(z: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(z / 2)


erf_step = LibraryModel(
    name="erf_step",
    family="steps",
    function=_erf_step,
    parameters=(_HEIGHT, _CENTRE, Parameter("sigma", r"\sigma", "x", "standard deviation of its slope", 0.0)),
    formula="height/2*(1 + erf((x - centre)/(sigma*sqrt(2))))",
    about="An edge seen through a Gaussian blur: a knife across a beam, a front that diffuses.",
    rule=lambda x, y: _of(x, y, lambda z: _rising(1.7 * z)),
    rests="left",
)

arctan_step = LibraryModel(
    name="arctan_step",
    family="steps",
    function=_arctan_step,
    parameters=(_HEIGHT, _CENTRE, Parameter("width", "w", "x", "from the centre to three quarters of the height", 0.0)),
    formula="height*(1/2 + atan((x - centre)/width)/pi)",
    about="An edge with long tails, the integral of a Lorentzian: an X-ray absorption edge, a phase at resonance.",
    rule=lambda x, y: _of(x, y, lambda z: 0.5 + np.arctan(z) / pi),
    rests="left",
)

logistic_step = LibraryModel(
    name="logistic_step",
    family="steps",
    function=_logistic_step,
    parameters=(_HEIGHT, _CENTRE, Parameter("width", "w", "x", "from the centre to 73 % of the height", 0.0)),
    formula="height/(1 + exp(-(x - centre)/width))",
    about="A change of occupation: Fermi and Dirac's distribution, a psychometric curve, the melting of a molecule.",
    rule=lambda x, y: _of(x, y, _rising),
    rests="left",
)

STEPS = (erf_step, arctan_step, logistic_step)
