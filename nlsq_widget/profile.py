"""How far each parameter can go with all the others fitted again, until the fit is worse by what chance may do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import copysign, inf, isfinite, nan, sqrt
from typing import Any

import numpy as np

from nlsq_widget.fit import solve
from nlsq_widget.result import Result
from nlsq_widget.session import Session
from nlsq_widget.solver import Status
from nlsq_widget.watch import NOBODY, Watch

_FAR = 1e5  # times the width that the standard error tells; an end that is farther is none
_GROWS = 4.0  # a step outwards, at most
_ROUNDS = 60
_EXACT = 1e-7  # of the distance from the fitted value
_LOWER = 1e-6  # of chi2, by which it must fall to be another minimum

Again = Callable[[Session], tuple[Result, Any]]  # how a session is fitted


def profile_interval(
    fitted: Result, level: float = 0.95, *, watch: Watch = NOBODY, grid: np.ndarray | None = None
) -> np.ndarray:
    """Where the parameters lie with this confidence, by the profile of chi2: lower and upper ends [parameters, 2].

    An end is where chi2, with the parameter held there and all the others fitted again, exceeds that of the fit by
    t² times the reduced chi2, t the quantile of Student's t for `dof` degrees of freedom (Bates and Watts 1988,
    section 6.1); by z², the normal one, where sigma is absolute. Unlike popt ± t stderr it need not be symmetric,
    holds however curved the model is, and does not depend on how the parameters are written.

    An end is infinite where chi2 never rises so far, and the bound where one comes first. What was fixed has an
    interval of no width, what is tied none (nan). `watch` is told of each fit; `grid` is that of a picture whose
    program shall make them. Raises ValueError where the fit did not converge, where there is no degree of freedom,
    and where a better fit is found on the way.

    >>> from nlsq_widget import fit
    >>> from jax import numpy as jnp
    >>> r = fit(lambda x, a, b: a * jnp.exp(-b * x), [0, 1, 2, 3], [4.1, 1.4, 0.6, 0.2], p0=[4, 1])
    >>> profile_interval(r).round(2).tolist(), r.confidence_interval().round(2).tolist()
    ([[3.78, 4.39], [0.87, 1.23]], [[3.79, 4.39], [0.86, 1.2]])
    """
    quantile = fitted.quantile(level)
    if not fitted.success:
        raise ValueError(f"There is no minimum to go from. {fitted.message}")
    if fitted.dof < 1 and not fitted.absolute_sigma:
        raise ValueError(f"{fitted.n_points} points leave nothing to judge by; fix parameters, or give more points.")
    again = partial(solve, grid=grid, tell=watch.tell)
    return np.array([_interval(fitted, i, quantile, again, watch) for i in range(len(fitted.names))])


def _interval(fitted: Result, i: int, quantile: float, again: Again, watch: Watch) -> tuple[float, float]:
    value = float(fitted.popt[i])
    if fitted.names[i] in fitted.model.ties:
        return nan, nan
    if not fitted.free[i]:
        return value, value
    if not isfinite(fitted.stderr[i]):
        return -inf, inf
    profile = _Profile.of(fitted, i, again, watch)
    lower, upper = (_end(profile, quantile, side) for side in (-1.0, 1.0))
    return lower, upper


@dataclass
class _Profile:
    """chi2 of the fits with one parameter held, each from where the one before it ended."""

    fitted: Result
    i: int
    session: Session  # that of the last fit, with the parameter held
    unit: float  # of a rise of chi2
    again: Again
    watch: Watch

    @classmethod
    def of(cls, fitted: Result, i: int, again: Again, watch: Watch) -> _Profile:
        name = fitted.names[i]
        held = fitted.session.fixed | {name}
        session = replace(fitted.session, fixed=held, following=fitted.session.following - {name})
        unit = 1.0 if fitted.absolute_sigma else fitted.reduced_chi2
        return cls(fitted, i, session, unit, again, watch)

    @property
    def value(self) -> float:
        return float(self.fitted.popt[self.i])

    @property
    def error(self) -> float:
        return float(self.fitted.stderr[self.i])

    def bound(self, side: float) -> float:
        session = self.fitted.session
        return (session.upper if side > 0 else session.lower)[self.i]

    def depth(self, value: float) -> float:
        """How much worse the fit is with the parameter held here, as a distance; infinite where it is none."""
        start = self.session.p0
        held = replace(self.session, p0=(*start[: self.i], value, *start[self.i + 1 :]))
        if self.fitted.model.ties:
            held = replace(held, p0=tuple(held.model.ties.values(held.p0).tolist()))
        result, _ = self.again(held)
        self.watch.ended(1)
        if result.status == Status.NOT_FINITE or not isfinite(result.chi2):
            return inf
        rise = result.chi2 - self.fitted.chi2
        if rise < -_LOWER * self.fitted.chi2:
            name = self.fitted.names[self.i]
            raise ValueError(f"A better fit was found on the way, near {name} = {value:.6g}: fit again from there.")
        self.session = replace(held, p0=tuple(result.popt.tolist()))
        return sqrt(max(rise, 0.0) / self.unit) if self.unit > 0 else inf

    def begin(self) -> None:
        """The next fit starts from the minimum."""
        self.session = replace(self.session, p0=tuple(self.fitted.popt.tolist()))


def _end(profile: _Profile, quantile: float, side: float) -> float:
    """Where the profile reaches `quantile`."""
    profile.begin()
    centre, bound = profile.value, profile.bound(side)
    width = quantile * profile.error
    if width == 0 or centre == bound:
        return centre

    def depth(distance: float) -> float:
        return profile.depth(centre + side * distance)

    room = abs(bound - centre)
    near, far = _bracket(depth, quantile, width, room)
    if far is None:
        return bound if room < inf else copysign(inf, side)
    return centre + side * _root(depth, quantile, near, far)


_At = tuple[float, float]  # a distance from the fitted value, and how deep the profile is there


def _bracket(depth: Callable[[float], float], quantile: float, width: float, room: float) -> tuple[_At, _At | None]:
    """Two distances between which the profile reaches `quantile`; the second None where it does not, within `room`."""
    near, at = (0.0, 0.0), min(width, room)
    while True:
        here = at, depth(at)
        if here[1] >= quantile:
            return near, here
        if at >= room or at > _FAR * width:
            return here, None
        slope = (here[1] - near[1]) / (at - near[0])
        reach = at + 1.05 * (quantile - here[1]) / slope if slope > 0 else inf
        near, at = here, min(max(reach, 1.05 * at), _GROWS * at, room)


def _root(depth: Callable[[float], float], quantile: float, near: _At, far: _At) -> float:
    """Where the profile is `quantile` deep, by false position that halves what does not move (Illinois)."""
    (a, low), (b, high) = (near[0], near[1] - quantile), (far[0], far[1] - quantile)
    if high == 0:
        return b
    for _ in range(_ROUNDS):
        c = b - high * (b - a) / (high - low) if isfinite(high) else 0.5 * (a + b)
        c = c if a < c < b else 0.5 * (a + b)
        found = depth(c) - quantile
        if abs(found) < _EXACT * quantile:
            return c
        if found > 0:
            b, high, low = c, found, 0.5 * low
        else:
            a, low, high = c, found, 0.5 * high
        if b - a < _EXACT * b:
            break
    return a  # where the model ends, it has no value beyond
