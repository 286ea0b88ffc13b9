"""One fit as plain arrays. What a user can toggle is a value here, never a shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from nlsq_widget.data import Data

# Tighter than SciPy's 1e-8: near a solution a step costs little and doubles the digits.
FTOL = 1e-15
XTOL = 1e-12
GTOL = 1e-14
MAX_STEPS = 2000


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Problem:
    """All that the compiled program is given; NumPy arrays outside, traced ones inside.

    What changes with each drag is packed in two small arrays, for a transfer has its price, however small.
    """

    x: Any  # float [..., points]; padded points repeat the last one
    y: Any  # float [points]
    weight: Any  # float [points], 1/sigma; 0 drops the point
    whiten: Any  # float [points, points] that makes correlated errors independent, or None
    grid: Any  # float [grid], where the curves are drawn; empty where nobody draws
    choices: Any  # float [4, parameters]: p0, lower, upper, and 1 where free
    rules: Any  # float [6]: ftol, xtol, gtol, max_steps, loss, loss_scale

    @property
    def p0(self) -> Any:
        """Where the fit begins [parameters]; what is not free stays there."""
        return self.choices[0]

    @property
    def lower(self) -> Any:
        """Bounds [parameters], -inf where there is none."""
        return self.choices[1]

    @property
    def upper(self) -> Any:
        """Bounds [parameters], +inf where there is none."""
        return self.choices[2]

    @property
    def free(self) -> Any:
        """What may move: bool [parameters]; equal bounds hold a parameter as well."""
        return (self.choices[3] > 0) & (self.lower < self.upper)

    @property
    def ftol(self) -> Any:
        """Stop when a full step would lower the cost by less than this part of it."""
        return self.rules[0]

    @property
    def xtol(self) -> Any:
        """Stop when a full step would move the parameters by less than this part of them."""
        return self.rules[1]

    @property
    def gtol(self) -> Any:
        """Stop when the cosine between the residuals and every column of the Jacobian is below this."""
        return self.rules[2]

    @property
    def max_steps(self) -> Any:
        """Trial steps to take at most."""
        return self.rules[3]

    @property
    def loss(self) -> Any:
        """Which of `solver.LOSSES`, by its place."""
        return self.rules[4].astype(int)

    @property
    def loss_scale(self) -> Any:
        """The weighted residual from which on a robust loss departs from the square."""
        return self.rules[5]


def bucket(points: int) -> int:
    """The padded length that serves `points`: at most a quarter more, so that few lengths need a program.

    >>> [bucket(n) for n in (1, 8, 9, 100, 1000)]
    [8, 8, 10, 112, 1024]
    """
    if points <= 8:
        return 8
    grain = 1 << ((points - 1).bit_length() - 3)
    return -(-points // grain) * grain


def pad(values: np.ndarray, length: int, *, fill: float | None = None) -> np.ndarray:
    """`values` up to `length` along the last axis, continued by `fill` or by its last value."""
    points = values.shape[-1]
    if points == length:
        return values
    padded = np.empty((*values.shape[:-1], length), values.dtype)
    padded[..., :points] = values
    padded[..., points:] = values[..., -1:] if fill is None else fill
    return padded


def points_of(data: Data, out: np.ndarray | None, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and weight of `data`, padded to `length` where that is more; what is `out` [points] weighs nothing."""
    weight = np.zeros(length)
    weight[: data.n_points] = 1.0 if data.sigma is None or data.correlated else 1.0 / data.sigma
    if out is not None:
        weight[: data.n_points][out] = 0.0
    x = data.x if length == data.n_points else pad(data.x, length)
    return x, pad(data.y, length), weight
