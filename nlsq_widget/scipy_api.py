"""`scipy.optimize.curve_fit` as SciPy documents it. Nothing here knows how a fit is made."""

from __future__ import annotations

import sys
import types
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import jax
import numpy as np
from numpy.typing import ArrayLike

from nlsq_widget import again
from nlsq_widget.begin import guessed, session_of, start_values
from nlsq_widget.begin import method as _method
from nlsq_widget.data import Data, checked, numbers
from nlsq_widget.device import device
from nlsq_widget.fit import Tolerances, not_negative, solve, whitening
from nlsq_widget.model import Model, ModelError, as_model
from nlsq_widget.placed import placed
from nlsq_widget.result import Result, not_finite, variances_beyond
from nlsq_widget.session import Session
from nlsq_widget.solver import Status

# These change the way to the minimum, or what is printed along it, not the minimum.
_TUNING = frozenset("x_scale diag factor epsfcn diff_step tr_solver tr_options jac_sparsity verbose workers".split())
_UNBOUNDED = (-np.inf, np.inf)
# Why it stopped, as `leastsq` numbers it (method 'lm'), and as `least_squares` does.
_IER = {Status.GRADIENT: (4, 1), Status.COST: (1, 2), Status.STEP: (2, 3), Status.ROUNDING: (3, 4)}


class CovarianceWarning(UserWarning):
    """The covariance of the parameters could not be estimated."""


def curve_fit(
    f: Callable[..., Any] | str,
    xdata: Any,
    ydata: ArrayLike,
    p0: ArrayLike | Mapping[str, float] | None = None,
    sigma: ArrayLike | None = None,
    absolute_sigma: bool = False,
    check_finite: bool | None = None,
    bounds: Any = _UNBOUNDED,
    method: str | None = None,
    jac: Callable[..., Any] | str | None = None,
    *,
    full_output: bool = False,
    nan_policy: str | None = None,
    **kwargs: Any,
) -> tuple[Any, ...]:
    """`scipy.optimize.curve_fit`, compiled: the same arguments, the same return value `popt, pcov`.

    `f(xdata, *p)` is the model. p0 left out is the middle of the bounds, or 1 where there are none. `jac` is a
    function [points, parameters] or, left out or a name of SciPy's, the exact derivative of `f`, in the mode that is
    cheaper or that is named: "forward", "reverse". One method serves
    with bounds and without; `method` decides what SciPy's would refuse: 'lm', the default without bounds, takes
    no bounds and no fewer points than parameters. Keywords: ftol, xtol, gtol, maxfev (or max_nfev), and
    loss and f_scale as in `least_squares`.
    With `full_output`: `popt, pcov, infodict, mesg, ier`. JAX arrays are fitted on the device on which they were put,
    as `fit` tells, but for a `nan_policy`, which reads them on the host.

    Raises ValueError or TypeError for input that cannot be fitted, RuntimeError when the fit does not converge.
    Where the data do not determine a parameter, its variance is infinite; SciPy's 'trf' and 'dogbox' give that of a
    pseudo-inverse, which may be zero. With 'lm' all of pcov is infinite, as in SciPy, and a CovarianceWarning, a
    `scipy.optimize.OptimizeWarning` where SciPy is loaded, says which parameter it is.

    >>> import jax.numpy as jnp
    >>> x = np.linspace(0, 4, 9)
    >>> popt, pcov = curve_fit(lambda x, a, tau: a * jnp.exp(-x / tau), x, 3 * np.exp(-x / 2))
    >>> popt.round(6).tolist()
    [3.0, 2.0]
    """
    bounds = None if bounds is _UNBOUNDED else bounds
    asked = None
    if not (kwargs or full_output or nan_policy or jac) and check_finite in (None, True) and _serves(method, bounds):
        asked = again.plain(f, xdata, ydata, sigma, p0, bounds)
        if asked is not None and (found := again.answer(asked, bool(absolute_sigma))) is not None:
            return found
    tolerances = _tolerances(kwargs)
    start = start_values(p0)
    model = as_model(f, len(start) if isinstance(start, np.ndarray) else None, _columns(jac), keep_defaults=True)
    where = device(None, xdata, ydata, sigma)
    plain = nan_policy is None and isinstance(xdata, np.ndarray | jax.Array)
    data = placed(xdata, ydata, sigma, where) if plain else None
    if data is None:
        x, y, sigma = _without_nan(_independent(xdata), np.atleast_1d(numbers("y", ydata)), sigma, nan_policy)
        finite_x = nan_policy is None if check_finite is None else bool(check_finite)
        model, data = _measured(model, xdata, x, y, sigma, finite_x)
    mode = jac if jac in ("forward", "reverse") else "auto"
    how = _method(mode, kwargs.get("loss", "linear"), kwargs.get("f_scale", 1.0))
    limits = _UNBOUNDED if bounds is None and method == "lm" else bounds  # then a model's own do not hold
    session = session_of(model, data, start, limits, device=where, absolute_sigma=absolute_sigma, **how)
    session = guessed(session, start)
    lm = _is_lm(method, session)
    try:
        result, _ = solve(session, tolerances)
    except ModelError as error:
        x, points = _independent(xdata), np.size(ydata)
        if x is not None and x.ndim == 1 and x.size != points:
            raise ValueError(f"x has {x.size} values and y has {points}; give one x for each y.") from error
        raise
    if result.status == Status.NOT_FINITE:
        raise ValueError(not_finite(result))
    if not result.success:
        raise RuntimeError(f"Optimal parameters not found: {result.message}")
    pcov = _covariance(result, lm)
    if asked is not None:
        again.learn(asked, session)
    if not full_output:
        return result.popt, pcov
    return result.popt, pcov, _infodict(result, lm), result.message, _IER[result.status][0 if lm else 1]


def _serves(method: str | None, bounds: Any) -> bool:
    return method in (None, "trf", "dogbox") or (method == "lm" and bounds is None)


def _tolerances(given: dict[str, Any]) -> Tolerances:
    """From the keywords of `leastsq` and `least_squares`; what would change the answer is never ignored."""
    wanted = {}
    for name, value in given.items():
        if name in ("ftol", "xtol", "gtol"):
            wanted[name] = 0.0 if value is None else not_negative(name, value)  # None: do not stop by this
        elif name in ("maxfev", "max_nfev"):
            wanted |= {"max_steps": not_negative(name, value)} if value else {}
        elif name == "col_deriv" and value:
            raise ValueError("col_deriv is set; give a jac that returns one row for each point.")
        elif name == "args":
            raise ValueError("'args' is not a supported keyword argument; write lambda x, a, b: f(x, a, b, *args).")
        elif name not in _TUNING and name not in ("loss", "f_scale", "col_deriv"):
            raise TypeError(f"curve_fit has no keyword {name!r}; it takes ftol, xtol, gtol and maxfev.")
    return Tolerances(**wanted)


def _columns(jac: Any) -> Callable[..., Any] | None:
    """The derivatives that the user gave. SciPy's names ask for differences; exact derivatives answer them."""
    if callable(jac):
        return jac
    if jac not in (None, "auto", "forward", "reverse", "2-point", "3-point", "cs"):
        raise ValueError(
            f"jac is {jac!r}; leave it out for exact derivatives, or give 'auto', 'forward', 'reverse' or a function."
        )
    return None


def _is_lm(method: str | None, session: Session) -> bool:
    """Whether SciPy's method would be 'lm'. Raises what SciPy raises where the method cannot serve."""
    if method not in (None, "lm", "trf", "dogbox"):
        raise ValueError(f"method is {method!r}; leave it out, or give 'lm', 'trf' or 'dogbox'.")
    bounded = set(session.lower) != {-np.inf} or set(session.upper) != {np.inf}
    if method == "lm" and bounded:
        raise ValueError("Method 'lm' only works for unconstrained problems; leave method out, or give 'trf'.")
    lm = method == "lm" or (method is None and not bounded)
    if lm and len(session.names) > session.data.n_points:
        raise TypeError(
            f"The number of func parameters={len(session.names)} must not exceed the number of data points="
            f"{session.data.n_points}; give more points, or fewer parameters, or method='trf'."
        )
    return lm


def _independent(xdata: Any) -> np.ndarray | None:
    """x as an array; None where the model is to be given x as it is, since NumPy takes it for no row of numbers."""
    if isinstance(xdata, list | tuple | np.ndarray | jax.Array) or np.ndim(np.asarray(xdata)) == 1:
        x = numbers("x", xdata)
        return x if x.ndim else None
    return None


def _without_nan(
    x: np.ndarray | None, y: np.ndarray, sigma: Any, nan_policy: str | None
) -> tuple[np.ndarray | None, np.ndarray, Any]:
    """The points that `nan_policy` leaves."""
    if nan_policy is None:
        return x, y, sigma
    if nan_policy == "propagate":
        raise ValueError("`nan_policy='propagate'` is not supported by this function.")
    if nan_policy not in ("raise", "omit"):
        raise ValueError("nan_policy must be one of {None, 'raise', 'omit'}.")
    nan, nan_x = np.isnan(y), np.isnan(np.empty(0) if x is None else x)
    if not nan.any() and not nan_x.any():
        return x, y, sigma
    if nan_policy == "raise":
        raise ValueError("The input contains nan values; remove those points, or give nan_policy='omit'.")
    if x is None or x.shape[-1:] != y.shape:
        raise ValueError("nan_policy='omit' needs an x with one value, or column, for each y; remove nan yourself.")
    keep = ~(nan | nan_x.any(axis=tuple(range(x.ndim - 1))))
    if sigma is not None:
        sigma = np.asarray(sigma)
        sigma = sigma[keep] if sigma.shape == y.shape else sigma
        sigma = sigma[np.ix_(keep, keep)] if sigma.shape == 2 * y.shape else sigma
    return x[..., keep], y[keep], sigma


def _measured(
    model: Model, xdata: Any, x: np.ndarray | None, y: np.ndarray, sigma: Any, finite_x: bool
) -> tuple[Model, Data]:
    """One y serves for all x. An x that does not go with y point by point is part of the model."""
    if x is not None and y.size == 1:
        y = np.broadcast_to(y, x.shape[-1:])
    if x is not None and (x.ndim > 1 or x.size == y.size):
        return model, checked(x, y, sigma, finite_x=finite_x)
    given = xdata if x is None else x
    function = types.MethodType(_at, (model.function, given))
    jacobian = None if model.jacobian is None else types.MethodType(_at, (model.jacobian, given))
    return replace(model, function=function, jacobian=jacobian), checked(np.empty((y.size, 0)), y, sigma)


def _at(given: tuple[Callable[..., Any], Any], _: Any, *p: Any) -> Any:
    """The model at the x that it was given. Bound as a method, it is compared by what it is bound to."""
    function, x = given
    return function(x, *p)


def _covariance(result: Result, lm: bool) -> np.ndarray:
    """pcov as SciPy's method gives it; the caller of `curve_fit` is warned where it tells less than it should."""
    if result.told is not None and (beyond := variances_beyond(result)):
        warnings.warn(beyond, _warning(), stacklevel=3)
    elif not np.isfinite(result.pcov).all() and (lm or result.dof < 1):
        text = f"Covariance of the parameters could not be estimated. {result.message}"
        warnings.warn(text, _warning(), stacklevel=3)
        return np.full_like(result.pcov, np.inf)
    return result.pcov


def _warning() -> type[Warning]:
    optimize = sys.modules.get("scipy.optimize")
    theirs = getattr(optimize, "OptimizeWarning", None)
    return CovarianceWarning if theirs is None else _also(theirs)


@lru_cache(maxsize=1)
def _also(theirs: type[Warning]) -> type[Warning]:
    """So that a filter for SciPy's warning holds for ours, without importing SciPy."""
    return type("CovarianceWarning", (CovarianceWarning, theirs), {"__module__": __name__})


def _infodict(result: Result, lm: bool) -> dict[str, Any]:
    """What SciPy's method reports, of what has a meaning here: one evaluation for each step, and one to begin."""
    fvec = -result.residuals
    matrix = whitening(result.data)
    if matrix is not None:
        fvec = matrix @ fvec
    elif result.data.sigma is not None:
        fvec = fvec / result.data.sigma
    info: dict[str, Any] = {"nfev": result.steps + 1, "fvec": fvec}
    if lm:
        R, order = pivoted(result.inverse)
        info["fjac"] = np.zeros((len(R), fvec.size))
        info["fjac"][:, : len(R)] = R.T
        info["ipvt"] = order.astype(np.int32)
        info["qtf"] = np.zeros(len(R))  # R' qtf is the gradient, and that is zero here
    return info


def pivoted(inverse: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """R and order with J[:, order] = QR, its diagonal falling, from (J'J)^-1; nan where that is not finite.

    >>> R, order = pivoted(np.diag([4.0, 0.25]))
    >>> abs(R).tolist(), order.tolist()
    ([[2.0, 0.0], [0.0, 0.5]], [1, 0])
    """
    order = np.arange(len(inverse))
    try:
        # The Cholesky factor from the other end is the inverse of the triangle of J.
        R = np.linalg.inv(np.linalg.cholesky(inverse[::-1, ::-1])[::-1, ::-1])
    except np.linalg.LinAlgError:
        return np.full_like(inverse, np.nan), order
    for k in range(len(R)):  # Businger and Golub 1965: the longest of what is left comes first
        swap = [k, k + int(np.argmax(np.linalg.norm(R[k:, k:], axis=0)))]
        order[swap] = order[swap[::-1]]
        R[:, swap] = R[:, swap[::-1]]
        v = R[k:, k].copy()
        v[0] += np.copysign(np.linalg.norm(v), v[0])
        R[k:, k:] -= np.outer(2 * v / (v @ v), v @ R[k:, k:])
    return np.triu(R), order
