"""The solution as a function of the problem. It is differentiated by what holds there, never through the iteration."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from nlsq_widget.problem import Problem
from nlsq_widget.solver.loop import advance, start
from nlsq_widget.solver.loss import robust
from nlsq_widget.solver.residuals import Form, Mode, residuals, triangle, weighted
from nlsq_widget.solver.step import blocked


class Found(NamedTuple):
    """The end of the iteration; only popt has derivatives."""

    popt: Array  # [parameters]
    R: Array  # [parameters, parameters], the triangle there
    status: Array  # int, a Status
    steps: Array  # int


def solution(form: Form, problem: Problem, gradient: Mode) -> Found:
    """The fit of `problem`, in which what is fixed has its start value for both bounds.

    At popt the gradient of the cost is zero for what may move, and the rest lies on a bound. These equations
    still hold when the problem changes a little, and so give popt's derivatives, with the full Hessian of the
    cost (the implicit function theorem: Krantz and Parks 2013, Blondel et al. 2022). `gradient` is the mode in
    which they are differentiated: "forward" for a model that JAX cannot take in reverse.
    """

    def equations(p: Array) -> Array:
        slope = _gradient(form, problem, p, gradient)
        held = blocked(slope, p, problem.lower, problem.upper, problem.free)
        bound = jnp.where(problem.free & (p >= problem.upper), problem.upper, problem.lower)
        return jnp.where(held, p - bound, slope)

    def iterated(_: Callable[[Array], Array], p0: Array) -> tuple[Array, tuple[Array, Array, Array]]:
        end = advance(partial(triangle, form), problem, start(problem), problem.max_steps)
        # As floats: what is handed out beside a root needs tangents of its own type, which integers lack.
        return end.p, (end.triangle.R, end.status.astype(p0.dtype), end.steps.astype(p0.dtype))

    popt, (R, status, steps) = lax.custom_root(equations, problem.p0, iterated, _tangent, has_aux=True)
    return Found(popt, lax.stop_gradient(R), status.astype(int), steps.astype(int))


def cost(form: Form, problem: Problem, p: Array) -> Array:
    """Half the sum of the squared weighted residuals at `p`, or of their loss."""
    r = residuals(problem, form.curve(problem.x, p, problem.y.shape[-1]))
    return 0.5 * jnp.sum(robust(r, problem.loss, problem.loss_scale)[2])


def _gradient(form: Form, problem: Problem, p: Array, mode: Mode) -> Array:
    if mode == "forward":
        r, columns = weighted(form, problem, p)
        return columns @ r
    return jax.grad(partial(cost, form, problem))(p)


def _tangent(equations: Callable[[Array], Array], b: Array) -> Array:
    """u with `equations`(u) = b, a linear map: u = b where it is the identity, for what lies on a bound.

    The rest is symmetric. What the data do not determine has the derivative nan, and leaves the others theirs.
    """
    eye = jnp.eye(b.size, dtype=b.dtype)
    A = jax.vmap(equations, out_axes=1)(eye)
    held = jnp.all(eye == A, axis=1)
    hessian = jnp.where(held[:, None] | held[None, :], eye, A)
    inverted, lost = _inverted(lax.stop_gradient(hessian))

    def forward(_: Callable[[Array], Array], c: Array) -> Array:
        return jnp.where(lost, jnp.nan, inverted @ c)

    def backward(_: Callable[[Array], Array], c: Array) -> Array:
        return jnp.where(jnp.any(lost & (c != 0)), jnp.nan, inverted @ c)

    rest = b - A @ jnp.where(held, b, 0.0)
    u = lax.custom_linear_solve(lambda u: hessian @ u, jnp.where(held, 0.0, rest), forward, backward)
    return jnp.where(held, b, u)


def _inverted(H: Array) -> tuple[Array, Array]:
    """H^-1 of a symmetric matrix, whatever the units, but for the directions that H maps to nothing; and who has
    a part in one."""
    size = jnp.sqrt(jnp.abs(jnp.diagonal(H)))
    unit = 1.0 / jnp.where(size > 0, size, 1.0)
    values, vectors = jnp.linalg.eigh(unit[:, None] * H * unit[None, :])
    eps = jnp.finfo(H.dtype).eps
    seen = jnp.abs(values) > eps * values.size * jnp.max(jnp.abs(values))
    reciprocal = jnp.where(seen, 1.0 / jnp.where(seen, values, 1.0), 0.0)
    vectors = unit[:, None] * vectors
    lost = jnp.any(~seen[None, :] & (jnp.abs(vectors) > jnp.sqrt(eps) * unit[:, None]), axis=1)
    return (vectors * reciprocal[None, :]) @ vectors.T, lost


@jax.custom_jvp
def inverse(gram: Array, known: Array) -> Array:
    """`known`, which is `gram`^-1, with the derivatives of an inverse; how it was found does not matter."""
    del gram
    return known


@inverse.defjvp
def _inverse_jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    found = inverse(*primals)
    return found, -(found @ tangents[0] @ found)
