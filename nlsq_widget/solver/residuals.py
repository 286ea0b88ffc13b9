"""Residuals and their Jacobian at one point, folded into a small triangle. Nothing after it sees the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from nlsq_widget.problem import Problem
from nlsq_widget.solver.linalg import LAPACK, Algebra
from nlsq_widget.solver.loss import robust

Curve = Callable[[Array, Array, int], Array]  # x, parameters [parameters], points -> y [points]
Linearise = Callable[[Problem, Array], "Triangle"]  # at parameters [parameters]
Mode = Literal["forward", "reverse", "given", "differences"]  # "given": the derivatives came with the model

CHUNK = 2048  # points whose columns stay in a core's own cache


class Form(NamedTuple):
    """How a model is evaluated: fixed when it is compiled."""

    curve: Curve
    jacobian: Curve | None  # -> [parameters, points], where the derivatives came with the model
    mode: Mode
    pointwise: bool  # each point depends on x there alone, so that the points may be taken in chunks
    algebra: Algebra = LAPACK


class Triangle(NamedTuple):
    """The least-squares problem that J and r pose locally: |J p + r|^2 = |R p + z|^2 + what no p can lower."""

    R: Array  # [parameters, parameters], upper triangular, R'R = J'J
    z: Array  # [parameters], R'z = J'r, the gradient of the cost
    cost: Array  # half the sum of the squared residuals, or of their loss; not finite where the model is not


def triangle(form: Form, problem: Problem, p: Array) -> Triangle:
    """Linearise at `p`. Many points are taken in chunks: memory does not grow with points x parameters."""
    points = problem.y.shape[-1]
    chunks = 1 << max(0, -(-points // CHUNK) - 1).bit_length()  # a power of two, which divides a bucket
    if chunks == 1 or points % chunks or not form.pointwise or problem.whiten is not None:
        T, cost = _folded(form, problem, p)
    else:
        Ts, costs = lax.map(lambda i: _folded(form, _chunk(problem, i, points // chunks), p), jnp.arange(chunks))
        rows = jnp.moveaxis(Ts, -1, 0).reshape(p.size + 1, -1)
        T, cost = form.algebra.fold(rows[:-1], rows[-1]), jnp.sum(costs)
    return Triangle(T[:-1, :-1], T[:-1, -1], cost)


def _chunk(problem: Problem, i: Array, length: int) -> Problem:
    def cut(values: Any) -> Any:
        return lax.dynamic_slice_in_dim(values, i * length, length, axis=-1)

    return replace(problem, x=cut(problem.x), y=cut(problem.y), weight=cut(problem.weight))


def _folded(form: Form, problem: Problem, p: Array) -> tuple[Array, Array]:
    """The triangle of [J r] and the cost."""
    r, columns, cost = weighted(form, problem, p)
    return form.algebra.fold(columns, r), cost


def weighted(form: Form, problem: Problem, p: Array) -> tuple[Array, Array, Array]:
    """Residuals r [points] and J' [parameters, points], weighted and bent by the loss, and the cost."""
    value, columns = linear(form, problem.x, p, problem.y.shape[-1])
    columns = jnp.where((problem.weight > 0)[None, :], problem.weight[None, :] * columns, 0.0)
    if problem.whiten is not None:
        columns = columns @ problem.whiten.T
    r, stretch, cost = robust(residuals(problem, value), problem.loss, problem.loss_scale)
    return r, columns * stretch[None, :], cost


def residuals(problem: Problem, value: Array) -> Array:
    """The weighted residuals [points] of a curve [points]."""
    # Selected, never blended: a point that does not count may be nan.
    r = jnp.where(problem.weight > 0, problem.weight * (value - problem.y), 0.0)
    return r if problem.whiten is None else problem.whiten @ r


def linear(form: Form, x: Array, p: Array, points: int) -> tuple[Array, Array]:
    """The curve [points] and its derivatives [parameters, points].

    A pass of forward mode yields the derivatives by one parameter, a pass of reverse mode those of one point.
    """
    if form.jacobian is not None:
        return form.curve(x, p, points), form.jacobian(x, p, points)

    def here(q: Array) -> Array:
        return form.curve(x, q, points)

    if form.mode == "forward":
        return jax.vmap(lambda v: jax.jvp(here, (p,), (v,)), out_axes=(None, 0))(jnp.eye(p.size, dtype=p.dtype))
    value, pull = jax.vjp(here, p)
    return value, jax.vmap(pull, out_axes=1)(jnp.eye(points, dtype=value.dtype))[0]


def forward_is_cheaper(parameters: int, points: int) -> bool:
    """One pass for each parameter against one for each point.

    >>> forward_is_cheaper(3, 1000), forward_is_cheaper(1000, 3)
    (True, False)
    """
    return parameters <= points
