"""Many fits of one model at once: lanes of one compiled program. A lane that has converged makes room for the next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from nlsq_widget import problem as problems
from nlsq_widget.begin import begin
from nlsq_widget.data import Data, measured, numbers
from nlsq_widget.device import Device, cores, scope
from nlsq_widget.device import device as named_device
from nlsq_widget.fit import Tolerances, choices_of, fit, not_negative, propagated, rules_of
from nlsq_widget.frames import columns
from nlsq_widget.model import Model
from nlsq_widget.placed import placed, points_on
from nlsq_widget.problem import Problem
from nlsq_widget.program import PROGRAMS, Known, Lanes
from nlsq_widget.result import Result, sentence
from nlsq_widget.session import Session
from nlsq_widget.solver import Form, State, Status, advance, covariance, start, triangle
from nlsq_widget.watch import NOBODY, Watch

_CACHE = 1 << 17  # numbers that the data of all lanes may fill: what a core keeps close
_FEW = 16  # lanes of the program that ends what takes long
_STEPS = 8  # between two looks at which lanes are done
_LONG = 8 * _STEPS  # steps after which a fit takes long


@dataclass(frozen=True, eq=False)
class BatchResult:
    """The outcome of many fits, as arrays along the fits."""

    names: tuple[str, ...]
    popt: np.ndarray  # [fits, parameters]
    pcov: np.ndarray  # [fits, parameters, parameters]; zero for what was fixed, inf for what is undetermined
    chi2: np.ndarray  # [fits], the sum of squared residuals, each divided by its sigma where there is one
    dof: int  # degrees of freedom of each fit
    status: np.ndarray  # int [fits], a Status each
    steps: np.ndarray  # int [fits]

    def __len__(self) -> int:
        return len(self.popt)

    @property
    def success(self) -> np.ndarray:
        """bool [fits]"""
        return self.status > 0

    @cached_property
    def stderr(self) -> np.ndarray:
        """Standard errors [fits, parameters]."""
        return np.sqrt(np.diagonal(self.pcov, axis1=1, axis2=2))

    def message(self, i: int) -> str:
        """Why fit `i` ended."""
        return sentence(Status(int(self.status[i])), int(self.steps[i]))


def fit_batch(
    model: Callable[..., Any] | str,
    x: ArrayLike,
    y: ArrayLike,
    p0: ArrayLike | None = None,
    *,
    sigma: ArrayLike | None = None,
    bounds: Any = None,
    fixed: Iterable[str] = (),
    absolute_sigma: bool = False,
    loss: str = "linear",
    loss_scale: float = 1.0,
    device: Any = None,
    max_steps: int = problems.MAX_STEPS,
) -> BatchResult:
    """Fit one model to many data sets, or to one from many starts, in one compiled program.

    x is [points] or [predictors, points], the same for all; y is [points] or [fits, points]; p0 is [parameters] or
    [fits, parameters]; sigma is [points] or [fits, points]. What fails is told in `status`, fit by fit, and never
    stops the others. Each fit ends where `fit` would end it. `device` and JAX arrays are taken as by `fit`. Raises
    ValueError, in one sentence, for bad input.

    >>> import jax.numpy as jnp
    >>> x, taus = np.linspace(0, 4, 9), np.array([[0.5], [1.0], [2.0]])
    >>> r = fit_batch(lambda x, a, tau: a * jnp.exp(-x / tau), x, 3 * np.exp(-x / taus), p0=[1, 1])
    >>> r.popt.round(6).tolist()
    [[3.0, 0.5], [3.0, 1.0], [3.0, 2.0]]
    """
    where = named_device(device, x, y, sigma)
    data, ys, weights = _rows_of(x, y, sigma, where)
    starts = None if p0 is None else _finite(np.atleast_2d(numbers("p0", p0)))
    session = begin(
        model,
        data,
        p0=None if starts is None else starts[0],
        bounds=bounds,
        fixed=fixed,
        absolute_sigma=absolute_sigma,
        loss=loss,
        loss_scale=loss_scale,
        device=where,
    )
    return fit_rows(session, ys, starts, weights, max_steps)


def fit_rows(
    session: Session, ys: Any, starts: np.ndarray | None, weights: Any, max_steps: float, watch: Watch = NOBODY
) -> BatchResult:
    """The fits of a session to rows of data ys and 1/sigma `weights` [fits, points], from `starts` [fits, parameters].

    One row stands for all; no starts for p0.
    """
    where = named_device(session.device)
    fits = _fits(ys, starts, weights)
    rules = rules_of(session, Tolerances(max_steps=not_negative("max_steps", max_steps)))
    lanes = _lanes(session, ys, starts, weights)
    points = session.data.n_points
    with scope(where):
        known = PROGRAMS.known(session.model, session.data.given.x, session.p0, points, problems.bucket(points))
        if known.model.on_host:
            raise ValueError(f"A model that is called on the host cannot be fitted in lanes. {known.model.on_host}")
        ended = _run(session, known, where, lanes, rules, fits, watch)
    return _result(session, ended, points - sum(session.free))


def multistart(
    model: Callable[..., Any] | str,
    x: ArrayLike,
    y: ArrayLike,
    p0: Any = None,
    *,
    starts: int = 64,
    seed: int = 0,
    bounds: Any = None,
    **how: Any,
) -> Result:
    """The best of the fits from p0 and from `starts` - 1 places drawn at random; otherwise as `fit`.

    They are drawn evenly within bounds that are finite; else at p0 times a factor between 1/100 and 100, evenly
    in its logarithm, or from a normal distribution where p0 is zero. The same `seed` draws the same.

    >>> import jax.numpy as jnp
    >>> x = np.linspace(0, 10, 50)
    >>> r = multistart(lambda x, a, w: a * jnp.sin(w * x), x, 2 * np.sin(3 * x), p0=[1, 1], seed=1)
    >>> round(abs(r["w"]), 6)
    3.0
    """
    if starts < 1:
        raise ValueError(f"starts is {starts!r}; give a whole number of at least 1.")
    x, y, how["sigma"], *_ = columns(x, y, how.get("sigma"), how.pop("data", None))
    session = begin(model, x, y, p0=p0, bounds=bounds, fixed=how.get("fixed", ()), device=how.get("device"))
    allowed = {name: how[name] for name in ("sigma", "fixed", "loss", "loss_scale", "device") if name in how}
    if np.ndim(allowed.get("sigma", 0)) == 2:
        allowed.pop("sigma")  # correlated errors matter for the last fit only
    tried = fit_batch(model, x, y, drawn(session, starts, seed), bounds=bounds, max_steps=100, **allowed)
    best = int(np.argmin(np.where(np.isfinite(tried.chi2), tried.chi2, np.inf)))
    named = dict(zip(session.names, tried.popt[best].tolist(), strict=True))
    return fit(model, x, y, named, bounds=bounds, **how)


def drawn(session: Session, starts: int, seed: int) -> np.ndarray:
    """Start values of so many fits [starts, parameters], as `multistart` says; the first is p0."""
    rng = np.random.default_rng(seed)
    p0, lower, upper = (np.array(values) for values in (session.p0, session.lower, session.upper))
    shape = (starts, p0.size)
    wide = np.where(p0 == 0, rng.normal(size=shape), p0 * 100.0 ** rng.uniform(-1, 1, shape))
    boxed = np.isfinite(lower) & np.isfinite(upper)
    inside = np.where(boxed, lower, 0.0) + rng.uniform(size=shape) * np.where(
        boxed, upper - np.where(boxed, lower, 0), 0.0
    )
    drawn = np.clip(np.where(boxed, inside, wide), lower, upper)
    drawn[0] = p0
    return np.where(session.free, drawn, p0)


def _rows_of(x: ArrayLike, y: ArrayLike, sigma: ArrayLike | None, where: Device) -> tuple[Data, Any, Any]:
    """The data, with y and weight of each fit, on the device where they are there."""
    data = placed(x, y, sigma, where, rows=True)
    if data is not None and data.placed is not None:
        return data, *data.placed[1:]
    ys = _finite(np.atleast_2d(numbers("y", y)))
    if not ys.size:
        raise ValueError("y is empty; give one data set at least, with its points.")
    if sigma is None:
        return measured(x, ys[0]), ys, np.ones((1, ys.shape[1]))
    errors = np.atleast_2d(numbers("sigma", sigma))
    if not (errors > 0).all():
        raise ValueError("sigma has values that are not positive; give the standard error of each point.")
    if errors.shape[1:] == (1,):  # one for all points
        errors = np.repeat(errors, ys.shape[1], axis=1)
    if errors.shape[1:] != ys.shape[1:]:
        raise ValueError(f"sigma has shape {errors.shape} for {ys.shape[1]} points; give one for each point.")
    return measured(x, ys[0]), ys, _finite(1.0 / errors)


def _finite(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise ValueError("y, p0 or sigma holds values that are not finite (nan or inf); leave those fits out.")
    return values


def _fits(ys: Any, starts: np.ndarray | None, weights: Any) -> int:
    counts = {len(values) for values in (ys, starts, weights) if values is not None and len(values) != 1}
    if len(counts) > 1:
        raise ValueError(f"y, p0 and sigma are for {', '.join(map(str, sorted(counts)))} fits; give as many of each.")
    return counts.pop() if counts else 1


class _Lanes(NamedTuple):
    """What differs from fit to fit, along the first axis; one row stands for all."""

    y: Any  # [fits, points]; padded where it is on the device already
    weight: Any
    choices: np.ndarray  # [fits, 4, parameters]


def _lanes(session: Session, ys: Any, starts: np.ndarray | None, weights: Any) -> _Lanes:
    free = session.free
    choices = np.repeat(choices_of(session, free)[None], 1 if starts is None else len(starts), axis=0)
    if starts is not None:
        choices[:, 0] = starts
        for row, name in enumerate(session.names):
            low, high = session.lower[row], session.upper[row]
            if not ((starts[:, row] >= low) & (starts[:, row] <= high)).all():
                raise ValueError(f"A start value of {name} is outside its bounds ({low:.10g} to {high:.10g}).")
            if not free[row]:
                choices[:, 1, row] = choices[:, 2, row] = starts[:, row]
    return _Lanes(ys, weights, choices)


class _Ended(NamedTuple):
    """What is kept of a lane."""

    p: Any
    inverse: Any
    cost: Any
    status: Any
    steps: Any


def _go_on(
    model: Model, pointwise: bool, problem: Problem, state: State, fresh: Any, steps: Any
) -> tuple[State, _Ended]:
    """One lane: some steps more, from the start where it is fresh."""
    form = Form(model.curve, None, "forward", pointwise)
    if model.jacobian is not None:
        form = form._replace(jacobian=model.columns, mode="given")
    state = jax.tree.map(partial(jnp.where, fresh), start(problem), state)
    state = advance(partial(triangle, form), problem, state, steps)
    inverse = covariance(state.triangle.R, problem.free, state.points)
    return state, _Ended(state.p, inverse, state.triangle.cost, state.status, state.steps)


def _run(
    session: Session, known: Known, where: Device, lanes: _Lanes, rules: np.ndarray, fits: int, watch: Watch
) -> _Ended:
    """All fits through the lanes, on every core: XLA takes one for a program of such short loops."""
    points = problems.bucket(session.data.n_points) if known.pointwise else session.data.n_points
    if session.data.placed is None:
        x = problems.pad(session.data.x, points) if known.pointwise else session.data.x
    else:
        x, y, weight = points_on(session.data.placed, None, points, where)
        lanes = lanes._replace(y=y, weight=weight)
    room = min(_CACHE // (2 * points), 1024)
    many = next((width for width in (_FEW, 64, 256, 1024) if width >= min(fits, room)), 1024)

    stop = threading.Event()
    lane = partial(_lane, session.model, known, where, x, lanes, rules, {})

    def some(mine: np.ndarray, width: int, kept: Any) -> Any:
        with scope(where):
            return _through(lane, mine, width, rules[3], stop, watch, kept)

    workers = min(cores() if where.host and not PROGRAMS.making_here else 1, -(-fits // many))
    shares = np.array_split(np.arange(fits), workers)
    kept: list[Any] = [None] * workers
    with ThreadPoolExecutor(workers) as pool:
        each = map if workers == 1 else pool.map
        try:
            for width in (many, _FEW):
                if width == many or any(_going(part[1], rules[3]).any() for part in kept):
                    lane(np.resize(np.arange(fits), width))  # compiled by this thread, under what JAX is told in it
                    kept = list(each(some, shares, [width] * workers, kept))
        finally:
            stop.set()  # else an interrupt would wait until all fits have ended
    return _Ended(*(np.concatenate(values) for values in zip(*(part[1] for part in kept), strict=True)))


def _lane(
    model: Model,
    known: Known,
    where: Device,
    x: Any,
    lanes: _Lanes,
    rules: np.ndarray,
    programs: dict[int, Lanes],
    turn: np.ndarray,
) -> tuple[Lanes, Problem]:
    """The program for as many fits as there are in this turn, and what they are."""
    points = x.shape[-1] if known.pointwise else lanes.y.shape[1]
    y = problems.pad(_rows(lanes.y, turn), points)
    weight = problems.pad(_rows(lanes.weight, turn), points, fill=0.0)
    problem = Problem(x, y, weight, None, np.zeros(0), _rows(lanes.choices, turn), rules)
    if turn.size not in programs:
        programs[turn.size] = PROGRAMS.lanes(model, known, _go_on, problem, where)
    return programs[turn.size], problem


def _through(
    lane: Callable[[np.ndarray], tuple[Lanes, Problem]],
    fits: np.ndarray,
    width: int,
    limit: float,
    stop: threading.Event,
    watch: Watch,
    kept: Any,
) -> Any:
    """These fits through so many lanes, from `kept` on; the last few that take long are left to a few lanes."""
    waiting = np.arange(fits.size) if kept is None else np.flatnonzero(_going(kept[1], limit))
    while waiting.size and not stop.is_set():
        if width > _FEW >= waiting.size and kept is not None and kept[1].steps[waiting].min() >= _LONG:
            break
        # Those that were begun keep their state; the lanes are filled up with new ones.
        here, rest = waiting[:width], waiting[width:]
        turn = np.resize(here, width)
        program, problem = lane(fits[turn])
        if kept is None:
            kept = jax.tree.map(lambda leaf: np.zeros((fits.size, *leaf.shape), leaf.dtype), program.gives)
            kept[0].steps[:] = -1
        begun = jax.tree.map(lambda leaf, turn=turn: leaf[turn], kept[0])
        most = _STEPS if watch.tell is None else 1  # steps that take long may be broken off after each
        left = np.minimum(most, np.maximum(limit - np.maximum(begun.steps, 0), 0)).astype(float)
        found = jax.device_get(program.run(problem, begun, begun.steps < 0, left))
        for old, new in zip(jax.tree.leaves(kept), jax.tree.leaves(found), strict=True):
            old[here] = new[: here.size]
        left_over = here[_going(kept[1], limit)[here]]
        waiting = np.concatenate([left_over, rest])
        watch.ended(here.size - left_over.size)
    return kept


def _going(ended: _Ended, limit: float) -> np.ndarray:
    return (ended.status == Status.UNFINISHED) & (ended.steps < limit)


def _rows(values: Any, chosen: np.ndarray) -> Any:
    return values[chosen % len(values)]


def _result(session: Session, ended: _Ended, dof: int) -> BatchResult:
    chi2 = 2 * ended.cost
    pcov = ended.inverse
    if not session.absolute_sigma:
        with np.errstate(over="ignore", invalid="ignore"):  # a wild lane; inf * 0, selected away
            units = chi2[:, None, None] / dof if dof > 0 else np.inf
            scaled = np.where(ended.inverse == 0, 0.0, ended.inverse * units)
        pcov = np.where(np.isinf(ended.inverse), np.inf, scaled)
    popt, ties = ended.p, session.model.ties
    if ties:
        pcov = np.array([propagated(one, ties.slopes(p)) for one, p in zip(pcov, popt, strict=True)])
        popt = np.array([ties.values(p) for p in popt])
    return BatchResult(session.names, popt, pcov, chi2, dof, ended.status, ended.steps)
