"""Whether a model takes each point by itself. Only then may points be added to fill a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from nlsq_widget.model import Model, ModelError

if TYPE_CHECKING:
    from jax.extend import core  # which would import Pallas

# What maps each element on its own. Anything else (sums, sorts, scans, ...) may mix points, and counts as mixing.
_ELEMENTWISE = frozenset(
    """
    abs add add_any acos acosh and asin asinh atan atan2 atanh bessel_i0e bessel_i1e cbrt ceil clamp
    convert_element_type copy cos cosh digamma div eq erf erf_inv erfc exp exp2 expm1 floor ge gt igamma igammac
    integer_pow is_finite le lgamma log log1p logistic lt max min mul ne neg nextafter not or polygamma pow
    regularized_incomplete_beta rem round rsqrt select_n sign sin sinh sqrt square stop_gradient sub tan tanh xor zeta
    """.split()
)
_CALLS = {"jit": "jaxpr", "pjit": "jaxpr", "custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr"}
_MOVES = frozenset(("slice", "squeeze", "reshape", "broadcast_in_dim"))
_ANOTHER_LENGTH = 1009  # one that no constant of a model is likely to share


def is_pointwise(model: Model, x_shape: tuple[int, ...], padded: int) -> bool:
    """True when every point of the curve depends on x there and on the parameters alone.

    A model that reads the whole of x (its mean, its length, a cumulative sum) gets its points as they are,
    never padded. Read off the traced program, at the length of x, at the padded one and at another, so that a
    length that went in as a number shows.
    """
    try:
        traces = [_trace(model, (*x_shape[:-1], points)) for points in (x_shape[-1], padded, _ANOTHER_LENGTH)]
    except ModelError:  # it works at its own length only
        return False
    return traces[0] is not None and all(trace == traces[0] for trace in traces)


def _trace(model: Model, x_shape: tuple[int, ...]) -> list[Any] | None:
    x = jax.ShapeDtypeStruct(x_shape, jnp.result_type(float))
    p = [jax.ShapeDtypeStruct((), x.dtype)] * len(model.names)
    closed = jax.make_jaxpr(lambda x, *p: model.curve(x, p, x_shape[-1]))(x, *p)
    steps: list[Any] = []
    return steps if _walk(closed, x_shape, steps) else None


def _walk(closed: core.ClosedJaxpr, x_shape: tuple[int, ...], steps: list[Any]) -> bool:
    """Append what identifies each equation; False at the first that may mix points."""
    if any(np.ndim(constant) for constant in closed.consts):
        return False
    # One that JAX traces, in whatever surrounds the model, has no number yet.
    steps.extend(float(c) if _concrete(c) else id(c) for c in closed.consts)
    for equation in closed.jaxpr.eqns:
        name = equation.primitive.name
        steps.append(name)
        steps.extend(repr(v.val) for v in equation.invars if hasattr(v, "val"))  # literals
        if name in _CALLS:
            inner = equation.params[_CALLS[name]]
            if not _walk(inner, x_shape, steps):
                return False
        elif name not in _ELEMENTWISE and not _keeps_points(equation, x_shape):
            return False
    return True


def _keeps_points(equation: Any, x_shape: tuple[int, ...]) -> bool:
    """Arithmetic among parameters, spreading a scalar over the points, or picking one predictor (a row of x)."""
    points = x_shape[-1]
    sources = [v.aval.shape for v in equation.invars]
    if len(equation.outvars) != 1:
        return False
    target = equation.outvars[0].aval.shape
    if not any(points in source for source in sources):
        return bool(sources) and (points not in target or sources == [()])
    return (
        equation.primitive.name in _MOVES
        and sources[0][-1] == points
        and target[-1:] == (points,)
        and len(sources[0]) <= len(x_shape)
    )


def _concrete(constant: Any) -> bool:
    try:
        float(constant)
    except jax.errors.ConcretizationTypeError:
        return False
    return True
