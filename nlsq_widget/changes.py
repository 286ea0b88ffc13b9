"""What was asked, carried out: on the history, as values, and in the picture. It knows no widget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import Any

from nlsq_widget.fit import followed
from nlsq_widget.guess import guess
from nlsq_widget.history import History, amended, done, redone, undone
from nlsq_widget.model import ModelError
from nlsq_widget.session import Session, SetStart, apply
from nlsq_widget.view import Frame, View, preview, view
from nlsq_widget.watch import NOBODY, Watch
from nlsq_widget.wire import Asked


def moved(history: History, asked: Asked) -> History:
    """The history at once after what was asked, without any search. Raises ValueError when it makes no sense."""
    match asked.step:
        case "undo":
            return undone(history)
        case "redo":
            return redone(history)
        case "reset":
            return replace(done(history, history.first), due=None)
        case "cancel":
            return replace(history, due=None)
        case "change":
            session = reduce(apply, asked.commands, history.now)
            after = done(history, session, asked.gesture)
            return replace(after, due=_due(history, session, asked))
        case _:
            return history


def _due(history: History, session: Session, asked: Asked) -> str | None:
    """The parameter that what follows must go along with."""
    names = [command.name for command in asked.commands if isinstance(command, SetStart)]
    last = names[-1] if names and not session.is_same(history.now) else history.due
    return last if last is not None and session.following - {last} else None


def searches(history: History, asked: Asked) -> bool:
    """Whether the start values are still to be searched."""
    return asked.step == "guess" or history.due is not None


def searched(history: History, asked: Asked, frame: Frame, watch: Watch = NOBODY) -> History:
    """After that search, which takes fits of its own. Raises ValueError when nothing is found."""
    if history.due is not None:
        history = amended(history, followed(history.now, history.due, frame.along, watch.tell))
    return done(history, guess(history.now, watch=watch)) if asked.step == "guess" else history


def waits(session: Session, asked: Asked) -> bool:
    """Whether the fit comes later: the finger is down still, or the user says when."""
    later = session.live == "button" or (session.live == "release" and not asked.final)
    return later and asked.step == "change" and asked.gesture is not None


def drawn_for(session: Session, frame: Frame, before: View, asked: Asked) -> View:
    """The picture of a session, after what was asked; `before` is the last good one."""
    return or_fault(preview if waits(session, asked) else view, session, frame, before)


def or_fault(draw: Callable[..., View], session: Session, frame: Frame, *rest: Any) -> View:
    """The user's model may fail at any time: its sentence then stands where the picture was."""
    try:
        return draw(session, frame, *rest)
    except ModelError as error:
        return View(session, frame, None, None, str(error))
