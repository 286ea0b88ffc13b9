"""Start values from the data: many starts of every size that the data know, fitted at once. The best one is kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nlsq_widget.batch import drawn, fit_rows
from nlsq_widget.data import measured
from nlsq_widget.fit import Tolerances, solve
from nlsq_widget.result import Result
from nlsq_widget.session import Session
from nlsq_widget.watch import NOBODY, Watch

STARTS = 256
_ON_HOST = 24  # starts for a model that is called on the host, one fit after the other
_STEPS = 100  # of a fit that only shows where a start leads
_ROUNDING = 1e-24  # of the sum of squares
_SAME = 1e-6  # fits whose chi2 differs by less than this part found the same


def guess(session: Session, seed: int = 0, watch: Watch = NOBODY) -> Session:
    """The session with start values from which the fit ends lower. What is fixed stays, what is tied goes along.

    They are the ends of the best of many fits, rounded as far as the fit from there still ends as low. Raises
    ValueError, in one sentence, where no start leads to a lower end than that of now.
    """
    if not any(session.free):
        raise ValueError("No parameter is free, so there is nothing to guess; free one first.")
    now = _fitted(session, watch)
    best = _best(session, now, seed, watch)
    lowest = _fitted(replace(session, p0=best), watch)
    if not _level(lowest) < _level(now) * (1 - _SAME):
        raise ValueError(
            "No better start values were found: the fit from these ends as low as from any that was tried."
        )
    for digits in (2, 3, 4, 6):
        round_ = _rounded(session, best, digits)
        if _level(_fitted(round_, watch)) <= _level(lowest) * (1 + _SAME):
            return round_
    return replace(session, p0=best)


def _fitted(session: Session, watch: Watch, tolerances: Tolerances | None = None) -> Result:
    result, _ = solve(session, tolerances, tell=watch.tell)
    watch.ended(1)
    return result


def _level(result: Result) -> float:
    """How low a fit ended; infinite where it is no fit. Below what rounding leaves all are equal."""
    if not np.isfinite(result.chi2):
        return np.inf
    y, sigma = result.data.y, result.data.sigma
    weighted = y if sigma is None or sigma.ndim == 2 else y / sigma
    return max(result.chi2, _ROUNDING * float(np.sum(weighted[result.counts] ** 2)))


def _best(session: Session, now: Result, seed: int, watch: Watch) -> tuple[float, ...]:
    """Where the best of the fits from many starts ends."""
    if now.host is not None:
        fits = [
            _fitted(replace(session, p0=p0), watch, Tolerances(max_steps=_STEPS))
            for p0 in _starts(_counted(session), _ON_HOST, seed)
        ]
        return tuple(min(fits, key=_level).popt.tolist())
    counted = _counted(session)
    y, sigma = counted.data.y, counted.data.sigma
    weight = np.ones(y.size) if sigma is None else 1.0 / sigma
    tried = fit_rows(counted, y[None], _starts(counted, STARTS, seed), weight[None], _STEPS, watch)
    level = np.where(np.isfinite(tried.chi2), tried.chi2, np.inf)
    return tuple(np.clip(tried.popt[np.argmin(level)], session.lower, session.upper).tolist())


def _counted(session: Session) -> Session:
    """The same with only those points that count. Correlated errors matter for the last fit only."""
    data, counts = session.data, slice(None) if session.out is None else ~session.out
    sigma = None if data.sigma is None or data.correlated else data.sigma[counts]
    points = measured(data.x[..., counts], data.y[counts], sigma)
    return replace(session, data=points, excluded=frozenset(), x_range=(-np.inf, np.inf))


def _starts(session: Session, count: int, seed: int) -> np.ndarray:
    """Half of them around p0, half of the sizes of the data [count, parameters]."""
    around = drawn(session, count - count // 2, seed)
    rng = np.random.default_rng(seed)
    shape = (count // 2, len(session.names))
    factors = 10.0 ** np.where(rng.random(shape) < 0.5, rng.normal(0, 0.1, shape), rng.uniform(-1, 1, shape))
    signs = np.where(rng.random(shape) < 0.15, -1.0, 1.0)
    sized = np.clip(rng.choice(_sizes(session), shape) * factors * signs, session.lower, session.upper)
    return np.concatenate([around, np.where(session.free, sized, session.p0)])


def _sizes(session: Session) -> np.ndarray:
    """Lengths, heights, places, rates and slopes of the data: what a parameter may well be about."""
    y, rows = session.data.y, np.atleast_2d(session.data.x)
    sizes = [1.0, y.min(), y.max(), y.mean(), np.ptp(y)]
    for x in rows:
        sizes += [x.min(), x.max(), x.mean(), np.ptp(x), np.ptp(x) / 10]
        if x.size == y.size:
            sizes += [x[np.argmax(y)], x[np.argmin(y)]]
        with np.errstate(divide="ignore", invalid="ignore"):
            sizes += [1 / np.ptp(x), 2 * np.pi / np.ptp(x), 1 / abs(x.mean()), np.ptp(y) / np.ptp(x)]
    found = np.array(sizes)
    return found[np.isfinite(found) & (found != 0)]


def _rounded(session: Session, p0: tuple[float, ...], digits: int) -> Session:
    """With start values of so many digits, inside their bounds."""
    short = [float(f"{value:.{digits}g}") for value in p0]
    kept = [new if moves else old for new, old, moves in zip(short, session.p0, session.free, strict=True)]
    inside = np.clip(kept, session.lower, session.upper)
    return replace(
        session, p0=tuple(session.model.ties.values(inside).tolist() if session.model.ties else inside.tolist())
    )
