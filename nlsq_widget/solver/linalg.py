"""Small linear algebra, by LAPACK for one fit, and in elementary operations, which vectorise, for many at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

_UNROLLED = 6  # columns that are rotated pair by pair in one program; more would take long to compile


class Algebra(NamedTuple):
    """What the solver asks of a matrix. LAPACK is quick to compile and to run, but serves one fit at a time."""

    # columns [n, rows], last [rows] -> the triangle T [n + 1, n + 1] with T'T = A'A of the matrix A = [columns' last].
    # By orthogonal steps, which keep the digits that A'A, whose condition number is the square, would lose.
    fold: Callable[[Array, Array], Array]
    svd: Callable[[Array], tuple[Array, Array, Array]]  # A [n, n] -> U, s, V' with A = U s V'; s in any order


def _qr(columns: Array, last: Array) -> Array:
    rows = jnp.concatenate([columns, last[None]]).T
    short = rows.shape[1] - rows.shape[0]
    if short > 0:  # as many rows as columns, so that the triangle has one shape
        rows = jnp.pad(rows, ((0, short), (0, 0)))
    return jnp.linalg.qr(rows, mode="r")


def _gram_schmidt(columns: Array, last: Array) -> Array:
    """Modified Gram and Schmidt: its triangle is as exact as Householder's (Björck 1967)."""
    left = jnp.concatenate([columns, last[None]])
    rows = []
    for k in range(left.shape[0]):
        this = left[0]
        along = jnp.sum(left * this[None, :], axis=1)  # a product of matrices, many times over, would be slower
        square, length = along[0], jnp.sqrt(along[0])
        shares = jnp.where(square > 0, along[1:] / jnp.where(square > 0, square, 1.0), 0.0)
        rows.append(jnp.concatenate([jnp.zeros(k, left.dtype), length[None], length * shares]))
        left = left[1:] - shares[:, None] * this[None, :]
    return jnp.stack(rows)


def _jacobi(A: Array) -> tuple[Array, Array, Array]:
    """One-sided rotations until the columns are orthogonal (Hestenes 1958): exact for columns of unequal length."""
    n = A.shape[0]
    if n > _UNROLLED:
        return _svd(A)
    eps = jnp.finfo(A.dtype).eps

    def turning(state: tuple[Array, Array, Array]) -> Array:
        _, cosine, sweeps = state
        return (cosine > eps) & (sweeps < 30)

    def sweep(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        columns = [state[0][:, i] for i in range(n)]  # of A, and below them those of V
        largest = jnp.zeros((), A.dtype)
        for i in range(n):
            for j in range(i + 1, n):
                columns[i], columns[j], cosine = _rotated(columns[i], columns[j], n)
                largest = jnp.maximum(largest, cosine)
        return jnp.stack(columns, axis=1), largest, state[2] + 1

    begin = (jnp.concatenate([A, jnp.eye(n, dtype=A.dtype)]), jnp.ones((), A.dtype), jnp.asarray(0))
    both, _, _ = lax.while_loop(turning, sweep, begin)
    s = jnp.sqrt(jnp.sum(both[:n] ** 2, axis=0))
    return both[:n] / jnp.where(s > 0, s, 1.0)[None, :], s, both[n:].T


def _rotated(a: Array, b: Array, n: int) -> tuple[Array, Array, Array]:
    """Two columns turned so that their first n entries are orthogonal, and the cosine between them before."""
    aa, bb, ab = jnp.sum(a[:n] ** 2), jnp.sum(b[:n] ** 2), jnp.sum(a[:n] * b[:n])
    lengths = jnp.sqrt(aa) * jnp.sqrt(bb)
    cosine = jnp.where(lengths > 0, jnp.abs(ab) / jnp.where(lengths > 0, lengths, 1.0), 0.0)
    turn = cosine > jnp.finfo(a.dtype).eps / 4
    zeta = (bb - aa) / (2 * jnp.where(turn, ab, 1.0))
    tangent = jnp.where(zeta < 0, -1.0, 1.0) / (jnp.abs(zeta) + jnp.sqrt(1 + zeta * zeta))
    tangent = jnp.where(turn, tangent, 0.0)
    c = 1 / jnp.sqrt(1 + tangent * tangent)
    s = c * tangent
    return c * a - s * b, s * a + c * b, cosine


def _svd(A: Array) -> tuple[Array, Array, Array]:
    U, s, Vt = jnp.linalg.svd(A)
    return U, s, Vt


LAPACK = Algebra(_qr, _svd)
ELEMENTARY = Algebra(_gram_schmidt, _jacobi)
