"""Small linear algebra, in elementary operations where columns are few: they fuse, and vectorise over many fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from operator import add
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

_BLOCK = 4096  # numbers that are added up one after the other
_UNROLLED = 6  # columns that are taken one by one in the program; more would take long to compile


def products(columns: Array, last: Array, also: Array) -> tuple[Array, Array]:
    """A'A [n + 1, n + 1] of the matrix A = [columns' last], and the sum of `also`; columns [n, rows], others [rows]."""
    n = len(columns) + 1
    if n > _UNROLLED + 1:
        A = jnp.concatenate([columns, last[None]])
        return times(A, A.T), jnp.sum(also)
    A = [*columns, last]
    pairs = [(i, j) for i in range(n) for j in range(i, n)]
    *found, rest = sums([*(A[i] * A[j] for i, j in pairs), also])
    at = dict(zip(pairs, found, strict=True))
    return jnp.stack([jnp.stack([at[min(i, j), max(i, j)] for j in range(n)]) for i in range(n)]), rest


def sums(rows: Sequence[Array]) -> Sequence[Array]:
    """Each summed, in one loop, into which what they are made of is fused, be it a whole model: none goes to memory.

    Long rows in blocks: a sum of 1e7 numbers, one after the other, has no digit left in float32.
    """
    whole = rows[0].size // _BLOCK * _BLOCK
    if rows[0].size <= _BLOCK:
        return _summed(rows, 0)
    found = [jnp.sum(block) for block in _summed([row[:whole].reshape(-1, _BLOCK) for row in rows], 1)]
    if whole == rows[0].size:
        return found
    return [s + t for s, t in zip(found, _summed([row[whole:] for row in rows], 0), strict=True)]


def _summed(rows: Sequence[Array], axis: int) -> Sequence[Array]:
    zeros = [jnp.zeros((), row.dtype) for row in rows]
    return lax.reduce(rows, zeros, lambda a, b: [s + t for s, t in zip(a, b, strict=True)], (axis,))


def times(A: Array, B: Array) -> Array:
    """A B for A [m, n] and B [n, k] or [n]; a small product is spared the call of a library."""
    if len(B) > _UNROLLED:
        return jnp.matmul(A, B, precision=lax.Precision.HIGHEST)
    if B.ndim == 1:
        return total([A[:, k] * B[k] for k in range(len(B))])
    return total([A[:, k, None] * B[None, k, :] for k in range(len(B))])


def total(terms: Sequence[Array]) -> Array:
    """Added up one by one: what is fused with its neighbours, as a reduction is not."""
    return reduce(add, terms)


def lengths(A: Array) -> Array:
    """Of each column [n] of A [m, n], whatever its unit: of the longest and the shortest, no float holds the square."""
    most = int(jnp.finfo(A.dtype).maxexp)
    largest = jnp.max(jnp.abs(A), axis=0) if len(A) > _UNROLLED else reduce(jnp.maximum, [jnp.abs(row) for row in A])
    up, down = 2.0 ** int(0.58 * most), 2.0 ** -int(0.58 * most)
    unit = jnp.where(largest > 2.0 ** int(0.48 * most), down, jnp.where(largest < 2.0 ** -int(0.48 * most), up, 1.0))
    unit = unit.astype(A.dtype)
    return jnp.sqrt(_squares(A * unit[None, :])) / unit


def _squares(A: Array) -> Array:
    """The sum of squares of each column [n] of A [m, n]."""
    return jnp.sum(A * A, axis=0) if len(A) > _UNROLLED else total([row * row for row in A])


def cholesky(S: Array) -> tuple[Array, Array]:
    """The first n rows T [n, n + 1] of the triangle with T'T = S [n + 1, n + 1]; and whether its digits can be trusted.

    A column that depends on those before it keeps the little that rounding may have left of it.
    """
    n = S.shape[0] - 1
    index = np.arange(n + 1)
    size = S[index, index]
    eps = float(jnp.finfo(S.dtype).eps)
    least, enough = 8 * n * eps, eps**0.4

    def eliminate(left: Array, k: Any) -> tuple[Array, tuple[Array, Array]]:
        pivot = jnp.maximum(left[k, k], least * size[k])
        # Beside a column of which rounding left nothing, all else is rounding as well.
        right = (index > k) & (left[k, k] >= least * size[k])
        row = jnp.where(right, left[k], jnp.where(index == k, pivot, 0.0)) * _per_root(pivot)
        return left - row[:, None] * row[None, :], (row, left[k, k] >= enough * size[k])

    _, (T, sure) = _over(eliminate, S, n)
    return T, jnp.all(sure)


def inverse(R: Array) -> Array:
    """Of an upper triangle [n, n] without zeros on its diagonal."""
    n = R.shape[0]
    index = np.arange(n)
    per = 1.0 / R[index, index]

    def solve(B: Array, k: Any) -> tuple[Array, None]:
        k = n - 1 - k
        mine = jnp.where(index == k, 1.0, 0.0).astype(R.dtype)
        return B + mine[:, None] * ((mine - times(B.T, R[k])) * per[k])[None, :], None

    return _over(solve, jnp.zeros_like(R), n)[0]


def regular(R: Array) -> Array:
    """The upper triangle [n, n] with nothing on its diagonal smaller than what rounding leaves of its column."""
    n = R.shape[0]
    norms = lengths(R)
    least = jnp.where(norms > 0, n * jnp.finfo(R.dtype).eps * norms, 1.0)
    return jnp.where(np.eye(n, dtype=bool), jnp.maximum(R, least[None, :]), R)


def _per_root(square: Array) -> Array:
    """1 / sqrt, and 0 of 0."""
    return jnp.where(square > 0, 1.0 / jnp.sqrt(jnp.where(square > 0, square, 1.0)), 0.0)


def _over(step: Callable[[Any, Any], tuple[Any, Any]], begin: Any, n: int) -> tuple[Any, Any]:
    """lax.scan over 0 ... n - 1, written out where n is small."""
    if n > _UNROLLED:
        return lax.scan(step, begin, jnp.arange(n))
    rows = []
    for k in range(n):
        begin, row = step(begin, k)
        rows.append(row)
    return begin, None if rows[0] is None else tuple(jnp.stack(parts) for parts in zip(*rows, strict=True))


def svd(A: Array) -> tuple[Array, Array, Array]:
    """U, s, V' with A = U s V'; A [n, n]. The singular values come in any order.

    One-sided rotations until the columns are orthogonal (Hestenes 1958): exact for columns of unequal length. Many
    columns are LAPACK's.
    """
    n = A.shape[0]
    if n > _UNROLLED:
        U, s, Vt = jnp.linalg.svd(A)
        return U, s, Vt
    enough = float(jnp.finfo(A.dtype).eps) ** 0.55  # a sweep squares the cosines that it meets

    def turning(state: tuple[Array, Array, Array]) -> Array:
        _, cosine, sweeps = state
        return (cosine > enough) & (sweeps < 30)

    def sweep(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        columns = [state[0][:, i] for i in range(n)]  # of A, and below them those of V
        largest = jnp.zeros((), A.dtype)
        for i in range(n):
            for j in range(i + 1, n):
                columns[i], columns[j], cosine = _rotated(columns[i], columns[j], n)
                largest = jnp.maximum(largest, cosine)
        return jnp.stack(columns, axis=1), largest, state[2] + 1

    begin = (jnp.concatenate([A, np.eye(n, dtype=A.dtype)]), jnp.ones((), A.dtype), jnp.asarray(0))
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
