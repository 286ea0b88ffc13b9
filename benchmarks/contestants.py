"""Who takes part. A contestant is a record; `make` gives a call that takes NumPy in and gives NumPy out."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize

import nlsq_widget
from benchmarks.tasks import Task

Fit = Callable[[], np.ndarray]  # -> popt [parameters]


@dataclass(frozen=True)
class Contestant:
    """A way to fit, through its public calls at default settings."""

    name: str
    library: str  # the module that it needs
    make: Callable[[Task], Fit]
    dash: str = "-"  # of its line; the colour is its library's

    @property
    def available(self) -> bool:
        """Whether its library is installed here."""
        return importlib.util.find_spec(self.library) is not None


def ours(task: Task) -> Fit:
    """Our curve_fit."""
    return lambda: nlsq_widget.curve_fit(task.jax_model, task.x, task.y, p0=task.p0)[0]


def ours_numpy(task: Task) -> Fit:
    """Our curve_fit, of a model that knows nothing of JAX."""
    return lambda: nlsq_widget.curve_fit(task.numpy_model, task.x, task.y, p0=task.p0)[0]


def ours_bounded(task: Task) -> Fit:
    """Our curve_fit within bounds."""
    return lambda: nlsq_widget.curve_fit(task.jax_model, task.x, task.y, p0=task.p0, **_bounds(task))[0]


def scipy_lm(task: Task) -> Fit:
    """MINPACK's lmdif, as SciPy calls it without bounds."""
    return lambda: scipy.optimize.curve_fit(task.numpy_model, task.x, task.y, p0=task.p0)[0]


def scipy_trf(task: Task) -> Fit:
    """SciPy's trust-region reflective method, which it takes for bounds."""
    return lambda: scipy.optimize.curve_fit(
        task.numpy_model, task.x, task.y, p0=task.p0, method="trf", **_bounds(task)
    )[0]


def _bounds(task: Task) -> dict[str, Any]:
    return {} if task.bounds is None else {"bounds": task.bounds}


def lmfit_minimize(task: Task) -> Fit:
    """Its basic call; `lmfit.Model.fit` does more and takes longer."""
    lmfit = importlib.import_module("lmfit")
    start = lmfit.Parameters()
    for i, value in enumerate(task.p0):
        start.add(f"p{i}", value=float(value))

    def residuals(given):
        return task.numpy_model(task.x, *given.valuesdict().values()) - task.y

    return lambda: np.array(list(lmfit.minimize(residuals, start).params.valuesdict().values()))


def optimistix_lm(task: Task) -> Fit:
    """The whole solve jitted, once for all tasks of a model. It gives no covariance and has no default tolerances."""
    solve = optimistix_solve(task.jax_model)
    return lambda: np.asarray(solve(jnp.asarray(task.p0), jnp.asarray(task.x), jnp.asarray(task.y)))


@cache
def optimistix_solve(model: Callable[..., Any], over: Any = None) -> Callable[..., Any]:
    """The jitted solve (p0, x, y) -> popt; vmapped when told which axes it goes `over`."""
    optimistix = importlib.import_module("optimistix")
    solver = optimistix.LevenbergMarquardt(rtol=1e-8, atol=1e-8)

    def residuals(p, data):
        x, y = data
        return model(x, *p) - y

    def solve(p0, x, y):
        return optimistix.least_squares(residuals, solver, p0, (x, y), throw=False, max_steps=2000).value

    return jax.jit(solve if over is None else jax.vmap(solve, over))


def nlsq_function(task: Task) -> Fit:
    """Its plain call."""
    nlsq = importlib.import_module("nlsq")
    return lambda: np.asarray(nlsq.curve_fit(task.jax_model, task.x, task.y, p0=task.p0)["x"])


def nlsq_kept(task: Task) -> Fit:
    """One `CurveFit` object for all calls, as its documentation advises for speed."""
    kept = importlib.import_module("nlsq").CurveFit()
    return lambda: np.asarray(kept.curve_fit(task.jax_model, task.x, task.y, p0=task.p0)["x"])


OURS = Contestant("nlsq_widget", "nlsq_widget", ours)
OURS_NUMPY = Contestant("nlsq_widget, NumPy model", "nlsq_widget", ours_numpy, "--")
OURS_BOUNDED = Contestant("nlsq_widget, bounds", "nlsq_widget", ours_bounded, ":")
LM = Contestant("SciPy lm", "scipy", scipy_lm)
TRF = Contestant("SciPy trf, bounds", "scipy", scipy_trf, ":")
LMFIT = Contestant("lmfit", "lmfit", lmfit_minimize)
OPTIMISTIX = Contestant("optimistix LM, jitted", "optimistix", optimistix_lm)
NLSQ = Contestant("nlsq.curve_fit", "nlsq", nlsq_function)
NLSQ_KEPT = Contestant("nlsq.CurveFit, kept", "nlsq", nlsq_kept, "--")

ALL = (OURS, OURS_NUMPY, OURS_BOUNDED, LM, TRF, LMFIT, OPTIMISTIX, NLSQ, NLSQ_KEPT)


def present(contestants: tuple[Contestant, ...] = ALL) -> list[Contestant]:
    """Those whose library is installed."""
    return [contestant for contestant in contestants if contestant.available]


def absent(contestants: tuple[Contestant, ...] = ALL) -> list[str]:
    """A sentence for each that is left out."""
    missing = sorted({contestant.library for contestant in contestants if not contestant.available})
    return [f"{library} is not installed here, and is left out." for library in missing]
