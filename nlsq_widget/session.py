"""Everything the user chose, as one frozen value. A command makes a new one, or is refused with a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from math import inf, isfinite, isnan
from typing import Any, Literal, assert_never, cast, get_args

import numpy as np

from nlsq_widget.data import Counting, Data
from nlsq_widget.device import device as named_device
from nlsq_widget.model import Model
from nlsq_widget.solver import LOSSES
from nlsq_widget.ties import Ties

Side = Literal["lower", "upper"]
Role = Literal["free", "fixed", "following"]  # following: free, and its start value goes along when another is moved
Live = Literal["drag", "release", "button"]  # when the page fits: with each move, when the finger lifts, when asked


@dataclass(frozen=True, eq=False)
class Session:
    """The data, the model, and every choice of the user."""

    data: Data
    model: Model
    p0: tuple[float, ...]
    lower: tuple[float, ...]  # -inf where unbounded
    upper: tuple[float, ...]  # +inf where unbounded
    fixed: frozenset[str] = frozenset()
    following: frozenset[str] = frozenset()
    excluded: frozenset[int] = frozenset()  # indices of points that were taken out one by one
    x_range: tuple[float, float] = (-inf, inf)  # what lies outside does not count either
    device: str = "cpu:0"
    absolute_sigma: bool = False  # True: sigma is in the units of y (1 where there is none), pcov is not rescaled
    loss: str = "linear"  # one of solver.LOSSES
    loss_scale: float = 1.0  # the residual, in units of sigma, from which on the loss departs from the square
    derivatives: str = "auto"  # "forward" or "reverse" mode; "auto": by the shapes
    precision: str = "float64"  # or "float32"
    live: Live = "drag"
    level: float | None = 0.95  # confidence of the band that is drawn; None: no band

    @property
    def names(self) -> tuple[str, ...]:
        return self.model.names

    @cached_property
    def counting(self) -> Counting:
        """The points that count."""
        return self.data.counting(self.excluded, self.x_range)

    @property
    def out(self) -> np.ndarray | None:
        """True for each point that does not count [points]; None where all do."""
        return self.counting.out

    @property
    def n_out(self) -> int:
        """How many points do not count."""
        return self.counting.n_out

    def fits_as(self, other: Session) -> bool:
        """Whether the fit is the same: only what is drawn, or when, may differ."""
        return replace(self, live=other.live, level=other.level, following=other.following).is_same(other)

    def is_same(self, other: Session) -> bool:
        """Whether every choice is the same."""
        return all(getattr(self, f.name) == getattr(other, f.name) for f in fields(Session))

    def role(self, name: str) -> Role | Literal["tied"]:
        if name in self.model.ties:
            return "tied"
        return "fixed" if name in self.fixed else "following" if name in self.following else "free"

    @cached_property
    def free(self) -> tuple[bool, ...]:
        """What the fit may move [parameters]: neither fixed, nor tied, nor held by equal bounds."""
        held = self.fixed | {name for name, _ in self.model.ties.texts}
        rows = zip(self.names, self.lower, self.upper, strict=True)
        return tuple(name not in held and low < high for name, low, high in rows)


@dataclass(frozen=True)
class SetStart:
    """Start the fit of a parameter from `value`; when it is fixed, this is its value. It unties what was tied."""

    name: str
    value: float


@dataclass(frozen=True)
class SetBound:
    """Put a bound at `value`, or take it away with an infinite one. A start value in the way is pushed along."""

    name: str
    side: Side
    value: float


@dataclass(frozen=True)
class SetRole:
    """Fix a parameter at its start value, set it free, or let it follow."""

    name: str
    role: Role


@dataclass(frozen=True)
class SetTie:
    """Compute a parameter from the others, by an expression such as "1.5 * width1"; None lets it go by itself."""

    name: str
    text: str | None


@dataclass(frozen=True)
class SetExcluded:
    """Let exactly these points not count."""

    points: frozenset[int]


@dataclass(frozen=True)
class SetRange:
    """Let the points outside of this range of x not count; infinite ends take it away."""

    lower: float
    upper: float


@dataclass(frozen=True)
class SetDevice:
    """Fit on the device of this name."""

    device: str


@dataclass(frozen=True)
class SetLoss:
    """Weigh residuals by this loss, which departs from the square at `scale` of their units."""

    loss: str
    scale: float


@dataclass(frozen=True)
class SetLive:
    """Fit with each move, when the finger lifts, or when asked."""

    live: Live


@dataclass(frozen=True)
class SetLevel:
    """Draw the confidence band of this level, or none."""

    level: float | None


Command = SetStart | SetBound | SetRole | SetTie | SetExcluded | SetRange | SetDevice | SetLoss | SetLive | SetLevel


def apply(session: Session, command: Command) -> Session:
    """The session after `command`. Raises ValueError with what to do when it makes no sense; nothing is changed then.

    >>> from nlsq_widget.begin import begin
    >>> s = begin(lambda x, a, b: a * x + b, [1, 2, 3], [2, 4, 6], p0=[1, 0])
    >>> apply(s, SetBound("a", "upper", 0.5)).p0
    (0.5, 0.0)
    """
    match command:
        case SetStart() | SetBound() | SetRole() | SetTie():
            return derived(_of_parameter(session, command))
        case SetExcluded(points):
            return _set_excluded(session, points)
        case SetRange(lower, upper):
            return _set_range(session, lower, upper)
        case SetDevice(device):
            return replace(session, device=named_device(device).name)
        case SetLoss(loss, scale):
            return replace(session, loss=one_of("loss", loss, LOSSES), loss_scale=positive("loss_scale", scale))
        case SetLive(live):
            return replace(session, live=cast(Live, one_of("live", live, get_args(Live))))
        case SetLevel(level):
            return replace(session, level=_level(level))
        case _:
            assert_never(command)


def _of_parameter(session: Session, command: SetStart | SetBound | SetRole | SetTie) -> Session:
    i = index(session, command.name)
    match command:
        case SetStart(name, value):
            return _set_start(session, i, name, value)
        case SetBound(name, side, value):
            return _set_bound(session, i, name, side, value)
        case SetRole(name, role):
            return _set_role(session, name, role)
        case SetTie(name, text):
            return _set_tie(session, i, name, text)


def _set_start(session: Session, i: int, name: str, value: float) -> Session:
    value = finite_start(name, value)
    if not session.lower[i] <= value <= session.upper[i]:
        raise ValueError(
            f"The start value {value:.10g} of {name} is outside its bounds "
            f"({session.lower[i]:.10g} to {session.upper[i]:.10g}); move the bound first."
        )
    return replace(_tied(session, name, None), p0=_put(session.p0, i, value))


def _set_bound(session: Session, i: int, name: str, side: Side, value: float) -> Session:
    value = number(f"The {side} bound of {name}", value)
    if name in session.model.ties and np.isfinite(value):
        raise ValueError(f"{name} is tied, and no bound would hold it; bound what it is tied to, or untie it first.")
    lower, upper = session.lower, session.upper
    if side == "lower":
        lower = _put(lower, i, value)
    elif side == "upper":
        upper = _put(upper, i, value)
    else:
        assert_never(side)
    return _bounded(session, i, name, lower, upper)


def _bounded(session: Session, i: int, name: str, lower: tuple[float, ...], upper: tuple[float, ...]) -> Session:
    check_order(name, lower[i], upper[i])
    return replace(
        session, lower=lower, upper=upper, p0=_put(session.p0, i, min(max(session.p0[i], lower[i]), upper[i]))
    )


def check_order(name: str, lower: float, upper: float) -> None:
    """Refuse bounds between which nothing lies."""
    if not lower <= upper or lower == inf or upper == -inf:
        raise ValueError(
            f"The bounds of {name} are {lower:.10g} and {upper:.10g}; the lower one must not exceed the upper one."
        )


def index(session: Session, name: Any) -> int:
    """The place of a parameter among the names."""
    if not isinstance(name, str) or name not in session.names:
        raise ValueError(f"There is no parameter {name!r}; the model has {', '.join(session.names)}.")
    return session.names.index(name)


def _put(values: tuple[float, ...], i: int, value: float) -> tuple[float, ...]:
    return (*values[:i], value, *values[i + 1 :])


def number(what: str, value: Any) -> float:
    """What is given as a number, infinities included."""
    try:
        read = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{what} is {value!r}; give a number.") from error
    if isnan(read):
        raise ValueError(f"{what} is not a number (nan); give a number.")
    return read


def _points(data: Data, chosen: frozenset[int]) -> frozenset[int]:
    wrong = sorted(point for point in chosen if not 0 <= point < data.n_points)
    if wrong:
        raise ValueError(f"There is no point {wrong[0]}; the points are numbered 0 to {data.n_points - 1}.")
    return chosen


def _set_role(session: Session, name: str, role: Role) -> Session:
    one_of("The role of a parameter", role, get_args(Role))
    if name in session.model.ties:
        raise ValueError(f"{name} is tied (= {session.model.ties.text(name)}), so it has no role; untie it first.")
    fixed, following = session.fixed - {name}, session.following - {name}
    if role == "fixed":
        fixed |= {name}
    elif role == "following":
        following |= {name}
    return replace(session, fixed=fixed, following=following)


def _set_tie(session: Session, i: int, name: str, text: str | None) -> Session:
    if text is None:
        return _tied(session, name, None)
    if (session.lower[i], session.upper[i]) != (-inf, inf):
        raise ValueError(f"{name} has bounds, which no tie would keep; take them away first.")
    if session.model.jacobian is not None:
        raise ValueError("jac gives the derivatives of parameters that are not tied; leave it out to tie them.")
    free = replace(session, fixed=session.fixed - {name}, following=session.following - {name})
    return _tied(free, name, text)


def _tied(session: Session, name: str, text: str | None) -> Session:
    ties = session.model.ties
    if text is None and name not in ties:
        return session
    changed = (ties if ties else Ties(session.names)).with_(name, text)
    return session if changed == ties else replace(session, model=replace(session.model, ties=changed))


def derived(session: Session) -> Session:
    """The session with the start values of tied parameters as their expressions give them."""
    ties = session.model.ties
    if not ties:
        return session
    p0 = ties.values(session.p0)
    for name, value in zip(session.names, p0.tolist(), strict=True):
        if not isfinite(value):
            raise ValueError(f"{name} = {ties.text(name)} is not finite at the start values; change those, or the tie.")
    return replace(session, p0=tuple(p0.tolist()))


def _set_excluded(session: Session, points: frozenset[int]) -> Session:
    if points == session.excluded:
        return session
    return _counted(replace(session, excluded=_points(session.data, points)))


def _set_range(session: Session, lower: float, upper: float) -> Session:
    lower, upper = number("The lower end of the range", lower), number("The upper end of the range", upper)
    if session.data.x.ndim != 1 and (lower, upper) != (-inf, inf):
        raise ValueError("x has several rows, so no range of it can be chosen; exclude points instead.")
    if not lower < upper:
        raise ValueError(f"The range of x is {lower:.10g} to {upper:.10g}; its lower end must be below its upper one.")
    return _counted(replace(session, x_range=(lower, upper)))


def _counted(session: Session) -> Session:
    """The session, if points are left to fit."""
    if session.out is None or not session.out.any():
        return session
    if session.out.all():
        raise ValueError("All points are excluded; leave some to fit.")
    if session.data.correlated:
        raise ValueError(
            "Points with correlated errors cannot be excluded one by one; leave them out of x, y and sigma."
        )
    return session


def _level(level: Any) -> float | None:
    if level is None:
        return None
    share = number("level", level)
    if not 0 < share < 1:
        raise ValueError(f"level is {level!r}; give a probability between 0 and 1, such as 0.95, or None for no band.")
    return share


def one_of(what: str, given: Any, known: Iterable[str]) -> str:
    """What is given, if it is one of the words known."""
    if not isinstance(given, str) or given not in known:
        raise ValueError(f"{what} is {given!r}; choose one of: {', '.join(known)}.")
    return given


def positive(what: str, given: Any) -> float:
    """What is given as a positive number."""
    value = number(what, given)
    if not 0 < value < inf:
        raise ValueError(f"{what} is {given!r}; give a positive number.")
    return value


def finite_start(name: str, value: Any) -> float:
    """What is given as a start value."""
    value = number(f"The start value of {name}", value)
    if not isfinite(value):
        raise ValueError(f"The start value of {name} is {value}; give a finite number.")
    return value
