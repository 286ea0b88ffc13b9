"""What was chosen before and after: sessions in a row, one of which is now. What changes nothing is no step."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nlsq_widget.session import Session

_KEPT = 500  # steps back; the first session is kept besides


@dataclass(frozen=True, eq=False)
class History:
    """`sessions[at]` is now. Those before can be undone to, those after redone; `first` is where it all began."""

    first: Session
    sessions: tuple[Session, ...]
    at: int = 0
    gesture: object = None  # what made the newest session; the same again replaces it
    due: str | None = None  # a parameter that was moved, and what follows it did not go along yet

    @property
    def now(self) -> Session:
        return self.sessions[self.at]

    @property
    def can_undo(self) -> bool:
        return self.at > 0

    @property
    def can_redo(self) -> bool:
        return self.at + 1 < len(self.sessions)


def begun(session: Session) -> History:
    """Nothing was done yet."""
    return History(session, (session,))


def done(history: History, session: Session, gesture: object = None) -> History:
    """After a change. A whole drag is one `gesture`, and one step to undo; None is never the same gesture."""
    if session.is_same(history.now):
        return history
    same = gesture is not None and gesture == history.gesture and history.at > 0
    past = history.sessions[: history.at + (0 if same else 1)][-_KEPT:]
    if same and session.is_same(past[-1]):  # dragged back to where it was taken
        return History(history.first, past, len(past) - 1)
    return History(history.first, (*past, session), len(past), gesture)


def amended(history: History, session: Session) -> History:
    """With this in place of what is now: it belongs to the same step."""
    sessions = (*history.sessions[: history.at], session, *history.sessions[history.at + 1 :])
    return replace(history, sessions=sessions, due=None)


def undone(history: History) -> History:
    """One step back. Raises ValueError where there is none."""
    if not history.can_undo:
        raise ValueError("There is nothing to undo.")
    return replace(history, at=history.at - 1, gesture=None, due=None)


def redone(history: History) -> History:
    """One step forth again. Raises ValueError where there is none."""
    if not history.can_redo:
        raise ValueError("There is nothing to redo.")
    return replace(history, at=history.at + 1, gesture=None, due=None)
