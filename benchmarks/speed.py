"""Warm fits against the number of points and of parameters. Nobody is timed on an answer that is off."""

from collections.abc import Callable, Iterable

import numpy as np
import scipy.optimize

from benchmarks.contestants import ALL, LM, TRF, absent, present
from benchmarks.effort import Effort
from benchmarks.report import Report, sweep_picture, sweep_tables
from benchmarks.tasks import Task, decay_task, peaks_task
from benchmarks.timing import Measurement, interleaved

_STYLES = {contestant.name: (contestant.library, contestant.dash) for contestant in ALL}
_NOTES = (
    "NumPy in and out, through the public calls at default settings, the same p0 for all, warm, in turns.",
    "SciPy, lmfit and the line with a NumPy model get the model written with NumPy, the others with jax.numpy.",
    "The bounds are far away and do not act.",
    "off: how far the parameters are from those of SciPy's lm at tolerances of 1e-15, in standard errors, at most.",
    "optimistix gives no covariance, and nlsq has its log switched off; both are faster for it.",
)


def points(effort: Effort) -> Report:
    """Against points."""
    measured = list(_sweep(effort.points, decay_task, effort.seconds))
    return Report(
        "Time of a warm fit against points",
        "a·exp(−b·x) + c with noise: three parameters.",
        sweep_tables(measured, "points", (LM.name, TRF.name)),
        (*_NOTES, *absent()),
        {"points": sweep_picture(measured, _STYLES, "points", "time of a fit / ms")},
    )


def parameters(effort: Effort) -> Report:
    """Against parameters."""
    sizes = tuple(3 * count for count in effort.peaks)
    measured = list(_sweep(sizes, lambda size: peaks_task(size // 3, effort.peak_points), effort.seconds))
    return Report(
        "Time of a warm fit against parameters",
        f"A sum of 1 to {max(effort.peaks)} Gaussians with noise at {effort.peak_points:,} points.",
        sweep_tables(measured, "parameters", (LM.name, TRF.name)),
        (*_NOTES, *absent()),
        {"parameters": sweep_picture(measured, _STYLES, "parameters", "time of a fit / ms", log_x=False)},
    )


def _sweep(sizes: Iterable[int], task_of: Callable[[int], Task], seconds: float) -> Iterable[Measurement]:
    for size in sizes:
        task = task_of(size)
        calls = {contestant.name: contestant.make(task) for contestant in present()}
        offs = {name: off(task, call()) for name, call in calls.items()}
        print(f"  {size:,}: worst off {max(offs.values()):.0e} standard errors", flush=True)
        for name, times in interleaved(calls, seconds).items():
            yield Measurement(name, size, times, offs[name])


def off(task: Task, popt: np.ndarray) -> float:
    """The greatest distance from the minimum, in standard errors."""
    best, covariance = scipy.optimize.curve_fit(
        task.numpy_model, task.x, task.y, p0=task.p0, ftol=1e-15, xtol=1e-15, gtol=1e-15
    )
    return float(np.max(np.abs(popt - best) / np.sqrt(np.diag(covariance))))
