"""How far the curve, or a new measurement, may lie from the fit. What the data do not determine is infinitely wide."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nlsq_widget.data import numbers
from nlsq_widget.device import device, scope
from nlsq_widget.model import Model
from nlsq_widget.problem import bucket, pad
from nlsq_widget.program import PROGRAMS, Place
from nlsq_widget.result import Result
from nlsq_widget.units import powers


class Band(NamedTuple):
    """A strip around the fitted curve; unpacks as `lower, upper`."""

    lower: np.ndarray  # [points]
    upper: np.ndarray  # [points]


def confidence_band(result: Result, x: ArrayLike | None = None, level: float = 0.95) -> Band:
    """Where the curve itself lies with confidence `level`, for each x by itself: lower and upper [points].

    x is [points] or [predictors, points], by default the x of the data. The curve at x has the variance
    g' pcov g, with the exact derivatives g of the model at popt; the quantile is that of `confidence_interval`
    (Seber and Wild 1989, section 5.1; Bates and Watts 1988, section 2.3). Parameters that were fixed or ended at a
    bound count as known. Where the curve depends on what the data do not determine, the band is infinite.

    Raises ValueError for a level that is none, and for new x where the model needs all its points together.

    >>> from nlsq_widget import fit
    >>> r = fit(lambda x, a, b: a + b * x, [1, 2, 3, 4], [1.1, 1.9, 3.2, 3.9])
    >>> [end.round(3).tolist() for end in confidence_band(r, [2.5, 10])]
    [[2.143, 7.21], [2.907, 12.39]]
    """
    at = _places(result, x)
    curve, columns = _slopes(result, at)
    return _band(result, curve, _leverage(result, columns), level)


def prediction_band(
    result: Result, x: ArrayLike | None = None, level: float = 0.95, sigma: ArrayLike | None = None
) -> Band:
    """Where one new measurement at x lies with probability `level`: lower and upper [points].

    As `confidence_band`, with the scatter of the measurement added: sigma^2 with absolute_sigma, else
    sigma^2 reduced_chi2. `sigma`, one or [points], is the standard error of the new measurement as that of the data
    was given: by default theirs, 1 where they have none.

    Raises ValueError as `confidence_band`, and where sigma differs from point to point and x is not that of the data.
    """
    at = _places(result, x)
    curve, columns = _slopes(result, at)
    spread = _own_sigma(result, at is None) if sigma is None else _given_sigma(sigma, curve.shape)
    return _band(result, curve, _leverage(result, columns) + spread**2, level)


def _band(result: Result, curve: np.ndarray, share: np.ndarray, level: float) -> Band:
    """`share` [points] is the variance in units of that of a measurement with sigma 1."""
    unit = 1.0 if result.absolute_sigma else result.reduced_chi2 if result.dof > 0 else np.inf
    with np.errstate(invalid="ignore"):  # 0 * inf, selected away
        half = np.where(share == 0, 0.0, result.quantile(level) * np.sqrt(share * unit))
    half = np.where(np.isinf(share), np.inf, half)  # even where chi2 is zero
    return Band(curve - half, curve + half)


def _leverage(result: Result, columns: np.ndarray) -> np.ndarray:
    """g' (J'J)^-1 g [points] for the derivatives g, the columns of `columns` [parameters, points].

    As the length of g in the coordinates that R gives to the parameters: (J'J)^-1 itself, whose condition number is
    the square, would lose the digits where parameters are correlated. Directions that the data do not see, in the
    sense of `solver.covariance`, count for nothing where g has no part in them.
    """
    moves = _moves(result)
    R, g = result.R[:, moves], columns[moves]
    if not (np.isfinite(R).all() and moves.any()):
        return np.full(g.shape[1], np.nan if moves.any() else 0.0)
    unit = powers(R)
    norms = np.linalg.norm(R / unit, axis=0) * unit
    scale = np.where(norms > 0, norms, 1.0)[:, None]
    _, s, Vt = np.linalg.svd(R / scale.T, full_matrices=False)
    eps = float(np.finfo(result.precision).eps)
    seen = s > eps * max(result.n_points, len(R)) * s[0]
    parts = Vt @ (g / scale)
    share = np.sum((parts[seen] / s[seen, None]) ** 2, axis=0)
    lost = np.abs(parts[~seen]) > np.sqrt(eps) * np.linalg.norm(parts, axis=0)
    return np.where(lost.any(axis=0), np.inf, share)


def _moves(result: Result) -> np.ndarray:
    """Which parameters are not known: bool [parameters]."""
    return result.free & [bound is None for bound in result.at_bound]


def _places(result: Result, x: ArrayLike | None) -> np.ndarray | None:
    """New x in the shape of those of the data; None where they are those of the data."""
    own = result.data.x
    if x is None:
        return None
    given = numbers("x", x)
    at = given[..., None] if given.ndim == own.ndim - 1 else given
    if at.shape[:-1] != own.shape[:-1] or at.ndim != own.ndim:
        predictors = f"[{', '.join(map(str, own.shape[:-1]))}, points]" if own.ndim > 1 else "[points]"
        raise ValueError(f"x has shape {given.shape}; the model was fitted to x of shape {predictors}.")
    if at.shape[-1] == 0:
        raise ValueError("x is empty; give at least one.")
    return None if np.array_equal(at, own) else at


def _slopes(result: Result, x: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The curve at popt [points] and its derivatives [parameters, points]."""
    data, where, kind = result.data, device(result.device), result.precision
    with scope(where, double=kind == "float64"):
        known = PROGRAMS.known(result.model, data.x, result.p0, data.n_points, bucket(data.n_points))
        points = data.n_points if x is None else x.shape[-1]
        if x is not None and not known.pointwise:
            _refuse_mixing(result, known.model, x)
        along = data.x if x is None else x
        length = bucket(points) if known.pointwise else points
        along = pad(along, length) if known.pointwise else along
        at = Place(along.astype(kind), result.popt.astype(kind), _moves(result), length)
        rows = PROGRAMS.slopes(result.model, known, result.derivatives, at, where)
    return rows[0, :points], rows[1:, :points]


def _refuse_mixing(result: Result, model: Model, x: np.ndarray) -> None:
    """A model whose program tells nothing is asked: with other points before them, the data shall fit as they did."""
    data = result.data
    if model.own_columns and data.x.shape[-1] == data.n_points:
        both = np.concatenate([x, data.x], axis=-1)
        again = model.values(both, result.popt, both.shape[-1])[x.shape[-1] :]
        scale = np.max(np.abs(result.fitted), initial=0.0, where=np.isfinite(result.fitted))
        if np.allclose(again, result.fitted, rtol=1e-6, atol=1e-9 * scale, equal_nan=True):
            return
    raise ValueError(
        f"The model {model.name} needs all its points together, so that it has no value at other x; leave x out."
    )


def _own_sigma(result: Result, at_the_data: bool) -> np.ndarray:
    """The standard errors of the data [points], or the one that all of them have."""
    sigma = result.data.sigma
    if sigma is None:
        return np.ones(1)
    errors = np.sqrt(np.diag(sigma)) if sigma.ndim == 2 else sigma
    if at_the_data:
        return errors
    if np.ptp(errors) > 0:
        raise ValueError("sigma differs from point to point; give sigma, the standard error of a measurement at x.")
    return errors[:1]


def _given_sigma(sigma: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    errors = numbers("sigma", sigma)
    if not (errors >= 0).all():
        raise ValueError("sigma has a value that is negative or nan; give the standard error of a new measurement.")
    if errors.shape not in ((), (1,), shape):
        raise ValueError(f"sigma has shape {errors.shape}; give one standard error, or one for each of {shape[0]} x.")
    return errors
