"""What a call says (start values, bounds, names, options, in any of the accepted forms), read into a session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import inf, isfinite, isnan
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nlsq_widget.data import Data, measured, refuse_traced
from nlsq_widget.device import device as named_device
from nlsq_widget.frames import columns
from nlsq_widget.model import Model, as_model
from nlsq_widget.models.alike import Guess, alike
from nlsq_widget.placed import placed
from nlsq_widget.session import (
    Command,
    Session,
    SetBound,
    SetExcluded,
    SetRange,
    SetRole,
    SetTie,
    apply,
    check_order,
    derived,
    finite_start,
    index,
    number,
    one_of,
    positive,
)
from nlsq_widget.solver import LOSSES

Start = Mapping[str, float] | Sequence[float] | ArrayLike | None  # by name or by order


def begin(
    model: Callable[..., Any] | str | Session,
    x: ArrayLike | Data = (),
    y: ArrayLike = (),
    *,
    sigma: ArrayLike | None = None,
    p0: Start = None,
    bounds: Any = None,
    fixed: Iterable[str] = (),
    ties: Mapping[str, str] | None = None,
    excluded: Iterable[int] = (),
    x_range: Any = None,
    device: Any = None,
    absolute_sigma: bool = False,
    jac: Callable[..., Any] | str = "auto",
    loss: str = "linear",
    loss_scale: float = 1.0,
    precision: str = "float64",
    data: Any = None,
    x_label: str | None = None,
    y_label: str | None = None,
) -> Session:
    """The session that a call describes. Raises ValueError, in one sentence, for what cannot be fitted.

    `p0` and `bounds` go by name or by order: `{"a": 1.0}` or `[1.0, 2.0]`; `{"a": (0, None)}`, SciPy's pair
    `(lower, upper)`, or an object with `lb` and `ub`. A start value left out is the default in the model's
    signature, else the middle of its bounds, else 1; a model of the library guesses it from the points that count,
    and so does a formula that is a sum of such models; the library's have natural bounds where none are given. x may be
    all the data, and a session all of it. x, y and sigma may be columns of the table `data`; the axes are called as the
    columns and series are, unless their labels are given.
    """
    if isinstance(model, Session):
        words = (absolute_sigma, jac, loss, loss_scale, precision) == (False, "auto", "linear", 1.0, "float64")
        beside = (x, y, sigma, p0, bounds, fixed, ties, excluded, x_range, device, data, x_label, y_label)
        if not words or not all(one is None or _nothing(one) for one in beside):
            raise ValueError("A session has its data and choices; give nothing beside it, or change it in the widget.")
        return model
    given = start_values(p0)
    own = None if isinstance(jac, str) else jac
    named = as_model(model, len(given) if isinstance(given, np.ndarray) else None, own)
    x, y, sigma, x_name, y_name = columns(x, y, sigma, data)
    where = named_device(device, x, y, sigma)
    points = x if isinstance(x, Data) else placed(x, y, sigma, where) or measured(x, y, sigma)
    labels = [str(one) for one in (_first(x_label, x_name, "x"), _first(y_label, y_name, "y"))]
    if [points.x_label, points.y_label] != labels:
        points = replace(points, x_label=labels[0], y_label=labels[1])
    how = method(jac if own is None else "auto", loss, loss_scale, precision)
    session = session_of(named, points, given, bounds, device=where, absolute_sigma=absolute_sigma, **how)
    for command in () if _nothing(fixed) else fix_commands(session, fixed):
        session = apply(session, command)
    for command in () if ties is None else tie_commands(session, ties):
        session = apply(session, command)
    if x_range is not None:
        session = apply(session, range_command(x_range))
    session = session if _nothing(excluded) else apply(session, exclude_command(session, excluded))
    return guessed(session, given)


def guessed(session: Session, given: Mapping[str, Any] | np.ndarray | None) -> Session:
    """With start values that a library finds for its models, and for formulas that are alike; those `given` stay, and
    all stay within their bounds."""
    kept = given if isinstance(given, Mapping) else {}
    if isinstance(given, np.ndarray) or all(name in kept for name in session.names):
        return session
    guess = _guess_of(session)
    if guess is None:
        return session
    counts = session.counting.counts
    found = guess(session.data.x[..., counts], session.data.y[counts])
    rows = zip(session.names, session.p0, found, session.lower, session.upper, strict=True)
    p0 = tuple(old if name in kept else min(max(new, low), high) for name, old, new, low, high in rows)
    return derived(replace(session, p0=p0))


def _guess_of(session: Session) -> Guess | None:
    model = session.model
    if model.origin is not None:
        return model.origin.guess
    return alike(model.formula) if model.formula is not None and session.data.x.ndim == 1 else None


def _nothing(given: Any) -> bool:
    return isinstance(given, tuple) and not given


def _first(*given: Any) -> Any:
    """The first that says something."""
    return next(one for one in given if one is not None)


def session_of(
    model: Model,
    data: Data,
    p0: Start = None,
    bounds: Any = None,
    *,
    device: Any = None,
    absolute_sigma: bool = False,
    **how: Any,
) -> Session:
    """The session in which nothing is fixed and nothing excluded; `p0` and `bounds` as in `begin`, `how` a `method`."""
    pairs = named_bounds(model.names, bounds)
    if model.bounds and (bounds is None or isinstance(bounds, Mapping)):
        pairs = _natural(model, start_values(p0)) | pairs
    unbounded = (-inf, inf)
    lower, upper = zip(*(pairs.get(name, unbounded) for name in model.names), strict=True)
    session = Session(
        data=data,
        model=model,
        p0=_start(model, start_values(p0), lower, upper),
        lower=lower,
        upper=upper,
        fixed=model.fixed,
        device=named_device(device).name,
        absolute_sigma=bool(absolute_sigma),
        **how,
    )
    return derived(session)


def method(derivatives: Any, loss: Any = "linear", loss_scale: Any = 1.0, precision: Any = "float64") -> dict[str, Any]:
    """How a session is fitted, each a word that `Session` lists."""
    return {
        "loss": one_of("loss", loss, LOSSES),
        "loss_scale": positive("loss_scale", loss_scale),
        "derivatives": one_of("jac", derivatives, ("auto", "forward", "reverse")),
        "precision": one_of("precision", precision, ("float64", "float32")),
    }


def start_values(p0: Start) -> Mapping[str, float] | np.ndarray | None:
    """Start values by name as they are, those by order as one row of floats."""
    return p0 if p0 is None or isinstance(p0, Mapping) else _vector("p0", p0)


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
        check_order(name, low, high)
    return pairs


def set_bounds(session: Session, name: str, pair: Any) -> tuple[Command, ...]:
    """The commands that put both bounds of a pair, in the order in which neither crosses the other."""
    i = index(session, name)
    low, high = _pair(name, pair)
    check_order(name, low, high)
    commands = (SetBound(name, "lower", low), SetBound(name, "upper", high))
    return commands if low <= session.upper[i] else commands[::-1]


def fix_commands(session: Session, fixed: Any) -> tuple[Command, ...]:
    """The commands after which exactly this is fixed: one name, names, or {name: True or False}."""
    if isinstance(fixed, Mapping):
        wanted = [name for name, yes in fixed.items() if yes]
        unknown = [name for name in fixed if name not in session.names]
    else:
        wanted = [fixed] if isinstance(fixed, str) else list(_iterated("fixed", fixed))
        unknown = wanted
    for name in unknown:
        index(session, name)
    changed = [name for name in session.names if (name in wanted) != (name in session.fixed)]
    return tuple(SetRole(name, "fixed" if name in wanted else "free") for name in changed)


def follow_commands(session: Session, following: Any) -> tuple[Command, ...]:
    """The commands after which exactly these parameters follow."""
    wanted = [following] if isinstance(following, str) else list(_iterated("following", following))
    for name in wanted:
        index(session, name)
    changed = [name for name in session.names if (name in wanted) != (name in session.following)]
    return tuple(SetRole(name, "following" if name in wanted else "free") for name in changed)


def tie_commands(session: Session, ties: Any) -> tuple[Command, ...]:
    """The commands after which exactly these parameters are tied: {name: expression}, None for none."""
    wanted = {} if ties is None else ties
    if not isinstance(wanted, Mapping):
        raise ValueError(f"ties is {ties!r}; give an expression by the name of each parameter: {{'b': '1.5 * a'}}.")
    for name in wanted:
        index(session, name)
    texts = {name: text for name, text in wanted.items() if text is not None}
    now = session.model.ties
    gone = [SetTie(name, None) for name, text in now.texts if texts.get(name) != text]
    return (*gone, *(SetTie(name, text) for name, text in texts.items() if now.text(name) != text))


def range_command(x_range: Any) -> Command:
    """The command that lets only the points of this range of x count; None for all."""
    try:
        lower, upper = (None, None) if x_range is None else x_range
    except (TypeError, ValueError) as error:
        raise ValueError(f"x_range is {x_range!r}; give a pair, with None for an open end: (0, None).") from error
    return SetRange(-inf if lower is None else lower, inf if upper is None else upper)


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


def _natural(model: Model, p0: Mapping[str, Any] | np.ndarray | None) -> dict[str, tuple[float, float]]:
    """The bounds that the model comes with, but where the user begins outside of them."""
    natural = dict(zip(model.names, model.bounds, strict=True))
    given = p0 if isinstance(p0, Mapping) else {} if p0 is None else dict(zip(model.names, p0.tolist(), strict=True))
    outside = {n for n, (low, high) in natural.items() if n in given and not low <= finite_start(n, given[n]) <= high}
    return {name: pair for name, pair in natural.items() if name not in outside}


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
            value = finite_start(name, value)
        if not lower[i] <= value <= upper[i]:
            raise ValueError(
                f"Initial guess is outside of provided bounds: the start value {value:.10g} of {name} is outside "
                f"its bounds ({lower[i]:.10g} to {upper[i]:.10g}); change one of them."
            )
        start.append(value)
    return tuple(start)


def _inside(default: float | None, lower: float, upper: float) -> float:
    """The default, moved into the bounds; without one, what SciPy takes: their middle, one from the only one, or 1."""
    if default is not None:
        return min(max(default, lower), upper)
    if isfinite(lower) and isfinite(upper):
        return 0.5 * (lower + upper)
    if isfinite(lower):
        return lower + 1.0
    return upper - 1.0 if isfinite(upper) else 1.0


def _both(bounds: Any) -> tuple[Any, Any]:
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        return bounds.lb, bounds.ub
    try:
        lower, upper = bounds
    except (TypeError, ValueError) as error:
        raise ValueError("bounds must be a pair (lower, upper), or a pair for each name: {'a': (0, None)}.") from error
    return lower, upper


def _side(names: tuple[str, ...], values: Any, side: str) -> list[float]:
    try:
        row = _row(values).tolist()
    except _NO_NUMBERS as error:
        refuse_traced("bounds", values)
        raise ValueError(
            f"bounds has {values!r} for the {side} ones; give numbers: (0, 9), or ([0, 1], [8, 9])."
        ) from error
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
        -inf if low is None else number(f"The lower bound of {name}", low),
        inf if high is None else number(f"The upper bound of {name}", high),
    )


def _check_names(what: str, names: tuple[str, ...], given: Mapping[str, Any]) -> None:
    unknown = [name for name in given if name not in names]
    if unknown:
        raise ValueError(f"{what} names {unknown[0]!r}, which is no parameter; the model has {', '.join(names)}.")


def _iterated(what: str, given: Any) -> Iterable[Any]:
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise ValueError(f"{what} is {given!r}; give a list, empty for none.")
    return given


# What is raised for what is none.
_NO_NUMBERS = (TypeError, ValueError, OverflowError)


def _vector(what: str, values: Any) -> np.ndarray:
    """A row of floats."""
    try:
        return _row(values)
    except _NO_NUMBERS as error:
        refuse_traced(what, values)
        raise ValueError(f"{what} is {values!r}; give one number for each parameter, or name them.") from error


def _row(values: Any) -> np.ndarray:
    if isinstance(values, str | bytes):  # NumPy would read the number in "12"
        raise TypeError
    return np.asarray(values, dtype=float).ravel()
