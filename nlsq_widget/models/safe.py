"""Arithmetic for models: the usual functions where they overflow nowhere, and have derivatives everywhere.

A value is selected, never blended: the derivative of what was not selected does not count.
"""

from __future__ import annotations

from math import log

import jax.numpy as jnp
from jax import Array


def ratio(a: Array, b: Array) -> Array:
    """a / b for b >= 0; where b vanishes, as large as can still be squared twice, and 0 where a does as well."""
    large = _greatest(a, b) ** 0.2
    held = b > 0
    quotient = a / jnp.where(held, b, 1.0)
    return jnp.where(held & (jnp.abs(quotient) < large), quotient, jnp.sign(a) * large)


def exponential(u: Array) -> Array:
    """exp(u), no further than what can still be squared."""
    most = 0.45 * log(_greatest(u))
    return jnp.exp(jnp.where(u < most, u, most))


def expm1(u: Array) -> Array:
    """exp(u) - 1, no further than what can still be squared."""
    most = 0.45 * log(_greatest(u))
    return jnp.expm1(jnp.where(u < most, u, most))


def logarithm(v: Array) -> Array:
    """log(v), down to where exponential() ends for v that is not positive."""
    least = _greatest(v) ** -0.45
    return jnp.log(jnp.where(v > least, v, least))


def power(base: Array, exponent: Array) -> Array:
    """base ** exponent; 0 where the base is not positive."""
    positive = base > 0
    return jnp.where(positive, exponential(exponent * jnp.log(jnp.where(positive, base, 1.0))), 0.0)


def quotient(a: Array, b: Array) -> Array:
    """a / b; 0 where b vanishes."""
    held = b != 0
    return jnp.where(held, a / jnp.where(held, b, 1.0), 0.0)


def _greatest(*values: Array) -> float:
    return float(jnp.finfo(jnp.result_type(float, *values)).max)
