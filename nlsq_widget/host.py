"""A function that JAX cannot trace, called with NumPy arrays from inside a compiled program, and differentiated."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

# Where a trial step may well lead: to the logarithm of a negative number, say. The value there is nan.
_OUT_OF_DOMAIN = (ArithmeticError, ValueError, Warning)
_EPS = float(np.finfo(float).eps)
_STEP = _EPS ** (1 / 3)  # of a parameter: truncation and rounding are then as large (Dennis and Schnabel 1983)
_PIECE = 4096  # numbers that are copied at once
_BENT = 1e-6  # the part of a difference quotient by which a finer one may differ
_SEEN = 1e-7  # the part of the values that a difference must be, or the rounding of the values shows in it

Curve = Callable[[np.ndarray], np.ndarray]  # parameters [parameters] -> values [points]


class Raised:
    """Keeps what the user's code raised: XLA would make pages of it, or lose it in another thread.

    A context that lets nothing out. After the first error that is no matter of the parameters, `broken` says
    that there is no use in going on.
    """

    def __init__(self) -> None:
        self._error: BaseException | None = None

    @property
    def broken(self) -> bool:
        return self._error is not None

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: types.TracebackType | None
    ) -> bool:
        if error is not None and not isinstance(error.__cause__, _OUT_OF_DOMAIN):
            self._error = error
        return True

    def again(self) -> None:
        """Raise what was kept, once, where the user sees it."""
        error, self._error = self._error, None
        if error is not None:
            raise error


def called(function: Callable[..., np.ndarray], raised: Raised, shape: tuple[int, ...], *arrays: Array) -> Array:
    """`function` of float64 arrays -> float64 [shape], on the host; nan where it raises.

    The numbers travel as bits: JAX may call back in a thread of its own, which has not our float64, and would
    round them.
    """

    def back(*bits: Any) -> np.ndarray:
        value = np.full(shape, np.nan)
        if not raised.broken:
            with raised, jax.enable_x64(True), jax.default_device(jax.local_devices(backend="cpu")[0]):
                given = [_floats(pieces).reshape(array.shape) for pieces, array in zip(bits, arrays, strict=True)]
                value = np.ascontiguousarray(function(*given), dtype=float)
        return value.view(np.uint32).reshape(*shape, 2)

    kind = jax.ShapeDtypeStruct((*shape, 2), jnp.uint32)
    sent = [_bits(array) for array in arrays]
    return lax.bitcast_convert_type(jax.pure_callback(back, kind, *sent, vmap_method="sequential"), jnp.float64)


def _bits(array: Array) -> list[Array]:
    """The bits of float64 numbers in pieces: JAX copies what is large in a thread, of which a busy machine has none."""
    flat = lax.bitcast_convert_type(array.astype(jnp.float64).reshape(-1), jnp.uint32)
    return [flat[i : i + _PIECE] for i in range(0, max(flat.shape[0], 1), _PIECE)]


def _floats(pieces: list[Any]) -> np.ndarray:
    return np.concatenate([np.asarray(piece) for piece in pieces]).view(np.float64)[:, 0]


def differences(f: Curve, p: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """The derivatives of `f` at `p` by finite differences within the bounds -> [parameters, points].

    Central ones where both sides are finite, else of the same order from one side (Nocedal and Wright 2006, ch. 8).
    """
    here = f(p)
    return np.array([_column(f, here, p, i, lower[i], upper[i]) for i in range(p.size)])


def _column(f: Curve, here: np.ndarray, p: np.ndarray, i: int, lower: float, upper: float) -> np.ndarray:
    """The derivative by one parameter. A step that the values hardly feel is widened: the parameter may be near 0."""
    if not lower < upper:
        return np.zeros_like(here)
    counts = np.isfinite(here)
    size = max(abs(p[i]), 1e-12)
    slope, response = _refined(f, here, p, i, _STEP * size, lower, upper)
    while size < max(1.0, abs(p[i])) and response <= _SEEN * _largest(here, counts):
        size *= 100.0
        wider, response = _slope(f, here, p, i, _STEP * size, lower, upper)
        if not np.isfinite(wider[counts]).all():
            break
        slope = wider
    return slope


def _refined(
    f: Curve, here: np.ndarray, p: np.ndarray, i: int, h: float, lower: float, upper: float
) -> tuple[np.ndarray, float]:
    """The difference quotient for a step of `h`, or of less where the curve bends within it: a centre at 574 may
    belong to a peak of width 0.01. The step shrinks as long as that changes the quotient, and changes it less and less.
    """
    slope, response = _slope(f, here, p, i, h, lower, upper)
    counts, last = np.isfinite(here), np.inf
    while True:
        h /= 10.0
        finer, felt = _slope(f, here, p, i, h, lower, upper)
        change = _largest(finer - slope, counts) / max(_largest(slope, counts), np.finfo(float).tiny)
        if not _BENT < change < last:
            return slope, response
        slope, response, last = finer, felt, change


def _slope(
    f: Curve, here: np.ndarray, p: np.ndarray, i: int, h: float, lower: float, upper: float
) -> tuple[np.ndarray, float]:
    """The difference quotient for a step of about `h`, and how much the values changed."""
    counts = np.isfinite(here)

    def at(step: float) -> tuple[np.ndarray, float, bool]:
        q = p.copy()
        q[i] += step
        inside = lower <= q[i] <= upper
        value = f(q) if inside else np.full_like(here, np.nan)
        return value, q[i] - p[i], bool(np.isfinite(value[counts]).all())  # the step that was really taken

    with np.errstate(all="ignore"):
        (up, a, above), (down, b, below) = at(h), at(-h)
        if above and below:
            return (up - down) / (a - b), _largest(up - down, counts)
        if not (above or below):
            room = max(upper - p[i], p[i] - lower)
            return _slope(f, here, p, i, room / 4, lower, upper) if room < h else (np.full_like(here, np.nan), np.inf)
        near, a = (up, a) if above else (down, b)
        far, b, usable = at(2 * a)
        if not usable:
            return (near - here) / a, _largest(near - here, counts)
        # The parabola through the three, steps a and b from here.
        return ((near - here) * b / a - (far - here) * a / b) / (b - a), _largest(near - here, counts)


def _largest(change: np.ndarray, counts: np.ndarray) -> float:
    return float(np.max(np.abs(change), initial=0.0, where=counts))
