"""Derivatives of a fit, against finite differences of fits, linear algebra, and the fits of `fit`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import nist
from nlsq_widget import fit, least_squares
from nlsq_widget.model import ModelError

MISRA = nist.PROBLEMS["Misra1a"]
ECKERLE = nist.PROBLEMS["Eckerle4"]


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64():
        yield


def decay(x, a, tau, c):
    return a * jnp.exp(-x / tau) + c


def line(x, slope, offset):
    return slope * x + offset


def noisy_decay(points=24, seed=0):
    """Far from perfect: the part of the Hessian that Gauss and Newton leave out matters."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 10, points)
    return x, 3.0 * np.exp(-x / 2.0) + 0.5 + 0.3 * rng.standard_normal(points)


X, Y = noisy_decay()
P0 = np.array([2.0, 1.0, 0.0])
RNG = np.random.default_rng(1)


def agrees(function, at, step, rtol=1e-5):
    """Forward mode, reverse mode and differences of the fourth order say the same of `function` along `step`."""

    @jax.jit
    def ways(at, step):
        value, forward = jax.linearize(function, at)
        rows = jax.vmap(jax.linear_transpose(forward, at))(jnp.eye(value.size))[0]
        return value, forward(step), rows @ step

    near, far = ((ways(at + k * step, step)[0] - ways(at - k * step, step)[0]) / (2 * k) for k in (1, 2))
    _, along, across = ways(at, step)
    size = np.abs(along).max()
    np.testing.assert_allclose(across, along, rtol=1e-9, atol=1e-11 * size)
    np.testing.assert_allclose((4 * near - far) / 3, along, rtol=rtol, atol=rtol * size)
    return np.asarray(along)


@pytest.mark.parametrize("problem", [MISRA, ECKERLE, nist.PROBLEMS["Thurber"]], ids=lambda p: p.name)
def test_it_finds_the_certified_values_and_how_they_follow_the_data(problem):
    def popt(y):
        return least_squares(problem.model, problem.start_2, problem.x, y).popt / problem.certified

    noise = problem.residual_sd * RNG.standard_normal(problem.y.size)
    agrees(popt, problem.y, 0.01 * noise, rtol=1e-3)
    np.testing.assert_allclose(jax.jit(popt)(problem.y), 1, rtol=1e-6)


@pytest.mark.parametrize("loss", ["linear", "soft_l1"])
def test_it_is_the_fit_of_fit(loss):
    mine = jax.jit(lambda y: least_squares(decay, P0, X, y, weight=np.full(X.size, 4.0), loss=loss))(Y)
    theirs = fit(decay, X, Y, P0, sigma=np.full(X.size, 0.25), absolute_sigma=True, loss=loss)
    np.testing.assert_allclose(mine.popt, theirs.popt, rtol=1e-10)
    np.testing.assert_allclose(mine.pcov, theirs.pcov, rtol=1e-8)
    assert (int(mine.status), int(mine.steps)) == (theirs.status, theirs.steps)


def test_a_linear_model_follows_y_and_weight_as_the_normal_equations_say():
    weight = np.linspace(0.5, 2, X.size)

    def popt(y, weight):
        return least_squares(line, jnp.ones(2), X, y, weight=weight).popt

    J = np.stack([X, np.ones_like(X)], axis=1)
    inverse = np.linalg.inv(J.T @ (J * weight[:, None] ** 2))
    by_y, by_weight = jax.jit(jax.jacobian(popt, (0, 1)))(Y, weight)
    np.testing.assert_allclose(by_y, inverse @ (J * weight[:, None] ** 2).T, atol=1e-12)
    np.testing.assert_allclose(
        by_weight, inverse @ (J * (2 * weight * (Y - J @ popt(Y, weight)))[:, None]).T, atol=1e-12
    )


def test_x_weight_loss_scale_and_what_the_model_closes_over_are_followed():
    def popt(theta, loss="linear"):
        return least_squares(
            lambda x, a, tau, c: decay(theta[0] * x, a, tau, c),
            P0,
            X + theta[1] * np.cos(X),
            Y,
            weight=1 + theta[2] * X,
            loss=loss,
            loss_scale=0.3 + theta[3],
        ).popt

    agrees(popt, np.array([1.0, 0, 0.1, 0]), 1e-3 * np.array([1.0, 1, 1, 0]))
    agrees(lambda theta: popt(theta, "soft_l1"), np.array([1.0, 0, 0, 0]), 1e-3 * np.array([1.0, -1, 2, 3]))


def test_robust_fits_follow_y():
    outliers = Y + np.where(np.arange(Y.size) % 7 == 3, 2.0, 0.0)
    for loss in ("huber", "cauchy"):
        agrees(
            lambda y, loss=loss: least_squares(decay, P0, X, y, loss=loss, loss_scale=0.2).popt,
            outliers,
            1e-4 * RNG.standard_normal(Y.size),
        )


def test_an_active_bound_carries_its_parameter_along_and_others_answer():
    def popt(bound):
        return least_squares(decay, P0, X, Y, upper=jnp.stack([jnp.inf, bound[0], jnp.inf])).popt

    free = 1.5
    moved = agrees(popt, np.array([0.8 * free]), np.array([1e-3]))
    assert moved[1] == 1e-3
    assert np.all(moved != 0)
    assert not jax.jit(jax.jacobian(popt))(np.array([2 * free])).any()


def test_a_fixed_parameter_is_followed_and_a_start_value_is_not():
    def popt(p0):
        return least_squares(decay, p0, X, Y, fixed=[False, True, False]).popt

    agrees(popt, P0, 1e-3 * np.array([0.0, 1.0, 0.0]))
    by_p0 = jax.jit(jax.jacobian(popt))(P0)
    np.testing.assert_array_equal(by_p0[1], [0, 1, 0])
    assert not by_p0[:, [0, 2]].any()


def test_equal_bounds_hold_as_fixing_does():
    held = jax.jit(jax.jacobian(lambda b: least_squares(decay, P0, X, Y, lower=b, upper=b).popt))(P0)
    np.testing.assert_array_equal(held, np.eye(3))


def test_cost_and_covariance_and_second_derivatives_are_right():
    step = 1e-3 * RNG.standard_normal(Y.size)
    popt = fit(decay, X, Y, P0).popt
    by_y = jax.jit(jax.grad(lambda y: least_squares(decay, P0, X, y).cost))(Y)
    np.testing.assert_allclose(by_y, Y - decay(X, *popt), atol=1e-8)
    agrees(lambda y: least_squares(decay, P0, X, y, fixed=[0, 0, 1]).pcov.ravel(), Y, step)
    agrees(jax.grad(lambda y: least_squares(decay, P0, X, y).popt[1]), Y, step)


def test_vmap_over_everything_is_a_loop():
    def slope(p0, y, weight, upper):
        return jax.grad(lambda y: least_squares(decay, p0, X, y, weight=weight, upper=upper).popt[1])(y)

    batch = (
        P0 * RNG.uniform(0.8, 1.2, (4, 3)),
        Y + 0.1 * RNG.standard_normal((4, Y.size)),
        RNG.integers(0, 3, (4, Y.size)).astype(float),
        np.array([[np.inf, 1.5, np.inf], [np.inf] * 3, [2.5, np.inf, np.inf], [np.inf, np.inf, 0.1]]),
    )
    together, alone = jax.jit(jax.vmap(slope))(*batch), jax.jit(slope)
    for i, found in enumerate(together):
        np.testing.assert_allclose(found, alone(*(values[i] for values in batch)), rtol=1e-6, atol=1e-9)


def test_a_point_without_weight_is_as_if_it_were_not_there():
    """Neither nan in y nor a pole of the model at that x spoils a derivative."""

    def power(x, a, b):
        return a * x**-b

    x, gone = np.arange(0.0, 9.0), np.zeros(9)
    y, gone[1:] = 3 / np.maximum(x, 0.5) + 0.1 * np.cos(5 * x), 1
    y[0] = np.nan

    def popt(x, y, weight=None):
        return least_squares(power, jnp.ones(2), x, y, weight=weight).popt

    every = jax.jit(jax.jacrev(popt, (0, 1, 2)))(x, y, gone)
    fewer = jax.jit(jax.jacrev(popt, (0, 1)))(x[1:], y[1:])
    for whole, part in zip(every, fewer, strict=False):
        assert not whole[:, 0].any()
        np.testing.assert_allclose(whole[:, 1:], part, rtol=1e-8)
    assert np.isfinite(every[2]).all()


def test_what_the_data_do_not_determine_has_no_derivative_and_the_rest_has():
    def twice(x, a, b, tau):
        return (a + b) * jnp.exp(-x / tau)

    def once(x, a, tau):
        return a * jnp.exp(-x / tau)

    known = jax.jit(jax.jacobian(lambda y: least_squares(once, [1.0, 1.0], X, y).popt))(Y)
    for jacobian in (jax.jacfwd, jax.jacrev):
        by_y = jax.jit(jacobian(lambda y: least_squares(twice, [1.0, 0.5, 1.0], X, y).popt))(Y)
        assert np.isnan(by_y[:2]).all()
        np.testing.assert_allclose(by_y[2], known[1], rtol=1e-6, atol=1e-7)


def test_a_model_that_only_goes_forward_is_fitted_and_followed_by_y_in_either_mode():
    def halves(x, a, tau):
        return jax.lax.while_loop(lambda s: s[0] < 2, lambda s: (s[0] + 1, s[1] / tau), (0, a * jnp.exp(-x)))[1]

    agrees(lambda y: least_squares(halves, [1.0, 2.0], X, y, fixed=[0, 1], mode="forward").popt, Y, 1e-2 * np.cos(X))


def test_float32_stays_float32_and_nothing_of_jax_changes():
    with jax.enable_x64(False):
        before = dict(jax.config.values)
        found = jax.jit(lambda y: least_squares(decay, P0, X, y))(Y)
        slope = jax.jit(jax.grad(lambda y: least_squares(decay, P0, X, y).popt[1]))(Y)
        assert dict(jax.config.values) == before
    assert {found.popt.dtype, found.pcov.dtype, found.cost.dtype, slope.dtype} == {np.dtype("float32")}
    assert found.status > 0
    np.testing.assert_allclose(found.popt, fit(decay, X, Y, P0).popt, rtol=1e-4)


def test_many_points_with_two_predictors_in_jax_of_any_manners():
    x = RNG.uniform(0, 1, (2, 3 * 2048))
    y = 2 * x[0] - x[1]
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        popt = jax.jit(lambda y: least_squares(lambda x, a, b: a * x[0] + b * x[1], [1, 1], x, y).popt)(y)
    np.testing.assert_allclose(popt, [2, -1], rtol=1e-12)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"y": np.ones((2, 3))}, "jax.vmap"),
        ({"x": np.ones(3)}, "one x for each y"),
        ({"p0": 1.0}, "one start value for each parameter"),
        ({"weight": np.ones(3)}, r"weight has shape \(3,\); give one number, or an array of shape \(24,\)"),
        ({"lower": np.ones(2)}, "lower has shape"),
        ({"fixed": ["tau"]}, "fixed is not an array of numbers"),
        ({"loss": "welsch"}, "choose one of: linear, huber"),
        ({"mode": "both"}, "choose one of: auto"),
        ({"y": Y + 1j}, "y is complex"),
        ({"p0": np.ones(2)}, "p0 has 2 values, but the model has 3"),
        ({"model": lambda x, a, b, c: np.exp(x * a)}, "use jax.numpy"),
    ],
)
def test_what_cannot_be_fitted_is_one_sentence(given, said):
    arguments = {"model": decay, "p0": P0, "x": X, "y": Y} | given
    with pytest.raises((ValueError, ModelError), match=said) as caught:
        jax.jit(lambda: least_squares(**arguments))()
    assert "\n" not in str(caught.value)
