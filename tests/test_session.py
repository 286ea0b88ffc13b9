"""Sessions and commands: what is allowed, what is refused, and that nothing is lost."""

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlsq_widget.begin import begin, set_bounds
from nlsq_widget.session import SetBound, SetDevice, SetExcluded, SetRole, SetStart, SetTie, apply


def line(x, a, b):
    return a * x + b


def session(**choices):
    return begin(line, np.arange(5.0), np.arange(5.0), **{"p0": [1, 0]} | choices)


def test_a_command_makes_a_new_session_and_leaves_the_old():
    before = session()
    after = apply(before, SetStart("a", 3.0))
    assert (before.p0, after.p0) == ((1, 0), (3, 0))


def test_a_bound_pushes_a_start_value_that_is_in_its_way():
    assert apply(session(), SetBound("a", "upper", 0.5)).p0 == (0.5, 0)
    assert apply(session(), SetBound("a", "lower", 4.0)).p0 == (4.0, 0)


def test_an_infinite_bound_is_none():
    bounded = session(bounds={"a": (0, 2)})
    assert apply(bounded, SetBound("a", "upper", inf)).upper == (inf, inf)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (SetStart("a", 5.0), "outside its bounds"),
        (SetStart("a", inf), "give a finite number"),
        (SetStart("q", 1.0), "no parameter 'q'"),
        (SetBound("a", "lower", 3.0), "must not exceed"),
        (SetBound("a", "upper", float("nan")), "not a number"),
        (SetRole("q", "fixed"), "no parameter 'q'"),
        (SetExcluded(frozenset({7})), "no point 7; the points are numbered 0 to 4"),
        (SetExcluded(frozenset(range(5))), "leave some"),
        (SetDevice("gpu:3"), "choose one of"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_with_what_to_do(command, sentence):
    with pytest.raises(ValueError, match=sentence):
        apply(session(bounds={"a": (0, 2)}), command)


@pytest.mark.parametrize("pair", [(5, 9), (-9, -5), (0, 1), (None, 3), None])
def test_both_bounds_can_be_put_from_anywhere(pair):
    """Whatever the old bounds, the order of the two commands never lets them cross."""
    for old in [(0, 1), (7, 8), (-8, -7), None]:
        current = session(bounds={"a": old}, p0={"b": 0})
        for command in set_bounds(current, "a", pair):
            current = apply(current, command)
        low, high = pair or (None, None)
        assert (current.lower[0], current.upper[0]) == (-inf if low is None else low, inf if high is None else high)


names = st.sampled_from(["a", "b", "q"])
numbers = st.floats() | st.sampled_from([0.0, 1.0, inf, -inf])
commands = st.one_of(
    st.builds(SetStart, names, numbers),
    st.builds(SetBound, names, st.sampled_from(["lower", "upper"]), numbers),
    st.builds(SetRole, names, st.booleans()),
    st.builds(SetTie, names, st.sampled_from([None, "2 * a", "b - 1", "a / b", "log(a)", "nonsense ("])),
    st.builds(SetExcluded, st.frozensets(st.integers(-1, 6))),
    st.builds(SetDevice, st.sampled_from(["cpu:0", "cpu:1", "moon"])),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(commands, max_size=30))
def test_no_sequence_of_commands_leads_to_a_session_that_cannot_be_fitted(sequence):
    current = session()
    for command in sequence:
        try:
            current = apply(current, command)
        except ValueError as refusal:
            assert str(refusal).endswith((".", ")"))  # noqa: PT017  (refused or not, the session must stay sound)
        for low, value, high in zip(current.lower, current.p0, current.upper, strict=True):
            assert low <= value <= high
            assert np.isfinite(value)
        assert len(current.excluded) < 5
