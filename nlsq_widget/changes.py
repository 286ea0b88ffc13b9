"""What was asked, carried out: on the history, as values, and in the picture. It knows no widget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from nlsq_widget.fit import followed
from nlsq_widget.guess import guess
from nlsq_widget.history import History, done, redone, undone
from nlsq_widget.model import ModelError
from nlsq_widget.session import Command, Session, SetStart, apply
from nlsq_widget.view import Frame, View, preview, view
from nlsq_widget.wire import Asked


def moved(history: History, asked: Asked, frame: Frame) -> History:
    """The history after what was asked. Raises ValueError when it makes no sense."""
    match asked.step:
        case "undo":
            return undone(history)
        case "redo":
            return redone(history)
        case "reset":
            return done(history, history.first)
        case "guess":
            return done(history, guess(history.now))
        case _:
            session = reduce(apply, asked.commands, history.now)
            return done(history, _following(session, asked.commands, frame), asked.gesture)


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


def _following(session: Session, commands: Sequence[Command], frame: Frame) -> Session:
    """What follows goes along with each start value that was moved."""
    for command in commands:
        if isinstance(command, SetStart):
            session = followed(session, command.name, frame.along)
    return session
