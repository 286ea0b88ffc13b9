"""One trust-region step inside the bounds. It sees the small triangle and the box, never the data."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from nlsq_widget.solver.residuals import Triangle


class Step(NamedTuple):
    """A move, and what the local model expects of it."""

    p: Array  # [parameters], the move; zero for what is held
    predicted: Array  # by how much the local model says the cost falls
    length: Array  # of the move, in scaled units
    full: Array  # bool: the radius did not shorten it


class _Held(NamedTuple):
    p: Array
    held: Array  # bool [parameters]: not to be moved any further
    full: Array
    again: Array


def blocked(gradient: Array, x: Array, lower: Array, upper: Array, free: Array) -> Array:
    """The parameters that cannot move: locked, or on a bound with the descent pointing out of the box."""
    return ~free | ((x <= lower) & (gradient > 0)) | ((x >= upper) & (gradient < 0))


def bounded_step(t: Triangle, x: Array, lower: Array, upper: Array, held: Array, scale: Array, radius: Array) -> Step:
    """The step that lowers |R p + z| most within `radius`, in the norm of `scale`, and inside the box.

    A parameter that would leave the box is put on its bound and the others are solved for again, as in
    the dogleg of Voglis and Lagaris (2004): at most one round for each parameter, nearly always one in all.
    """

    def solve(state: _Held) -> _Held:
        move, full = _trust_region(t.R, t.z + t.R @ jnp.where(state.held, state.p, 0.0), state.held, scale, radius)
        p = jnp.where(state.held, state.p, move)
        outside = ~state.held & ((x + p < lower) | (x + p > upper))
        # The bound less x, not a clipped sum: the parameter must land on its bound to the last digit.
        p = jnp.where(outside, jnp.where(p < 0, lower, upper) - x, p)
        return _Held(p, state.held | outside, full, jnp.any(outside))

    first = _Held(jnp.zeros_like(x), held, jnp.asarray(True), jnp.asarray(True))
    last = lax.while_loop(lambda state: state.again, solve, first)
    predicted = 0.5 * (jnp.sum(t.z**2) - jnp.sum((t.R @ last.p + t.z) ** 2))
    return Step(last.p, predicted, jnp.linalg.norm(scale * last.p), last.full)


def _trust_region(R: Array, z: Array, held: Array, scale: Array, radius: Array) -> tuple[Array, Array]:
    """Minimise |R p + z| over |scale p| <= radius for what is not held; whether the radius did not matter.

    The damping that gives the step its length is the root of 1/|p| - 1/radius, found by Newton's method,
    which climbs to it from zero without ever passing it (Moré and Sorensen 1983).
    """
    U, s, Vt = jnp.linalg.svd(jnp.where(held, 0.0, R / scale))
    counts = s > jnp.finfo(s.dtype).eps * s.size * s[0]
    c = jnp.where(counts, -(U.T @ z), 0.0)
    s = jnp.where(counts, s, 1.0)

    def components(damping: Array) -> Array:
        return s * c / (s * s + damping)

    def too_long(state: tuple[Array, Array]) -> Array:
        damping, rounds = state
        return (jnp.linalg.norm(components(damping)) > 1.1 * radius) & (rounds < 30)

    def newton(state: tuple[Array, Array]) -> tuple[Array, Array]:
        damping, rounds = state
        q = components(damping)
        length = jnp.linalg.norm(q)
        slope = jnp.sum(q * q / (s * s + damping)) / length
        return damping + (length / radius - 1.0) * length / slope, rounds + 1

    damping, _ = lax.while_loop(too_long, newton, (jnp.zeros_like(radius), jnp.asarray(0)))
    return jnp.where(held, 0.0, (Vt.T @ components(damping)) / scale), damping == 0
