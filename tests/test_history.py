"""Undo and redo, over sessions that are values."""

import numpy as np
import pytest

from nlsq_widget.begin import begin
from nlsq_widget.history import begun, done, redone, undone
from nlsq_widget.session import SetStart, apply


def started():
    return begun(begin(lambda x, a: a * x, np.arange(5.0), np.arange(5.0), p0=[0]))


def moved(history, value, gesture=None):
    return done(history, apply(history.now, SetStart("a", value)), gesture)


def p0(history):
    return history.now.p0[0]


def test_undoing_and_redoing_everything_ends_where_it_was():
    history = started()
    for value in range(1, 6):
        history = moved(history, float(value))
    for value in range(4, -1, -1):
        history = undone(history)
        assert p0(history) == value
    for value in range(1, 6):
        history = redone(history)
        assert p0(history) == value
    with pytest.raises(ValueError, match="nothing to redo"):
        redone(history)


def test_a_change_after_undoing_forgets_what_was_undone():
    history = moved(undone(moved(moved(started(), 1.0), 2.0)), 3.0)
    assert not history.can_redo
    assert p0(undone(history)) == 1.0


def test_all_of_one_gesture_is_one_step():
    history = moved(started(), 1.0, "first")
    for value in (2.0, 3.0, 4.0):
        history = moved(history, value, "second")
    assert p0(undone(history)) == 1.0
    assert p0(undone(undone(history))) == 0.0


def test_a_gesture_goes_on_after_an_undo_as_another():
    history = undone(moved(moved(started(), 1.0, "drag"), 2.0, "other"))
    history = moved(history, 3.0, "drag")
    assert p0(undone(history)) == 1.0


def test_what_changes_nothing_is_no_step():
    history = started()
    assert done(history, history.now) is history
    assert moved(history, 0.0) is history  # the same value, typed again


def test_a_drag_that_comes_back_is_no_step_however_it_goes_on():
    history = moved(started(), 1.0, "before")
    back = moved(moved(history, 2.0, "drag"), 1.0, "drag")
    assert (p0(back), back.at) == (1.0, 1)
    on = moved(moved(back, 3.0, "drag"), 4.0, "drag")
    assert (p0(on), on.at) == (4.0, 2)
    assert p0(undone(on)) == 1.0


def test_the_beginning_is_kept_however_long_the_history():
    history = started()
    for value in range(2000):
        history = moved(history, float(value + 1))
    assert len(history.sessions) < 600
    assert history.first.p0 == (0.0,)
    while history.can_undo:
        history = undone(history)
    assert p0(history) > 1000
