"""Views and commands as they travel between kernel and page. Numbers go as bytes, where nan and inf survive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Any, Literal, cast, get_args

import numpy as np

from nlsq_widget.files import File
from nlsq_widget.reduction import Window
from nlsq_widget.session import (
    Command,
    Session,
    SetBound,
    SetDevice,
    SetExcluded,
    SetLevel,
    SetLive,
    SetLoss,
    SetRange,
    SetRole,
    SetStart,
    SetTie,
    index,
    number,
)
from nlsq_widget.view import View

# The notebook server leaves Nagle's algorithm on: a reply shorter than this waits 40 ms for an acknowledgement.
UNDELAYED = 66_000

_DTYPES = {"d": "float64", "f": "float32", "B": "uint8"}  # by NumPy's letter; its names take longer to make


@dataclass(frozen=True)
class Answer:
    """Which message of which page a view answers; None where Python changed something."""

    page: str
    seq: int

    def head(self) -> dict[str, Any]:
        return {"page": self.page, "seq": self.seq}


def pack(
    view: View, frame_id: int, *, with_frame: bool, answers: Answer | None, refused: str | None = None
) -> tuple[dict[str, Any], list[memoryview]]:
    """A view as one message: a head for JSON, and an array to each buffer."""
    arrays = (view.frame.arrays() if with_frame else {}) | view.arrays()
    if "residuals" in arrays:
        arrays["residuals"] = _short(arrays["residuals"])
    missing = UNDELAYED - sum(array.nbytes for array in arrays.values())
    if answers is not None and missing > 0:
        arrays["padding"] = np.zeros(missing, dtype=np.uint8)
    head: dict[str, Any] = {
        "type": "view",
        "answers": None if answers is None else answers.head(),
        "refused": refused,
        "frame": view.frame.head() | {"id": frame_id} if with_frame else None,
        "fit": view.head() | {"frame": frame_id},
        "arrays": _described(arrays),
    }
    return head, _buffers(arrays)


def _short(values: np.ndarray) -> np.ndarray:
    """In single precision, which is enough for what is drawn around zero, unless its range is too small for them."""
    largest = np.max(np.abs(values), initial=0.0)
    return values.astype(np.float32) if largest == 0 or 1e-30 < largest < 1e30 else values


def _described(arrays: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    return [{"name": name, "dtype": _DTYPES[a.dtype.char], "shape": list(a.shape)} for name, a in arrays.items()]


def _buffers(arrays: dict[str, np.ndarray]) -> list[memoryview]:
    return [np.ascontiguousarray(array).data.cast("B") for array in arrays.values()]


def pack_detail(view: View, page: str, window: Window, *, all_: bool) -> tuple[dict[str, Any], list[memoryview]]:
    """What a window of a page shows, as one message; without `all_` only what moves with the fit."""
    arrays = view.detail(window, all_=all_)
    head = {"type": "detail", "page": page, "window": {"x": window.x, "y": window.y}, "all": all_}
    return head | {"arrays": _described(arrays)}, _buffers(arrays)


def pack_file(answers: Answer, found: File | str) -> tuple[dict[str, Any], list[memoryview]]:
    """A file that a page asked for, or the sentence that stands in its place."""
    head = {"type": "file", **answers.head()}
    if isinstance(found, str):
        return head | {"refused": found}, []
    return head | {"refused": None, "name": found.name, "mime": found.mime}, [memoryview(found.content)]


def window(content: Any) -> Window:
    """The window that a page asks to see. Raises ValueError for what is none."""
    match content:
        case {"x": [x0, x1], "y": [y0, y1], "columns": int(), "rows": int(), "residual_rows": int()}:
            sizes = content["columns"], content["rows"], content["residual_rows"]
            x, y = (number("x", x0), number("x", x1)), (number("y", y0), number("y", y1))
            if -inf < x[0] < x[1] < inf and -inf < y[0] < y[1] < inf and 0 < min(sizes) <= max(sizes) <= 4096:
                return Window(x, y, *sizes)
        case _:
            pass
    raise ValueError("The page asked for a window that is none; reset the zoom.")


def answer_to(content: Any) -> Answer:
    """Who asks. Raises ValueError when the message does not say."""
    match content:
        case {"page": str(page), "seq": int(seq)}:
            return Answer(page, seq)
        case _:
            raise ValueError("The page sent a message without its number; reload the page.")


_UNKNOWN = "The page sent a command that this kernel does not know; run the cell again."


Step = Literal["change", "guess", "fit", "cancel", "undo", "redo", "reset", "suggest", "dismiss", "profile"]
_STEPS = frozenset(get_args(Step)) - {"change"}


@dataclass(frozen=True)
class Asked:
    """What a page asks for: to change the session by these commands, to go through its history, or to find things."""

    commands: tuple[Command, ...] = ()
    step: Step = "change"
    final: bool = True  # False while the finger is still down
    gesture: object = None  # the same for all commands of one drag


def asked(content: Any, view: View) -> Asked:
    """What a message asks for, given what the screen shows. Raises ValueError, with a sentence, for anything else."""
    content = content if isinstance(content, dict) else {}
    what = content.get("command")
    match what:
        case {"kind": str(step)} if step in _STEPS:
            return Asked(step=cast(Step, step))
        case _:
            gesture = content.get("gesture")
            known = isinstance(gesture, int) and isinstance(content.get("page"), str)
            final = content.get("final") is not False
            return Asked(_commands(what, view), final=final, gesture=(content["page"], gesture) if known else None)


def _commands(what: Any, view: View) -> tuple[Command, ...]:
    match what:
        case {"name": str()}:
            return (_of_parameter(what, view),)
        case {"kind": "take"}:
            return taken(view)
        case {"kind": "points", "points": list(points), "excluded": bool(excluded)}:
            return (put(view.session, points, excluded),)
        case _:
            return (_of_all(what),)


def _of_parameter(what: Any, view: View) -> Command:
    match what:
        case {"kind": "p0", "name": name, "value": int(value) | float(value)}:
            return SetStart(name, float(value))
        case {"kind": "bound", "name": name, "side": ("lower" | "upper") as side, "value": value}:
            return SetBound(name, side, _open(f"The {side} bound", value, -inf if side == "lower" else inf))
        case {"kind": "role", "name": name, "role": ("free" | "fixed" | "following") as role}:
            return SetRole(name, role)
        case {"kind": "tie", "name": name, "text": text} if text is None or isinstance(text, str):
            return SetTie(name, text)
        case {"kind": "take", "name": name}:
            return taken(view, (name,))[0]
        case _:
            raise ValueError(_UNKNOWN)


def _of_all(what: Any) -> Command:
    match what:
        case {"kind": "range", "lower": lower, "upper": upper}:
            return SetRange(_open("The lower end", lower, -inf), _open("The upper end", upper, inf))
        case {"kind": "device", "device": str(device)}:
            return SetDevice(device)
        case {"kind": "loss", "loss": str(loss), "scale": int(scale) | float(scale)}:
            return SetLoss(loss, float(scale))
        case {"kind": "live", "live": ("drag" | "release" | "button") as live}:
            return SetLive(live)
        case {"kind": "level", "level": level} if level is None or isinstance(level, int | float):
            return SetLevel(level)
        case _:
            raise ValueError(_UNKNOWN)


def taken(view: View, names: Iterable[str] = ()) -> tuple[Command, ...]:
    """The commands after which these parameters start at their fitted values; by default all but the tied ones."""
    if view.result is None or view.stale or view.fault is not None:
        raise ValueError("There is no fit to take values from; mend the start values first.")
    ties = view.session.model.ties
    for name in names:
        index(view.session, name)
        if name in ties:
            raise ValueError(f"{name} is tied (= {ties.text(name)}), and goes along by itself; untie it first.")
    chosen = tuple(names) or [name for name in view.session.names if name not in ties]
    return tuple(SetStart(name, view.result[name]) for name in chosen)


def put(session: Session, points: Iterable[Any], excluded: bool) -> Command:
    """The command that takes these points out, or brings them back."""
    chosen = frozenset(points)
    if not all(type(point) is int for point in chosen):
        raise ValueError("A point is a whole number; reload the page.")
    return SetExcluded(session.excluded | chosen if excluded else session.excluded - chosen)


def _open(what: str, value: object, infinite: float) -> float:
    if value is None:
        return infinite
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError(f"{what} is not a number; give a number, or nothing for none.")
