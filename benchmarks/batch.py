"""Many data sets of one model: `fit_batch` against loops and against a vmapped solver."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import scipy.optimize

import nlsq_widget
from benchmarks.contestants import OPTIMISTIX, absent, optimistix_solve
from benchmarks.effort import Effort
from benchmarks.report import Report, sweep_picture, sweep_tables
from benchmarks.tasks import Task, decays
from benchmarks.timing import Measurement, interleaved

BATCH, LOOP, SCIPY, VMAPPED = "nlsq_widget.fit_batch", "nlsq_widget loop", "SciPy lm loop", "optimistix LM, vmapped"

_STYLES = {
    BATCH: ("nlsq_widget", "-"),
    LOOP: ("nlsq_widget", "--"),
    SCIPY: ("scipy", "-"),
    VMAPPED: ("optimistix", "-"),
}


def run(effort: Effort) -> Report:
    """Against data sets."""
    measured: list[Measurement] = []
    for size in effort.batches:
        task, y = decays(size, effort.batch_points)
        scale = size / min(size, effort.loop)
        calls = {
            LOOP: _loop(nlsq_widget.curve_fit, task.jax_model, task, y[: effort.loop]),
            SCIPY: _loop(scipy.optimize.curve_fit, task.numpy_model, task, y[: effort.loop]),
            **_whole(task, y),
        }
        for name, times in interleaved(calls, effort.seconds).items():
            factor = scale if name in (LOOP, SCIPY) else 1.0
            measured.append(Measurement(name, size, tuple(factor * time for time in times), _off(calls, name)))
        print(f"  {size:,} data sets", flush=True)
    notes = [
        f"A loop over more than {effort.loop} data sets is timed for {effort.loop} of them and scaled.",
        "off: the greatest relative difference of a parameter from SciPy's, over the data sets that both fit.",
        *absent((OPTIMISTIX,)),
    ]
    if not hasattr(nlsq_widget, "fit_batch"):
        notes.append("This nlsq_widget has no fit_batch.")
    tables = sweep_tables(measured, "data sets", (SCIPY,))
    return Report(
        "Time of many fits against data sets",
        f"a·exp(−b·x) + c with noise, {effort.batch_points} points each, p0 in common.",
        tables,
        tuple(notes),
        {"batch": sweep_picture(measured, _STYLES, "data sets", "time of all fits / ms")},
    )


def _loop(curve_fit: Callable[..., Any], model: Callable[..., Any], task: Task, y: np.ndarray) -> Callable[[], Any]:
    return lambda: np.array([curve_fit(model, task.x, row, p0=task.p0)[0] for row in y])


def _whole(task: Task, y: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Those that take all data sets at once."""
    calls: dict[str, Callable[[], Any]] = {}
    fit_batch = getattr(nlsq_widget, "fit_batch", None)
    if fit_batch is not None:
        calls[BATCH] = lambda: np.asarray(fit_batch(task.jax_model, task.x, y, task.p0).popt)
    if OPTIMISTIX.available:
        solve = optimistix_solve(task.jax_model, (None, None, 0))
        calls[VMAPPED] = lambda: np.asarray(solve(jnp.asarray(task.p0), jnp.asarray(task.x), jnp.asarray(y)))
    return calls


def _off(calls: dict[str, Callable[[], Any]], name: str) -> float:
    theirs, found = calls[SCIPY](), calls[name]()
    return float(np.max(np.abs(found[: len(theirs)] / theirs - 1)))
