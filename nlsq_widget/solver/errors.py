"""From the triangle at the solution to the covariance. A direction that the data do not see has infinite variance."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from nlsq_widget.solver.linalg import lengths, svd, times


def covariance(R: Array, free: Array, points: Array) -> Array:
    """(J'J)^-1 [parameters, parameters], zero for what is locked, infinite for what the data do not determine.

    The columns are scaled to one length first, so that the rank does not depend on the units; the singular
    values then say what is determined. J'J itself, which would square the condition number, is never formed.
    """
    used = jnp.where(free[None, :], R, 0.0)
    norms = lengths(used)
    scale = jnp.where(norms > 0, norms, 1.0)
    _, s, Vt = svd(used / scale[None, :])
    eps = jnp.finfo(R.dtype).eps
    rows = jnp.maximum(points, R.shape[0]).astype(s.dtype)
    seen = s > eps * rows * jnp.max(s)
    half = jnp.where(seen, 1.0 / jnp.where(seen, s, 1.0), 0.0)[:, None] * Vt / scale[None, :]
    unseen = free & jnp.any(~seen[:, None] & (jnp.abs(Vt) > jnp.sqrt(eps)), axis=0)
    inverse = times(half.T, half)
    lost = jnp.where(unseen[:, None] & unseen[None, :], jnp.inf, jnp.nan)
    inverse = jnp.where(unseen[:, None] | unseen[None, :], lost, inverse)
    return jnp.where(free[:, None] & free[None, :], inverse, 0.0)
