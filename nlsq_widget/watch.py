"""Who looks on while long work is done: told how far it is, and free to end it by raising."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

Tell = Callable[[int, float], None]  # the steps that a fit has taken and its cost; what it raises ends the fit


def _nothing(_fits: int) -> None:
    pass


class Watch(NamedTuple):
    """Over work of many fits."""

    ended: Callable[[int], None] = _nothing  # so many more of its fits have ended; called from any thread
    tell: Tell | None = None  # within a fit; None: its fits are too short to be told of


NOBODY = Watch()
