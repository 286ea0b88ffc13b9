"""Robust losses: what a residual costs. Chosen by value, so that a change of loss compiles nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax


class Loss(NamedTuple):
    """rho of s, the squared residual in units of the loss scale, with its first two derivatives.

    rho(s) = s + O(s^2): near zero every loss is the square (Triggs et al. 2000).
    """

    rho: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    curvature: Callable[[Array], Array]


def _huber(inside: Callable[[Array], Array], outside: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda s: jnp.where(s <= 1, inside(s), outside(jnp.maximum(s, 1.0)))


# The names and formulas of scipy.optimize.least_squares.
LOSSES = {
    "linear": Loss(lambda s: s, jnp.ones_like, jnp.zeros_like),
    "huber": Loss(
        _huber(lambda s: s, lambda s: 2 * jnp.sqrt(s) - 1),
        _huber(jnp.ones_like, lambda s: 1 / jnp.sqrt(s)),
        _huber(jnp.zeros_like, lambda s: -0.5 / (s * jnp.sqrt(s))),
    ),
    "soft_l1": Loss(
        lambda s: 2 * (jnp.sqrt(1 + s) - 1),
        lambda s: 1 / jnp.sqrt(1 + s),
        lambda s: -0.5 / ((1 + s) * jnp.sqrt(1 + s)),
    ),
    "cauchy": Loss(jnp.log1p, lambda s: 1 / (1 + s), lambda s: -1 / (1 + s) ** 2),
    "arctan": Loss(jnp.arctan, lambda s: 1 / (1 + s**2), lambda s: -2 * s / (1 + s**2) ** 2),
}


def robust(r: Array, loss: Array, scale: Array) -> tuple[Array, Array, Array]:
    """As `bent`, of any loss; the linear one is spared the work."""
    return lax.cond(loss == 0, lambda r: (r, jnp.ones_like(r), r * r), lambda r: bent(r, loss, scale), r)


def bent(r: Array, loss: Array, scale: Array) -> tuple[Array, Array, Array]:
    """Residuals [points] and a stretch of the Jacobian's rows [points], by which the plain method lowers the loss;
    and scale^2 rho [points], of whose sum the cost is half.

    The stretched rows give the part of the Hessian that is positive (Triggs et al. 2000, section 4.3).
    """
    s = (r / scale) ** 2
    # All of them, and one chosen: a branch for each would take five times as long to compile.
    rho, slope, curvature = (
        jnp.select([loss == i for i in range(len(LOSSES))], list(values))
        for values in zip(*([f(s) for f in kind] for kind in LOSSES.values()), strict=True)
    )
    stretch = jnp.sqrt(jnp.maximum(slope + 2 * curvature * s, jnp.finfo(r.dtype).eps))
    return r * slope / stretch, stretch, scale**2 * rho
