"""The long part of what was asked: a search, a fit, what is found about it. Done at once, or told of as it goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Self

import numpy as np

from nlsq_widget.changes import drawn_for, moved, or_fault, searched, searches, waits
from nlsq_widget.fit import Curves
from nlsq_widget.history import History
from nlsq_widget.outliers import outliers
from nlsq_widget.view import Frame, Intervals, Progress, Task, View, again, preview, view, waiting
from nlsq_widget.watch import NOBODY, Watch
from nlsq_widget.wire import Asked, Step

_TELL_S = 0.1  # how often it says how far it is
_SUSPECTING = 10  # fits, about
_PROFILING = 12  # for each parameter
_FINDS: dict[Step, Task] = {"suggest": "suggest", "profile": "profile"}  # what changes nothing


@dataclass(frozen=True, eq=False)
class Shown:
    """What is on the screen from now on."""

    history: History
    view: View
    suspects: np.ndarray | None = None  # newly found ones; None: those of before stay
    intervals: Intervals | None = None  # likewise
    refused: str | None = None  # why a search found nothing

    def late(self, now: View) -> View | None:
        """The screen with the curve of a place that a finger has left since; None where it would tell nothing new.

        Else a finger that goes on faster than the model is evaluated would see no curve before it rests.
        """
        if now.running is None or not now.start_stale or now.curves is None or self.view.curves is None:
            return None
        is_other = self.view.fault is not None or self.view.start_stale or self.view.frame is not now.frame
        return None if is_other else replace(now, curves=Curves(self.view.curves.p0, now.curves.fitted))


Show = Callable[[Shown], None]  # raises what ends the work when something newer was asked for


@dataclass(frozen=True, eq=False)
class Work:
    """What is to be done after what was asked."""

    asked: Asked
    history: History  # after what is done at once
    frame: Frame
    drawn: View | None  # the picture; None where it is to be fitted
    before: View  # the last good picture

    @classmethod
    def of(cls, asked: Asked, history: History, now: View, before: View) -> Self:
        """`now` is on the screen. Raises ValueError for what makes no sense."""
        history = moved(history, asked)
        frame = now.frame if now.frame.serves(history.now) else Frame(history.now)
        return cls(asked, history, frame, _kept(history, asked, now), before)

    @property
    def fits(self) -> float:
        """How many fits it takes, about; a guess, hundreds."""
        if self.asked.step == "guess":
            return inf
        searching = 1 if searches(self.history, self.asked) else 0
        finding = {"suggest": _SUSPECTING, "profile": _PROFILING * sum(self.history.now.free)}
        return searching + (self.drawn is None) + finding.get(self.asked.step, 0)

    @property
    def _task(self) -> Task:
        """What it begins with."""
        if self.drawn is None:
            return "fit"
        return "guess" if self.asked.step == "guess" else _FINDS.get(self.asked.step, "fit")

    def at_once(self) -> Shown:
        """What is shown until there is more to show."""
        drawn = self.drawn or waiting(self.history.now, self.frame, self.before)
        return Shown(self.history, replace(drawn, running=Progress(task=self._task)))

    def done(self) -> Shown:
        """All of it. Raises ValueError for a search that finds nothing; nothing is changed then."""
        history = searched(self.history, self.asked, self.frame)
        drawn = self.drawn if history is self.history else None
        if drawn is None:
            drawn = drawn_for(history.now, self.frame, self.before, self.asked)
        return self._found(Shown(history, drawn), NOBODY)

    def run(self, show: Show, alive: Callable[[], None], *, sliced: bool) -> None:
        """All of it, told of. `alive` raises what ends it; `sliced`: its fits are so long that they are told of too."""
        now = Shown(self.history, self.drawn or self._begun(self.history))
        if self.drawn is None:
            show(now)
        if now.view.fault is None:
            now = self._searched(now, show, alive, sliced=sliced)
        if now.view.fault is None and now.view.running is not None and now.view.stale:
            now = replace(now, view=self._fitted(now, show, alive, sliced=sliced))
        if (task := _FINDS.get(self.asked.step)) is not None and now.view.fault is None:
            watch = _watch(task, now, show, alive, sliced=sliced)
            try:
                now = self._found(now, watch)
            except ValueError as error:
                now = replace(now, refused=str(error))
        show(replace(now, view=replace(now.view, running=None)))

    def _begun(self, history: History) -> View:
        """The curve at the start values, before they are fitted from."""
        begun = or_fault(preview, history.now, self.frame, self.before)
        is_later = begun.fault is not None or waits(history.now, self.asked)
        return begun if is_later else replace(begun, stale=True, running=Progress())

    def _searched(self, now: Shown, show: Show, alive: Callable[[], None], *, sliced: bool) -> Shown:
        if not searches(now.history, self.asked):
            return now
        watch = _watch("guess" if self.asked.step == "guess" else "fit", now, show, alive, sliced=sliced)
        try:
            history = searched(now.history, self.asked, self.frame, watch)
        except ValueError as error:
            return replace(now, refused=str(error))
        if history is now.history:
            return now
        now = Shown(history, self._begun(history))
        show(now)
        return now

    def _fitted(self, now: Shown, show: Show, alive: Callable[[], None], *, sliced: bool) -> View:
        begun = now.view
        tell = _watch("fit", now, show, alive, sliced=sliced).tell
        fitted = or_fault(view, now.history.now, self.frame, begun, tell)
        # The curve at p0 is the one drawn before: in slices it was not drawn again.
        if fitted.curves is None or begun.curves is None:
            return fitted
        return replace(fitted, curves=Curves(begun.curves.p0, fitted.curves.fitted))

    def _found(self, now: Shown, watch: Watch) -> Shown:
        """With what was to be found about the fit. Raises ValueError where that cannot be."""
        match self.asked.step:
            case "suggest":
                return replace(now, suspects=outliers(now.history.now, watch=watch))
            case "profile":
                return replace(now, intervals=Intervals.of(now.view, watch))
            case _:
                return now


def _kept(history: History, asked: Asked, now: View) -> View | None:
    """The picture on the screen, where it is that of the session still."""
    is_begun = now.running is not None and now.stale  # a fit that this ends
    match asked.step:
        case "fit":
            return None
        case "cancel":
            return replace(now, running=None)
        case "guess" | "suggest" | "profile":
            return None if is_begun else replace(now, running=None)
        case _:
            return again(history.now, now)


def _watch(task: Task, now: Shown, show: Show, alive: Callable[[], None], *, sliced: bool) -> Watch:
    """Tells now and then on the screen how far a task is."""
    seen, fits = time.monotonic(), 0

    def say(count: int, cost: float) -> None:
        nonlocal seen
        alive()
        if time.monotonic() - seen > _TELL_S:
            seen = time.monotonic()
            show(replace(now, view=replace(now.view, running=Progress(count, cost, task))))

    def ended(more: int) -> None:
        nonlocal fits
        fits += more
        say(fits, inf)

    def tell(steps: int, cost: float) -> None:
        say(steps if task == "fit" else fits, cost)

    return Watch(ended, tell if sliced else None)
