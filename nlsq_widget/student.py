"""Quantiles of Student's t and of the normal distribution to ten digits and more, in plain Python."""

from __future__ import annotations

from functools import lru_cache
from math import exp, gamma, inf, isfinite, log, log1p, pi, sqrt
from statistics import NormalDist

_ENOUGH = 1e-15  # the part of itself by which a sum or a quantile may still change
_LARGE = 100.0  # from here on the series for a ratio of gamma functions has all digits
_TINY = 1e-300  # in place of a zero that would be divided by (Lentz 1976)


@lru_cache(maxsize=256)
def two_sided(level: float, dof: float = inf) -> float:
    """How many standard errors to either side hold `level` of Student's t; of the normal distribution for dof = inf.

    Infinite where there is no degree of freedom: nothing is known then. Newton's method for ln P(|T| > t) as a
    function of ln t, which bends downwards: from any start it comes to the root, and from the far side.

    >>> round(two_sided(0.95), 6), round(two_sided(0.95, 1), 6), two_sided(0.95, 0)
    (1.959964, 12.706205, inf)
    """
    level = checked_level(level)
    if dof <= 0:
        return inf
    t = -NormalDist().inv_cdf((1.0 - level) / 2.0)
    if not isfinite(dof):
        return t
    for _ in range(100):
        beyond = tail(t, dof)
        step = log(beyond / (1.0 - level)) * beyond / (2.0 * t * _density(t, dof))
        t *= exp(step)
        if abs(step) < 4 * _ENOUGH:
            break
    return t


def checked_level(level: float) -> float:
    """A level of confidence; raises ValueError for what is none."""
    try:
        number = float(level)
    except (TypeError, ValueError):
        number = inf
    if not 0.0 < number < 1.0:
        raise ValueError(f"level is {level!r}; give a number between 0 and 1, as 0.95.")
    return number


def _density(t: float, dof: float) -> float:
    return _gamma_ratio(dof / 2.0) / sqrt(pi * dof) * exp(-0.5 * (dof + 1.0) * log1p(t * t / dof))


def tail(t: float, dof: float) -> float:
    """P(|T| > t) for Student's t, an incomplete beta function (DLMF 8.17.22 and 8.17.4)."""
    a, b = dof / 2.0, 0.5
    x, y = dof / (dof + t * t), t * t / (dof + t * t)
    # x^a y^b / B(a, b), where B(a, 1/2) = gamma(a) sqrt(pi) / gamma(a + 1/2).
    front = exp(-a * log1p(t * t / dof)) * sqrt(y / pi) * _gamma_ratio(a)
    if x < (a + 1.0) / (a + b + 2.0):
        return front / (a * _fraction(a, b, x))
    return 1.0 - front / (b * _fraction(b, a, y))


def _fraction(a: float, b: float, x: float) -> float:
    """1 + d1 / (1 + d2 / (1 + ...)) of DLMF 8.17.22, by Lentz's method."""
    value = c = 1.0
    d = 0.0
    m = 0
    while True:
        up = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        m += 1
        for term in (up, m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))):
            d = 1.0 / ((1.0 + term * d) or _TINY)
            c = (1.0 + term / c) or _TINY
            value *= c * d
        if abs(c * d - 1.0) < _ENOUGH:
            return value


def _gamma_ratio(a: float) -> float:
    """gamma(a + 1/2) / gamma(a), without the logarithms that would cancel (DLMF 5.11.13)."""
    if a < _LARGE:
        return gamma(a + 0.5) / gamma(a)
    u = 1.0 / a
    return sqrt(a) * (1 + u * (-1 / 8 + u * (1 / 128 + u * (5 / 1024 + u * (-21 / 32768 - u * 399 / 262144)))))
