"""Which points a robust fit would rather not believe. They are named, never taken out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from nlsq_widget.fit import solve
from nlsq_widget.result import Result
from nlsq_widget.session import Session, number
from nlsq_widget.solver import Status
from nlsq_widget.student import tail, two_sided
from nlsq_widget.watch import NOBODY, Watch

_ONE_SIGMA = 68.27  # per cent of normal residuals that lie within one standard deviation
_TESTED = 0.3  # the share of points that may be outliers at most
_ROUNDS = 30
_SETTLED = 1e-3  # of the scatter, by which it may still change between two fits


def outliers(fitted: Result | Session, q: float = 0.01, *, watch: Watch = NOBODY) -> np.ndarray:
    """The points that are suspected to be outliers: their indices, ascending [suspects].

    The method is ROUT, robust regression and outlier removal (Motulsky and Brown 2006, BMC Bioinformatics 7:123). The
    model is fitted as if residuals were distributed by Lorentz, in units of their own robust scatter: the 68.27th
    percentile of their sizes times n / (n - k), for n points and k free parameters. In these units the sizes of the
    residuals of that fit are compared with Student's t for n - k degrees of freedom, the 30 % greatest of them from
    the least upwards; `q` is the share of suspects that is wrong in the long run (Benjamini and Hochberg 1995). Of
    clean experiments with normal errors, one to three in a hundred have a suspect at the default.

    `fitted` is a result of `fit`, or a session. Points that do not count are not looked at; bounds, what was fixed and
    sigma hold as they did. `watch` is told of each fit. Raises ValueError where no point is left to judge by, and for
    correlated errors.

    >>> from nlsq_widget import fit
    >>> r = fit(lambda x, a, b: a + b * x, range(8), [0.1, 1.0, 1.9, 9.0, 4.1, 5.0, 5.9, 7.1])
    >>> outliers(r).tolist()
    [3]
    """
    q = number("q", q)
    if not 0 < q < 1:
        raise ValueError(f"q is {q:g}; give the share of wrong suspects, between 0 and 1, such as 0.01.")
    session = _from(fitted) if isinstance(fitted, Result) else fitted
    if session.data.correlated:
        raise ValueError("Points with correlated errors cannot be judged one by one.")
    result, scatter = _robust(session, watch)
    counts = np.flatnonzero(result.counts)
    return np.sort(counts[_suspects(_sizes(result) / scatter, result.dof, q)])


def _from(result: Result) -> Session:
    """What was fitted, to be fitted again from where that ended."""
    return replace(result.session, p0=tuple(result.popt.tolist()))


def _robust(session: Session, watch: Watch) -> tuple[Result, float]:
    """The fit for residuals that are distributed by Lorentz, and the scatter in whose units they are."""
    result = _tried(replace(session, loss="linear"), watch)
    scatter = _scatter(result)
    for _ in range(_ROUNDS):
        result = _tried(replace(_from(result), loss="cauchy", loss_scale=scatter), watch)
        before, scatter = scatter, _scatter(result)
        if abs(scatter - before) <= _SETTLED * scatter:
            break
    return result, scatter


def _tried(session: Session, watch: Watch) -> Result:
    result, _ = solve(session, tell=watch.tell)
    watch.ended(1)
    if result.status == Status.NOT_FINITE:
        raise ValueError(result.message)
    if result.dof < 1:
        raise ValueError(
            f"{result.n_points} points cannot tell outliers from {int(result.free.sum())} free parameters; "
            "fix some, or bring points back."
        )
    return result


def _sizes(result: Result) -> np.ndarray:
    """The residuals that count, without sign and in units of sigma where there is one."""
    sigma = result.data.sigma
    sizes = np.abs(result.residuals if sigma is None else result.residuals / sigma)
    return sizes[result.counts]


def _scatter(result: Result) -> float:
    """The robust standard deviation of the residuals; where most are zero, what rounding leaves of it."""
    sizes = _sizes(result)
    least = 1e-12 * float(np.max(sizes)) or 1.0
    return max(float(np.percentile(sizes, _ONE_SIGMA)) * sizes.size / result.dof, least)


def _suspects(t: np.ndarray, dof: int, q: float) -> np.ndarray:
    """Places in `t` [points] of what is too far out."""
    n = t.size
    order = np.argsort(t, kind="stable")
    first = n - max(1, round(_TESTED * n))
    # The mildest test comes first: what does not pass it passes none.
    first = max(first, int(np.searchsorted(t[order], two_sided(1 - q * (n - first) / n, dof), side="right")))
    return order[_found(t[order], range(first, n), dof, q) :]


def _found(ascending: np.ndarray, tested: Iterable[int], dof: int, q: float) -> int:
    n = ascending.size
    for i in tested:
        if tail(float(ascending[i]), dof) < q * (n - i) / n:
            return i
    return n
