"""The same view drawn by matplotlib, for a page or a slide. It shows what the screen shows."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nlsq_widget.view import View

# Okabe and Ito's colours, which the colour-blind tell apart.
_FIT, _START, _DATA = "#0072B2", "#D55E00", "#444444"


def draw(view: View) -> Figure:
    """Data with error bars, the curve at p0 (dashed) and the fit; under them, on the same x, the residuals.

    A figure of its own, unknown to pyplot: nothing is shown, and no global state changes.
    """
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    frame, moving = view.frame.arrays(), view.arrays()
    if "residual_low" in moving:
        below.vlines(frame["x"], moving["residual_low"], moving["residual_high"], color=_DATA, lw=1)
    elif "residuals" in moving:
        _points(below, frame["x"], moving["residuals"], moving["excluded"] > 0)
    if view.frame.columns is not None:
        above.vlines(frame["x"], frame["low"], frame["high"], color=_DATA, lw=1, label="data")
    else:
        if view.frame.spread is not None:
            above.errorbar(frame["x"], frame["y"], view.frame.spread, fmt="none", ecolor=_DATA, lw=0.8)
        _points(above, frame["x"], frame["y"], moving["excluded"] > 0, label="data")
    if "curve" in moving:
        above.plot(frame["grid"], moving["curve_p0"], "--", color=_START, lw=1.2, label="start values")
        above.plot(frame["grid"], moving["curve"], color=_FIT, lw=1.8, label="fit")
    if view.fault is not None:
        above.set_title(view.fault, fontsize="small", wrap=True)
    head = view.frame.head()
    below.axhline(0, color=_FIT, lw=0.8)
    below.set(xlabel=head["x_label"], ylabel=head["residual_label"])
    above.set_ylabel(str(head["y_label"]))
    above.legend(frameon=False)
    return figure


def _points(axes: Axes, x: np.ndarray, y: np.ndarray, excluded: np.ndarray, label: str | None = None) -> None:
    fill = np.where(excluded, "none", _DATA)
    axes.scatter(x, y, s=12, edgecolors=_DATA, facecolors=fill.tolist(), lw=0.8, label=label)
