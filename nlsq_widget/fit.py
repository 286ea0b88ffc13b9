"""From a session to its result; and `fit`, for those who need no widget."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import ArrayLike

from nlsq_widget import problem as problems
from nlsq_widget.begin import begin
from nlsq_widget.data import Data, check_squares
from nlsq_widget.device import Device, scope
from nlsq_widget.device import device as named_device
from nlsq_widget.outcome import Outcome
from nlsq_widget.placed import points_on
from nlsq_widget.program import PROGRAMS, Known, Program
from nlsq_widget.result import Result, not_finite
from nlsq_widget.session import Session
from nlsq_widget.slices import in_slices
from nlsq_widget.solver import LOSSES, Status
from nlsq_widget.units import Errors, held, rescaled
from nlsq_widget.watch import Tell


class Tolerances(NamedTuple):
    """When to stop; see `Problem`."""

    ftol: float = problems.FTOL
    xtol: float = problems.XTOL
    gtol: float = problems.GTOL
    max_steps: float = problems.MAX_STEPS


NO_GRID = np.zeros(0)


class Curves(NamedTuple):
    """The model along a grid of x, for whoever draws it."""

    p0: np.ndarray  # [grid], at the start values
    fitted: np.ndarray  # [grid], at popt


def fit(
    model: Callable[..., Any] | str | Session,
    x: ArrayLike = (),
    y: ArrayLike = (),
    p0: Mapping[str, float] | Sequence[float] | ArrayLike | None = None,
    *,
    sigma: ArrayLike | None = None,
    bounds: Any = None,
    fixed: Iterable[str] = (),
    ties: Mapping[str, str] | None = None,
    excluded: Iterable[int] = (),
    x_range: tuple[float | None, float | None] | None = None,
    absolute_sigma: bool = False,
    jac: Callable[..., Any] | str = "auto",
    loss: str = "linear",
    loss_scale: float = 1.0,
    device: Any = None,
    precision: str = "float64",
    max_steps: int = problems.MAX_STEPS,
    data: Any = None,
) -> Result:
    """Fit `model(x, *parameters)` to `y` by nonlinear least squares. A formula may be typed: "a*exp(-x/tau) + c".

    x is [points], or [predictors, points]; y is [points]; sigma, the standard errors of y, is [points], or
    their covariance [points, points]. With `data`, a DataFrame, a dict of arrays or the like, they may be names of
    its columns. `p0` and `bounds` go by name or by order. What is `fixed` stays at p0; `ties` computes parameters
    from others, {"width2": "1.5 * width1"}, with the errors that follow from theirs;
    the points `excluded`, by index or by a mask, and those outside of `x_range` do not count. A session, of a result
    or as `load` gives it, stands for all of these. The result unpacks as `popt, pcov`, and tells in `message` whether
    the fit converged. Raises ValueError, in one sentence, for what cannot be fitted.

    `jac` is "forward" or "reverse" for the mode of JAX's exact derivatives, "auto" for the cheaper one at these
    shapes, or a function (x, *parameters) -> [points, parameters]; the result's `derivatives` says which it was.
    `loss` is "linear", "huber", "soft_l1", "cauchy" or "arctan", as in scipy.optimize.least_squares; `loss_scale`
    is the residual, in units of sigma, from which on outliers count less than their square. `precision` is
    "float64", or "float32" for the arithmetic of a GPU that has no other.

    `device` is a name or a `jax.Device`; left out, it is the one on which x, y or sigma were put, else JAX's default.
    JAX arrays in the memory of a GPU are cast, checked and padded there, by a small program for each new length, and
    fitted where they are. The host reads them for what the result tells of them (residuals, R2), to say what is wrong
    with them, for correlated errors, and once to check a model written with NumPy. A CPU's memory NumPy reads as it is.
    An array that is spread over several devices is taken to the host.

    The method is Levenberg and Marquardt's in a scaled trust region (Moré 1978), inside the bounds, with
    exact derivatives, as one compiled program.

    >>> import jax.numpy as jnp
    >>> x = np.linspace(0, 4, 9)
    >>> r = fit(lambda x, a, tau: a * jnp.exp(-x / tau), x, 3 * np.exp(-x / 2), p0={"a": 1, "tau": 1})
    >>> r.popt.round(6).tolist(), r.success
    ([3.0, 2.0], True)
    """
    session = begin(
        model,
        x,
        y,
        sigma=sigma,
        p0=p0,
        bounds=bounds,
        fixed=fixed,
        ties=ties,
        excluded=excluded,
        x_range=x_range,
        device=device,
        absolute_sigma=absolute_sigma,
        jac=jac,
        loss=loss,
        loss_scale=loss_scale,
        precision=precision,
        data=data,
    )
    result, _ = solve(session, Tolerances(max_steps=not_negative("max_steps", max_steps)))
    if result.status == Status.NOT_FINITE:
        raise ValueError(not_finite(result))
    return result


def solve(
    session: Session, tolerances: Tolerances | None = None, grid: np.ndarray | None = None, tell: Tell | None = None
) -> tuple[Result, Curves]:
    """Fit what the session describes, and draw both curves along `grid`; one call of one compiled program.

    With `tell` the steps are taken in slices; see `slices.in_slices`. Both curves are then those at popt.
    """
    where = named_device(session.device)
    with scope(where, double=session.precision == "float64"):
        known, problem, program = prepared(session, tolerances or Tolerances(), grid)
        began = time.perf_counter()
        if tell is None:
            outcome = PROGRAMS.run(program, problem, where)
        else:
            outcome = in_slices(session.model, known, program, problem, where, tell)
        milliseconds = 1e3 * (time.perf_counter() - began)
    if grid is None and session.data.placed is not None:  # who keeps results shall not fill the device
        session = replace(session, data=replace(session.data, placed=None))
    return _result(session, outcome, program, milliseconds), Curves(outcome.curve_p0, outcome.curve)


def prepared(
    session: Session, tolerances: Tolerances, grid: np.ndarray | None = None
) -> tuple[Known, problems.Problem, Program]:
    """What is known about the model, the fit as arrays, and its program; within the scope of the session's device."""
    where = named_device(session.device)
    known = _known(session)
    x, y, weight, whiten, along = _points(session, known.pointwise, where, grid)
    choices, rules = choices_of(session, session.free), rules_of(session, tolerances)
    problem = problems.Problem(x, y, weight, whiten, along, choices, rules)
    if session.precision != "float64":
        check_squares(session.data, 1e15, session.precision)
        problem = jax.tree.map(partial(_narrow, session.precision), problem)
    return known, problem, PROGRAMS.program(session.model, known, problem, session.derivatives, where)


def _narrow(precision: str, array: Any) -> Any:
    return array.astype(precision) if isinstance(array, jax.Array) else np.asarray(array, precision)


def rules_of(session: Session, tolerances: Tolerances) -> np.ndarray:
    """How to fit, as `Problem.rules`."""
    return np.array([*tolerances, list(LOSSES).index(session.loss), session.loss_scale], dtype=float)


def choices_of(session: Session, free: Sequence[bool]) -> np.ndarray:
    """What is fixed has its start value for both bounds."""
    lower, upper = session.lower, session.upper
    if not all(free):
        lower = [low if moves else start for low, start, moves in zip(lower, session.p0, free, strict=True)]
        upper = [high if moves else start for high, start, moves in zip(upper, session.p0, free, strict=True)]
    return np.array([session.p0, lower, upper, free], dtype=float)


def _result(session: Session, outcome: Outcome, program: Program, milliseconds: float) -> Result:
    ties = session.model.ties
    pcov, told = _errors(session, outcome, session.data.n_points - session.n_out)
    return Result(
        session=session,
        popt=ties.values(outcome.popt) if ties else outcome.popt,
        pcov=propagated(pcov, ties.slopes(outcome.popt)) if ties else pcov,
        told=None if ties else told,
        inverse=outcome.inverse,
        R=outcome.R,
        status=Status(int(outcome.status)),
        steps=int(outcome.steps),
        milliseconds=milliseconds,
        curve=outcome.fitted,
        cost=float(outcome.cost),
        norms=outcome.norms,
        derivatives=program.mode,
        host=program.model.on_host,
    )


def _errors(session: Session, outcome: Outcome, points: int) -> tuple[np.ndarray, Errors | None]:
    """(J'J)^-1, in units that the scatter of the residuals sets, unless sigma is absolute; and what it tells where no
    float holds it."""
    free = session.free
    dof = points - sum(free)
    unit = 1.0 if session.absolute_sigma else 2 * float(outcome.cost) / dof if dof > 0 else np.inf
    inverse = outcome.inverse
    if 0 < unit < np.inf and not held(inverse.diagonal(), free, session.precision):
        found = rescaled(outcome.R, free, points, session.precision, unit)
        if found is not None:
            return found
    if unit == 1:
        return inverse, None
    if unit == 0:
        return np.where(np.isfinite(inverse), 0.0, inverse), None
    if dof <= 0:
        return np.where(inverse == 0, 0.0, np.inf), None
    return inverse * unit if np.isfinite(unit) else np.full_like(inverse, np.nan), None


def propagated(pcov: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """T pcov T', the covariance of what is computed from the parameters with the derivatives T (the delta method).

    What depends on a parameter that the data do not determine is not determined either.
    """
    lost = np.isinf(np.diag(pcov))
    with np.errstate(all="ignore"):  # a fit that went wild
        spread = slopes @ np.where(lost[:, None] | lost[None, :], 0.0, pcov) @ slopes.T
    touched = (slopes[:, lost] != 0).any(axis=1)
    unknown = np.where(touched[:, None] & touched[None, :], np.inf, np.nan)
    spread = np.where(touched[:, None] | touched[None, :], unknown, spread)
    np.fill_diagonal(spread, np.maximum(np.diag(spread), 0.0))  # rounding may leave less
    return spread


def followed(session: Session, moved: str, grid: np.ndarray | None = None, tell: Tell | None = None) -> Session:
    """The session after `moved` was: start values that follow are fitted to it, with all the others held.

    Where that fit fails the start values stay.
    """
    followers = session.following - {moved}
    if not followers:
        return session
    held = replace(session, fixed=frozenset(session.names) - followers)
    result, _ = solve(held, grid=grid, tell=tell)
    return replace(session, p0=tuple(result.popt.tolist())) if np.isfinite(result.popt).all() else session


def is_pointwise(session: Session) -> bool:
    """Whether the model takes each point by itself: it can be drawn on a grid, and its points may be padded."""
    with scope(named_device(session.device)):
        return _known(session).pointwise


def _known(session: Session) -> Known:
    data = session.data
    return PROGRAMS.known(session.model, data.given.x, session.p0, data.n_points, problems.bucket(data.n_points))


# The arrays of a data set on a device, kept while the data live: a drag sends two numbers, not the points.
_PLACED: weakref.WeakKeyDictionary[Data, dict[Any, tuple[Any, ...]]] = weakref.WeakKeyDictionary()


def _points(session: Session, pointwise: bool, where: Device, grid: np.ndarray | None) -> tuple[Any, ...]:
    """x, y, weight, whitening and grid; on the device already where a grid tells that more fits will follow."""
    data = session.data
    length = problems.bucket(data.n_points) if pointwise and not data.correlated else data.n_points
    if grid is None:
        return *_taken(session, length, where), whitening(data), NO_GRID
    key = (length, session.excluded, session.x_range, where.name, id(grid))
    kept = _PLACED.setdefault(data, {})
    if key not in kept:
        if len(kept) > 3:
            kept.clear()
        arrays = (*_taken(session, length, where), whitening(data), grid)
        # The grid is kept with its copy: its address is in the key.
        kept[key] = (*(None if a is None else jax.device_put(a, where.jax) for a in arrays), grid)
    return kept[key][:5]


def _taken(session: Session, length: int, where: Device) -> tuple[Any, Any, Any]:
    """x, y and weight, from where they are."""
    if session.data.placed is None:
        return problems.points_of(session.data, session.out, length)
    return points_on(session.data.placed, session.out, length, where)


def whitening(data: Data) -> np.ndarray | None:
    """The matrix that makes residuals of covariance `sigma` independent, the inverse of its Cholesky factor."""
    if not data.correlated or data.sigma is None:
        return None
    try:
        return np.linalg.inv(np.linalg.cholesky(data.sigma))
    except np.linalg.LinAlgError as error:
        raise ValueError("sigma is not a covariance matrix: it must be symmetric and positive definite.") from error


def not_negative(name: str, value: Any) -> float:
    """What a tolerance or a number of steps may be."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = np.nan
    if not number >= 0:
        raise ValueError(f"{name} is {value!r}; give a number that is not negative.")
    return number
