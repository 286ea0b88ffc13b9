"""From a session to its result; and `curve_fit`, `fit` for those who need no widget."""

from __future__ import annotations

import time
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import ArrayLike

from nlsq_widget import problem as problems
from nlsq_widget.data import Data
from nlsq_widget.device import Device, scope
from nlsq_widget.device import device as named_device
from nlsq_widget.program import PROGRAMS, Outcome
from nlsq_widget.result import Result, not_finite
from nlsq_widget.session import Session, begin
from nlsq_widget.solver import Status


class CovarianceWarning(UserWarning):
    """The covariance of the parameters could not be estimated."""


class Tolerances(NamedTuple):
    """When to stop; see `Problem`."""

    ftol: float = problems.FTOL
    xtol: float = problems.XTOL
    gtol: float = problems.GTOL
    max_steps: float = problems.MAX_STEPS


class Curves(NamedTuple):
    """The model along a grid of x, for whoever draws it."""

    p0: np.ndarray  # [grid], at the start values
    fitted: np.ndarray  # [grid], at popt


def fit(
    model: Callable[..., Any],
    x: ArrayLike,
    y: ArrayLike,
    p0: Mapping[str, float] | Sequence[float] | ArrayLike | None = None,
    *,
    sigma: ArrayLike | None = None,
    bounds: Any = None,
    fixed: Iterable[str] = (),
    excluded: Iterable[int] = (),
    absolute_sigma: bool = False,
    device: Any = None,
    max_steps: int = problems.MAX_STEPS,
) -> Result:
    """Fit `model(x, *parameters)` to `y` by nonlinear least squares.

    x is [points], or [predictors, points]; y is [points]; sigma, the standard errors of y, is [points], or
    their covariance [points, points]. `p0` and `bounds` go by name or by order. What is `fixed` stays at p0;
    the points `excluded`, by index or by a mask, do not count. The result unpacks as `popt, pcov`, and tells in
    `message` whether the fit converged. Raises ValueError, in one sentence, for what cannot be fitted.

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
        excluded=excluded,
        device=device,
        absolute_sigma=absolute_sigma,
    )
    result, _ = solve(session, Tolerances(max_steps=_tolerance("max_steps", max_steps)))
    if result.status == Status.NOT_FINITE:
        raise ValueError(not_finite(result))
    return result


def curve_fit(
    f: Callable[..., Any],
    xdata: ArrayLike,
    ydata: ArrayLike,
    p0: ArrayLike | None = None,
    sigma: ArrayLike | None = None,
    absolute_sigma: bool = False,
    check_finite: bool | None = None,
    bounds: Any = (-np.inf, np.inf),
    method: str | None = None,
    jac: Callable[..., Any] | str | None = None,
    *,
    full_output: bool = False,
    nan_policy: str | None = None,
    **kwargs: Any,
) -> tuple[Any, ...]:
    """`scipy.optimize.curve_fit`, compiled: the same arguments, the same return value `popt, pcov`.

    `f(xdata, *p)` is written with jax.numpy. p0 left out is the middle of the bounds, or 1 where there are none.
    `method` is accepted and does not matter: one method serves with bounds and without. `jac` is a function
    [points, parameters] or, left out, the exact derivative of `f`. `nan_policy="omit"` drops points with nan.
    Keywords: ftol, xtol, gtol, maxfev (or max_nfev). With `full_output`: `popt, pcov, infodict, mesg, ier`.

    Raises ValueError for input that cannot be fitted, RuntimeError when the fit does not converge; warns
    with CovarianceWarning, and returns an infinite pcov, when the data do not determine the parameters.

    >>> import jax.numpy as jnp
    >>> x = np.linspace(0, 4, 9)
    >>> popt, pcov = curve_fit(lambda x, a, tau: a * jnp.exp(-x / tau), x, 3 * np.exp(-x / 2))
    >>> popt.round(6).tolist()
    [3.0, 2.0]
    """
    if not (callable(jac) or jac in (None, "2-point", "3-point", "cs")):
        raise ValueError(f"jac is {jac!r}; leave it out for exact derivatives, or give a function.")
    if method not in (None, "lm", "trf", "dogbox"):
        raise ValueError(f"method is {method!r}; leave it out, or give 'lm', 'trf' or 'dogbox'.")
    x, y, sigma = _without_nan(xdata, ydata, sigma, nan_policy, check_finite)
    session = begin(
        f,
        x,
        y,
        sigma=sigma,
        p0=p0,
        bounds=bounds,
        absolute_sigma=absolute_sigma,
        jacobian=jac if callable(jac) else None,
        signature_defaults=False,
    )
    result, _ = solve(session, _tolerances(kwargs))
    if result.status == Status.NOT_FINITE:
        raise ValueError(not_finite(result))
    if not result.success:
        raise RuntimeError(f"Optimal parameters not found: {result.message}")
    pcov = result.pcov
    if not np.isfinite(pcov).all():
        warnings.warn(
            f"Covariance of the parameters could not be estimated. {result.message}", CovarianceWarning, stacklevel=2
        )
        pcov = np.full_like(pcov, np.inf)
    if not full_output:
        return result.popt, pcov
    whiten = _whitening(session.data)
    weighted = -result.residuals / (1.0 if session.data.sigma is None or whiten is not None else session.data.sigma)
    info = {"nfev": result.steps + 1, "fvec": weighted if whiten is None else whiten @ weighted}
    return result.popt, pcov, info, result.message, 1


def solve(
    session: Session, tolerances: Tolerances | None = None, grid: np.ndarray | None = None
) -> tuple[Result, Curves]:
    """Fit what the session describes, and draw both curves along `grid`; one call of one compiled program."""
    where = named_device(session.device)
    free = np.array([name not in session.fixed for name in session.names])
    x, y, weight, whiten, along = _placed(session, where, grid)
    choices = np.array(
        [session.p0, np.where(free, session.lower, session.p0), np.where(free, session.upper, session.p0), free]
    )
    problem = problems.Problem(x, y, weight, whiten, along, choices, np.array(tolerances or Tolerances(), dtype=float))
    program = PROGRAMS.program(session.model, problem, where)
    began = time.perf_counter()
    outcome = PROGRAMS.run(program, problem, where)
    milliseconds = 1e3 * (time.perf_counter() - began)
    return _result(session, outcome, free, where, milliseconds), Curves(outcome.curve_p0, outcome.curve)


def _result(session: Session, outcome: Outcome, free: np.ndarray, where: Device, milliseconds: float) -> Result:
    n = session.data.n_points
    counts = np.ones(n, dtype=bool)
    counts[sorted(session.excluded)] = False
    return Result(
        names=session.names,
        popt=outcome.popt,
        pcov=_covariance(session, outcome, int(counts.sum()) - int(free.sum())),
        p0=np.array(session.p0),
        free=free,
        at_bound=tuple(_bound_of(session, i, value) if free[i] else None for i, value in enumerate(outcome.popt)),
        status=Status(int(outcome.status)),
        steps=int(outcome.steps),
        milliseconds=milliseconds,
        device=where.name,
        data=session.data,
        counts=counts,
        fitted=outcome.fitted[:n],
        cost=float(outcome.cost),
        norms=outcome.norms,
    )


def _covariance(session: Session, outcome: Outcome, dof: int) -> np.ndarray:
    """(J'J)^-1, in units that the scatter of the residuals sets, unless sigma is absolute."""
    if session.absolute_sigma:
        return outcome.inverse
    scale = 2 * float(outcome.cost) / dof if dof > 0 else np.inf
    with np.errstate(invalid="ignore"):  # inf * 0, which is selected away
        scaled = np.where(outcome.inverse == 0, 0.0, outcome.inverse * scale)
    return np.where(np.isinf(outcome.inverse), np.inf, scaled)


def _bound_of(session: Session, i: int, value: float) -> str | None:
    if session.lower[i] == session.upper[i]:
        return None  # fixed by its bounds
    return "lower" if value <= session.lower[i] else "upper" if value >= session.upper[i] else None


def is_padded(session: Session) -> bool:
    """Whether points may be added to fill a bucket: only for a model that takes each point by itself."""
    data, model = session.data, session.model
    correlated = data.sigma is not None and data.sigma.ndim == 2
    if correlated or model.jacobian is not None or data.x.shape[-1:] != data.y.shape:
        return False
    return PROGRAMS.pointwise(model, data.x.shape, problems.bucket(data.n_points), named_device(session.device))


# The arrays of a data set on a device, kept while the data live: a drag sends two numbers, not the points.
_PLACED: weakref.WeakKeyDictionary[Data, dict[Any, tuple[Any, ...]]] = weakref.WeakKeyDictionary()


def _placed(session: Session, where: Device, grid: np.ndarray | None) -> tuple[Any, ...]:
    data = session.data
    length = problems.bucket(data.n_points) if is_padded(session) else data.n_points
    key = (length, session.excluded, where.name, id(grid))
    kept = _PLACED.setdefault(data, {})
    if key not in kept:
        if len(kept) > 3:
            kept.clear()
        arrays = (
            *problems.points_of(data, session.excluded, length),
            _whitening(data),
            np.zeros(0) if grid is None else grid,
        )
        with scope(where):
            # The grid is kept with its copy: its address is in the key.
            kept[key] = (*(None if a is None else jax.device_put(a, where.jax) for a in arrays), grid)
    return kept[key][:5]


def _whitening(data: Data) -> np.ndarray | None:
    """The matrix that makes residuals of covariance `sigma` independent, the inverse of its Cholesky factor."""
    if data.sigma is None or data.sigma.ndim == 1:
        return None
    try:
        return np.linalg.inv(np.linalg.cholesky(data.sigma))
    except np.linalg.LinAlgError as error:
        raise ValueError("sigma is not a covariance matrix: it must be symmetric and positive definite.") from error


def _tolerances(kwargs: dict[str, Any]) -> Tolerances:
    """SciPy's keywords; those that only tune another method are refused, so that nothing is silently ignored."""
    given = dict(kwargs)
    maxfev = given.pop("maxfev", None)
    maxfev = given.pop("max_nfev", maxfev)
    chosen = {n: _tolerance(n, given.pop(n)) for n in ("ftol", "xtol", "gtol") if given.get(n) is not None}
    for name in ("ftol", "xtol", "gtol"):
        given.pop(name, None)
    if given:
        raise TypeError(f"curve_fit has no keyword {sorted(given)[0]!r}; it takes ftol, xtol, gtol and maxfev.")
    return Tolerances(**chosen, max_steps=_tolerance("maxfev", maxfev) if maxfev else problems.MAX_STEPS)


def _tolerance(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = np.nan
    if not number >= 0:
        raise ValueError(f"{name} is {value!r}; give a number that is not negative.")
    return number


def _without_nan(x: Any, y: Any, sigma: Any, nan_policy: str | None, check_finite: bool | None) -> tuple[Any, Any, Any]:
    if nan_policy not in (None, "raise", "omit"):
        raise ValueError(f"nan_policy is {nan_policy!r}; give 'raise' or 'omit', or leave it out.")
    if check_finite and nan_policy is not None:
        raise ValueError("check_finite and nan_policy exclude each other; give one of them.")
    if nan_policy != "omit":
        return x, y, sigma
    try:
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError("x and y hold values that are not numbers; convert them to floats first.") from error
    if y.ndim != 1 or x.shape[-1:] != y.shape or not y.size:
        return x, y, sigma  # what is wrong with them is said where all data are checked
    keep = ~(np.isnan(x).reshape(-1, x.shape[-1]).any(axis=0) | np.isnan(y))
    if sigma is not None:
        sigma = np.asarray(sigma, dtype=float)
        if sigma.shape == y.shape:
            sigma = sigma[keep]
        elif sigma.shape == 2 * y.shape:
            sigma = sigma[np.ix_(keep, keep)]
    return x[..., keep], y[keep], sigma
