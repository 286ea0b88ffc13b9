"""Errors of parameters in units so far from 1 that no float holds their squares: found in other units, and right."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import jax
import numpy as np

from nlsq_widget.device import device, scope
from nlsq_widget.solver import covariance

_covariance = jax.jit(covariance)


class Errors(NamedTuple):
    """What a covariance tells, with nothing squared."""

    stderr: np.ndarray  # [parameters]
    correlation: np.ndarray  # [parameters, parameters]; nan where a standard error is zero or infinite


def held(variances: np.ndarray, free: Sequence[bool], precision: str) -> bool:
    """Whether floats hold the variances [parameters] of what is free to all digits."""
    least, most = _limits(precision)
    return all(least < v <= most for v, moves in zip(variances.tolist(), free, strict=True) if moves)


@lru_cache
def _limits(precision: str) -> tuple[float, float]:
    kind = np.finfo(precision)
    return float(kind.tiny) / float(kind.eps), float(kind.max)


def powers(R: np.ndarray) -> np.ndarray:
    """Powers of two like the largest number in each column of R [m, n] -> [n]; 1 for a column of zeros."""
    _, exponents = np.frexp(np.max(np.abs(R), axis=0, initial=0.0))
    return np.ldexp(1.0, np.clip(exponents, -1000, 1000))


def rescaled(
    R: np.ndarray, free: Sequence[bool], points: int, precision: str, variance: float
) -> tuple[np.ndarray, Errors] | None:
    """(R'R)^-1 times `variance` [parameters, parameters], as far as floats hold it, and what it tells.

    None where the units are usual ones: what has no variance there has none.
    """
    unit = powers(R)
    far = np.abs(np.log2(unit)) > 0.3 * np.finfo(precision).maxexp
    if not (np.isfinite(R).all() and far.any()):
        return None
    with scope(device(), double=precision == "float64"):
        inverse = np.asarray(_covariance((R / unit).astype(precision), np.array(free), np.array(points)), dtype=float)
    with np.errstate(all="ignore"):
        scaled = np.where(inverse == 0, 0.0, inverse * variance)
        size = np.sqrt(np.diag(scaled))
        told = Errors(size / unit, scaled / np.outer(size, size))
        return scaled / unit[:, None] / unit[None, :], told
