"""Residuals and their Jacobian at one point, folded into a small triangle. Nothing after it sees the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from nlsq_widget.problem import Problem
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


class Triangle(NamedTuple):
    """The least-squares problem that J and r pose locally: |J p + r|^2 = |R p + z|^2 + what no p can lower."""

    R: Array  # [parameters, parameters], upper triangular, R'R = J'J
    z: Array  # [parameters], R'z = J'r, the gradient of the cost
    cost: Array  # half the sum of the squared residuals, or of their loss; not finite where the model is not


def triangle(form: Form, problem: Problem, p: Array) -> Triangle:
    """Linearise at `p`. Many points are taken in chunks: memory does not grow with points x parameters."""
    points = problem.y.shape[-1]
    chunks = -(-points // CHUNK) if form.pointwise and problem.whiten is None else 1
    if chunks == 1 or points % chunks:
        T, cost = _folded(form, problem, p)
    else:
        Ts, costs = lax.map(lambda i: _folded(form, _chunk(problem, i, points // chunks), p), jnp.arange(chunks))
        rows = jnp.moveaxis(Ts, -1, 0).reshape(p.size + 1, -1)
        T, cost = fold(rows[:-1], rows[-1]), jnp.sum(costs)
    return Triangle(T[:-1, :-1], T[:-1, -1], cost)


def _chunk(problem: Problem, i: Array, length: int) -> Problem:
    def cut(values: Any) -> Any:
        return lax.dynamic_slice_in_dim(values, i * length, length, axis=-1)

    return replace(problem, x=cut(problem.x), y=cut(problem.y), weight=cut(problem.weight))


def _folded(form: Form, problem: Problem, p: Array) -> tuple[Array, Array]:
    """The triangle of [J r] and the cost."""
    value, columns = _linear(form, problem.x, p, problem.y.shape[-1])
    counts = problem.weight > 0
    # Selected, never blended: a point that does not count may be nan.
    r = jnp.where(counts, problem.weight * (value - problem.y), 0.0)
    columns = jnp.where(counts[None, :], problem.weight[None, :] * columns, 0.0)
    if problem.whiten is not None:
        r, columns = problem.whiten @ r, columns @ problem.whiten.T
    r, stretch, cost = robust(r, problem.loss, problem.loss_scale)
    return fold(columns * stretch[None, :], r), cost


def _linear(form: Form, x: Array, p: Array, points: int) -> tuple[Array, Array]:
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


def fold(columns: Array, r: Array) -> Array:
    """The triangle T [parameters + 1, parameters + 1] with T'T = [J r]'[J r]; `columns` is J' [parameters, points].

    By QR, which keeps the digits that J'J, whose condition number is the square, would lose.
    """
    rows = jnp.concatenate([columns, r[None]]).T
    short = rows.shape[1] - rows.shape[0]
    if short > 0:  # as many rows as columns, so that the triangle has one shape
        rows = jnp.pad(rows, ((0, short), (0, 0)))
    return jnp.linalg.qr(rows, mode="r")
