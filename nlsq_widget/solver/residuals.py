"""Residuals and their Jacobian at one point, folded into a small triangle. Nothing after it sees the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from nlsq_widget.problem import Problem
from nlsq_widget.solver.linalg import cholesky, inverse, products, times
from nlsq_widget.solver.loss import bent, robust

Curve = Callable[[Array, Array, int], Array]  # x, parameters [parameters], points -> y [points]
# At parameters [parameters], given a triangle that is regular and near: the one there, and whether `near` was.
Linearise = Callable[[Problem, Array, Array], tuple["Triangle", Array]]
Mode = Literal["forward", "reverse", "given", "differences"]  # "given": the derivatives came with the model

CHUNK = 4096  # points whose columns stay in a core's own cache


class Form(NamedTuple):
    """How a model is evaluated: fixed when it is compiled."""

    curve: Curve
    jacobian: Curve | None  # -> [parameters, points], where the derivatives came with the model
    mode: Mode
    pointwise: bool  # each point depends on x there alone, so that the points may be taken in chunks


class Triangle(NamedTuple):
    """The least-squares problem that J and r pose locally: |J p + r|^2 = |R p + z|^2 + what no p can lower."""

    R: Array  # [parameters, parameters], R'R = J'J; upper triangular, but for fewer points than parameters
    z: Array  # [parameters], R'z = J'r, the gradient of the cost
    cost: Array  # half the sum of the squared residuals, or of their loss; not finite where the model is not


def triangle(form: Form, problem: Problem, p: Array, near: Array) -> tuple[Triangle, Array]:
    """Linearise at `p`, in one pass over the points; and whether the triangle `near` was near enough for all digits.

    Columns that are nearly dependent lose twice their digits in J'J. So the derivatives are taken along the columns
    of the inverse of a triangle from nearby: Q = J near^-1 is nearly orthonormal, Q'Q = U'U keeps its digits, and
    U near is the triangle of J as exact as an orthogonal factorisation's (Cholesky QR with a preconditioner:
    Fukaya et al. 2020). Where `near` was not, the result is: repeat with that.
    """
    if problem.y.shape[-1] < p.size:  # nothing to fold
        return _unfolded(form, problem, p), jnp.asarray(True)
    S, cost = _products(form, problem, p, inverse(near))
    T, sure = cholesky(S)
    return Triangle(times(T[:, :-1], near), T[:, -1], cost), sure


def _unfolded(form: Form, problem: Problem, p: Array) -> Triangle:
    r, columns = _weighted(form, problem, p, jnp.eye(p.size, dtype=p.dtype))
    r, stretch, rho = robust(r, problem.loss, problem.loss_scale)
    missing = p.size - r.size
    return Triangle(
        jnp.pad(columns * stretch[None, :], ((0, 0), (0, missing))).T, jnp.pad(r, (0, missing)), 0.5 * jnp.sum(rho)
    )


def _products(form: Form, problem: Problem, p: Array, basis: Array) -> tuple[Array, Array]:
    """[Q r]'[Q r] with Q = J basis, and the cost, in chunks where the model allows: J is never in memory whole."""
    chunks, length = _chunks(form, problem)
    if chunks == 1:
        return _folded(form, problem, p, basis)
    S, cost = lax.map(lambda i: _folded(form, _chunk(problem, i * length, length), p, basis), jnp.arange(chunks))
    return jnp.sum(S, axis=0), jnp.sum(cost)


def _chunks(form: Form, problem: Problem) -> tuple[int, int]:
    """Into how many chunks the points go, and the length of one."""
    points = problem.y.shape[-1]
    chunks = -(-points // CHUNK) if form.pointwise and problem.whiten is None else 1
    return chunks, -(-points // chunks)


def asked(form: Form, problem: Problem, p: Array) -> tuple[Array, Array]:
    """All that `triangle` asks of a model: the curve at as many points as it takes at once, and the derivatives."""
    chunks, length = _chunks(form, problem)
    x = problem.x if chunks == 1 else lax.slice_in_dim(problem.x, 0, length, axis=-1)
    return linear(form, x, p, length, jnp.eye(p.size, dtype=p.dtype))


def _chunk(problem: Problem, begin: Array, length: int) -> Problem:
    """The points from `begin` on. The last chunk, where it would be shorter, begins with points that do not count."""
    points = problem.y.shape[-1]
    first = jnp.minimum(begin, points - length)

    def cut(values: Any) -> Any:
        return lax.dynamic_slice_in_dim(values, first, length, axis=-1)

    weight = cut(problem.weight)
    if points % length:
        weight = jnp.where(jnp.arange(length) + first < begin, 0.0, weight)
    return replace(problem, x=cut(problem.x), y=cut(problem.y), weight=weight)


def _folded(form: Form, problem: Problem, p: Array, basis: Array) -> tuple[Array, Array]:
    """As `_products`, in one piece. For few parameters and no loss, nothing as long as the points goes to memory."""

    def plain() -> tuple[Array, Array]:
        r, columns = _weighted(form, problem, p, basis)
        return products(columns, r, r * r)

    def other() -> tuple[Array, Array]:
        r, columns = _weighted(form, problem, p, basis)
        r, stretch, rho = bent(r, problem.loss, problem.loss_scale)
        return products(columns * stretch[None, :], r, rho)

    S, twice = lax.cond(problem.loss == 0, plain, other)
    return S, 0.5 * twice


def weighted(form: Form, problem: Problem, p: Array) -> tuple[Array, Array]:
    """Residuals r [points] and J' [parameters, points], weighted and bent by the loss."""
    r, columns = _weighted(form, problem, p, jnp.eye(p.size, dtype=p.dtype))
    r, stretch, _ = robust(r, problem.loss, problem.loss_scale)
    return r, columns * stretch[None, :]


def _weighted(form: Form, problem: Problem, p: Array, basis: Array) -> tuple[Array, Array]:
    value, columns = linear(form, problem.x, p, problem.y.shape[-1], basis)
    columns = jnp.where((problem.weight > 0)[None, :], problem.weight[None, :] * columns, 0.0)
    if problem.whiten is not None:
        columns = columns @ problem.whiten.T
    return residuals(problem, value), columns


def residuals(problem: Problem, value: Array) -> Array:
    """The weighted residuals [points] of a curve [points]."""
    # Selected, never blended: a point that does not count may be nan.
    r = jnp.where(problem.weight > 0, problem.weight * (value - problem.y), 0.0)
    return r if problem.whiten is None else problem.whiten @ r


def linear(form: Form, x: Array, p: Array, points: int, basis: Array) -> tuple[Array, Array]:
    """The curve [points] and its derivatives along the columns of `basis` [parameters, points].

    A pass of forward mode yields the derivatives along one direction, a pass of reverse mode those of one point.
    """
    if form.jacobian is not None:
        return form.curve(x, p, points), basis.T @ form.jacobian(x, p, points)

    def here(q: Array) -> Array:
        return form.curve(x, q, points)

    if form.mode == "forward":
        return jax.vmap(lambda v: jax.jvp(here, (p,), (v,)), in_axes=1, out_axes=(None, 0))(basis)
    value, pull = jax.vjp(here, p)
    return value, basis.T @ jax.vmap(pull, out_axes=1)(jnp.eye(points, dtype=value.dtype))[0]


def forward_is_cheaper(parameters: int, points: int) -> bool:
    """One pass for each parameter against one for each point.

    >>> forward_is_cheaper(3, 1000), forward_is_cheaper(1000, 3)
    (True, False)
    """
    return parameters <= points
