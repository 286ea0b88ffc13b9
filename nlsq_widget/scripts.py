"""A fit as a program that stands by itself: imports, model, data, the call and what it prints."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from itertools import pairwise
from textwrap import fill
from typing import Literal

import numpy as np

from nlsq_widget import scipy_call
from nlsq_widget.code import function_name, line, made_of
from nlsq_widget.result import Result, excluded
from nlsq_widget.scipy_call import Call
from nlsq_widget.session import Session, one_of
from nlsq_widget.source import Source, filled_in

Library = Literal["nlsq_widget", "scipy"]
_INLINE = 600  # numbers that are written into the program
_WIDTH = 100


def script(result: Result, library: Library = "nlsq_widget", data: str | None = None) -> str:
    """A program that makes this fit again by itself, with nlsq_widget to the last digit, or with SciPy.

    The model is written as it is in its file or cell, with the imports and numbers that it reads; what cannot be had
    is said in comments at the top. `data` names a CSV file beside the program that holds the points, as `data_csv`
    writes them; left out, few points are written into the program, and many are read from "data.csv". SciPy calls a
    model of JAX as it is. Raises ValueError for another library.

    >>> from nlsq_widget import fit
    >>> r = fit(lambda x, slope: slope * x, [1, 2, 3], [2.1, 3.9, 6.2])
    >>> print(script(r).split("\\n\\n")[1])
    import numpy as np
    from nlsq_widget import fit
    """
    session = result.session
    call = _CALLS[one_of("library", library, _CALLS)](session)
    source = Source()
    made = made_of(session)
    if made is None:
        source.add(function_name(session), session.model.function)
    elif library == "scipy":
        source.imports.update(made[0])
        source.parts.append(f"{function_name(session)} = {made[1]}")
    if session.model.jacobian is not None and library == "nlsq_widget":
        source.add("jac", session.model.jacobian)
    _say_taken(source, call)
    imports = {"import numpy as np", *call.imports, *source.imports}
    if is_double := library == "scipy" and any("jax" in one or "nlsq_widget" in one for one in imports):
        imports.add("import jax")
    title = f'"""The fit of {function_name(session)} to {_counted(session)}, by {library}."""'
    first = "\n".join(sorted(imports, key=lambda statement: (statement.startswith("from"), statement)))
    parts = [first, *([scipy_call.DOUBLE] if is_double else []), *source.parts, _points(session, data), *call.parts]
    return _joined([title, *filled_in(source), *parts])


def _joined(parts: list[str]) -> str:
    """One under the other; a definition has two empty lines around it."""
    apart = [part.startswith(("def ", "@")) for part in parts]
    ends = ["\n\n\n" if here or after else "\n\n" for here, after in pairwise(apart)]
    return "".join(part + end for part, end in zip(parts, [*ends, "\n"], strict=True))


def data_csv(result: Result) -> str:
    """The points of a fit as `script` reads them, with every digit: x, y and, where there is one, sigma.

    x of several predictors has a column for each, and so has a covariance for each point.
    """
    x, y, sigma = result.data.x, result.data.y, result.data.sigma
    columns = np.column_stack([x.T, y, *([] if sigma is None else [sigma])])
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n").writerow
    write([*_named("x", x), "y", *([] if sigma is None else _named("sigma", sigma))])
    for row in columns.tolist():
        write(row)
    return text.getvalue()


def _ours(session: Session) -> Call:
    """The line of code.py, and what it names."""
    imports, _, made = line(session).partition("\n\n")
    points = [_wrapped(f"excluded = {sorted(session.excluded)}")] if "excluded=excluded" in made else []
    taken = {"np", "fit", "x", "y", "sigma", "excluded", "result", "columns"}
    return Call(imports.splitlines(), [*points, made, "print(result)"], taken)


_CALLS: Mapping[str, Callable[[Session], Call]] = {"nlsq_widget": _ours, "scipy": scipy_call.call}


def _say_taken(source: Source, call: Call) -> None:
    """What the model reads by a name that the program needs for something else."""
    for name in sorted(call.names & set(source.names)):
        if source.names[name] is not np:
            source.missing.append(f"rename {name} in the model; this program needs the name.")


def _counted(session: Session) -> str:
    points = session.data.n_points - session.n_out
    left_out = excluded(session.n_out)
    return f"{points} point{'' if points == 1 else 's'}" + (f" ({left_out})" if left_out else "")


def _points(session: Session, file: str | None) -> str:
    """The statements that give x, y and sigma."""
    x, y, sigma = session.data.x, session.data.y, session.data.sigma
    given = {"x": x, "y": y} | ({} if sigma is None else {"sigma": sigma})
    if file is None and sum(values.size for values in given.values()) <= _INLINE:
        return "\n".join(_wrapped(f"{name} = np.array({values.tolist()})") for name, values in given.items())
    lines = [f'columns = np.loadtxt({json.dumps(file or "data.csv")}, delimiter=",", skiprows=1, ndmin=2)']
    first = 0
    for name, values in given.items():
        wide = len(_named(name, values))
        part = f"{first}" if values.ndim == 1 else f"{first}:{first + wide}"
        lines.append(f"{name} = columns[:, {part}]" + (".T" if name == "x" and values.ndim > 1 else ""))
        first += wide
    return "\n".join(lines)


def _named(name: str, values: np.ndarray) -> list[str]:
    """The headings of its columns."""
    return [name] if values.ndim == 1 else [f"{name}{i}" for i in range(len(values))]


def _wrapped(statement: str) -> str:
    """In as many lines as can be read."""
    return fill(statement, _WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
