"""What can be taken away from the screen: the fit as a file of some kind."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable, Mapping
from typing import NamedTuple

from nlsq_widget.result import Result
from nlsq_widget.saved import save
from nlsq_widget.scripts import data_csv, script
from nlsq_widget.session import one_of
from nlsq_widget.tables import table
from nlsq_widget.view import View


class File(NamedTuple):
    """A file that was never on a disk."""

    name: str
    mime: str
    content: bytes


class _Kind(NamedTuple):
    name: str
    mime: str
    of: Callable[[View, Result], str | bytes]


def file(view: View, kind: str) -> File:
    """The fit on the screen as a file: one of `KINDS`.

    Raises ValueError, in one sentence, for another kind, and where there is no fit to take away.
    """
    name, mime, of = KINDS[one_of("The kind of a file", kind, KINDS)]
    if view.result is None or view.fault is not None:
        raise ValueError("There is no fit to take away; mend the start values first.")
    if view.stale:
        raise ValueError("What is on the screen is not fitted yet; fit first.")
    made = of(view, view.result)
    return File(name, mime, made.encode() if isinstance(made, str) else made)


def _drawn(kind: str) -> Callable[[View, Result], bytes]:
    def made(view: View, _: Result) -> bytes:
        draw = importlib.import_module("nlsq_widget.figure").draw  # matplotlib takes longer to load than all the rest
        picture = io.BytesIO()
        draw(view).savefig(picture, format=kind, dpi=200)
        return picture.getvalue()

    return made


KINDS: Mapping[str, _Kind] = {
    "script": _Kind("fit.py", "text/x-python", lambda _, result: script(result)),
    "scipy": _Kind("fit_scipy.py", "text/x-python", lambda _, result: script(result, "scipy")),
    "points": _Kind("data.csv", "text/csv", lambda _, result: data_csv(result)),
    "csv": _Kind("fit.csv", "text/csv", lambda _, result: table(result, "csv")),
    "json": _Kind("fit.json", "application/json", lambda _, result: table(result, "json")),
    "markdown": _Kind("fit.md", "text/markdown", lambda _, result: table(result, "markdown")),
    "latex": _Kind("fit.tex", "text/x-tex", lambda _, result: table(result, "latex")),
    "session": _Kind("session.json", "application/json", lambda view, _: save(view.session)),
    "svg": _Kind("fit.svg", "image/svg+xml", _drawn("svg")),
    "pdf": _Kind("fit.pdf", "application/pdf", _drawn("pdf")),
    "png": _Kind("fit.png", "image/png", _drawn("png")),
}
