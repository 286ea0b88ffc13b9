"""Sessions as JSON: what was saved is loaded to the last bit, and what is damaged is refused with one sentence."""

import json
from dataclasses import fields
from math import inf

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlsq_widget import FitWidget, fit, load, save
from nlsq_widget.begin import begin
from nlsq_widget.models import gaussian
from nlsq_widget.session import (
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
    apply,
)

X = np.linspace(0, 10, 20)
Y = 3.0 * np.exp(-X / 2.0) + 0.5 + 0.05 * np.random.default_rng(1).standard_normal(20)


def decay(x, a, tau, c=0.0):
    return a * jnp.exp(-x / tau) + c


def same(one, other):
    """Whether two sessions of one function are the same to the last bit."""
    for key in ("x", "y", "sigma"):
        ours, theirs = getattr(one.data, key), getattr(other.data, key)
        assert (ours is None) == (theirs is None)
        assert ours is None or (ours.shape == theirs.shape and ours.tobytes() == theirs.tobytes())
    assert (one.data.x_label, one.data.y_label) == (other.data.x_label, other.data.y_label)
    for field in fields(Session):
        if field.name not in ("data", "model"):
            ours, theirs = (getattr(session, field.name) for session in (one, other))
            assert ours == theirs
            assert isinstance(ours, frozenset) or repr(ours) == repr(theirs)  # -0.0 is not 0.0
    parts = [(s.model.function, s.model.names, s.model.defaults, s.model.ties.texts) for s in (one, other)]
    return parts[0] == parts[1]


finite = st.floats(-1e100, 1e100)
names = st.sampled_from(["a", "tau", "c"])
commands = st.one_of(
    st.builds(SetStart, names, finite),
    st.builds(SetBound, names, st.sampled_from(["lower", "upper"]), finite | st.sampled_from([-inf, inf])),
    st.builds(SetRole, names, st.sampled_from(["free", "fixed", "following"])),
    st.builds(SetTie, names, st.sampled_from([None, "2 * a", "a - tau / 3", "c + pi"])),
    st.builds(SetExcluded, st.frozensets(st.integers(0, 19))),
    st.builds(SetRange, st.floats(-2, 5) | st.just(-inf), st.floats(5, 20) | st.just(inf)),
    st.builds(SetDevice, st.sampled_from(["cpu:0", "cpu:1"])),
    st.builds(SetLoss, st.sampled_from(["linear", "huber", "cauchy"]), st.floats(1e-9, 1e9)),
    st.builds(SetLive, st.sampled_from(["drag", "release", "button"])),
    st.builds(SetLevel, st.none() | st.floats(0.01, 0.99)),
)
near = st.one_of(
    st.builds(SetStart, names, st.floats(0.5, 4)),
    st.builds(SetBound, names, st.sampled_from(["lower", "upper"]), st.floats(0.5, 4) | st.sampled_from([-inf, inf])),
    st.builds(SetRole, names, st.sampled_from(["free", "fixed", "following"])),
    st.builds(SetTie, st.just("c"), st.sampled_from([None, "a / 6"])),
    st.builds(SetExcluded, st.frozensets(st.integers(0, 19), max_size=9)),
    st.builds(SetLoss, st.sampled_from(["linear", "cauchy"]), st.floats(0.01, 10)),
)


def after(session, sequence):
    """The session after all commands that are not refused."""
    for command in sequence:
        try:
            session = apply(session, command)
        except ValueError:
            continue
    return session


@settings(max_examples=200, deadline=None)
@given(
    st.lists(commands, max_size=12),
    st.lists(finite, min_size=20, max_size=20),
    st.none() | st.lists(st.floats(1e-30, 1e30), min_size=20, max_size=20),
    st.sampled_from(["t", "Zeit / µs", 'a "label"\n']),
    st.booleans(),
)
def test_what_is_saved_is_loaded_to_the_last_bit(sequence, x, sigma, label, absolute):
    begun = begin(decay, x, Y, sigma=sigma, p0=[2, 1, 0], x_label=label, absolute_sigma=absolute)
    session = after(begun, sequence)
    assert same(session, load(save(session), decay))


@settings(max_examples=25, deadline=None)
@given(st.lists(near, max_size=8))
def test_the_fit_of_what_was_loaded_is_the_same_to_the_last_bit(sequence):
    session = after(begin(decay, X, Y, p0=[2, 1, 0]), sequence)
    before, now = fit(session), fit(load(save(session), decay))
    assert (before.popt.tobytes(), before.pcov.tobytes()) == (now.popt.tobytes(), now.pcov.tobytes())
    assert before.message == now.message


@pytest.mark.parametrize(
    ("model", "data", "how"),
    [
        (lambda x, a, b: a * x[0] + b * x[1], (np.stack([X, X**2]), Y), {}),
        (decay, (X, Y), {"sigma": np.diag(Y**2) + 0.01}),
        (decay, (X, Y), {"precision": "float32", "jac": "reverse"}),
        (lambda x, *c: c[0] + c[1] * x, (X, Y), {"p0": [1, 2]}),
        (decay, ([1.0], [2.0]), {}),
    ],
    ids=["predictors", "covariance", "method", "star", "one point"],
)
def test_every_kind_of_session_comes_back(model, data, how):
    session = begin(model, *data, **how)
    assert same(session, load(save(session), model))


def test_a_jacobian_is_given_again():
    def slope(x, a):
        return x[:, None]

    session = begin(lambda x, a: a * x, X, Y, jac=slope)
    with pytest.raises(ValueError, match="a jac of its own"):
        load(save(session), session.model.function)
    assert load(save(session), session.model.function, jac=slope).model.jacobian is slope


def test_a_device_that_is_not_here_may_be_another():
    text = changed(lambda whole: whole["choices"].update(device="gpu:7"))
    with pytest.raises(ValueError, match=r"no device 'gpu:7' here; choose one of: cpu:0"):
        load(text, decay)
    assert load(text, decay, device="cpu:1").device == "cpu:1"


def test_nothing_of_the_file_is_run():
    def source(whole):
        whole["model"] |= {"source": "raise SystemExit", "module": "antigravity", "name": "__import__('os')"}

    assert same(load(changed(source), decay), begin(decay, X, Y, p0=[2, 1, 0]))


def test_the_text_is_strict_json_and_describes_the_model():
    whole = json.loads(save(begin(decay, X, Y, bounds={"a": (0, None)})), parse_constant=pytest.fail)
    assert (whole["format"], whole["version"]) == ("nlsq_widget session", 1)
    assert whole["choices"]["bounds"]["a"] == [0.0, None]
    assert "def decay(x, a, tau, c=0.0):" in whole["model"]["source"]
    assert (whole["model"]["name"], whole["model"]["module"]) == ("decay", __name__)


def changed(change):
    """The text of a session after a change."""
    whole = json.loads(save(begin(decay, X, Y, p0=[2, 1, 0])))
    change(whole)
    return json.dumps(whole)


def put(part, key, value):
    return lambda whole: whole[part].update({key: value})


def take(part, key):
    return lambda whole: whole[part].pop(key)


BAD = {
    "empty": ("", "is no JSON"),
    "truncated": (save(begin(decay, X, Y))[:-200], "is no JSON, or a part of it is missing"),
    "deep": ("[" * 100_000, "is no JSON"),
    "another": ('{"cells": []}', "no session of nlsq_widget"),
    "a list": ("[1, 2]", "no session of nlsq_widget"),
    "nan": (changed(put("choices", "loss_scale", float("nan"))), "holds NaN, which is no number of JSON"),
    "later version": (changed(lambda w: w.update(version=2)), "version 2, and this nlsq_widget reads 1"),
    "no part": (changed(lambda w: w.pop("data")), "The session has no 'data'"),
    "no choice": (changed(take("choices", "loss")), "choices of the session has no 'loss'"),
    "unknown choice": (changed(put("choices", "weights", 1)), "'weights', which this nlsq_widget does not know"),
    "wrong kind": (changed(put("choices", "fixed", "a")), "has 'a' for 'fixed', which cannot be"),
    "true for a number": (changed(put("choices", "level", True)), "has True for 'level'"),
    "no shape": (changed(put("data", "x", {})), "x is damaged in the session: it has no shape"),
    "negative shape": (changed(put("data", "x", {"shape": [-20], "float64": ""})), "x is damaged"),
    "no base64": (
        changed(put("data", "y", {"shape": [1], "float64": "é"})),
        "y is damaged in the session: it is no base64",
    ),
    "short": (
        changed(put("data", "y", {"shape": [20], "float64": "AAAA"})),
        "holds 3 bytes, where 20 numbers take 160",
    ),
    "lengths": (changed(put("data", "x", {"shape": [1], "float64": "AAAAAAAA8D8="})), "x has 1 values and y has 20"),
    "a point that is nan": (
        changed(put("data", "x", {"shape": [1], "float64": "AAAAAAAA+H8="})),
        "x has 1 value that is not finite",
    ),
    "other parameters": (changed(put("model", "parameters", ["a", "b"])), "the parameters a, tau, c, and the session"),
    "no start": (
        changed(put("choices", "p0", {"a": 1, "tau": 1})),
        "The session starts a, tau, and its model has a, tau, c",
    ),
    "start of another": (
        changed(put("choices", "p0", {"a": 1, "tau": 1, "c": 0, "q": 1})),
        "starts a, tau, c, q, and",
    ),
    "infinite start": (changed(put("choices", "p0", {"a": 10**400, "tau": 1, "c": 0})), "p0 is"),
    "start is a word": (changed(put("choices", "p0", {"a": "x", "tau": 1, "c": 0})), "p0 is .'x'"),
    "start outside": (changed(put("choices", "bounds", {"a": [5, 6]})), "outside of provided bounds"),
    "crossed": (changed(put("choices", "bounds", {"a": [6, 5]})), "must not exceed"),
    "bounds are one": (changed(put("choices", "bounds", {"a": 3})), "give a pair"),
    "fixed another": (changed(put("choices", "fixed", ["q"])), "no parameter 'q'"),
    "fixed a list": (changed(put("choices", "fixed", [["a"]])), r"no parameter \['a'\]"),
    "following another": (changed(put("choices", "following", ["q"])), "no parameter 'q'"),
    "tie of code": (changed(put("choices", "ties", {"c": "__import__('os')"})), "The tie of c"),
    "tie in a circle": (changed(put("choices", "ties", {"c": "a", "a": "c"})), "circle"),
    "no such point": (changed(put("choices", "excluded", [99])), "no point 99"),
    "no index": (changed(put("choices", "excluded", [[1], 2.5])), "excludes what is no index"),
    "all excluded": (changed(put("choices", "excluded", [*range(20)])), "leave some"),
    "half a range": (changed(put("choices", "x_range", [1])), "x_range is"),
    "loss": (changed(put("choices", "loss", "square")), "loss is 'square'; choose one of"),
    "scale": (changed(put("choices", "loss_scale", -1)), "give a positive number"),
    "level": (changed(put("choices", "level", 95)), "between 0 and 1"),
    "live": (changed(put("choices", "live", "never")), "live is 'never'"),
    "derivatives": (changed(put("choices", "derivatives", "guess")), "jac is 'guess'"),
    "precision": (changed(put("choices", "precision", "float16")), "precision is 'float16'"),
}


@pytest.mark.parametrize(("text", "sentence"), BAD.values(), ids=BAD.keys())
def test_what_is_damaged_is_refused_with_one_sentence(text, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        load(text, decay)
    assert "\n" not in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_one_value_becomes_it_is_loaded_or_refused(data):
    whole = json.loads(save(begin(decay, X, Y, p0=[2, 1, 0], bounds={"a": (0, 9)}, ties={"c": "a / 6"})))
    part = data.draw(st.sampled_from(["model", "data", "choices"]))
    key = data.draw(st.sampled_from(sorted(whole[part])))
    json_values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "shape", "float64"]), inner),
        max_leaves=4,
    )
    whole[part][key] = data.draw(json_values)
    try:
        load(json.dumps(whole), decay)
    except ValueError as refusal:
        assert "\n" not in str(refusal)  # noqa: PT017  (refused or not, nothing else may be raised)


def test_the_widget_is_saved_and_comes_back_with_all_its_choices(tmp_path):
    w = FitWidget(decay, X, Y, p0=[2, 1, 0.4], x_label="t / µs")
    w.fixed.add("c")
    w.following.add("tau")
    w.excluded, w.x_range, w.loss, w.live, w.level = [3], (None, 9), "huber", "release", None
    w.save(tmp_path / "fit.json")
    again = FitWidget.load(tmp_path / "fit.json", decay)
    for name in ("p0", "bounds", "fixed", "following", "excluded", "x_range", "loss", "live", "level", "device"):
        assert repr(getattr(again, name)) == repr(getattr(w, name))
    assert again.view.frame.head()["x_label"] == "t / µs"
    again.fit()
    np.testing.assert_array_equal(again.result.popt, w.fit().popt)
    with pytest.raises(ValueError, match="nothing to undo"):
        again.undo()


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "fit.png").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    with pytest.raises(ValueError, match="is no text, and so no session"):
        FitWidget.load(tmp_path / "fit.png", decay)


def test_a_session_stands_alone():
    session = begin(decay, X, Y)
    assert fit(session).session is session
    for beside in ({"x": X}, {"p0": [1, 2, 3]}, {"loss": "huber"}, {"fixed": ["a"]}):
        with pytest.raises(ValueError, match="give nothing beside it"):
            fit(session, **beside)


def test_bounds_of_a_model_that_were_taken_away_stay_away():
    x = np.linspace(-3, 3, 30)
    session = begin(gaussian, x, np.exp(-(x**2) / 2))
    assert session.lower[2] == 0
    session = apply(session, SetBound("sigma", "lower", -np.inf))
    assert load(save(session), gaussian).lower == session.lower == (-np.inf,) * 3
