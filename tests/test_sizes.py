"""However many points there are, padded, chunked, weighted or excluded: the answer is that of the formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nist
from nlsq_widget import fit
from nlsq_widget.problem import bucket


def bend(x, a, tau, c, slope):
    return a * jnp.exp(-x / tau) + c + slope * x


SIZES = [
    *(7, 8, 9, 127, 128, 129, 130, 1023, 1024, 1025, 4095, 4096, 4097, 8191, 8192, 8193),
    *(16383, 16384, 16385, 65535, 65536, 65537, 1_000_001),
]


def many(n):
    """Points of `bend`, their sigma, and which do not count: also the last, which padding repeats."""
    rng = np.random.default_rng(n)
    x = np.linspace(0, 10, n)
    sigma = rng.uniform(0.5, 2, n)
    y = 3 * np.exp(-x / 2) + 0.5 + 0.1 * x + 0.05 * sigma * rng.standard_normal(n)
    out = np.unique([n // 2, n - 1])
    y[out] += 50
    return x, y, sigma, out


def said(result, r, total, k):
    """The statistics, by their formulas from weighted residuals and the weighted sum of squares about the mean."""
    n, chi2 = r.size, np.sum(r**2)
    assert (result.n_points, result.dof) == (n, n - k)
    assert result.chi2 == pytest.approx(chi2, rel=1e-9)
    assert result.reduced_chi2 == pytest.approx(chi2 / (n - k), rel=1e-9)
    assert result.r_squared == pytest.approx(1 - chi2 / total, rel=1e-9)
    assert result.aic == pytest.approx(n * np.log(chi2 / n) + 2 * k, rel=1e-9)
    assert result.bic == pytest.approx(n * np.log(chi2 / n) + k * np.log(n), rel=1e-9)


def covariance(J, r):
    """By QR, so that the condition of J is not squared."""
    inverse = np.linalg.inv(np.linalg.qr(J, mode="r"))
    return inverse @ inverse.T * np.sum(r**2) / (r.size - J.shape[1])


def about_the_mean(y, sigma):
    return np.sum(((y - np.average(y, weights=sigma**-2)) / sigma) ** 2)


@pytest.mark.parametrize("n", SIZES)
def test_a_linear_fit_of_any_size_is_numpys(n):
    x, y, sigma, out = many(n)
    result = fit(bend, x, y, p0=[1, 2, 0, 0], fixed=["tau"], sigma=sigma, excluded=out)
    keep = np.setdiff1d(np.arange(n), out)
    x, y, sigma = x[keep], y[keep], sigma[keep]
    columns = np.stack([np.exp(-x / 2), np.ones_like(x), x], axis=1) / sigma[:, None]
    expected = np.linalg.lstsq(columns, y / sigma, rcond=None)[0]
    r = y / sigma - columns @ expected
    np.testing.assert_allclose(result.popt[[0, 2, 3]], expected, rtol=1e-9)
    np.testing.assert_allclose(result.pcov[np.ix_([0, 2, 3], [0, 2, 3])], covariance(columns, r), rtol=1e-9)
    assert not result.pcov[1].any()
    said(result, r, about_the_mean(y, sigma), 3)


def minimum(p, x, y, sigma):
    """The minimum for `bend` from nearby, with J and r there: Gauss-Newton steps until the gradient has no digit left.

    SciPy's leastsq ends where the cost is flat, up to 5e-8 away. In extended precision, where the machine has it.
    """
    x, y, sigma, p = (values.astype(np.longdouble) for values in (x, y, sigma, p))

    def linearised(p):
        e = np.exp(-x / p[1])
        J = np.stack([e, p[0] * e * x / p[1] ** 2, np.ones_like(x), x], axis=1) / sigma[:, None]
        return J, (p[0] * e + p[2] + p[3] * x - y) / sigma

    for _ in range(30):
        J, r = linearised(p)
        step = np.linalg.solve((J.T @ J).astype(float), (J.T @ r).astype(float))
        p = p - step
        if np.max(np.abs(step / p)) < 1e-14:
            break
    J, r = linearised(p)
    return p.astype(float), J.astype(float), r.astype(float)


@pytest.mark.parametrize("n", SIZES)
def test_a_nonlinear_fit_of_any_size_is_at_the_minimum(n):
    x, y, sigma, out = many(n)
    result = fit(bend, x, y, p0=[2, 1.5, 0, 0], sigma=sigma, excluded=out)
    keep = np.setdiff1d(np.arange(n), out)
    x, y, sigma = x[keep], y[keep], sigma[keep]

    p, J, r = minimum(result.popt * 1.001, x, y, sigma)
    assert np.all(np.abs(result.popt - p) <= 1e-9 * np.abs(p) + 1e-7 * result.stderr)
    np.testing.assert_allclose(result.pcov, covariance(J, r), rtol=1e-6)
    said(result, r, about_the_mean(y, sigma), 4)


WHOLE = {
    "a mean": lambda x, a, b: a * (x - jnp.mean(x)) + b,
    "its length": lambda x, a, b: a * x / len(x) + b,
    "a cumulative sum": lambda x, a, b: a * jnp.cumsum(x) / x.size + b,
}


@pytest.mark.parametrize(("name", "n"), [("a mean", 8193), ("its length", 16385), ("a cumulative sum", 65537)])
def test_a_model_that_reads_all_of_many_points_sees_each_once(name, n):
    x = np.linspace(1, 5, n)
    noise = np.random.default_rng(n).standard_normal(n)
    with jax.enable_x64(True):
        column = np.asarray(WHOLE[name](jnp.asarray(x), 1.0, 0.0))
    y = 3 * column + 1 + 0.1 * noise
    columns = np.stack([column, np.ones(n)], axis=1)
    result = fit(WHOLE[name], x, y)
    np.testing.assert_allclose(result.popt, np.linalg.lstsq(columns, y, rcond=None)[0], rtol=1e-9)
    np.testing.assert_allclose(result.pcov, covariance(columns, y - columns @ result.popt), rtol=1e-9, atol=1e-16)


# -- certified values, many times over -----------------------------------------------------------------------------


def digits(found, certified):
    return -np.log10(max(np.max(np.abs(found - certified) / np.abs(certified)), 1e-11))


def repeated(problem, k):
    return np.tile(problem.x, k), np.tile(problem.y, k)


def error_shrinks_to(problem, k):
    """k times the sum of squares and J'J, over k n - p degrees of freedom."""
    n, p = problem.y.size, problem.certified.size
    return problem.certified_sd * np.sqrt((n - p) / (k * n - p))


def repetitions(problem, about):
    """So many that all problems have about as many points, in one bucket: a model is compiled once."""
    return bucket(about) // problem.y.size


NIST = list(nist.PROBLEMS.values())


def test_data_given_many_times_have_the_certified_values_and_bounds_never_met_change_no_digit():
    found = {}
    for problem in NIST:
        k = repetitions(problem, 2000)
        x, y = repeated(problem, k)
        for start in (problem.start_1, problem.start_2):
            free, boxed = fit(problem.model, x, y, p0=start), fit(problem.model, x, y, p0=start, bounds=(-1e200, 1e200))
            np.testing.assert_array_equal(boxed.popt, free.popt, err_msg=problem.name)
            np.testing.assert_array_equal(boxed.pcov, free.pcov, err_msg=problem.name)
            assert boxed.status == free.status
        assert free.success, problem.name
        found[problem.name] = digits(free.popt, problem.certified)
        if problem.name != "Lanczos1":
            assert digits(free.stderr, error_shrinks_to(problem, k)) >= 5, problem.name
    assert min(found.values()) >= 6, found
    assert np.mean(np.array(list(found.values())) >= 8) >= 0.9, found


@pytest.mark.parametrize(
    ("name", "k"),
    [("Thurber", 2), ("Lanczos2", 10), ("Misra1a", 1000), ("DanWood", 16667), ("Gauss3", 400)],
)
def test_data_given_up_to_100000_points_have_the_certified_values_and_errors_that_shrink(name, k):
    problem = nist.PROBLEMS[name]
    result = fit(problem.model, *repeated(problem, k), p0=problem.start_2)
    assert result.success
    assert digits(result.popt, problem.certified) >= 6
    assert digits(result.stderr, error_shrinks_to(problem, k)) >= 5
