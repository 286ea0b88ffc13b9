"""Everything the user chose, as one frozen value. A command makes a new one, or is refused with a sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, isfinite, isnan
from typing import Any, Literal, assert_never

from nlsq_widget.data import Data
from nlsq_widget.device import device as named_device
from nlsq_widget.model import Model

Side = Literal["lower", "upper"]


@dataclass(frozen=True, eq=False)
class Session:
    """The data, the model, and every choice of the user."""

    data: Data
    model: Model
    p0: tuple[float, ...]
    lower: tuple[float, ...]  # -inf where unbounded
    upper: tuple[float, ...]  # +inf where unbounded
    fixed: frozenset[str] = frozenset()
    excluded: frozenset[int] = frozenset()  # indices of points that do not count
    device: str = "cpu:0"
    absolute_sigma: bool = False  # True: sigma is in the units of y (1 where there is none), pcov is not rescaled
    loss: str = "linear"  # one of solver.LOSSES
    loss_scale: float = 1.0  # the residual, in units of sigma, from which on the loss departs from the square
    derivatives: str = "auto"  # "forward" or "reverse" mode; "auto": by the shapes
    precision: str = "float64"  # or "float32"

    @property
    def names(self) -> tuple[str, ...]:
        return self.model.names


@dataclass(frozen=True)
class SetStart:
    """Start the fit of a parameter from `value`; when it is fixed, this is its value."""

    name: str
    value: float


@dataclass(frozen=True)
class SetBound:
    """Put a bound at `value`, or take it away with an infinite one. A start value in the way is pushed along."""

    name: str
    side: Side
    value: float


@dataclass(frozen=True)
class SetFixed:
    """Fix a parameter at its start value, or set it free."""

    name: str
    fixed: bool


@dataclass(frozen=True)
class SetExcluded:
    """Let exactly these points not count."""

    points: frozenset[int]


@dataclass(frozen=True)
class SetDevice:
    """Fit on the device of this name."""

    device: str


Command = SetStart | SetBound | SetFixed | SetExcluded | SetDevice


def apply(session: Session, command: Command) -> Session:
    """The session after `command`. Raises ValueError with what to do when it makes no sense; nothing is changed then.

    >>> from nlsq_widget.begin import begin
    >>> s = begin(lambda x, a, b: a * x + b, [1, 2, 3], [2, 4, 6], p0=[1, 0])
    >>> apply(s, SetBound("a", "upper", 0.5)).p0
    (0.5, 0.0)
    """
    match command:
        case SetStart(name, value):
            return _set_start(session, index(session, name), name, value)
        case SetBound(name, side, value):
            return _set_bound(session, index(session, name), name, side, value)
        case SetFixed(name, fixed):
            index(session, name)
            return replace(session, fixed=session.fixed | {name} if fixed else session.fixed - {name})
        case SetExcluded(points):
            return replace(session, excluded=_points(session.data, points))
        case SetDevice(device):
            return replace(session, device=named_device(device).name)
        case _:
            assert_never(command)


def _set_start(session: Session, i: int, name: str, value: float) -> Session:
    value = finite_start(name, value)
    if not session.lower[i] <= value <= session.upper[i]:
        raise ValueError(
            f"The start value {value:.10g} of {name} is outside its bounds "
            f"({session.lower[i]:.10g} to {session.upper[i]:.10g}); move the bound first."
        )
    return replace(session, p0=_put(session.p0, i, value))


def _set_bound(session: Session, i: int, name: str, side: Side, value: float) -> Session:
    value = number(f"The {side} bound of {name}", value)
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
    if len(chosen) == data.n_points:
        raise ValueError("All points are excluded; leave some to fit.")
    if chosen and data.correlated:
        raise ValueError(
            "Points with correlated errors cannot be excluded one by one; leave them out of x, y and sigma."
        )
    return chosen


def finite_start(name: str, value: Any) -> float:
    """What is given as a start value."""
    value = number(f"The start value of {name}", value)
    if not isfinite(value):
        raise ValueError(f"The start value of {name} is {value}; give a finite number.")
    return value
