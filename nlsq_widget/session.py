"""Everything the user chose, as one frozen value. A command makes a new one, or is refused with a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite, isnan
from typing import Any, Literal, assert_never

import numpy as np
from numpy.typing import ArrayLike

from nlsq_widget.data import Data, measured, refuse_traced
from nlsq_widget.device import device as named_device
from nlsq_widget.model import Model, as_model
from nlsq_widget.placed import placed
from nlsq_widget.solver import LOSSES

Side = Literal["lower", "upper"]
Start = Mapping[str, float] | Sequence[float] | ArrayLike | None  # by name or by order


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

    >>> s = begin(lambda x, a, b: a * x + b, [1, 2, 3], [2, 4, 6], p0=[1, 0])
    >>> apply(s, SetBound("a", "upper", 0.5)).p0
    (0.5, 0.0)
    """
    match command:
        case SetStart(name, value):
            return _set_start(session, _index(session, name), name, value)
        case SetBound(name, side, value):
            return _set_bound(session, _index(session, name), name, side, value)
        case SetFixed(name, fixed):
            _index(session, name)
            return replace(session, fixed=session.fixed | {name} if fixed else session.fixed - {name})
        case SetExcluded(points):
            return replace(session, excluded=_points(session.data, points))
        case SetDevice(device):
            return replace(session, device=named_device(device).name)
        case _:
            assert_never(command)


def begin(
    model: Callable[..., Any],
    x: ArrayLike | Data,
    y: ArrayLike = (),
    *,
    sigma: ArrayLike | None = None,
    p0: Start = None,
    bounds: Any = None,
    fixed: Iterable[str] = (),
    excluded: Iterable[int] = (),
    device: Any = None,
    absolute_sigma: bool = False,
    jac: Callable[..., Any] | str = "auto",
    loss: str = "linear",
    loss_scale: float = 1.0,
    precision: str = "float64",
    x_label: str = "x",
    y_label: str = "y",
) -> Session:
    """The session that a call describes. Raises ValueError, in one sentence, for what cannot be fitted.

    `p0` and `bounds` go by name or by order: `{"a": 1.0}` or `[1.0, 2.0]`; `{"a": (0, None)}`, SciPy's pair
    `(lower, upper)`, or an object with `lb` and `ub`. A start value left out is the default in the model's
    signature, else the middle of its bounds, else 1. x may be all the data.
    """
    given = start_values(p0)
    own = None if isinstance(jac, str) else jac
    named = as_model(model, len(given) if isinstance(given, np.ndarray) else None, own)
    where = named_device(device, x, y, sigma)
    data = x if isinstance(x, Data) else placed(x, y, sigma, where) or measured(x, y, sigma)
    session = session_of(
        named,
        replace(data, x_label=str(x_label), y_label=str(y_label)),
        given,
        bounds,
        device=where,
        absolute_sigma=absolute_sigma,
    )
    session = with_method(session, jac if own is None else "auto", loss, loss_scale, precision)
    for command in fix_commands(session, fixed):
        session = apply(session, command)
    nothing = isinstance(excluded, tuple) and not excluded
    return session if nothing else apply(session, exclude_command(session, excluded))


def session_of(
    model: Model, data: Data, p0: Start = None, bounds: Any = None, *, device: Any = None, absolute_sigma: bool = False
) -> Session:
    """The session in which nothing is fixed and nothing excluded; `p0` and `bounds` as in `begin`."""
    pairs = named_bounds(model.names, bounds)
    unbounded = (-inf, inf)
    lower, upper = zip(*(pairs.get(name, unbounded) for name in model.names), strict=True)
    return Session(
        data=data,
        model=model,
        p0=_start(model, start_values(p0), lower, upper),
        lower=lower,
        upper=upper,
        device=named_device(device).name,
        absolute_sigma=bool(absolute_sigma),
    )


def with_method(
    session: Session, derivatives: Any, loss: Any = "linear", loss_scale: Any = 1.0, precision: Any = "float64"
) -> Session:
    """The session to be fitted in this way, each a word that `Session` lists."""
    return replace(
        session,
        loss=_one_of("loss", loss, LOSSES),
        loss_scale=_positive("loss_scale", loss_scale),
        derivatives=_one_of("jac", derivatives, ("auto", "forward", "reverse")),
        precision=_one_of("precision", precision, ("float64", "float32")),
    )


def _one_of(what: str, given: Any, known: Iterable[str]) -> str:
    if not isinstance(given, str) or given not in known:
        raise ValueError(f"{what} is {given!r}; choose one of: {', '.join(known)}.")
    return given


def _positive(what: str, given: Any) -> float:
    number = _number(what, given)
    if not 0 < number < inf:
        raise ValueError(f"{what} is {given!r}; give a positive number.")
    return number


def start_values(p0: Start) -> Mapping[str, float] | np.ndarray | None:
    """Start values by name as they are, those by order as one row of floats."""
    return p0 if p0 is None or isinstance(p0, Mapping) else _vector("p0", p0)


def fix_commands(session: Session, fixed: Any) -> tuple[Command, ...]:
    """The commands after which exactly this is fixed: one name, names, or {name: True or False}."""
    if isinstance(fixed, Mapping):
        wanted = [name for name, yes in fixed.items() if yes]
        unknown = [name for name in fixed if name not in session.names]
    else:
        wanted = [fixed] if isinstance(fixed, str) else list(_iterated("fixed", fixed))
        unknown = wanted
    for name in unknown:
        _index(session, name)
    return tuple(SetFixed(n, n in wanted) for n in session.names if (n in wanted) != (n in session.fixed))


def exclude_command(session: Session, excluded: Any) -> Command:
    """The command that excludes exactly these points: by index, or by a mask that is True where a point is out."""
    chosen = np.asarray(excluded if isinstance(excluded, np.ndarray) else list(_iterated("excluded", excluded)))
    if chosen.dtype == bool and chosen.size:
        if chosen.shape != (session.data.n_points,):
            raise ValueError(
                f"The mask of excluded points has shape {chosen.shape} for {session.data.n_points} points."
            )
        chosen = np.flatnonzero(chosen)
    if chosen.size and chosen.dtype.kind not in "iu":
        raise ValueError("excluded holds what is no index; give whole numbers, or a mask of True and False.")
    return SetExcluded(frozenset(chosen.ravel().tolist()))


def _iterated(what: str, given: Any) -> Iterable[Any]:
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise ValueError(f"{what} is {given!r}; give a list, empty for none.")
    return given


def _vector(what: str, values: Any) -> np.ndarray:
    """A row of floats."""
    try:
        return np.asarray(values, dtype=float).ravel()
    except (TypeError, ValueError, OverflowError) as error:
        refuse_traced(what, values)
        raise ValueError(f"{what} is {values!r}; give one number for each parameter, or name them.") from error


def _set_start(session: Session, i: int, name: str, value: float) -> Session:
    value = _finite_start(name, value)
    if not session.lower[i] <= value <= session.upper[i]:
        raise ValueError(
            f"The start value {value:.10g} of {name} is outside its bounds "
            f"({session.lower[i]:.10g} to {session.upper[i]:.10g}); move the bound first."
        )
    return replace(session, p0=_put(session.p0, i, value))


def _set_bound(session: Session, i: int, name: str, side: Side, value: float) -> Session:
    value = _number(f"The {side} bound of {name}", value)
    lower, upper = session.lower, session.upper
    if side == "lower":
        lower = _put(lower, i, value)
    elif side == "upper":
        upper = _put(upper, i, value)
    else:
        assert_never(side)
    return _bounded(session, i, name, lower, upper)


def set_bounds(session: Session, name: str, pair: Any) -> tuple[Command, ...]:
    """The commands that put both bounds of a pair, in the order in which neither crosses the other."""
    i = _index(session, name)
    low, high = _pair(name, pair)
    _check_order(name, low, high)
    commands = (SetBound(name, "lower", low), SetBound(name, "upper", high))
    return commands if low <= session.upper[i] else commands[::-1]


def _bounded(session: Session, i: int, name: str, lower: tuple[float, ...], upper: tuple[float, ...]) -> Session:
    _check_order(name, lower[i], upper[i])
    return replace(
        session, lower=lower, upper=upper, p0=_put(session.p0, i, min(max(session.p0[i], lower[i]), upper[i]))
    )


def _check_order(name: str, lower: float, upper: float) -> None:
    if not lower <= upper or lower == inf or upper == -inf:
        raise ValueError(
            f"The bounds of {name} are {lower:.10g} and {upper:.10g}; the lower one must not exceed the upper one."
        )


def _index(session: Session, name: Any) -> int:
    if not isinstance(name, str) or name not in session.names:
        raise ValueError(f"There is no parameter {name!r}; the model has {', '.join(session.names)}.")
    return session.names.index(name)


def _put(values: tuple[float, ...], i: int, value: float) -> tuple[float, ...]:
    return (*values[:i], value, *values[i + 1 :])


def _number(what: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{what} is {value!r}; give a number.") from error
    if isnan(number):
        raise ValueError(f"{what} is not a number (nan); give a number.")
    return number


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


def _start(
    model: Model, p0: Mapping[str, Any] | np.ndarray | None, lower: tuple[float, ...], upper: tuple[float, ...]
) -> tuple[float, ...]:
    given: Mapping[str, Any]
    if p0 is None or isinstance(p0, Mapping):
        given = p0 or {}
        _check_names("p0", model.names, given)
    else:
        given = dict(zip(model.names, p0.tolist(), strict=True))
    start = []
    for i, name in enumerate(model.names):
        value = given[name] if name in given else _inside(model.defaults[i], lower[i], upper[i])
        if type(value) is not float or not isfinite(value):
            value = _finite_start(name, value)
        if not lower[i] <= value <= upper[i]:
            raise ValueError(
                f"Initial guess is outside of provided bounds: the start value {value:.10g} of {name} is outside "
                f"its bounds ({lower[i]:.10g} to {upper[i]:.10g}); change one of them."
            )
        start.append(value)
    return tuple(start)


def _finite_start(name: str, value: Any) -> float:
    number = _number(f"The start value of {name}", value)
    if not isfinite(number):
        raise ValueError(f"The start value of {name} is {number}; give a finite number.")
    return number


def _inside(default: float | None, lower: float, upper: float) -> float:
    """The default, moved into the bounds; without one, what SciPy takes: their middle, one from the only one, or 1."""
    if default is not None:
        return min(max(default, lower), upper)
    if isfinite(lower) and isfinite(upper):
        return 0.5 * (lower + upper)
    if isfinite(lower):
        return lower + 1.0
    return upper - 1.0 if isfinite(upper) else 1.0


def named_bounds(names: tuple[str, ...], bounds: Any) -> dict[str, tuple[float, float]]:
    """The bounds that were given, by name: from pairs by name, a pair `(lower, upper)`, or `lb` and `ub`."""
    if bounds is None:
        return {}
    if isinstance(bounds, Mapping):
        _check_names("bounds", names, bounds)
        pairs = {name: _pair(name, pair) for name, pair in bounds.items()}
    else:
        low, high = _both(bounds)
        lower, upper = _side(names, low, "lower"), _side(names, high, "upper")
        pairs = dict(zip(names, zip(lower, upper, strict=True), strict=True))
    for name, (low, high) in pairs.items():
        _check_order(name, low, high)
    return pairs


def _both(bounds: Any) -> tuple[Any, Any]:
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        return bounds.lb, bounds.ub
    try:
        lower, upper = bounds
    except (TypeError, ValueError) as error:
        raise ValueError("bounds must be a pair (lower, upper), or a pair for each name: {'a': (0, None)}.") from error
    return lower, upper


def _side(names: tuple[str, ...], values: Any, side: str) -> list[float]:
    row = _vector(f"The {side} bounds", values).tolist()
    if np.ndim(values) == 0:
        row *= len(names)
    if len(row) != len(names):
        raise ValueError(
            f"There are {len(row)} {side} bounds for {len(names)} parameters; give one for each, or one for all."
        )
    for name, value in zip(names, row, strict=True):
        if isnan(value):
            raise ValueError(f"The {side} bound of {name} is not a number (nan); give a number.")
    return row


def _pair(name: str, pair: Any) -> tuple[float, float]:
    if pair is None:
        return -inf, inf
    try:
        low, high = pair
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The bounds of {name} are {pair!r}; give a pair, with None where there is none: (0, None)."
        ) from error
    return (
        -inf if low is None else _number(f"The lower bound of {name}", low),
        inf if high is None else _number(f"The upper bound of {name}", high),
    )


def _check_names(what: str, names: tuple[str, ...], given: Mapping[str, Any]) -> None:
    unknown = [name for name in given if name not in names]
    if unknown:
        raise ValueError(f"{what} names {unknown[0]!r}, which is no parameter; the model has {', '.join(names)}.")
