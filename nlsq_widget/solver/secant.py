"""The curvature that J'J lacks where residuals are large: learnt from gradients, and only where steps turn back."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from nlsq_widget.solver.linalg import inverse
from nlsq_widget.solver.residuals import Triangle


class Secant(NamedTuple):
    """What the steps have shown of the Hessian of the cost."""

    move: Array  # [parameters], the last step that was accepted
    holds: Array  # bool: B is to be taken in the place of R
    B: Array  # [parameters, parameters], B'B is like the Hessian
    K: Array  # [parameters, parameters], B^-1
    z: Array  # [parameters], B'z is the gradient


def nothing(p: Array) -> Secant:
    """What is known before the first step."""
    square, row = jnp.zeros((p.size, p.size), p.dtype), jnp.zeros_like(p)
    return Secant(row, jnp.asarray(False), square, square, row)


def informed(secant: Secant, t: Triangle) -> Triangle:
    """The local problem with the curvature that is known to hold: B'B instead of J'J, and the same gradient."""
    return Triangle(jnp.where(secant.holds, secant.B, t.R), jnp.where(secant.holds, secant.z, t.z), t.cost)


def learnt(
    known: Secant, near: Array, here: Triangle, there: Triangle, move: Array, scale: Array, sound: Array
) -> Secant:
    """After a `move` that was accepted; `near` is R before it, and regular; `sound`: it is not rounding that moved.

    J'J is right where residuals are small, and follows a curved valley. Where they are large its steps are too long
    and turn back, each time: then the curvature is that of a quasi-Newton method (Fletcher and Xu 1987), by the
    update of Broyden, Fletcher, Goldfarb and Shanno of a factor and its inverse (Brodlie, Gourlay and Greenstadt 1973).
    """
    slow = here.cost - there.cost < 0.2 * here.cost
    turned = jnp.sum(scale * move * (scale * known.move)) < 0

    back = inverse(near)  # which the pass over the points has computed already

    def updated() -> Secant:
        gradient = _times(there.R.T, there.z)
        change = gradient - _times(here.R.T, here.z)
        curved, expected = jnp.sum(move * change), jnp.sum(_times(there.R, move) ** 2)
        holds = (curved > 0) & (known.holds | (jnp.abs(curved - expected) > 0.5 * expected))
        B, K = jnp.where(known.holds, known.B, near), jnp.where(known.holds, known.K, back)
        root = jnp.sqrt(jnp.where(holds, curved, 1.0))
        along = _times(B, move)
        length = jnp.linalg.norm(along)
        unit, push = along / jnp.where(length > 0, length, 1.0), change / root
        B = B + unit[:, None] * (push - _times(B.T, unit))[None, :]
        K = K + (move / root)[:, None] * (unit - _times(K.T, push))[None, :]
        return Secant(move, holds, B, K, _times(K.T, gradient))

    # A branch, since it is rare.
    return lax.cond(
        sound & slow & (known.holds | turned), updated, lambda: known._replace(move=move, holds=jnp.asarray(False))
    )


def _times(A: Array, B: Array) -> Array:
    """A B as one operation: nothing that is rare is worth writing out."""
    return jnp.matmul(A, B, precision=lax.Precision.HIGHEST)
