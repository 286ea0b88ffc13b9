"""All that the screen shows, as a pure function of the session and its result. It knows no screen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import nan
from typing import Any, Literal, NamedTuple, Self

import numpy as np

from nlsq_widget.bands import Band, confidence_band
from nlsq_widget.code import line
from nlsq_widget.data import Data
from nlsq_widget.device import devices
from nlsq_widget.fit import Curves, Tolerances, is_pointwise, solve
from nlsq_widget.profile import profile_interval
from nlsq_widget.program import PROGRAMS
from nlsq_widget.reduction import Columns, Ordered, Window, columns, density
from nlsq_widget.result import STATISTICS, Result
from nlsq_widget.session import Session
from nlsq_widget.solver import LOSSES, Status
from nlsq_widget.watch import Tell, Watch

Task = Literal["fit", "guess", "suggest", "profile"]
POINTS_AT_MOST = 20_000  # more are drawn as columns
_COLUMNS = 2_000
_GRID = 1_024
_UNSEEN = 1e-6  # of a standard error; a band is kept from view to view, and must not drift


@dataclass(frozen=True, eq=False)
class Frame:
    """What does not move while a slider does: the points, their names, and the grid of the curves."""

    session: Session

    @cached_property
    def columns(self) -> Columns | None:
        """How the points are drawn when they are many."""
        return columns(self.ordered, _COLUMNS) if self.session.data.n_points > POINTS_AT_MOST else None

    @cached_property
    def ordered(self) -> Ordered:
        """The points by rising x."""
        return Ordered.by(self.session.data.x)

    @cached_property
    def y(self) -> np.ndarray:
        """y in that order [points]."""
        return self.ordered.of(self.session.data.y)

    @cached_property
    def along(self) -> np.ndarray:
        """The x at which curves are drawn: half of them evenly, half where the points lie, so that both a
        narrow peak and a wide gap are drawn. A model that needs its points together is drawn at the points."""
        x = np.unique(self.session.data.x)
        if not is_pointwise(self.session):
            return self.session.data.x
        at = np.linspace(0, x.size - 1, _GRID // 2)
        return np.sort(np.concatenate([np.linspace(x[0], x[-1], _GRID // 2), np.interp(at, np.arange(x.size), x)]))

    @cached_property
    def order(self) -> np.ndarray:
        """`along` by rising x, as curves are drawn."""
        return np.argsort(self.along, kind="stable")

    @property
    def grid(self) -> np.ndarray:
        """The x of the curves as drawn, ascending."""
        return self.along[self.order]

    @property
    def spread(self) -> np.ndarray | None:
        """The standard error of each point, for its error bar."""
        sigma = self.session.data.sigma
        return np.sqrt(np.diag(sigma)) if sigma is not None and sigma.ndim == 2 else sigma

    def serves(self, session: Session) -> bool:
        """Whether the picture of `session` has this frame."""
        mine = self.session
        return mine.data is session.data and mine.model.function is session.model.function

    def head(self) -> dict[str, Any]:
        """The words and numbers of the frame, safe for JSON."""
        data: Data = self.session.data
        name = self.session.model.name
        return {
            "model": name if name.isidentifier() else "model",  # a lambda has none
            "names": list(self.session.names),
            "x_label": data.x_label,
            "y_label": data.y_label,
            "kind": "points" if self.columns is None else "columns",
            "n_points": data.n_points,
            "has_sigma": data.sigma is not None,
            "residual_label": "residual / σ" if self.spread is not None else "residual",
            "devices": [{"name": device.name, "label": device.label} for device in devices()],
            "losses": list(LOSSES),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        data = self.session.data
        if self.columns is not None:
            low, high = self.columns.extremes(self.y)
            return {"x": self.columns.x, "low": low, "high": high, "grid": self.grid}
        error_bars = {} if self.spread is None else {"sigma": self.spread}
        return {"x": data.x, "y": data.y, **error_bars, "grid": self.grid}


class Progress(NamedTuple):
    """What runs beside, and how far it is."""

    steps: int = 0  # of a fit; of a search, how many fits have ended
    cost: float = nan  # nan before the first
    task: Task = "fit"


class Intervals(NamedTuple):
    """Where the parameters of a fit lie, by the profile of chi2."""

    result: Result
    level: float
    ends: np.ndarray  # [parameters, 2]

    @classmethod
    def of(cls, view: View, watch: Watch) -> Self:
        """Those of the fit on the screen, at the level of its band. Raises ValueError where there are none."""
        if view.result is None or view.stale or view.fault is not None:
            raise ValueError("There is no fit to take intervals of; mend the start values first.")
        level = interval_level(view.session)
        return cls(view.result, level, profile_interval(view.result, level, watch=watch, grid=view.frame.along))

    def serve(self, view: View) -> bool:
        """Whether they are those of the fit on the screen."""
        return self.result is view.result and self.level == interval_level(view.session)


def interval_level(session: Session) -> float:
    """The confidence that intervals have."""
    return 0.95 if session.level is None else session.level


@dataclass(frozen=True, eq=False)
class View:
    """What moves: the choices of the user, what the fit made of them, and the curves."""

    session: Session
    frame: Frame
    result: Result | None  # of this session; None when the model could not be evaluated
    curves: Curves | None
    fault: str | None  # why there is no fit to draw
    stale: bool = False  # the result is of an earlier session: the fit comes later, or when asked
    start_stale: bool = False  # so is the curve at the start values: one evaluation of the model takes long
    running: Progress | None = None  # how far that is what runs beside
    band: Band | None = None  # along `frame.along`
    can_undo: bool = False
    can_redo: bool = False
    suggested: np.ndarray | None = None  # points suspected to be outliers [suspects], once somebody asked for them
    intervals: Intervals | None = None  # of this fit, once somebody asked for them

    def head(self) -> dict[str, Any]:
        """The words and numbers of the fit, safe for JSON."""
        session, result = self.session, self.result
        return {
            "device": session.device,
            "roles": [session.role(name) for name in session.names],
            "ties": [session.model.ties.text(name) for name in session.names],
            "at_bound": [None] * len(session.names) if result is None else list(result.at_bound),
            "ok": result is not None and result.success and not self.stale,
            "status": self._status(),
            "steps": 0 if result is None else result.steps,
            "milliseconds": 0.0 if result is None else result.milliseconds,
            "compiled": PROGRAMS.compiled,
            "fault": self.fault,
            "live": session.live,
            "stale": self.stale,
            "start_stale": self.start_stale,
            "running": None if self.running is None else self.running.steps,
            "task": None if self.running is None else self.running.task,
            "level": session.level,
            "interval_level": interval_level(session),
            "loss": session.loss,
            "loss_scale": session.loss_scale,
            "n_excluded": session.n_out,
            "can_undo": self.can_undo,
            "can_redo": self.can_redo,
            "code": line(session),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Columns of `parameters`: p0, lower, upper, popt, stderr, scale; then the curves and residuals of a fit."""
        session, result = self.session, self.result
        blank = np.full(len(session.names), np.nan)
        fitted = [blank] * 3 if result is None or self.fault else [result.popt, result.stderr, result.scale]
        table = {"parameters": np.column_stack([session.p0, session.lower, session.upper, *fitted])}
        table["range"] = np.array(session.x_range)
        if self.frame.columns is None:
            table["excluded"] = self._excluded()
            table |= {} if self.suggested is None else {"suggested": self._suggested(self.suggested)}
        if result is None or self.curves is None or self.fault:
            return table
        table |= {"statistics": statistics(result), "correlation": result.correlation}
        table |= {} if self.intervals is None else {"intervals": self.intervals.ends}
        order = self.frame.order
        table |= {"curve_p0": self.curves.p0[order], "curve": self.curves.fitted[order]}
        if self.band is not None:
            table |= {"band_low": self.band.lower[order], "band_high": self.band.upper[order]}
        if self.frame.columns is None:
            return table | {"residuals": self._residuals(result)}
        low, high = self.frame.columns.extremes(self._left)
        return table | {"residual_low": low, "residual_high": high, "residual_most": np.array([self._most])}

    def _residuals(self, result: Result) -> np.ndarray:
        """As they are drawn [points]: in units of sigma where there is one."""
        return result.residuals if self.frame.spread is None else result.residuals / self.frame.spread

    @cached_property
    def _left(self) -> np.ndarray:
        """The residuals by rising x [points]."""
        assert self.result is not None
        return self.frame.ordered.of(self._residuals(self.result))

    @cached_property
    def _most(self) -> float:
        """The size of the largest residual that counts; 1 where there is none."""
        out = self.session.out
        sizes = np.abs(self._left if out is None else self._left[~self.frame.ordered.of(out)])
        return float(np.max(sizes, initial=0.0, where=np.isfinite(sizes))) or 1.0

    def detail(self, window: Window, *, all_: bool = True) -> dict[str, np.ndarray]:
        """What a window of the plots shows when there are too many points for marks of their own.

        The points themselves where few enough lie in it, with their numbers; else columns, and how dense they are.
        Without `all_` only what moves with the fit.
        """
        part = self.frame.ordered.within(window.x)
        if self.frame.ordered.x[part].size <= POINTS_AT_MOST:
            return self._points_of(part, all_=all_)
        return self._columns_of(window, all_=all_)

    def _points_of(self, part: slice, *, all_: bool) -> dict[str, np.ndarray]:
        ordered, spread = self.frame.ordered, self.frame.spread
        index = np.arange(ordered.x.size)[part] if ordered.index is None else ordered.index[part]
        marks = {"x": ordered.x[part], "y": self.frame.y[part], "index": index.astype(float)} if all_ else {}
        if all_ and spread is not None:
            marks["sigma"] = spread[index]
        marks["excluded"] = self._excluded()[index]
        return marks | {"residuals": self._left[part]} if self._is_fitted else marks

    def _columns_of(self, window: Window, *, all_: bool) -> dict[str, np.ndarray]:
        frame, marks = self.frame, {}
        some = columns(frame.ordered, window.columns, window.x)
        if all_:
            low, high = some.extremes(frame.y)
            marks = {"x": some.x, "low": low, "high": high, "density": density(frame.ordered, frame.y, window)}
        if not self._is_fitted:
            return marks
        low, high = some.extremes(self._left)
        most = self._most * (1 + 1e-9)  # a cell ends before its upper edge
        shades = density(frame.ordered, self._left, window, (-most, most), window.residual_rows)
        marks |= {"residual_low": low, "residual_high": high, "residual_most": np.array([self._most])}
        return marks | {"residual_density": shades}

    @property
    def _is_fitted(self) -> bool:
        return self.result is not None and not self.fault

    def _status(self) -> str:
        if self.fault or self.result is None:
            return "No fit."
        if self.running is not None:
            return _doing(self.running)
        if not self.stale:
            return self.result.message
        match self.session.live:
            case "release":
                return "Not fitted yet: it fits on release."
            case "button":
                return "Not fitted yet: it fits when you say so."
            case "drag":
                return "Broken off: the fit shown is that of earlier choices. Fit again, or change something."

    def _excluded(self) -> np.ndarray:
        """For each point: 0 where it counts, 1 where it was taken out, 2 where it is outside of the range."""
        session = self.session
        out = np.zeros(session.data.n_points, np.uint8)
        if session.out is not None:
            out[session.out] = 2
            out[list(session.excluded)] = 1
        return out

    def _suggested(self, suspects: np.ndarray) -> np.ndarray:
        """1 for each point that is suspected, 0 for the others."""
        marked = np.zeros(self.session.data.n_points, np.uint8)
        marked[suspects] = 1
        return marked


def _doing(running: Progress) -> str:
    match running.task:
        case "fit":
            what, count = "Fitting", "step"
        case "guess":
            what, count = "Looking for better start values", "fit"
        case "suggest":
            what, count = "Looking for outliers", "fit"
        case "profile":
            what, count = "Looking how far each parameter can go", "fit"
    plural = "" if running.steps == 1 else "s"
    return f"{what}: {running.steps} {count}{plural} so far." if running.steps else f"{what} …"


def same_points(one: Session, other: Session) -> bool:
    """Whether the same points of the same data count for the same model."""
    of = [(s.data, s.model, s.excluded, s.x_range) for s in (one, other)]
    return of[0] == of[1]


def statistics(result: Result) -> np.ndarray:
    """The `STATISTICS` of a fit, in the order of the wire."""
    return np.array([getattr(result, name) for name in STATISTICS], dtype=float)


def view(session: Session, frame: Frame, before: View | None = None, tell: Tell | None = None) -> View:
    """The picture of a fit, or the sentence that stands in its place.

    What the one `before` shows is taken from it where it is the same. With `tell` in slices, as `solve` says.
    """
    result, curves = solve(session, grid=frame.along, tell=tell)
    if result.status == Status.NOT_FINITE:
        return View(session, frame, result, curves, result.message)
    return View(session, frame, result, curves, None, band=_band(session, frame, result, before))


def _band(session: Session, frame: Frame, result: Result, before: View | None = None) -> Band | None:
    if session.level is None or result.dof <= 0 or not is_pointwise(session):
        return None
    kept = before if before is not None and before.frame is frame and _same_band(before.session, session) else None
    if kept is not None and kept.band is not None and kept.result is not None and _same(result, kept.result):
        return kept.band
    return confidence_band(result, frame.along, session.level)


def _same_band(one: Session, other: Session) -> bool:
    """Whether the same fit has the same band. Another device makes its own at once: no drag shall wait for that."""
    return one.level == other.level and one.device == other.device


def _same(result: Result, before: Result) -> bool:
    """Whether two fits of the same points ended at the same place, as far as an eye can tell."""
    near = np.abs(result.popt - before.popt) <= _UNSEEN * before.stderr
    return bool(near.all() and (np.abs(result.stderr - before.stderr) <= _UNSEEN * before.stderr).all())


def again(session: Session, before: View) -> View | None:
    """The same fit, drawn as `session` wants it; None when it would be another fit."""
    if before.stale or before.result is None or before.fault is not None or not session.fits_as(before.session):
        return None
    return replace(before, session=session, running=None, band=_band(session, before.frame, before.result))


def preview(session: Session, frame: Frame, before: View) -> View:
    """The curve at new start values beside the fit as it was, for who fits later or when asked."""
    result, curves = solve(session, Tolerances(max_steps=0), grid=frame.along)
    if result.status == Status.NOT_FINITE:
        return View(session, frame, result, curves, result.message)
    if before.result is None or before.curves is None or before.fault is not None or before.frame is not frame:
        return View(session, frame, result, curves, None, stale=True)
    both = Curves(curves.p0, before.curves.fitted)
    return View(session, frame, before.result, both, None, stale=True, band=before.band)


def waiting(session: Session, frame: Frame, before: View) -> View:
    """The picture as it was, with the choices as they are now, until a fit that takes long has begun."""
    if before.frame is not frame:
        return View(session, frame, None, None, None, stale=True, running=Progress())
    moved = before.start_stale or before.session.p0 != session.p0
    return replace(before, session=session, fault=None, stale=True, start_stale=moved, running=Progress())
