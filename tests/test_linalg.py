"""The triangle of a matrix, from products of its columns: against NumPy's singular values and plain products."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nlsq_widget.problem import Problem
from nlsq_widget.solver.linalg import regular, sums, svd
from nlsq_widget.solver.residuals import Form, triangle


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64():
        yield


def graded(rng, m, n):
    return rng.normal(size=(m, n)) * 10.0 ** rng.uniform(-17, 6, n)


def dependent(rng, m, n):
    A = rng.normal(size=(m, n))
    A[:, 1] = A[:, 0] * 3
    return A


def few_directions(rng, m, n):
    return rng.normal(size=(m, 2)) @ rng.normal(size=(2, n))


def without_influence(rng, m, n):
    A = rng.normal(size=(m, n))
    A[:, n // 2] = 0
    return A


def powers(rng, m, n):
    return np.linspace(0, 1, m)[:, None] ** np.arange(n)


def nearly_equal(rng, m, n):
    A = rng.normal(size=(m, n))
    A[:, -1] = A[:, 0] + 1e-9 * rng.normal(size=m)
    return A


def few_rows_that_count(rng, m, n):
    A = rng.normal(size=(m, n))
    A[n - 1 :] = 0
    return A


def folded(A, r):
    """R and z of the matrix A and the residuals r, as the iteration comes to them, and in how many passes."""
    m, n = A.shape
    form = Form(lambda x, p, k: jnp.asarray(A) @ p, lambda x, p, k: jnp.asarray(A).T, "given", pointwise=False)
    choices = np.array([np.zeros(n), np.full(n, -np.inf), np.full(n, np.inf), np.ones(n)])
    rules = np.array([0.0, 0, 0, 0, 0, 1])
    problem = Problem(np.arange(m, dtype=float), -r, np.ones(m), None, np.zeros(0), choices, rules)
    found, sure = triangle(form, problem, jnp.zeros(n), jnp.eye(n))
    passes = 1
    while not sure and passes < 4:
        found, sure = triangle(form, problem, jnp.zeros(n), regular(found.R))
        passes += 1
    return np.asarray(found.R), np.asarray(found.z), passes


KINDS = (graded, dependent, few_directions, without_influence, powers, nearly_equal, few_rows_that_count)


@pytest.mark.parametrize("n", [2, 4, 9])  # written out, and in a loop
@pytest.mark.parametrize("kind", KINDS)
def test_a_triangle_keeps_the_digits_that_products_of_columns_lose(kind, n):
    rng = np.random.default_rng(n)
    A, r = kind(rng, 40, n), rng.normal(size=40)
    R, z, _ = folded(A, r)
    norms = np.linalg.norm(A, axis=0)
    units = np.where(norms > 0, norms, 1.0)
    np.testing.assert_allclose((R.T @ R) / np.outer(units, units), (A.T @ A) / np.outer(units, units), atol=1e-13)
    np.testing.assert_allclose((R.T @ z) / units, (A.T @ r) / units, atol=1e-13 * np.linalg.norm(r))
    expected = np.linalg.svd(A / units, compute_uv=False)
    found = np.linalg.svd(R / units, compute_uv=False)
    np.testing.assert_allclose(found, expected, atol=1e-12 * expected[0])


def test_one_pass_is_enough_for_columns_of_any_size_that_are_not_nearly_dependent():
    rng = np.random.default_rng(0)
    assert folded(graded(rng, 50, 5), rng.normal(size=50))[2] == 1
    assert folded(powers(rng, 50, 9), rng.normal(size=50))[2] > 1


def test_fewer_rows_than_columns_are_taken_as_they_are():
    rng = np.random.default_rng(0)
    A, r = rng.normal(size=(4, 9)), rng.normal(size=4)
    R, z, _ = folded(A, r)
    np.testing.assert_array_equal(R.T @ R, np.pad(A, ((0, 5), (0, 0))).T @ np.pad(A, ((0, 5), (0, 0))))
    np.testing.assert_allclose(R.T @ z, A.T @ r, rtol=1e-14)


@pytest.mark.parametrize("n", [1, 3, 6, 8])
def test_singular_values_are_lapacks(n):
    rng = np.random.default_rng(n)
    A = np.triu(rng.normal(size=(n, n)) * 10.0 ** rng.uniform(-6, 6, n))
    U, s, Vt = (np.asarray(part) for part in svd(jnp.asarray(A)))
    np.testing.assert_allclose(np.sort(s), np.sort(np.linalg.svd(A, compute_uv=False)), atol=1e-13 * s.max())
    np.testing.assert_allclose(U * s @ Vt, A, atol=1e-13 * np.abs(A).max())


@pytest.mark.parametrize("length", [5, 4096, 10_000, 3_000_000])
def test_a_long_sum_in_single_precision_keeps_its_digits(length):
    values = np.random.default_rng(0).uniform(size=length).astype(np.float32)
    found, count = sums([jnp.asarray(values), jnp.ones(length, jnp.float32)])
    np.testing.assert_allclose(found, values.sum(dtype=float), rtol=1e-5)
    assert count == length
