"""FitWidget without a browser: its traits, its messages, and two threads at once."""

import threading

import ipywidgets
import jax.numpy as jnp
import numpy as np
import pytest
import traitlets

from nlsq_widget import FitWidget, fit
from nlsq_widget.session import SetStart
from nlsq_widget.wire import UNDELAYED, asked

X = np.linspace(0, 10, 60)
Y = 3.0 * np.exp(-X / 2.0) + 0.5 + 0.05 * np.random.default_rng(1).standard_normal(60)


def decay(x, a, tau, c):
    return a * jnp.exp(-x / tau) + c


@pytest.fixture
def w():
    return Page(FitWidget(decay, X, Y, p0=[2, 1, 0]))


class Page:
    """A page that keeps what it is sent, as the browser would."""

    def __init__(self, widget):
        self.widget = widget
        self.views = []
        widget.send = lambda content, buffers=None: self.views.append((content, buffers))  # what a comm would carry
        self.seq = 0

    def say(self, **content):
        self.seq += 1
        self.widget._receive(self.widget, {"page": "p", "seq": self.seq} | content, [])
        return self.views[-1]

    def do(self, **command):
        return self.say(type="command", command=command)


def arrays(view):
    content, buffers = view
    return {
        a["name"]: np.frombuffer(b, a["dtype"]).reshape(a["shape"])
        for a, b in zip(content["arrays"], buffers, strict=True)
    }


def test_python_and_the_page_make_the_same_change(w):
    w.do(kind="p0", name="a", value=3.5)
    assert w.widget.p0["a"] == 3.5
    w.widget.p0["a"] = 1.5
    content, _ = w.views[-1]
    assert content["answers"] is None
    assert arrays(w.views[-1])["parameters"][0, 0] == 1.5
    np.testing.assert_allclose(w.widget.result.popt, fit(decay, X, Y, p0=[1.5, 1, 0]).popt, rtol=1e-9)


def test_every_message_is_answered_by_one_view_with_its_number(w):
    for message in (
        {"type": "hello"},
        {"type": "command", "command": {"kind": "p0", "name": "a", "value": 2}},  # JavaScript's 2.0
        {"type": "command", "command": {"kind": "p0", "name": "nobody", "value": 2}},
        {"type": "command", "command": {"kind": "bound", "name": "a", "side": "upper", "value": None}},
        {"type": "command", "command": {"kind": "what"}},
        {"type": "command", "command": None},
        {"type": "command"},
    ):
        before = len(w.views)
        content, _ = w.say(**message)
        assert len(w.views) == before + 1
        assert content["answers"] == {"page": "p", "seq": w.seq}


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "p0", "name": "a", "value": "3"},
        {"kind": "p0", "name": "a", "value": None},
        {"kind": "p0", "name": 3, "value": 3},
        {"kind": "bound", "name": "a", "side": "middle", "value": 3},
        {"kind": "bound", "name": "a", "side": "upper", "value": True},
        {"kind": "role", "name": "a", "role": 1},
        {"kind": "device", "device": "moon"},
        {"kind": "p0", "name": "a", "value": float("nan")},
        [],
        "drop",
    ],
    ids=str,
)
def test_a_command_that_is_wrong_is_refused_with_a_sentence_and_changes_nothing(w, wrong):
    before = (w.widget.p0, w.widget.bounds, w.widget.fixed, w.widget.device)
    content, _ = w.say(type="command", command=wrong)
    assert content["refused"].endswith(".")
    assert (w.widget.p0, w.widget.bounds, w.widget.fixed, w.widget.device) == before


def test_a_command_that_newer_ones_overtook_changes_nothing(w):
    late = {"type": "command", "page": "p", "seq": 1, "command": {"kind": "p0", "name": "a", "value": 9.0}}
    w.seq = 1
    w.do(kind="p0", name="a", value=3.0)
    w.widget._receive(w.widget, late, [])
    content, _ = w.views[-1]
    assert content["refused"] == "A newer change overtook this one."
    assert w.widget.p0["a"] == 3.0
    w.widget._receive(w.widget, late | {"page": "another"}, [])
    assert w.widget.p0["a"] == 9.0


def test_the_points_travel_once_and_not_with_each_drag(w):
    assert {"x", "y", "grid"} <= set(arrays(w.say(type="hello")))
    content, _ = w.do(kind="p0", name="a", value=3.0)
    assert content["frame"] is None
    assert not {"x", "y", "grid"} & set(arrays(w.views[-1]))
    w.widget.excluded = [3]
    assert w.views[-1][0]["frame"] is None
    assert arrays(w.views[-1])["excluded"].tolist() == [0, 0, 0, 1] + [0] * 56


def test_an_answer_is_long_enough_not_to_wait_for_an_acknowledgement(w):
    assert sum(buffer.nbytes for buffer in w.do(kind="p0", name="a", value=3.0)[1]) >= UNDELAYED


def test_infinite_bounds_and_missing_values_survive_the_wire(w):
    table = arrays(w.say(type="hello"))["parameters"]
    np.testing.assert_array_equal(table[:, 1], -np.inf)
    np.testing.assert_array_equal(table[:, 2], np.inf)
    np.testing.assert_array_equal(table[:, 3], w.widget.result.popt)
    np.testing.assert_array_equal(table[:, 4], w.widget.result.stderr)


def test_traits_are_read_set_and_observed(w):
    seen = []
    w.widget.observe(lambda change: seen.append(change.name), names=["p0", "bounds", "fixed", "device", "result"])
    w.widget.p0 = {"a": 1.0}
    assert set(seen) == {"p0", "result"}
    w.widget.p0 = [2.0, 1.0, 0.0]
    assert dict(w.widget.p0) == {"a": 2, "tau": 1, "c": 0}
    w.widget.bounds = ([0, 0, 0], [9, 9, 9])
    assert w.widget.bounds["tau"] == (0, 9)
    w.widget.bounds = {"a": (0, None)}
    assert w.widget.bounds["a"] == (0, np.inf)
    w.widget.fixed = ["c"]
    assert set(w.widget.fixed) == {"c"}
    w.widget.fixed["a"] = True
    w.widget.fixed.remove("c")
    assert set(w.widget.fixed) == {"a"}
    assert w.widget.result.popt[0] == 2.0
    seen.clear()
    w.do(kind="device", device="cpu:1")
    assert w.widget.device == "cpu:1"
    assert "device" in seen


def test_an_observer_may_give_commands(w):
    w.widget.observe(lambda _: setattr(w.widget, "excluded", [0]), names="p0")
    w.widget.p0["a"] = 2.5
    assert w.widget.excluded == (0,)
    assert w.widget.result.n_points == 59


def test_none_is_no_choice(w):
    for name in ("p0", "fixed", "excluded"):
        with pytest.raises(ValueError, match=f"{name} is None; give"):
            setattr(w.widget, name, None)
    w.widget.bounds = {"a": (0, 5)}
    w.widget.bounds = None
    assert w.widget.bounds["a"] == (-np.inf, np.inf)
    w.widget.p0["a"] = 2.0
    assert w.widget.p0["a"] == 2.0


def test_choosing_a_device_moves_the_fit_there(w):
    assert w.widget.devices == ("cpu:0", "cpu:1")
    content, _ = w.do(kind="device", device="cpu:1")
    assert (content["fit"]["device"], w.widget.result.device) == ("cpu:1", "cpu:1")
    w.widget.device = "cpu:0"
    assert w.widget.result.device == "cpu:0"


def test_a_refused_assignment_raises_and_leaves_the_trait(w):
    for wrong in ("moon", ""):
        with pytest.raises(ValueError, match="choose one of: cpu:0, cpu:1"):
            w.widget.device = wrong
    with pytest.raises(ValueError, match="no parameter 'zz'"):
        w.widget.p0["zz"] = 1.0
    with pytest.raises(ValueError, match="must not exceed"):
        w.widget.bounds = {"a": (0, 5), "tau": (3, 1)}
    assert w.widget.bounds["a"] == (-np.inf, np.inf)  # all of an assignment, or none of it
    with pytest.raises(traitlets.TraitError):
        w.widget.result = None


def test_a_fault_keeps_the_last_good_picture_for_a_page_that_comes_later():
    w = Page(FitWidget(lambda x, a: jnp.log(a * (x + 1)), X, np.log(2 * (X + 1)), p0=[1.0]))
    w.do(kind="p0", name="a", value=-1.0)
    content, _ = w.views[-1]
    assert "not finite at the start values (a = -1)" in content["fit"]["fault"]
    assert "curve" not in arrays(w.views[-1])
    w.views.clear()
    w.say(type="hello")
    assert ["curve" in arrays(view) for view in w.views] == [True, False]
    w.do(kind="p0", name="a", value=1.0)
    assert w.views[-1][0]["fit"]["fault"] is None


gain = 1.0


def test_a_model_that_begins_to_raise_says_so_on_the_page_and_in_python():
    global gain

    def fragile(x, a):
        return a * x / gain

    w = Page(FitWidget(fragile, X, 2 * X))
    gain = "broken"
    try:
        content, _ = w.do(kind="p0", name="a", value=1.5)
        assert "The model fragile cannot be evaluated" in content["fit"]["fault"]
        assert w.widget.result is None
        with pytest.raises(ValueError, match="cannot be evaluated"):
            w.widget.p0["a"] = 1.0
    finally:
        gain = 1.0
    w.widget.p0["a"] = 1.0
    assert w.widget.result["a"] == pytest.approx(2)


def test_it_sits_in_a_box_and_closes():
    widget = FitWidget(decay, X, Y, p0=[2, 1, 0])
    box = ipywidgets.HBox([widget, ipywidgets.IntSlider()])
    assert box.children[0] is widget
    widget.close()


def test_bad_input_raises_before_anything_is_shown():
    with pytest.raises(ValueError, match="the widget draws against one x"):
        FitWidget(lambda x, a: a * x[0], np.ones((2, 5)), np.ones(5))
    with pytest.raises(ValueError, match="x has 59 values and y has 60"):
        FitWidget(decay, X[1:], Y)


def test_two_threads_lose_no_command():
    """Cells and the page work at once: the session is the one that the same commands give in some order."""
    w = Page(FitWidget(decay, X, Y, p0=[2, 1, 0]))
    values = np.linspace(1, 3, 40)

    def page():
        for seq, value in enumerate(values, start=1):
            w.widget._receive(
                w.widget,
                {
                    "type": "command",
                    "page": "p",
                    "seq": seq,
                    "command": {"kind": "p0", "name": "a", "value": float(value)},
                },
                [],
            )

    def cell():
        for value in values:
            w.widget.p0["tau"] = value

    threads = [threading.Thread(target=page), threading.Thread(target=cell)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert dict(w.widget.p0) == {"a": 3, "tau": 3, "c": 0}
    np.testing.assert_allclose(w.widget.result.popt, fit(decay, X, Y, p0=[3, 3, 0]).popt, rtol=1e-9)
    assert len(w.views) == 80


def test_the_wire_knows_every_command_of_a_page(w):
    assert asked({"command": {"kind": "p0", "name": "a", "value": 3}}, w.widget.view).commands == (SetStart("a", 3.0),)


def test_suspects_are_shown_on_request_and_taken_out_in_one_step():
    y = Y.copy()
    y[[10, 40]] += 2.0
    w = Page(FitWidget(decay, X, y, p0=[2, 1, 0]))
    assert "suggested" not in arrays(w.say(type="hello"))
    suspects = np.flatnonzero(arrays(w.do(kind="suggest"))["suggested"]).tolist()
    assert {10, 40} <= set(suspects)
    assert suspects == w.widget.suggest_outliers()
    assert (w.widget.excluded, w.widget.view.can_undo) == ((), False)  # nothing was chosen yet
    w.do(kind="points", points=suspects, excluded=True)
    assert w.widget.excluded == tuple(suspects)
    w.widget.undo()
    assert w.widget.excluded == ()


def test_suspicion_ends_when_other_points_count_or_when_it_is_dismissed(w):
    w.do(kind="suggest")
    w.do(kind="p0", name="a", value=3.0)
    assert "suggested" in arrays(w.views[-1])
    w.do(kind="range", lower=1.0, upper=None)
    assert "suggested" not in arrays(w.views[-1])
    w.do(kind="suggest")
    assert "suggested" not in arrays(w.do(kind="dismiss"))


def test_what_nobody_can_suspect_is_refused_with_a_sentence():
    w = Page(FitWidget(decay, X[:3], Y[:3], p0=[2, 1, 0]))
    content, _ = w.do(kind="suggest")
    assert "cannot tell outliers from" in content["refused"]


def test_taking_out_what_is_out_is_no_step_to_undo(w):
    w.do(kind="points", points=[3], excluded=True)
    w.do(kind="points", points=[3], excluded=True)  # the second half of a double click
    w.widget.undo()
    assert w.widget.excluded == ()
    assert not w.widget.view.can_undo
