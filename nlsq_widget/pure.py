"""The fit as one pure function of arrays, for whoever builds on it: jax.jit, jax.vmap and jax.grad accept it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from nlsq_widget.model import as_model
from nlsq_widget.pointwise import is_pointwise
from nlsq_widget.problem import FTOL, GTOL, MAX_STEPS, XTOL, Problem
from nlsq_widget.solver import LOSSES, Form, Mode, covariance, forward_is_cheaper
from nlsq_widget.solver.implicit import cost, inverse, solution
from nlsq_widget.solver.residuals import CHUNK, weighted


class Solution(NamedTuple):
    """What `least_squares` found; all of it but `status` and `steps` can be differentiated."""

    popt: Array  # [parameters]
    pcov: Array  # [parameters, parameters], (J'J)^-1: the covariance where weight is 1/sigma
    cost: Array  # half the sum of the squared weighted residuals, or of their loss
    status: Array  # int, positive when it converged; solver.Status says why it stopped
    steps: Array  # int, trial steps taken


def least_squares(
    model: Callable[..., Any] | str,
    p0: ArrayLike,
    x: ArrayLike,
    y: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    lower: ArrayLike | None = None,
    upper: ArrayLike | None = None,
    fixed: ArrayLike | None = None,
    loss: str = "linear",
    loss_scale: ArrayLike = 1.0,
    max_steps: ArrayLike = MAX_STEPS,
    mode: str = "auto",
) -> Solution:
    """Fit `model(x, *parameters)` to `y`, as a pure function to be jitted, vmapped and differentiated.

    x is [points], or [predictors, points]; y is [points]; weight, 1/sigma, is [points], and a point with weight 0
    does not count, whatever its y. p0, lower, upper and fixed (bool: stays at p0) are [parameters]; a bound may be
    one number for all, and is infinite where there is none. Only shapes are checked, with a ValueError: values may
    be traced, so the message for a failed fit is its `status`.

    Derivatives are those of the solution, by the implicit function theorem (Krantz and Parks 2013; Blondel et al.
    2022) with the full Hessian: by y, x, weight, loss_scale, what the model closes over, and the value of an active
    bound or of a fixed parameter; by p0 they are zero. Forward and reverse mode, and derivatives of derivatives.
    They are nan for what the data do not determine, and mean nothing where the fit did not converge.

    The widest of the types of p0, x and y is the arithmetic's, float32 at least. That is float64 only within
    `with jax.enable_x64():`, or where it is set for all. `mode` is that of the model's derivatives, "forward",
    "reverse" or "auto" for the cheaper; a model that JAX cannot take in reverse needs "forward". Nothing is
    compiled ahead; jax.jit does.

    >>> import jax
    >>> def decay(x, a, tau):
    ...     return a * jnp.exp(-x / tau)
    >>> x = jnp.linspace(0.0, 4.0, 9)
    >>> tau = jax.jit(lambda y: least_squares(decay, jnp.ones(2), x, y).popt[1])
    >>> y = 3 * jnp.exp(-x / 2)
    >>> print(tau(y).round(4), jax.vmap(tau)(jnp.stack([y, 2 * y])).shape)
    2.0 (2,)
    >>> np.asarray(jax.grad(tau)(y), float).round(1).tolist()  # which points hold it down, and which up
    [-0.5, -0.1, 0.1, 0.3, 0.3, 0.4, 0.4, 0.3, 0.3]
    """
    p0, x, y = _array("p0", p0), _array("x", x), _array("y", y)
    _check(p0, x, y, loss, mode)
    floats = (a.dtype for a in (p0, x, y) if jnp.issubdtype(a.dtype, jnp.floating))
    dtype = np.result_type(np.float32, *floats)

    def each(name: str, values: ArrayLike | None, otherwise: float, like: Array) -> Array:
        return _shaped(name, otherwise if values is None else values, like.shape, dtype)

    start, moves = p0.astype(dtype), each("fixed", fixed, 0, p0) == 0
    low = jnp.where(moves, each("lower", lower, -jnp.inf, p0), start)
    high = jnp.where(moves, each("upper", upper, jnp.inf, p0), start)
    limit, scale = _shaped("max_steps", max_steps, (), dtype), _shaped("loss_scale", loss_scale, (), dtype)
    rules = [FTOL, XTOL, GTOL, limit, list(LOSSES).index(loss), scale]

    named = as_model(model, p0.size, keep_defaults=True)
    separate = (weight is not None or y.size > CHUNK) and x.shape[-1:] == y.shape
    separate = separate and is_pointwise(named, x.shape, y.size)
    forward = mode == "forward" or (mode == "auto" and forward_is_cheaper(p0.size, y.size))
    form = Form(named.curve, None, "forward" if forward else "reverse", separate)
    problem = Problem(
        *_points(x.astype(dtype), y.astype(dtype), each("weight", weight, 1, y), separate),
        whiten=None,
        grid=jnp.zeros(0, dtype),
        choices=jnp.stack([start, low, high, moves.astype(dtype)]),
        rules=jnp.stack([jnp.asarray(rule, dtype) for rule in rules]),
    )
    return _solved(form, problem, "forward" if mode == "forward" else "reverse")


def _solved(form: Form, problem: Problem, gradient: Mode) -> Solution:
    popt, R, status, steps = solution(form, problem, gradient)
    known = covariance(R, problem.free, jnp.sum(problem.weight > 0))
    _, columns = weighted(form, problem, popt)
    return Solution(popt, inverse(columns @ columns.T, known), cost(form, problem, popt), status, steps)


def _points(x: Array, y: Array, weight: Array, separate: bool) -> tuple[Array, Array, Array]:
    """x, y and weight, with nothing that could make a derivative nan where a point does not count."""
    counts = weight > 0
    if separate:  # else the model reads all of x, whatever counts
        there = jnp.take(x, jnp.argmax(counts), axis=-1)[..., None]
        x = jnp.where(jnp.broadcast_to(counts, x.shape), x, jnp.broadcast_to(there, x.shape))
    return x, jnp.where(counts, y, 0.0), jnp.where(counts, weight, 0.0)


def _array(name: str, values: ArrayLike) -> Array:
    try:
        array = jnp.asarray(values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not an array of numbers.") from error
    if jnp.iscomplexobj(array):
        raise ValueError(f"{name} is complex; fit real and imaginary parts, or the magnitude.")
    return array


def _shaped(name: str, values: ArrayLike, shape: tuple[int, ...], dtype: Any) -> Array:
    array = _array(name, values).astype(dtype)
    if array.shape not in ((), shape):
        raise ValueError(f"{name} has shape {array.shape}; give one number, or an array of shape {shape}.")
    return jnp.broadcast_to(array, shape)


def _check(p0: Array, x: Array, y: Array, loss: str, mode: str) -> None:
    if p0.ndim != 1:
        raise ValueError(f"p0 has shape {p0.shape}; give one start value for each parameter, in one dimension.")
    if y.ndim != 1 or y.size == 0:
        raise ValueError(f"y has shape {y.shape}; give one value for each point, and use jax.vmap for many data sets.")
    if x.ndim < 2 and x.shape != y.shape:
        raise ValueError(f"x has shape {x.shape} and y has {y.shape}; give one x for each y.")
    if loss not in LOSSES:
        raise ValueError(f"There is no loss {loss!r}; choose one of: {', '.join(LOSSES)}.")
    if mode not in ("auto", "forward", "reverse"):
        raise ValueError(f"There is no mode {mode!r}; choose one of: auto, forward, reverse.")
