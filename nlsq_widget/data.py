"""What was measured: x, y and sigma. Checked here once; inside, everything trusts it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any, NamedTuple

import numpy as np
from jax import Array
from jax.core import Tracer
from numpy.typing import ArrayLike

LEAST, MOST = 1e-140, 1e140


class Given(NamedTuple):
    """The points where they are: NumPy arrays in float64, or JAX arrays on a device."""

    x: Any
    y: Any
    sigma: Any = None


@dataclass(frozen=True, eq=False)
class Data:
    """Measured points in float64, as NumPy arrays; what is on a device is brought when it is asked for."""

    given: Given
    x_label: str = "x"  # name and unit, as on an axis
    y_label: str = "y"
    placed: tuple[Array, Array, Array] | None = None  # x, y and 1/sigma [bucket] in the memory of a device

    @cached_property
    def x(self) -> np.ndarray:
        """[points] or [predictors, points]"""
        return _on_host("x", self.given.x)

    @cached_property
    def y(self) -> np.ndarray:
        """[points]"""
        return _on_host("y", self.given.y)

    @cached_property
    def sigma(self) -> np.ndarray | None:
        """[points], standard errors of y; or [points, points], their covariance."""
        return None if self.given.sigma is None else _on_host("sigma", self.given.sigma)

    @property
    def n_points(self) -> int:
        return self.given.y.shape[-1]

    @property
    def correlated(self) -> bool:
        """Whether sigma is a covariance matrix."""
        return self.given.sigma is not None and self.given.sigma.ndim == 2

    def counting(self, excluded: frozenset[int], x_range: tuple[float, float]) -> Counting:
        """Those that count. The last choice is kept: a drag asks for it at each move."""
        kept = self.__dict__.get("_counting")
        if kept is None or (kept.excluded, kept.x_range) != (excluded, x_range):
            kept = self.__dict__["_counting"] = Counting(self, excluded, x_range)
        return kept


@dataclass(frozen=True, eq=False)
class Counting:
    """Which points count, and what is the same for all fits of them."""

    data: Data
    excluded: frozenset[int]  # indices of points that were taken out one by one
    x_range: tuple[float, float]  # what lies outside does not count either

    @cached_property
    def out(self) -> np.ndarray | None:
        """True for each point that does not count [points]; None where all do."""
        if not self.excluded and self.x_range == (-inf, inf):
            return None
        out = np.zeros(self.data.n_points, dtype=bool)
        out[list(self.excluded)] = True
        if self.x_range != (-inf, inf):
            out |= (self.data.x < self.x_range[0]) | (self.data.x > self.x_range[1])
        return out

    @cached_property
    def n_out(self) -> int:
        """How many points do not count."""
        return 0 if self.out is None else int(np.count_nonzero(self.out))

    @cached_property
    def counts(self) -> np.ndarray:
        """True for each point that counts [points]."""
        counts = np.ones(self.data.n_points, dtype=bool) if self.out is None else ~self.out
        counts.setflags(write=False)  # it is for all
        return counts

    @cached_property
    def variation(self) -> float:
        """chi2 of the (weighted) mean of y: how much there is to explain; nan for correlated errors."""
        if self.data.correlated:
            return float("nan")
        y, sigma = self.data.y[self.counts], self.data.sigma
        sigma = np.ones_like(y) if sigma is None else sigma[self.counts]
        mean = np.average(y, weights=(np.min(sigma, initial=np.inf) / sigma) ** 2)
        variation = float(np.sum(((y - mean) / sigma) ** 2))
        rounding = float(np.sum((4 * np.finfo(float).eps * y / sigma) ** 2))
        return variation if variation > rounding else 0.0  # what does not vary but for its last digit


def _on_host(name: str, values: Any) -> np.ndarray:
    return values if isinstance(values, np.ndarray) else numbers(name, values)


def measured(x: ArrayLike, y: ArrayLike, sigma: ArrayLike | None = None) -> Data:
    """`Data` from anything that NumPy takes for an array.

    >>> measured([1, 2, 3], [2.0, 4.1, 5.9]).n_points
    3

    Raises ValueError, with what to do about it, when lengths differ or values are not finite.
    """
    return checked(numbers("x", x), numbers("y", y), sigma)


def checked(x: np.ndarray, y: np.ndarray, sigma: ArrayLike | None = None, *, finite_x: bool = True) -> Data:
    """As `measured`, of arrays from `numbers`; x may be infinite or nan where `finite_x` is False."""
    finite("y", y)
    if finite_x:
        finite("x", x)
    if y.ndim != 1 or y.size == 0:
        raise ValueError(f"y has shape {y.shape}; give one value for each point, as an array with one dimension.")
    if x.ndim < 2 and x.size != y.size:
        raise ValueError(f"x has {x.size} values and y has {y.size}; give one x for each y.")
    data = Data(Given(x, y, None if sigma is None else checked_sigma(sigma, y.size)))
    check_squares(data, MOST)
    return data


def check_squares(data: Data, most: float, kind: str = "float") -> None:
    """What is fitted is a sum of squares: they must neither vanish nor overflow."""
    size = np.abs(data.y)
    sizes = {"y": size}
    if data.sigma is not None and not data.correlated:
        with np.errstate(over="ignore", under="ignore"):
            sizes["y / sigma"] = size / data.sigma
    for name, values in sizes.items():
        greatest = float(values.max())
        if greatest != 0 and not 1 / most < greatest < most:
            raise ValueError(
                f"{name} reaches {greatest:.3g}, whose square no {kind} can hold; give the data in another unit, "
                "of which they are some."
            )


def numbers(name: str, values: ArrayLike) -> np.ndarray:
    """A frozen copy in float64, nan where masked: a later change of the user's array is not half a fit."""
    try:
        array = np.ma.filled(values, np.nan) if isinstance(values, np.ma.MaskedArray) else np.asarray(values)
    except (TypeError, ValueError) as error:
        refuse_traced(name, values)
        raise ValueError(f"{name} is not an array: its rows have different lengths.") from error
    except RuntimeError as error:
        if not (isinstance(values, Array) and values.is_deleted()):
            raise
        raise ValueError(f"{name} was deleted, or donated to a function of JAX; give an array that is kept.") from error
    if array.dtype == object and array.shape == () and array.item() is None:
        raise ValueError(f"{name} is None; give an array of numbers.")
    if array.dtype.kind in "mM":
        raise ValueError(f"{name} holds dates or times; give seconds or days since a moment near the data, as floats.")
    if array.dtype.kind == "c":
        raise ValueError(f"{name} is complex; fit its real and imaginary parts, or its magnitude.")
    try:
        array = np.array(array, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{name} holds values that are not numbers ({array.dtype}); convert it to floats first."
        ) from error
    array.setflags(write=False)
    return array


def refuse_traced(name: str, values: Any) -> None:
    """A fit looks at its numbers; those that JAX traces have none yet."""
    if isinstance(values, Tracer):
        raise ValueError(
            f"{name} is traced by jax.jit, vmap or grad; fit outside of them, or call least_squares, which is pure."
        )


def finite(name: str, array: np.ndarray) -> np.ndarray:
    """The array, if every value in it is a number."""
    bad = ~np.isfinite(array)
    if bad.any():
        first = int(np.argmax(bad.reshape(-1, array.shape[-1]).any(axis=0))) if array.ndim else 0
        raise ValueError(
            f"{name} has {_values(int(bad.sum()))} not finite (nan or inf), first at index {first}; "
            f"remove {_those(bad)} before the fit."
        )
    return array


def checked_sigma(given: ArrayLike, points: int) -> np.ndarray:
    """The standard errors of so many points, one for each, or their covariance."""
    sigma = finite("sigma", numbers("sigma", given))
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
