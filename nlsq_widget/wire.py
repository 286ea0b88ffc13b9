"""Views and commands as they travel between kernel and page. Numbers go as bytes, where nan and inf survive."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from nlsq_widget.session import Command, SetBound, SetDevice, SetFixed, SetStart, Side
from nlsq_widget.view import View

# The notebook server leaves Nagle's algorithm on: a reply shorter than this waits 40 ms for an acknowledgement.
UNDELAYED = 66_000

_DTYPES = {"d": "float64", "B": "uint8"}  # by NumPy's letter; its names take longer to make


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
    missing = UNDELAYED - sum(array.nbytes for array in arrays.values())
    if answers is not None and missing > 0:
        arrays["padding"] = np.zeros(missing, dtype=np.uint8)
    head: dict[str, Any] = {
        "type": "view",
        "answers": None if answers is None else answers.head(),
        "refused": refused,
        "frame": view.frame.head() | {"id": frame_id} if with_frame else None,
        "fit": view.head() | {"frame": frame_id},
        "arrays": [
            {"name": name, "dtype": _DTYPES[a.dtype.char], "shape": list(a.shape)} for name, a in arrays.items()
        ],
    }
    return head, [np.ascontiguousarray(array).data.cast("B") for array in arrays.values()]


def answer_to(content: Any) -> Answer:
    """Who asks. Raises ValueError when the message does not say."""
    match content:
        case {"page": str(page), "seq": int(seq)}:
            return Answer(page, seq)
        case _:
            raise ValueError("The page sent a message without its number; reload the page.")


def command(content: Any) -> Command:
    """The command that a page sent. Raises ValueError for anything else; a null bound is no bound."""
    match content:
        case {"kind": "p0", "name": str(name), "value": int(value) | float(value)}:
            return SetStart(name, float(value))
        case {"kind": "bound", "name": str(name), "side": ("lower" | "upper") as side, "value": value}:
            return SetBound(name, side, _bound(side, value))
        case {"kind": "fixed", "name": str(name), "fixed": bool(fixed)}:
            return SetFixed(name, fixed)
        case {"kind": "device", "device": str(device)}:
            return SetDevice(device)
        case _:
            raise ValueError("The page sent a command that this kernel does not know; run the cell again.")


def _bound(side: Side, value: object) -> float:
    if value is None:
        return -inf if side == "lower" else inf
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError(f"The {side} bound is not a number; give a number, or nothing for no bound.")
