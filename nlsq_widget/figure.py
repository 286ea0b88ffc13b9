"""The same view drawn by matplotlib, for a page or a slide. It shows what the screen shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nlsq_widget.result import excluded
from nlsq_widget.view import View

# Okabe and Ito's colours, which the colour-blind tell apart.
_FIT, _START, _SUSPECT, _DATA, _FAINT = "#0072B2", "#D55E00", "#CC79A7", "#444444", "#9aa1a9"


def draw(view: View) -> Figure:
    """Data with error bars, the curve at p0 (dashed), the fit and its band; under them, on the same x, the residuals.

    Points that do not count are hollow and said to be excluded, and what is outside of the range of x is shaded. A
    figure of its own, unknown to pyplot: nothing is shown, and no global state changes.
    """
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    frame, moving, head = view.frame.arrays(), view.arrays(), view.frame.head()
    _data(above, view, frame, moving)
    _residuals(below, view, frame, moving)
    if "curve" in moving:
        _curves(above, view, frame["grid"], moving)
    if view.fault is not None:
        above.set_title(view.fault, fontsize="small", wrap=True)
    elif left_out := excluded(view.head()["n_excluded"]):
        above.set_title(left_out, fontsize="small", loc="right", color=_DATA)
    for axes in (above, below):
        _shade(axes, *view.session.x_range)
    below.axhline(0, color=_FIT, lw=0.8)
    below.set(xlabel=head["x_label"], ylabel=head["residual_label"])
    above.set_ylabel(str(head["y_label"]))
    above.legend(frameon=False)
    return figure


def _data(axes: Axes, view: View, frame: Mapping[str, np.ndarray], moving: Mapping[str, np.ndarray]) -> None:
    if view.frame.columns is not None:
        axes.vlines(frame["x"], frame["low"], frame["high"], color=_DATA, lw=1, label="data")
        return
    x, y, out = frame["x"], frame["y"], moving["excluded"] > 0
    if view.frame.spread is not None:
        for some, colour in ((~out, _DATA), (out, _FAINT)):
            if some.any():
                axes.errorbar(x[some], y[some], view.frame.spread[some], fmt="none", ecolor=colour, lw=0.8)
    _points(axes, view, x, y, out, ("data", "suspected outliers"))


def _residuals(axes: Axes, view: View, frame: Mapping[str, np.ndarray], moving: Mapping[str, np.ndarray]) -> None:
    if "residual_low" in moving:
        axes.vlines(frame["x"], moving["residual_low"], moving["residual_high"], color=_DATA, lw=1)
    elif "residuals" in moving:
        _points(axes, view, frame["x"], moving["residuals"], moving["excluded"] > 0, (None, None))


def _curves(axes: Axes, view: View, grid: np.ndarray, moving: Mapping[str, np.ndarray]) -> None:
    """The fit is faint while it is of earlier start values; no band widens the picture."""
    alpha = 0.35 if view.stale else 1.0
    if "band_low" in moving and view.session.level is not None:
        seen = axes.get_ylim()
        label = f"{100 * view.session.level:.4g} % band"
        axes.fill_between(
            grid, moving["band_low"], moving["band_high"], color=_FIT, alpha=0.16 * alpha, lw=0, zorder=0, label=label
        )
        axes.set_ylim(seen)
    axes.plot(grid, moving["curve_p0"], "--", color=_START, lw=1.2, label="start values")
    axes.plot(grid, moving["curve"], color=_FIT, lw=1.8, alpha=alpha, label="fit")


def _shade(axes: Axes, lower: float, upper: float) -> None:
    seen = axes.get_xlim()
    for low, high in ((seen[0], min(lower, seen[1])), (max(upper, seen[0]), seen[1])):
        if low < high:
            axes.axvspan(low, high, color=_FAINT, alpha=0.15, lw=0, zorder=0)
    axes.set_xlim(seen)


def _points(
    axes: Axes, view: View, x: np.ndarray, y: np.ndarray, out: np.ndarray, labels: tuple[str | None, str | None]
) -> None:
    edge, fill = np.where(out, _FAINT, _DATA), np.where(out, "none", _DATA)
    axes.scatter(x, y, s=12, edgecolors=edge.tolist(), facecolors=fill.tolist(), lw=0.8, label=labels[0])
    suspects = view.suggested
    if suspects is not None and suspects.size:
        axes.scatter(x[suspects], y[suspects], s=70, facecolors="none", edgecolors=_SUSPECT, label=labels[1])
