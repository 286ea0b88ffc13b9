"""A plain fit of a model that was fitted before, with nothing made but its numbers. What is not plain has no answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite
from types import FunctionType, MethodType
from typing import Any, NamedTuple

import jax
import numpy as np

from nlsq_widget.data import LEAST, MOST
from nlsq_widget.device import Device, device, scope
from nlsq_widget.fingerprint import Identity
from nlsq_widget.fit import NO_GRID, Tolerances, prepared
from nlsq_widget.problem import Problem, pad
from nlsq_widget.program import PROGRAMS, Program
from nlsq_widget.session import Session
from nlsq_widget.units import held

_WRITTEN = (FunctionType, MethodType, type(jax.jit(lambda: None)))
MANY = 20_000  # points from which on a fit is so long that what is made around it does not count


class Way(NamedTuple):
    """How a model was fitted to data of some shape."""

    program: Program
    length: int  # of the points with their padding
    rules: np.ndarray  # as `Problem.rules`


@dataclass(frozen=True, eq=False)
class Plain:
    """What a call asks for, where it is nothing but a model, rows of numbers, a start and bounds."""

    function: Callable[..., Any]
    identity: Identity
    where: Device
    x: np.ndarray  # real [..., points]
    y: np.ndarray  # real [points]
    sigma: np.ndarray | None  # real [points]
    choices: np.ndarray  # as `Problem.choices`

    @property
    def key(self) -> tuple[Any, ...]:
        """What the way depends on besides the model."""
        return "again", self.x.shape, self.where.name


def plain(function: Any, x: Any, y: Any, sigma: Any, p0: Any, bounds: Any) -> Plain | None:
    """The call, where it is a plain one: arrays of NumPy's, more points than parameters, bounds around the start."""
    if not isinstance(function, _WRITTEN):  # others may bring bounds and start values of their own
        return None
    if not (_real(x) and _real(y) and y.ndim == 1 and x.shape[-1:] == y.shape):
        return None
    if sigma is not None and not (_real(sigma) and sigma.shape == y.shape):
        return None
    choices = _choices(p0, bounds)
    if choices is None or not choices.shape[1] < y.size <= MANY:
        return None
    return Plain(function, _identity(function, choices), device(), x, y, sigma, choices)


def answer(asked: Plain, absolute_sigma: bool) -> tuple[np.ndarray, np.ndarray] | None:
    """popt and pcov, the very numbers that the whole way finds; None where that must be gone, to find or to explain."""
    way = PROGRAMS.seen(asked.key, asked.identity)
    if way is None or (problem := _problem(asked, way)) is None:
        return None
    with scope(asked.where):
        found = PROGRAMS.run(way.program, problem, asked.where)
    n = asked.choices.shape[1]
    unit = 1.0 if absolute_sigma else 2 * float(found.cost) / (asked.y.size - n)
    if not (found.status > 0 and 0 < unit < inf and held(found.inverse.diagonal(), (True,) * n, "float64")):
        return None
    pcov = found.inverse if unit == 1 else found.inverse * unit
    return (found.popt, pcov) if np.isfinite(pcov).all() else None


def learn(asked: Plain, session: Session) -> None:
    """Remember how the session was fitted, for calls like the one that `asked` for it."""
    with scope(asked.where):
        known, problem, program = prepared(session, Tolerances())
        # A model that keeps a record of its calls is another one now.
        if known.model.on_host is None and _identity(asked.function, asked.choices) == asked.identity:
            way = Way(program, problem.y.size, problem.rules)
            PROGRAMS.remembered(asked.key, asked.identity, None, lambda: way)


def _identity(function: Callable[..., Any], choices: np.ndarray) -> Identity:
    return Identity(choices.shape[1], function)


def _real(values: Any) -> bool:
    return type(values) is np.ndarray and values.dtype.kind in "fiu"


def _choices(p0: Any, bounds: Any) -> np.ndarray | None:
    """As `Problem.choices`, of a row of start values within one pair of bounds or none."""
    start = _numbers(p0)
    if start is None or start.ndim != 1 or start.size == 0:
        return None
    choices = np.ones((4, start.size))
    choices[0], choices[1], choices[2] = start, -inf, inf
    if bounds is not None:
        if type(bounds) not in (tuple, list) or len(bounds) != 2:
            return None
        for row, side in zip(choices[1:3], map(_numbers, bounds), strict=True):
            if side is None or side.shape not in ((), start.shape):
                return None
            row[:] = side
    inside = [low < high and low <= p <= high and isfinite(p) for p, low, high in choices[:3].T.tolist()]
    return choices if all(inside) else None


def _numbers(given: Any) -> np.ndarray | None:
    """A number, or rows of them."""
    if type(given) in (list, tuple):
        return np.array(given) if {type(value) for value in given} <= {float, int} else None
    return np.asarray(given) if type(given) in (float, int) or _real(given) else None


def _problem(asked: Plain, way: Way) -> Problem | None:
    """The fit as plain arrays; None where its numbers cannot be fitted."""
    points, sigma = asked.y.size, asked.sigma
    x, y = (pad(values.astype(float), way.length) for values in (asked.x, asked.y))
    weight = np.zeros(way.length)
    weight[:points] = 1.0
    size = np.abs(y)
    sizes = [size]
    if sigma is not None:
        least, most = float(sigma.min()), float(sigma.max())
        if not 0 < least <= most < inf:
            return None
        weight[:points] /= sigma
        sizes.append(size * weight)
    for greatest in [float(values.max()) for values in sizes]:
        if not (greatest == 0 or LEAST < greatest < MOST):  # nan is neither
            return None
    if not np.isfinite(x).all():
        return None
    return Problem(x, y, weight, None, NO_GRID, asked.choices, way.rules)
