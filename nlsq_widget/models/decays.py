"""Decays. Start values are those of a grid of lengths that leave the least, where the amplitudes are solved for."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array

from nlsq_widget.models.glance import lengths, regression, search, thinned
from nlsq_widget.models.record import LibraryModel, Parameter
from nlsq_widget.models.safe import expm1, power, ratio
from nlsq_widget.models.safe import exponential as exp

_AMPLITUDE = Parameter("amplitude", "A", "y", "value at x = 0")
_TAU = Parameter("tau", r"\tau", "x", "length over which it falls to 1/e", 0.0)


def _exponential(x: Array, amplitude: Array, tau: Array) -> Array:
    return amplitude * exp(-ratio(x, tau))


def _two(x: Array, amplitude1: Array, tau1: Array, amplitude2: Array, tau2: Array) -> Array:
    return _exponential(x, amplitude1, tau1) + _exponential(x, amplitude2, tau2)


def _stretched(x: Array, amplitude: Array, tau: Array, beta: Array) -> Array:
    return amplitude * jnp.exp(-power(ratio(x, tau), beta))


def _rise_and_decay(x: Array, amplitude: Array, rise: Array, decay: Array) -> Array:
    return -amplitude * expm1(-ratio(x, rise)) * exp(-ratio(x, decay))


def _of_exponential(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    (tau,), scale, _ = search(x, y, lambda x, tau: np.exp(-(x - x[:, :1]) / tau), lengths(x))
    return scale * np.exp(x[0] / tau), tau


def _of_two(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    """All pairs of a grid; the amplitudes of each are solved for."""
    first = x[0]
    x, y = thinned(x, y)
    tried = lengths(x, 24)
    rows = np.exp(-(x - first) / tried[:, None])
    best, found = np.inf, (0.0, tried[0], 0.0, tried[-1])
    for i in range(tried.size):
        for j in range(i):
            slow, fast = regression(y, rows[i], rows[j])
            left = float(np.sum((y - slow * rows[i] - fast * rows[j]) ** 2))
            if left < best:
                best, found = left, (fast, tried[j], slow, tried[i])
    fast, tau1, slow, tau2 = found
    return fast * np.exp(first / tau1), tau1, slow * np.exp(first / tau2), tau2


def _of_stretched(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    axes = lengths(x, 24), np.geomspace(0.2, 4, 12)
    (tau, beta), scale, _ = search(x, y, lambda x, tau, beta: np.exp(-(np.maximum(x / tau, 0) ** beta)), *axes)
    return scale, tau, beta


def _of_rise_and_decay(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    def curve(x: np.ndarray, rise: np.ndarray, decay: np.ndarray) -> np.ndarray:
        return -np.expm1(-x / rise) * np.exp(-x / decay)

    (rise, decay), scale, _ = search(x, y, curve, lengths(x, 20), lengths(x, 20))
    return scale, rise, decay


exponential = LibraryModel(
    name="exponential",
    family="decays",
    function=_exponential,
    parameters=(_AMPLITUDE, _TAU),
    formula="amplitude*exp(-x/tau)",
    about="What is lost in proportion to what is left: radioactivity, a discharge, absorption along a path.",
    rule=_of_exponential,
    rests="right",
)

two_exponentials = LibraryModel(
    name="two_exponentials",
    family="decays",
    function=_two,
    parameters=(
        Parameter("amplitude1", "A_1", "y", "value of the first at x = 0"),
        Parameter("tau1", r"\tau_1", "x", "length over which the first falls to 1/e", 0.0),
        Parameter("amplitude2", "A_2", "y", "value of the second at x = 0"),
        Parameter("tau2", r"\tau_2", "x", "length over which the second falls to 1/e", 0.0),
    ),
    formula="amplitude1*exp(-x/tau1) + amplitude2*exp(-x/tau2)",
    about="Two decays at once, a fast and a slow one: a mixture of isotopes, of fluorescent states.",
    rule=_of_two,
    rests="right",
)

stretched_exponential = LibraryModel(
    name="stretched_exponential",
    family="decays",
    function=_stretched,
    parameters=(
        _AMPLITUDE,
        _TAU,
        Parameter("beta", r"\beta", "1", "1 is one decay, less a spread of them", 0.01, 10.0),
    ),
    formula="amplitude*exp(-(x/tau)^beta), amplitude where x < 0",
    about="A decay with many lengths: relaxation of glass, and the distribution of Weibull.",
    rule=_of_stretched,
    rests="right",
)

rise_and_decay = LibraryModel(
    name="rise_and_decay",
    family="decays",
    function=_rise_and_decay,
    parameters=(
        Parameter("amplitude", "A", "y", "value at x = 0, were it risen at once"),
        Parameter("rise", r"\tau_r", "x", "length over which it rises", 0.0),
        Parameter("decay", r"\tau_d", "x", "length over which it falls to 1/e", 0.0),
    ),
    formula="amplitude*(1 - exp(-x/rise))*exp(-x/decay)",
    about="Two exponentials, a growth and a decay: a pulse of a detector, a drug in the blood, a synaptic current.",
    rule=_of_rise_and_decay,
    rests="right",
)

DECAYS = (exponential, two_exponentials, stretched_exponential, rise_and_decay)
