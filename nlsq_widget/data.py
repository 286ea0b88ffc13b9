"""What was measured: x, y and sigma. Checked here once; inside, everything trusts it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class Data:
    """Measured points in float64."""

    x: np.ndarray  # [points] or [predictors, points]
    y: np.ndarray  # [points]
    sigma: np.ndarray | None = None  # [points], standard errors of y; or [points, points], their covariance
    x_label: str = "x"  # name and unit, as on an axis
    y_label: str = "y"

    @property
    def n_points(self) -> int:
        return self.y.size


def measured(
    x: ArrayLike, y: ArrayLike, sigma: ArrayLike | None = None, *, x_label: str = "x", y_label: str = "y"
) -> Data:
    """`Data` from anything that NumPy takes for an array.

    >>> measured([1, 2, 3], [2.0, 4.1, 5.9]).n_points
    3

    Raises ValueError, with what to do about it, when lengths differ or values are not finite.
    """
    y_ = _numbers("y", y)
    x_ = _numbers("x", x)
    if y_.ndim != 1 or y_.size == 0:
        raise ValueError(f"y has shape {y_.shape}; give one value for each point, as an array with one dimension.")
    if x_.ndim < 2 and x_.size != y_.size:
        raise ValueError(f"x has {x_.size} values and y has {y_.size}; give one x for each y.")
    sigma_ = None if sigma is None else _checked_sigma(_numbers("sigma", sigma), y_.size)
    return Data(x_, y_, sigma_, str(x_label), str(y_label))


def _numbers(name: str, values: ArrayLike) -> np.ndarray:
    try:
        array = np.ma.filled(values, np.nan) if np.ma.is_masked(values) else np.asarray(values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not an array: its rows have different lengths.") from error
    if array.dtype.kind in "mM":
        raise ValueError(f"{name} holds dates or times; give seconds or days since a moment near the data, as floats.")
    if np.iscomplexobj(array):
        raise ValueError(f"{name} is complex; fit its real and imaginary parts, or its magnitude.")
    try:
        array = np.array(array, dtype=np.float64)  # a copy: a later change of the user's array is not half a fit
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{name} holds values that are not numbers ({array.dtype}); convert it to floats first."
        ) from error
    bad = ~np.isfinite(array)
    if bad.any():
        first = int(np.argmax(bad.reshape(-1, array.shape[-1]).any(axis=0))) if array.ndim else 0
        raise ValueError(
            f"{name} has {_values(int(bad.sum()))} not finite (nan or inf), first at index {first}; "
            f"remove {_those(bad)} before the fit."
        )
    array.setflags(write=False)
    return array


def _checked_sigma(sigma: np.ndarray, points: int) -> np.ndarray:
    if sigma.ndim == 0:
        sigma = np.full(points, float(sigma))
    if sigma.shape == (points, points):
        return sigma
    if sigma.shape != (points,):
        raise ValueError(
            f"sigma has shape {sigma.shape} for {points} points; "
            "give one standard error for each, or their covariance matrix."
        )
    bad = sigma <= 0
    if bad.any():
        raise ValueError(
            f"sigma has {_values(int(bad.sum()))} not positive, first at index {int(np.argmax(bad))}; "
            "to drop a point, exclude it instead."
        )
    return sigma


def _values(count: int) -> str:
    return "1 value that is" if count == 1 else f"{count} values that are"


def _those(bad: np.ndarray) -> str:
    return "that point" if bad.sum() == 1 else "those points"
