"""Waves. Start values: the highest places of a periodogram, each refined by least squares, at x however uneven."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi

import jax.numpy as jnp
import numpy as np
from jax import Array

from nlsq_widget.models.glance import frequency, lengths, regression, thinned_by, wave
from nlsq_widget.models.record import LibraryModel, Parameter
from nlsq_widget.models.safe import exponential, ratio

_FREQUENCY = Parameter("frequency", "f", "1/x", "waves in a unit of x", 0.0)
_PHASE = Parameter("phase", r"\varphi", "1", "phase at x = 0, in radians")


def _sine(x: Array, amplitude: Array, frequency: Array, phase: Array) -> Array:
    return amplitude * jnp.sin(2 * pi * frequency * x + phase)


def _damped(x: Array, amplitude: Array, frequency: Array, phase: Array, tau: Array) -> Array:
    return _sine(x, amplitude, frequency, phase) * exponential(-ratio(x, tau))


def _of_sine(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    rate = frequency(x, y)
    amplitude, phase = wave(x, y, rate)
    return amplitude, rate, phase


def _of_damped(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    """The frequency of the periodogram, and the decay of a grid that leaves the least, by turns."""
    rate, first = frequency(x, y), x[0]
    x, y = thinned_by(x, y)
    step = 0.5 / (float(np.ptp(x)) or 1.0)
    found, least = (0.0, 0.0, rate, 1.0), np.inf
    for tried in (rate, rate - step / 2, rate + step / 2):
        cos, sin = np.cos(2 * pi * tried * x), np.sin(2 * pi * tried * x)
        for tau in lengths(x, 24):
            fall = np.exp(-(x - first) / tau)
            a, b = regression(y, fall * cos, fall * sin)
            left = float(np.sum((y - fall * (a * cos + b * sin)) ** 2))
            if left < least:
                found, least = (a, b, tried, tau), left
    a, b, rate, tau = found
    return float(np.hypot(a, b)) * np.exp(first / tau), rate, float(np.arctan2(a, b)), tau


sine = LibraryModel(
    name="sine",
    family="waves",
    function=_sine,
    parameters=(Parameter("amplitude", "A", "y", "height of the crests"), _FREQUENCY, _PHASE),
    formula="amplitude*sin(2*pi*frequency*x + phase)",
    about="A steady oscillation: mains hum, tides, a planet and its star.",
    rule=_of_sine,
    rests="mean",
)

damped_sine = LibraryModel(
    name="damped_sine",
    family="waves",
    function=_damped,
    parameters=(
        Parameter("amplitude", "A", "y", "height of the crests at x = 0"),
        _FREQUENCY,
        _PHASE,
        Parameter("tau", r"\tau", "x", "length over which it falls to 1/e", 0.0),
    ),
    formula="amplitude*sin(2*pi*frequency*x + phase)*exp(-x/tau)",
    about="An oscillation that loses energy: a pendulum in air, a bell, a spin that precesses.",
    rule=_of_damped,
    rests="mean",
)

WAVES = (sine, damped_sine)
