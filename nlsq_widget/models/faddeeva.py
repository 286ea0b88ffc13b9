"""The real part of Faddeeva's function w(z), and erfcx: real arithmetic that JAX pads, differentiates and maps.

Near the origin Weideman's rational series (SIAM J. Numer. Anal. 31, 1497, 1994), far from it the asymptotic series
(Abramowitz and Stegun 7.1.23). Derivatives are formulas: those of each term would take a program long to compile.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

_TERMS = 36
_WIDE = sqrt(_TERMS / sqrt(2.0))  # the best scale of the series, for so many terms
_FAR = 64.0  # |z|^2 from which on the asymptotic series has all digits; exp(-64) is none
# (2k - 1)!! / 2^k, the highest power of 1/z^2 first.
_ASYMPTOTIC = tuple(float(c) for c in np.cumprod([1.0, *(np.arange(1, 16) - 0.5)])[::-1])


def _weideman() -> tuple[float, ...]:
    """The coefficients, the highest power first."""
    half = 2 * _TERMS
    t = _WIDE * np.tan(np.arange(-half + 1, half) * pi / (2 * half))
    samples = np.concatenate([[0.0], np.exp(-(t**2)) * (_WIDE**2 + t**2)])
    found = np.fft.fft(np.fft.fftshift(samples)).real / (2 * half)
    return tuple(float(c) for c in found[1 : _TERMS + 1][::-1])


_COEFFICIENTS = _weideman()


class _Slopes(NamedTuple):
    """A value, and its derivatives by x, sigma and gamma."""

    value: Array
    x: Array
    sigma: Array
    gamma: Array


@jax.custom_jvp
def voigt_profile(x: Array, sigma: Array, gamma: Array) -> Array:
    """A normal and a Cauchy distribution convolved, Re w((x + i gamma) / (sigma sqrt(2))) / (sigma sqrt(2 pi)).

    For sigma, gamma >= 0; where sigma is 0 it is Cauchy's, where gamma is 0 the normal one.
    """
    return _voigt(x, sigma, gamma).value


@voigt_profile.defjvp
def _voigt_along(given: tuple[Array, Array, Array], along: tuple[Array, Array, Array]) -> tuple[Array, Array]:
    found = _voigt(*given)
    dx, dsigma, dgamma = along
    return found.value, found.x * dx + found.sigma * dsigma + found.gamma * dgamma


def _voigt(x: Array, sigma: Array, gamma: Array) -> _Slopes:
    width = sigma * sqrt(2.0)
    size = x * x + gamma * gamma
    far = size > _FAR * width * width
    idle = far | (width <= 0)
    near = _near(jnp.where(idle, 0.0, x), jnp.where(idle, 1.0, width), jnp.where(idle, 1.0, gamma))
    away = _far(jnp.where(far, x, 1.0), jnp.where(far, width, 0.0), jnp.where(far, gamma, 0.0))
    return _Slopes(*(jnp.where(far, a, b) for a, b in zip(away, near, strict=True)))


def _near(x: Array, width: Array, gamma: Array) -> _Slopes:
    """By the series in Z = (L + iz) / (L - iz), in real pairs, and by w' = 2i / sqrt(pi) - 2zw."""
    a, b = x / width, gamma / width  # z
    size = (_WIDE + b) ** 2 + a * a
    real, imaginary = (_WIDE**2 - b * b - a * a) / size, 2.0 * _WIDE * a / size  # Z
    u, v = (_WIDE + b) / size, a / size  # 1 / (L - iz)
    p, q = jnp.zeros_like(a), jnp.zeros_like(a)
    for coefficient in _COEFFICIENTS:
        p, q = p * real - q * imaginary + coefficient, p * imaginary + q * real
    square, cross = u * u - v * v, 2.0 * u * v
    w, iw = 2.0 * (p * square - q * cross) + u / sqrt(pi), 2.0 * (p * cross + q * square) + v / sqrt(pi)
    unit = 1.0 / (width * sqrt(pi))
    by_x = -2.0 * (a * w - b * iw) * unit / width
    by_gamma = (2.0 * (a * iw + b * w) - 2.0 / sqrt(pi)) * unit / width
    # The profile is homogeneous of degree -1 in all three.
    by_sigma = -(w * unit + x * by_x + gamma * by_gamma) * sqrt(2.0) / width
    return _Slopes(w * unit, by_x, by_sigma, by_gamma)


def _far(x: Array, width: Array, gamma: Array) -> _Slopes:
    """i / (pi q) times a series in t = (width / q)^2, with q = x + i gamma."""
    size = x * x + gamma * gamma
    a, b = x / size, -gamma / size  # 1 / q
    square, cross = a * a - b * b, 2.0 * a * b
    t, it = width * width * square, width * width * cross
    s, q, ds, dq = (jnp.zeros_like(t) for _ in range(4))
    for coefficient in _ASYMPTOTIC:
        ds, dq = ds * t - dq * it + s, ds * it + dq * t + q
        s, q = s * t - q * it + coefficient, s * it + q * t
    r, ir = s + 2.0 * (ds * t - dq * it), q + 2.0 * (ds * it + dq * t)
    # The derivative by q is -i r / (pi q^2), that by the width 2i width ds / (pi q^3).
    third, ithird = square * a - cross * b, square * b + cross * a
    return _Slopes(
        value=-(a * q + b * s) / pi,
        x=(square * ir + cross * r) / pi,
        sigma=-2.0 * sqrt(2.0) * width * (third * dq + ithird * ds) / pi,
        gamma=(square * r - cross * ir) / pi,
    )


@jax.custom_jvp
def erfcx(u: Array) -> Array:
    """exp(u^2) erfc(u) for u >= 0, that is w(iu)."""
    return _erfcx(u)[0]


@erfcx.defjvp
def _erfcx_along(given: tuple[Array], along: tuple[Array]) -> tuple[Array, Array]:
    value, slope = _erfcx(*given)
    return value, slope * along[0]


def _erfcx(u: Array) -> tuple[Array, Array]:
    """The value and the derivative."""
    inverse = 1.0 / (_WIDE + u)
    Z = (_WIDE - u) * inverse
    p, dp = jnp.zeros_like(Z), jnp.zeros_like(Z)
    for coefficient in _COEFFICIENTS:
        dp, p = dp * Z + p, p * Z + coefficient
    value = (2.0 * p * inverse + 1.0 / sqrt(pi)) * inverse
    return value, -((4.0 * _WIDE * dp * inverse + 4.0 * p) * inverse + 1.0 / sqrt(pi)) * inverse * inverse
