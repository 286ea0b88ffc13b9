"""Peaks, and dips where the height is negative. Start values are read off the bump: its place, height, half widths."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import erfc

from nlsq_widget.models.faddeeva import erfcx, voigt_profile
from nlsq_widget.models.glance import Bump, bump
from nlsq_widget.models.record import LibraryModel, Parameter
from nlsq_widget.models.safe import quotient, ratio

_HALF = 0.5 / sqrt(2 * np.log(2))  # sigma of a Gaussian as a part of its full width at half maximum

_HEIGHT = Parameter("height", "A", "y", "value at the centre")
_AREA = Parameter("area", "A", "y*x", "area under the curve")
_CENTRE = Parameter("centre", r"x_0", "x", "place of the centre")
_SIGMA = Parameter("sigma", r"\sigma", "x", "standard deviation of the Gaussian", 0.0)
_GAMMA = Parameter("gamma", r"\gamma", "x", "half width at half maximum of the Lorentzian", 0.0)


def _gaussian(x: Array, height: Array, centre: Array, sigma: Array) -> Array:
    return height * jnp.exp(-0.5 * ratio(x - centre, sigma) ** 2)


def _lorentzian(x: Array, height: Array, centre: Array, gamma: Array) -> Array:
    square = gamma * gamma
    return height * quotient(square, (x - centre) ** 2 + square)


def _voigt(x: Array, area: Array, centre: Array, sigma: Array, gamma: Array) -> Array:
    return area * voigt_profile(x - centre, sigma, gamma)


def _pseudo_voigt(x: Array, height: Array, centre: Array, fwhm: Array, fraction: Array) -> Array:
    half = 0.5 * fwhm
    gauss = jnp.exp(-np.log(2) * ratio(x - centre, half) ** 2)
    return height * (fraction * _lorentzian(x, jnp.ones_like(half), centre, half) + (1.0 - fraction) * gauss)


def _moffat(x: Array, height: Array, centre: Array, width: Array, beta: Array) -> Array:
    return height * jnp.exp(-beta * jnp.log1p(ratio(x - centre, width) ** 2))


def _skewed_gaussian(x: Array, height: Array, centre: Array, sigma: Array, skew: Array) -> Array:
    z = ratio(x - centre, sigma)
    return height * jnp.exp(-0.5 * z * z) * erfc(-skew * z / sqrt(2))


def _modified(x: Array, area: Array, centre: Array, sigma: Array, tau: Array) -> Array:
    """Where the decay dominates as a product with erfc, elsewhere with erfcx, so that nothing overflows."""
    z, turn = ratio(x - centre, sigma), ratio(sigma, tau)
    u = (turn - z) / sqrt(2)
    right = u < 0
    tail = turn * jnp.where(right, 0.5 * turn - z, 0.0)
    beyond = jnp.exp(tail) * erfc(jnp.where(right, u, 0.0))
    before = jnp.exp(-0.5 * z * z) * erfcx(jnp.where(right, 0.0, u))
    return area * quotient(0.5 * jnp.where(right, beyond, before), tau)


def _fano(x: Array, level: Array, centre: Array, width: Array, q: Array) -> Array:
    half, away = 0.5 * width, x - centre
    return level * quotient((q * half + away) ** 2, half * half + away * away)


def _of_gaussian(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    seen = bump(x, y)
    return seen.height, seen.centre, seen.fwhm * _HALF


def _of_lorentzian(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    seen = bump(x, y)
    return seen.height, seen.centre, seen.fwhm / 2


def _of_voigt(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    """Gaussian and Lorentzian of the same width, by the width of Olivero and Longbothum (1977)."""
    seen = bump(x, y)
    each = seen.fwhm / 1.6376
    return 1.25 * seen.height * seen.fwhm, seen.centre, each * _HALF, each / 2


def _of_pseudo_voigt(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    seen = bump(x, y)
    return seen.height, seen.centre, seen.fwhm, 0.5


def _of_moffat(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    """With beta = 2."""
    seen = bump(x, y)
    return seen.height, seen.centre, seen.fwhm / (2 * sqrt(sqrt(2) - 1)), 2.0


def _leaning(seen: Bump) -> float:
    """How much wider it is on the right than on the left, -1 to 1."""
    return (seen.right - seen.left) / (seen.right + seen.left) if seen.fwhm > 0 else 0.0


def _of_skewed_gaussian(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    """Of the lean of the half widths; skew 2 puts the top at centre + 0.5 sigma, 1.5 height high and 1.6 sigma wide."""
    seen = bump(x, y)
    lean = float(np.clip(10 * _leaning(seen), -1, 1))
    sigma = seen.fwhm * (_HALF + (1 / 1.6 - _HALF) * abs(lean))
    return seen.height / (1 + 0.5 * abs(lean)), seen.centre - 0.5 * lean * sigma, sigma, 2.0 * lean or 0.1


def _of_modified(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    """The decay by which the right half is wider than the left one."""
    seen = bump(x, y)
    tau = max(seen.right - seen.left, 0.2 * seen.fwhm) / np.log(2) / 1.2
    sigma = max(seen.fwhm - 0.7 * tau, 0.3 * seen.fwhm) * _HALF
    return 1.06 * seen.height * (seen.fwhm + 0.3 * tau), seen.centre - 0.5 * tau, sigma, tau


def _of_fano(x: np.ndarray, y: np.ndarray) -> Sequence[float]:
    """The top is 1 + q^2 times the level, the zero lies width (1 + q^2) / 2q away from it."""
    tenth = max(1, y.size // 10)
    level = float(np.median(np.concatenate([y[:tenth], y[-tenth:]])))
    seen = bump(x, y - level)
    sign = 1.0 if level > 0 or (level == 0 and seen.height > 0) else -1.0
    high = max(sign * seen.height, 0.0) if sign * seen.height > 0 else float(np.max(sign * (y - level)))
    size = max(abs(level), 0.01 * abs(seen.height))
    q = sqrt(max(high / size, 0.01)) if size > 0 else 1.0
    if q < 0.4:  # a dip: the zero
        return sign * size, seen.centre, seen.fwhm, 0.1
    top = seen.centre if sign * seen.height > 0 else float(x[np.argmax(sign * y)])
    near = np.abs(x - top) <= 3 * seen.fwhm
    lowest = float(x[near][np.argmin(sign * y[near])]) if near.any() else top
    side = 1.0 if top >= lowest else -1.0
    # Where q is great the zero is far away and shallow, and the width is that of the top.
    width = 2 * q * abs(top - lowest) / (1 + q * q) if q < 2 and top != lowest else seen.fwhm
    return sign * size, top - side * width / (2 * q), width, side * q


gaussian = LibraryModel(
    name="gaussian",
    family="peaks",
    function=_gaussian,
    parameters=(_HEIGHT, _CENTRE, _SIGMA),
    formula="height*exp(-(x - centre)^2/(2*sigma^2))",
    about="A peak that many small causes widen: an image of a point, a line of an instrument.",
    rule=_of_gaussian,
    rests="edges",
)

lorentzian = LibraryModel(
    name="lorentzian",
    family="peaks",
    function=_lorentzian,
    parameters=(_HEIGHT, _CENTRE, _GAMMA),
    formula="height*gamma^2/((x - centre)^2 + gamma^2)",
    about="A resonance: the line of a state that decays, a driven oscillator near its frequency.",
    rule=_of_lorentzian,
    rests="edges",
)

voigt = LibraryModel(
    name="voigt",
    family="peaks",
    function=_voigt,
    parameters=(_AREA, _CENTRE, _SIGMA, _GAMMA),
    formula="area*Re(w((x - centre + i*gamma)/(sigma*sqrt(2))))/(sigma*sqrt(2*pi)), w(z) = exp(-z^2)*erfc(-i*z)",
    about="A resonance that is widened as by a Gaussian: a spectral line of a gas.",
    rule=_of_voigt,
    rests="edges",
)

pseudo_voigt = LibraryModel(
    name="pseudo_voigt",
    family="peaks",
    function=_pseudo_voigt,
    parameters=(
        _HEIGHT,
        _CENTRE,
        Parameter("fwhm", "w", "x", "full width at half maximum of both", 0.0),
        Parameter("fraction", r"\eta", "1", "part that is a Lorentzian", 0.0, 1.0),
    ),
    formula="height*(fraction/(1 + u^2) + (1 - fraction)*exp(-ln(2)*u^2)), u = 2*(x - centre)/fwhm",
    about="A peak between Gaussian and Lorentzian, of one width: a line of X-ray diffraction.",
    rule=_of_pseudo_voigt,
    rests="edges",
)

moffat = LibraryModel(
    name="moffat",
    family="peaks",
    function=_moffat,
    parameters=(
        _HEIGHT,
        _CENTRE,
        Parameter("width", r"\alpha", "x", "scale of the core", 0.0),
        Parameter("beta", r"\beta", "1", "how fast the wings fall: as x^(-2*beta)", 0.1, 100.0),
    ),
    formula="height*(1 + ((x - centre)/width)^2)^(-beta)",
    about="A peak with wings of any strength: the image of a star through air.",
    rule=_of_moffat,
    rests="edges",
)

skewed_gaussian = LibraryModel(
    name="skewed_gaussian",
    family="peaks",
    function=_skewed_gaussian,
    parameters=(
        Parameter("height", "A", "y", "value at the centre, which is the top where the skew is zero"),
        _CENTRE,
        _SIGMA,
        Parameter("skew", r"\alpha", "1", "to which side the longer tail lies, and how much"),
    ),
    formula="height*exp(-z^2/2)*(1 + erf(skew*z/sqrt(2))), z = (x - centre)/sigma",
    about="A peak with one flank steeper than the other, of no known cause: a skew normal distribution.",
    rule=_of_skewed_gaussian,
    rests="edges",
)

modified_gaussian = LibraryModel(
    name="modified_gaussian",
    family="peaks",
    function=_modified,
    parameters=(_AREA, _CENTRE, _SIGMA, Parameter("tau", r"\tau", "x", "length of the decay to the right", 0.0)),
    formula="area/(2*tau)*exp(sigma^2/(2*tau^2) - (x - centre)/tau)*erfc((sigma/tau - (x - centre)/sigma)/sqrt(2))",
    about="An exponentially modified Gaussian: a peak of chromatography, which trails.",
    rule=_of_modified,
    rests="edges",
)

breit_wigner_fano = LibraryModel(
    name="breit_wigner_fano",
    family="peaks",
    function=_fano,
    parameters=(
        Parameter("level", "A", "y", "value far away"),
        _CENTRE,
        Parameter("width", r"\Gamma", "x", "full width of the resonance", 0.0),
        Parameter("q", "q", "1", "asymmetry: 0 is a dip, a great one a peak, its sign says where the zero is"),
    ),
    formula="level*(q*width/2 + x - centre)^2/((width/2)^2 + (x - centre)^2)",
    about="A resonance that interferes with a continuum: a line of Fano.",
    rule=_of_fano,
    rests="nowhere",
)

PEAKS = (
    gaussian,
    lorentzian,
    voigt,
    pseudo_voigt,
    moffat,
    skewed_gaussian,
    modified_gaussian,
    breit_wigner_fano,
)
