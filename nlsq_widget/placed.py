"""Points that stay on the device on which they were given. What is wrong with them is said by data.py, on the host."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from nlsq_widget.data import LEAST, MOST, Data, Given, checked_sigma, numbers
from nlsq_widget.device import Device, home, scope
from nlsq_widget.problem import bucket


def placed(x: Any, y: Any, sigma: Any, where: Device, *, rows: bool = False) -> Data | None:
    """`Data` whose JAX arrays are not brought to the host for a fit on `where`; with `rows`, y and sigma are for many.

    None where there is nothing to gain, since no JAX array lives on a device with its own memory, and where something
    is wrong or unusual: then `data.measured` takes them, or says what to do.
    """
    if where.host or not any(lives is not None and not lives.host for lives in map(home, (x, y, sigma))):
        return None
    with scope(where):
        given = _given(x, y, sigma, rows)
        if given is None:
            return None
        errors = None if given.sigma is None or given.sigma.ndim != given.y.ndim else given.sigma
        points = given.y.shape[-1]
        ready = _ready(*jax.device_put((given.x, given.y, errors), where.jax), bucket(points))
        if isinstance(ready[0], Tracer):  # within a function that JAX traces, where NumPy still computes
            return None
        return Data(given, placed=ready) if _fine(*ready, points) else None


def _given(x: Any, y: Any, sigma: Any, rows: bool) -> Given | None:
    """The arrays, where their shapes go together."""
    try:
        x, y = _kept("x", x), _kept("y", y, rows)
        points = y.shape[-1:]
        if y.ndim != 1 + rows or y.size == 0 or x.shape[-1:] != points:
            return None
        errors = None if sigma is None else _kept("sigma", sigma, rows)
        if errors is not None and not rows and errors.shape != points:
            errors = checked_sigma(errors, y.size)  # one for all, or a covariance
    except ValueError:
        return None
    return Given(x, y, errors) if errors is None or errors.shape[-1:] == points else None


def _kept(name: str, values: Any, rows: bool = False) -> Any:
    """A JAX array of real numbers as it is, anything else by NumPy."""
    real = home(values) is not None and (values.dtype == bool or jnp.issubdtype(values.dtype, jnp.number))
    kept = values if real and not jnp.iscomplexobj(values) else numbers(name, values)
    return kept[None] if rows and kept.ndim == 1 else kept


@partial(jax.jit, static_argnames="length")
def _ready(x: Array, y: Array, sigma: Array | None, length: int) -> tuple[Array, Array, Array]:
    """x, y and 1/sigma in float64, padded to `length`; a small program for each length that comes, as XLA wants it."""
    weight = 1.0 / (jnp.ones((1,) * (y.ndim - 1) + y.shape[-1:]) if sigma is None else sigma.astype(float))

    def padded(values: Array, mode: str) -> Array:
        after = ((0, 0),) * (values.ndim - 1) + ((0, length - values.shape[-1]),)
        return jnp.pad(values.astype(float), after, mode)

    return padded(x, "edge"), padded(y, "edge"), padded(weight, "constant")


@jax.jit
def _fine(x: Array, y: Array, weight: Array, points: Array) -> Array:
    """Whether `data.checked` would find nothing wrong; it may err in saying no."""
    counts = (weight > 0) & (weight < jnp.inf)
    greatest = jnp.max(jnp.abs(y))  # nan where one is
    lightest, heaviest = jnp.min(jnp.where(counts, weight, jnp.inf)), jnp.max(weight)
    sizes = jnp.stack([greatest, greatest * lightest, greatest * heaviest])
    fine = (
        jnp.all(jnp.isfinite(x)),
        jnp.all(jnp.sum(counts, axis=-1) == points),
        jnp.all((sizes > LEAST) & (sizes < MOST)),
    )
    return jnp.all(jnp.stack(fine))


def points_on(
    ready: tuple[Array, Array, Array], out: np.ndarray | None, length: int, where: Device
) -> tuple[Array, Array, Array]:
    """x, y and weight [length] on `where`, as `problem.points_of`."""
    with scope(where):
        x, y, weight = jax.device_put(ready, where.jax)
        if out is not None:
            counts = np.ones(weight.shape[-1], dtype=bool)
            counts[: out.size] = ~out
            weight = jnp.where(counts, weight, 0.0)
        if length == y.shape[-1]:
            return x, y, weight
        return x[..., :length], y[..., :length], weight[..., :length]
