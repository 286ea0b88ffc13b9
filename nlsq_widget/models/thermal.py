"""Laws of heat, of x that is positive. Start values are those of a grid of scales that leave the least, where the size
is solved for."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array

from nlsq_widget.models.glance import doses, search
from nlsq_widget.models.record import LibraryModel, Parameter
from nlsq_widget.models.safe import ratio


def _arrhenius(x: Array, prefactor: Array, temperature: Array) -> Array:
    positive = x > 0
    return prefactor * jnp.where(positive, jnp.exp(-temperature / jnp.where(positive, x, 1.0)), 0.0)


def _planck(x: Array, amplitude: Array, scale: Array) -> Array:
    """u^3 / (e^u - 1) as u^2 e^-u / ((1 - e^-u) / u), which neither overflows nor cancels."""
    u = ratio(x, scale)
    positive = u > 0
    safe = jnp.where(positive, u, 1.0)
    return amplitude * jnp.where(positive, safe**3 * jnp.exp(-safe) / -jnp.expm1(-safe), 0.0)


def _of_arrhenius(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    """The curve is taken from its value at the last point, which a steep one reaches alone."""
    last = max(float(x[-1]), np.finfo(float).tiny)

    def curve(x: np.ndarray, temperature: np.ndarray) -> np.ndarray:
        return np.where(x > 0, np.exp(temperature * (1 / last - 1 / np.where(x > 0, x, 1.0))), 0.0)

    (temperature,), scale, _ = search(x, y, curve, np.geomspace(0.01, 600, 60) * last)
    return scale * np.exp(temperature / last), temperature


def _of_planck(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    def curve(x: np.ndarray, scale: np.ndarray) -> np.ndarray:
        u = np.clip(x / scale, 1e-9, 600)
        return np.where(x > 0, u**3 / np.expm1(u), 0.0)

    (scale,), size, _ = search(x, y, curve, doses(x, 60) / 3)
    return size, scale


arrhenius = LibraryModel(
    name="arrhenius",
    family="thermal",
    function=_arrhenius,
    parameters=(
        Parameter("prefactor", "A", "y", "rate without a barrier"),
        Parameter("temperature", r"\Theta", "x", "barrier as a temperature: energy / (8.314 J/(mol K))", 0.0),
    ),
    formula="prefactor*exp(-temperature/x)",
    about="A rate by the absolute temperature x, over a barrier: a reaction, diffusion in a solid.",
    rule=_of_arrhenius,
    rests="left",
)

planck = LibraryModel(
    name="planck",
    family="thermal",
    function=_planck,
    parameters=(
        Parameter("amplitude", "A", "y", "scale of the radiance; the top, at 2.82 scale, is 1.42 of it"),
        Parameter("scale", "s", "x", "k T/h: the frequency that the temperature stands for", 0.0),
    ),
    formula="amplitude*(x/scale)^3/(exp(x/scale) - 1)",
    about="The spectrum of a black body by the frequency x.",
    rule=_of_planck,
    rests="left",
)

THERMAL = (arrhenius, planck)
