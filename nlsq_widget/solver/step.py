"""One trust-region step inside the bounds. It sees the small triangle and the box, never the data."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from nlsq_widget.solver.linalg import svd, times
from nlsq_widget.solver.residuals import Triangle


class Step(NamedTuple):
    """A move, and what the local model expects of it."""

    to: Array  # [parameters], exactly on a bound where it meets one
    predicted: Array  # by how much the local model says the cost falls; never negative
    possible: Array  # the same if neither radius nor bounds were in the way
    length: Array  # of the move, in scaled units
    full: Array  # bool: the radius did not shorten it


class _Path(NamedTuple):
    p: Array  # [parameters], moved so far
    to: Array  # [parameters], where that leads
    held: Array  # bool [parameters]: not to be moved any further
    full: Array
    possible: Array
    again: Array


def blocked(gradient: Array, x: Array, lower: Array, upper: Array, free: Array) -> Array:
    """The parameters that cannot move: locked, or on a bound with the descent pointing out of the box."""
    return ~free | ((x <= lower) & (gradient > 0)) | ((x >= upper) & (gradient < 0))


def bounded_step(t: Triangle, x: Array, lower: Array, upper: Array, held: Array, scale: Array, radius: Array) -> Step:
    """The step that lowers |R p + z| most within `radius`, in the norm of `scale`, and inside the box.

    The way goes straight until it meets a bound; the parameter stays there, and the others go on to what is
    best for them from that point (a dogleg in the manner of Voglis and Lagaris 2004). Each piece lowers the
    local model; there is at most one for each parameter, and nearly always one in all.
    """

    scale = jnp.where(scale > 0, scale, 1.0)

    def onward(path: _Path) -> _Path:
        move, full, possible = _trust_region(t.R, t.z + times(t.R, path.p), path.held, scale, radius)
        room = jnp.where(move < 0, lower - path.to, jnp.where(move > 0, upper - path.to, jnp.inf))
        shares = jnp.where(path.held | (move == 0), jnp.inf, room / jnp.where(move == 0, 1.0, move))
        share = jnp.clip(jnp.min(shares), 0.0, 1.0)
        met = shares <= share
        to = jnp.clip(path.to + share * move, lower, upper)
        # On the bound to the last digit, which adding up would miss.
        to = jnp.where(met, jnp.where(move < 0, lower, upper), to)
        return _Path(
            p=path.p + share * move,
            to=to,
            held=path.held | met,
            full=path.full & full,
            possible=jnp.where(jnp.isnan(path.possible), possible, path.possible),
            again=jnp.any(met),
        )

    begin = _Path(jnp.zeros_like(x), x, held, jnp.asarray(True), jnp.full_like(radius, jnp.nan), jnp.asarray(True))
    end = lax.while_loop(lambda path: path.again, onward, begin)
    predicted = 0.5 * (jnp.sum(t.z**2) - jnp.sum((times(t.R, end.p) + t.z) ** 2))
    return Step(end.to, predicted, end.possible, jnp.linalg.norm(scale * end.p), end.full)


def _trust_region(R: Array, z: Array, held: Array, scale: Array, radius: Array) -> tuple[Array, Array, Array]:
    """Minimise |R p + z| over |scale p| <= radius for what is not held.

    Also whether the radius did not matter, and how much could be gained if it never did.

    The damping that gives the step its length is the root of 1/|p| - 1/radius, found by Newton's method,
    which climbs to it from zero without ever passing it (Moré and Sorensen 1983).
    """
    U, s, Vt = svd(jnp.where(held[None, :], 0.0, R / scale[None, :]))
    counts = s > jnp.finfo(s.dtype).eps * s.size * jnp.max(s)
    c = jnp.where(counts, -times(U.T, z), 0.0)
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
    return jnp.where(held, 0.0, times(Vt.T, components(damping)) / scale), damping == 0, 0.5 * jnp.sum(c * c)
