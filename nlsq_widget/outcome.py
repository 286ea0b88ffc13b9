"""All that a re-fit brings back, by name, and in the few pieces in which it leaves a device."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

_NO_CURVE = np.zeros(0)


class Outcome(NamedTuple):
    """All that a re-fit brings back, as arrays."""

    popt: Any  # [parameters]
    inverse: Any  # [parameters, parameters], (J'J)^-1
    R: Any  # [parameters, parameters], R'R = J'J at popt
    norms: Any  # [parameters], of the columns of the weighted Jacobian, the greater of those at p0 and at popt
    cost: Any  # half the sum of the squared weighted residuals, or of their loss
    status: Any  # a solver.Status
    steps: Any
    fitted: Any  # [points], the model at popt; it stays on the device
    curve_p0: Any  # [grid]
    curve: Any  # [grid], at popt


def few(outcome: Outcome) -> tuple[Array, Array, Array | None]:
    """The outcome as few arrays: all the small numbers, the points, the curves."""
    scalars = jnp.stack([outcome.cost, *(n.astype(outcome.popt.dtype) for n in (outcome.status, outcome.steps))])
    numbers = jnp.concatenate([scalars, outcome.popt, outcome.norms, outcome.inverse.ravel(), outcome.R.ravel()])
    return numbers, outcome.fitted, jnp.stack([outcome.curve_p0, outcome.curve]) if outcome.curve.size else None


def named(pieces: tuple[Any, Any, Any], n: int) -> Outcome:
    """What `few` gave of an outcome with n parameters, by name."""
    numbers, fitted, curves = np.array(pieces[0], dtype=float), pieces[1], pieces[2]
    curve_p0, curve = (_NO_CURVE, _NO_CURVE) if curves is None else np.asarray(curves, dtype=float)
    popt, norms, squares = numbers[3 : 3 + n], numbers[3 + n : 3 + 2 * n], numbers[3 + 2 * n :].reshape(2, n, n)
    cost, status, steps = numbers[:3]
    return Outcome(popt, squares[0], squares[1], norms, cost, status, steps, fitted, curve_p0, curve)
