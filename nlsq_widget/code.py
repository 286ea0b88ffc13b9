"""The same session written as Python: a pure function of it. What is left out is what `fit` does by itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from keyword import iskeyword
from math import isinf

from nlsq_widget.device import device
from nlsq_widget.model import Model, as_model
from nlsq_widget.session import Session

_WIDTH = 100
_RUN = 4  # so many indices in a row are written as a range
_PIECES = 200  # more are no line that anyone reads

_Said = tuple[str, str, Sequence[str]]  # what opens it, what shuts it, and the pieces between


def line(session: Session) -> str:
    """The call of `fit` that gives the fit of this session, to the last digit.

    The model goes by its own name, a lambda as `model`, and one of the library is imported; the data as `x`, `y` and
    `sigma`. Where a great many points were taken out one by one they go by the name `excluded`.

    >>> from nlsq_widget.begin import begin
    >>> print(line(begin(lambda x, a, b: a * x + b, [1, 2, 3], [2, 4, 6], p0=[1, 0], fixed="b")))
    from nlsq_widget import fit
    <BLANKLINE>
    result = fit(model, x, y, p0={"a": 1.0, "b": 0.0}, fixed=["b"])
    """
    data, choices = f"{_model(session)}, x, y", list(_choices(session))
    said = [data, *(open_ + ", ".join(pieces) + shut for open_, shut, pieces in choices)]
    call = f"result = fit({', '.join(said)})"
    if len(call) > _WIDTH:
        call = "\n".join(["result = fit(", f"    {data},", *map(_rows, choices), ")"])
    return f"from nlsq_widget import fit\n{_import(session)}\n{call}"


def _import(session: Session) -> str:
    """What brings a model of the library, as a line."""
    origin = session.model.origin
    if origin is None or not origin.imported:
        return ""
    return f"from nlsq_widget.models import {', '.join(sorted(set(origin.imported)))}\n"


def _rows(said: _Said) -> str:
    """One choice, in as many lines as can be read."""
    open_, shut, pieces = said
    lines = [f"    {open_}"]
    for i, piece in enumerate(pieces):
        text = piece if i + 1 == len(pieces) else f"{piece}, "
        if len(lines[-1]) + len(text) > _WIDTH - 2:
            lines.append("        ")
        lines[-1] += text
    return "\n".join(line.rstrip() for line in lines) + f"{shut},"


def _model(session: Session) -> str:
    """The model, as the call names it."""
    if session.model.formula is not None:
        return json.dumps(session.model.formula.text, ensure_ascii=False)
    return function_name(session) if session.model.origin is None else session.model.origin.written


def made_of(session: Session) -> tuple[list[str], str] | None:
    """The imports and the expression that make a model of the library or a formula; None for one of the user's own."""
    if session.model.formula is not None:
        return ["from nlsq_widget import Formula"], f"Formula({_model(session)})"
    known = _import(session)
    return ([known.strip()], _model(session)) if known else None


def function_name(session: Session) -> str:
    """What the function of the model is called."""
    if made_of(session) is not None:
        return "model"
    name = getattr(session.model.function, "__name__", "")
    return name if name.isidentifier() and not iskeyword(name) else "model"


def _finds_names(model: Model) -> bool:
    """Whether a call knows the parameters without p0; how many `*args` stands for, only an ordered p0 says."""
    if model.origin is not None or model.formula is not None:
        return True
    try:
        return as_model(model.function).names == model.names
    except ValueError:
        return False


def _choices(session: Session) -> Iterator[_Said]:
    if session.data.given.sigma is not None:
        yield "sigma=sigma", "", ()
    start = list(map(repr, session.p0))
    yield ("p0={", "}", _table(session.names, start)) if _finds_names(session.model) else ("p0=[", "]", start)
    pairs = zip(session.names, session.lower, session.upper, strict=True)
    known = {name for name, ends in zip(session.names, session.model.bounds, strict=False) if not all(map(isinf, ends))}
    bounded = {name: _pair(low, high) for name, low, high in pairs if name in known or not (isinf(low) and isinf(high))}
    if bounded:
        yield "bounds={", "}", _table(bounded, bounded.values())
    if session.fixed or session.model.fixed:
        yield "fixed=[", "]", [_quoted(name) for name in session.names if name in session.fixed]
    if session.model.ties:
        tied = dict(session.model.ties.texts)
        yield "ties={", "}", _table(tied, map(json.dumps, tied.values()))
    if session.excluded:
        points = indices(session.excluded)
        yield ("excluded=[", "]", points) if len(points) <= _PIECES else ("excluded=excluded", "", ())
    if not all(map(isinf, session.x_range)):
        yield f"x_range={_pair(*session.x_range)}", "", ()
    for word in _method(session):
        yield word, "", ()


def _method(session: Session) -> Iterator[str]:
    if session.absolute_sigma:
        yield "absolute_sigma=True"
    if session.model.jacobian is not None:
        yield "jac=jac"
    elif session.derivatives != "auto":
        yield f"jac={_quoted(session.derivatives)}"
    if session.loss != "linear":
        yield f"loss={_quoted(session.loss)}"
        yield f"loss_scale={session.loss_scale!r}"
    if session.device != device().name:
        yield f"device={_quoted(session.device)}"
    if session.precision != "float64":
        yield f"precision={_quoted(session.precision)}"


def _table(names: Iterable[str], values: Iterable[str]) -> list[str]:
    return [f"{_quoted(name)}: {value}" for name, value in zip(names, values, strict=True)]


def _quoted(name: str) -> str:
    return f'"{name}"' if name.isidentifier() else json.dumps(name, ensure_ascii=False)


def _pair(lower: float, upper: float) -> str:
    """Both ends, with None where it is open."""
    return f"({', '.join('None' if isinf(end) else repr(end) for end in (lower, upper))})"


@lru_cache(maxsize=4)  # a drag of a slider leaves the points as they are
def indices(points: frozenset[int]) -> list[str]:
    """3, 7, *range(10, 20): what was brushed lies in rows."""
    ordered = sorted(points)
    starts = [0, *(i for i, (before, point) in enumerate(pairwise(ordered), 1) if point != before + 1), len(ordered)]
    return [piece for first, end in pairwise(starts) for piece in _run(ordered[first:end])]


def _run(points: list[int]) -> list[str]:
    return [str(point) for point in points] if len(points) < _RUN else [f"*range({points[0]}, {points[-1] + 1})"]
