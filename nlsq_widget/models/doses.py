"""Dose and response, and the kinetics of enzymes: of x that is not negative. Start values are those of a grid of doses
and steepnesses that leave the least, where the responses are solved for."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.nn import log_sigmoid, sigmoid

from nlsq_widget.models.glance import doses, search
from nlsq_widget.models.record import LibraryModel, Parameter
from nlsq_widget.models.safe import logarithm, quotient

_VMAX = Parameter("vmax", r"V", "y", "rate that it comes near to")
_KM = Parameter("km", "K_m", "x", "where it is half of that", 0.0)
_EC50 = Parameter("ec50", "x_{50}", "x", "dose of half of the response", 0.0)
_STEEPNESS = Parameter("n", "n", "1", "how steep it is on a logarithmic axis", 0.01, 100.0)
_BOTTOM = Parameter("bottom", "y_0", "y", "response to no dose")
_TOP = Parameter("top", r"y_\infty", "y", "response to a great dose")


def _steps(x: Array, ec50: Array, n: Array) -> Array:
    """n log(x / ec50)."""
    return n * (logarithm(x) - logarithm(ec50))


def _hill(x: Array, top: Array, ec50: Array, n: Array) -> Array:
    return top * sigmoid(_steps(x, ec50, n))


def _logistic4(x: Array, bottom: Array, top: Array, ec50: Array, n: Array) -> Array:
    return bottom + (top - bottom) * sigmoid(_steps(x, ec50, n))


def _logistic5(x: Array, bottom: Array, top: Array, ec50: Array, n: Array, s: Array) -> Array:
    return bottom + (top - bottom) * jnp.exp(s * log_sigmoid(_steps(x, ec50, n)))


def _michaelis(x: Array, vmax: Array, km: Array) -> Array:
    return vmax * quotient(x, km + x)


def _inhibited(x: Array, vmax: Array, km: Array, ki: Array) -> Array:
    """Multiplied by ki, which may be zero."""
    return vmax * quotient(x * ki, (km + x) * ki + x * x)


def _log(x: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(x, 1e-300))


def _response(x: np.ndarray, ec50: np.ndarray, n: np.ndarray, s: np.ndarray | float = 1.0) -> np.ndarray:
    return np.exp(-s * np.logaddexp(0.0, -n * (_log(x) - np.log(ec50))))


def _of_hill(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    (ec50, n), scale, _ = search(x, y, _response, doses(x), np.geomspace(0.3, 8, 12))
    return scale, ec50, n


def _of_logistic4(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    (ec50, n), scale, level = search(x, y, _response, doses(x), np.geomspace(0.3, 8, 12), level=True)
    return level, level + scale, ec50, n


def _of_logistic5(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    axes = doses(x), np.geomspace(0.3, 8, 10), np.geomspace(0.3, 3, 5)
    (ec50, n, s), scale, level = search(x, y, _response, *axes, level=True)
    return level, level + scale, ec50, n, s


def _of_michaelis(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    (km,), scale, _ = search(x, y, lambda x, km: x / (km + x), doses(x))
    return scale, km


def _of_inhibited(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    (km, ki), scale, _ = search(x, y, lambda x, km, ki: x / (km + x + x * x / ki), doses(x), doses(x))
    return scale, km, ki


hill = LibraryModel(
    name="hill",
    family="doses",
    function=_hill,
    parameters=(
        Parameter("top", "y_{max}", "y", "response to a great dose"),
        _EC50,
        _STEEPNESS,
    ),
    formula="top*x^n/(ec50^n + x^n)",
    about="Binding that helps or hinders further binding: oxygen and haemoglobin.",
    rule=_of_hill,
    rests="left",
)

logistic4 = LibraryModel(
    name="logistic4",
    family="doses",
    function=_logistic4,
    parameters=(_BOTTOM, _TOP, _EC50, _STEEPNESS),
    formula="bottom + (top - bottom)/(1 + (ec50/x)^n)",
    about="The four-parameter logistic of dose and response: an assay, a drug. It falls where top < bottom.",
    rule=_of_logistic4,
)

logistic5 = LibraryModel(
    name="logistic5",
    family="doses",
    function=_logistic5,
    parameters=(
        _BOTTOM,
        _TOP,
        Parameter("ec50", "x_{50}", "x", "dose of half of the response where s is 1", 0.0),
        _STEEPNESS,
        Parameter("s", "s", "1", "asymmetry; 1 is the four-parameter logistic", 0.01, 100.0),
    ),
    formula="bottom + (top - bottom)/(1 + (ec50/x)^n)^s",
    about="The five-parameter logistic of dose and response, with two different bends: an immunoassay.",
    rule=_of_logistic5,
)

michaelis_menten = LibraryModel(
    name="michaelis_menten",
    family="doses",
    function=_michaelis,
    parameters=(_VMAX, _KM),
    formula="vmax*x/(km + x)",
    about="The rate of an enzyme by the concentration of its substrate.",
    rule=_of_michaelis,
    rests="left",
)

substrate_inhibition = LibraryModel(
    name="substrate_inhibition",
    family="doses",
    function=_inhibited,
    parameters=(
        Parameter("vmax", "V", "y", "rate without the inhibition"),
        Parameter("km", "K_m", "x", "where it would be half of that", 0.0),
        Parameter("ki", "K_i", "x", "where the substrate itself begins to hinder", 0.0),
    ),
    formula="vmax*x/(km + x + x^2/ki)",
    about="The rate of an enzyme that too much of its substrate slows down (Haldane).",
    rule=_of_inhibited,
    rests="left",
)

DOSES = (hill, logistic4, logistic5, michaelis_menten, substrate_inhibition)
