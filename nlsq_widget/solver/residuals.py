"""Residuals and their Jacobian at one point, folded into a small triangle. Nothing after it sees the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from nlsq_widget.problem import Problem

Curve = Callable[[Array, Array, int], Array]  # x, parameters [parameters], points -> y [points]
Linearise = Callable[[Problem, Array], "Triangle"]  # at parameters [parameters]


class Triangle(NamedTuple):
    """The least-squares problem that J and r pose locally: |J p + r|^2 = |R p + z|^2 + what no p can lower."""

    R: Array  # [parameters, parameters], upper triangular, R'R = J'J
    z: Array  # [parameters], R'z = J'r, the gradient of the cost
    cost: Array  # |r|^2 / 2; not finite where the model is not


def residuals(curve: Curve, problem: Problem, p: Array) -> Array:
    """Weighted residuals model - data [points], exactly zero where a point does not count."""
    counts = problem.weight > 0
    r = curve(problem.x, p, problem.y.size) - problem.y
    # Selected, never blended: a point that does not count may be nan.
    r = jnp.where(counts, problem.weight * r, 0.0)
    return r if problem.whiten is None else problem.whiten @ r


def triangle(curve: Curve, jacobian: Curve | None, forward: bool, problem: Problem, p: Array) -> Triangle:
    """Linearise at `p` by the derivatives given, else by forward mode or by reverse mode.

    A pass of forward mode yields one column of the Jacobian, a pass of reverse mode one row.
    """
    points = problem.y.size

    def here(q: Array) -> Array:
        return residuals(curve, problem, q)

    if jacobian is not None:
        r = here(p)
        weight = problem.weight[None, :]
        columns = jnp.where(weight > 0, weight * jacobian(problem.x, p, points), 0.0)
        if problem.whiten is not None:
            columns = columns @ problem.whiten.T
    elif forward:
        r, columns = jax.vmap(lambda v: jax.jvp(here, (p,), (v,)), out_axes=(None, 0))(jnp.eye(p.size, dtype=p.dtype))
    else:
        r, pull = jax.vjp(here, p)
        columns = jax.vmap(pull, out_axes=1)(jnp.eye(points, dtype=r.dtype))[0]
    return fold(columns, r)


def forward_is_cheaper(parameters: int, points: int) -> bool:
    """One pass for each parameter against one for each point.

    >>> forward_is_cheaper(3, 1000), forward_is_cheaper(1000, 3)
    (True, False)
    """
    return parameters <= points


def fold(columns: Array, r: Array) -> Triangle:
    """QR of [J r], which keeps the digits that J'J would square away."""
    parameters = columns.shape[0]
    augmented = jnp.concatenate([columns, r[None]]).T
    short = parameters + 1 - augmented.shape[0]
    if short > 0:  # as many rows as columns, so that the triangle has one shape
        augmented = jnp.pad(augmented, ((0, short), (0, 0)))
    T = jnp.linalg.qr(augmented, mode="r")
    return Triangle(T[:parameters, :parameters], T[:parameters, parameters], 0.5 * jnp.sum(r * r))
