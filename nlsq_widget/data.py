"""What was measured: x, y and sigma. Checked here once; inside, everything trusts it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

_LEAST, _MOST = 1e-140, 1e140


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
    return replace(checked(numbers("x", x), numbers("y", y), sigma), x_label=str(x_label), y_label=str(y_label))


def checked(x: np.ndarray, y: np.ndarray, sigma: ArrayLike | None = None, *, finite_x: bool = True) -> Data:
    """As `measured`, of arrays from `numbers`; x may be infinite or nan where `finite_x` is False."""
    _finite("y", y)
    if finite_x:
        _finite("x", x)
    if y.ndim != 1 or y.size == 0:
        raise ValueError(f"y has shape {y.shape}; give one value for each point, as an array with one dimension.")
    if x.ndim < 2 and x.size != y.size:
        raise ValueError(f"x has {x.size} values and y has {y.size}; give one x for each y.")
    errors = None if sigma is None else _checked_sigma(_finite("sigma", numbers("sigma", sigma)), y.size)
    _check_square("y", float(np.max(np.abs(y))))
    if errors is not None and errors.ndim == 1:
        with np.errstate(over="ignore", under="ignore"):
            _check_square("y / sigma", float(np.max(np.abs(y) / errors)))
    return Data(x, y, errors)


def _check_square(name: str, greatest: float) -> None:
    """What is fitted is a sum of squares: they must neither vanish nor overflow."""
    if greatest != 0 and not _LEAST < greatest < _MOST:
        raise ValueError(
            f"{name} reaches {greatest:.3g}, whose square no float can hold; give the data in another unit, "
            "of which they are some."
        )


def numbers(name: str, values: ArrayLike) -> np.ndarray:
    """A frozen copy in float64, nan where masked: a later change of the user's array is not half a fit."""
    try:
        array = np.ma.filled(values, np.nan) if isinstance(values, np.ma.MaskedArray) else np.asarray(values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not an array: its rows have different lengths.") from error
    if array.dtype.kind in "mM":
        raise ValueError(f"{name} holds dates or times; give seconds or days since a moment near the data, as floats.")
    if np.iscomplexobj(array):
        raise ValueError(f"{name} is complex; fit its real and imaginary parts, or its magnitude.")
    try:
        array = np.array(array, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{name} holds values that are not numbers ({array.dtype}); convert it to floats first."
        ) from error
    array.setflags(write=False)
    return array


def _finite(name: str, array: np.ndarray) -> np.ndarray:
    finite = np.isfinite(array)
    if not finite.all():
        bad = ~finite
        first = int(np.argmax(bad.reshape(-1, array.shape[-1]).any(axis=0))) if array.ndim else 0
        raise ValueError(
            f"{name} has {_values(int(bad.sum()))} not finite (nan or inf), first at index {first}; "
            f"remove {_those(bad)} before the fit."
        )
    return array


def _checked_sigma(sigma: np.ndarray, points: int) -> np.ndarray:
    if sigma.size == 1:  # one standard error for all
        sigma = np.full(points, sigma.item())
    if sigma.shape == (points, points):
        if np.abs(sigma - sigma.T).max() > 1e-6 * np.abs(sigma).max():
            raise ValueError("sigma is not a covariance matrix: it must be symmetric and positive definite.")
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
