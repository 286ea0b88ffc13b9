"""FitWidget without a browser: its traits, its messages, and two threads at once."""

import threading
import time
import warnings

import ipywidgets
import jax.numpy as jnp
import numpy as np
import pytest
import traitlets

from nlsq_widget import FitWidget, fit, profile_interval
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


@pytest.mark.parametrize(("unit", "dtype"), [(1.0, np.float32), (1e-100, np.float64)])
def test_residuals_are_sent_in_single_precision_where_it_holds_them(unit, dtype):
    w = Page(FitWidget(decay, X, unit * Y, p0=[2 * unit, 1, 0]))
    left = arrays(w.do(kind="p0", name="tau", value=1.5))["residuals"]
    assert left.dtype == dtype
    np.testing.assert_allclose(left, w.widget.result.residuals, rtol=1e-6)


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


def slow(x, a, tau):
    """Cannot be traced, and takes its time."""
    time.sleep(0.02)
    return a * np.exp(-x / float(tau))


@pytest.fixture
def long(w):
    """A page whose fits take long, after its first."""
    x, y = X[::6], Y[::6]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        page = Page(FitWidget(slow, x, y, p0=[2, 1]))
    page.do(kind="p0", name="a", value=2.25)
    ended(page)
    assert min(page.widget._took) > 500
    page.views.clear()
    return page


def ended(page):
    """What the page has got when nothing runs any more."""
    until = time.monotonic() + 60
    while page.widget._beside.busy:
        assert time.monotonic() < until
        time.sleep(0.01)
    return page.views[-1]


def test_a_fit_that_takes_long_is_answered_at_once_and_comes_later(long):
    began = time.monotonic()
    content, _ = long.do(kind="p0", name="a", value=4.0)
    answered = time.monotonic() - began
    assert (content["fit"]["stale"], content["fit"]["running"]) == (True, 0)
    assert arrays(long.views[-1])["parameters"][0, 0] == 4.0
    assert content["fit"]["start_stale"]  # its curve takes an evaluation of the model, which is not waited for
    content, _ = ended(long)
    assert not content["fit"]["start_stale"]
    assert time.monotonic() - began > 2 * answered
    assert (content["fit"]["stale"], content["fit"]["running"], content["fit"]["ok"]) == (False, None, True)
    assert [view[0]["fit"]["running"] for view in long.views].count(None) == 1  # it told how far it was before
    expected = fit(slow, X[::6], Y[::6], p0=[4, 1])
    np.testing.assert_array_equal(long.widget.result.popt, expected.popt)
    drawn = arrays(long.views[-1])
    np.testing.assert_allclose(drawn["curve_p0"][0], 4.0 * np.exp(-drawn_x(long)[0] / 1.0), rtol=1e-12)


def drawn_x(page):
    return arrays(page.say(type="hello"))["grid"]


def test_of_fits_that_take_long_only_the_newest_is_shown(long):
    for value in (2.5, 3.0, 3.5):
        long.do(kind="p0", name="a", value=value)
    ended(long)
    shown = [arrays(view)["parameters"][0, 0] for view in long.views if not view[0]["fit"]["stale"]]
    assert shown == [3.5]


def test_the_start_curve_follows_a_finger_that_does_not_rest(long):
    """One that is as slow as a few evaluations of the model, and faster than its fit."""
    value, until = 2.25, time.monotonic() + 60
    shown = [2.25]
    while len(set(shown)) < 3:
        assert time.monotonic() < until
        value += 0.001
        long.say(type="command", gesture=1, final=False, command={"kind": "p0", "name": "a", "value": value})
        time.sleep(0.02)
        shown += [arrays(view)["curve_p0"][0] for view in long.views if view[0]["fit"]["start_stale"]]
        assert arrays(long.views[-1])["parameters"][0, 0] == value  # the newest choice is on the screen all the time
    long.do(kind="cancel")
    ended(long)


def test_a_fit_that_takes_long_can_be_broken_off_and_the_last_one_stays(long):
    before = long.widget.result
    long.do(kind="p0", name="a", value=40.0)
    content, _ = long.do(kind="cancel")
    ended(long)
    assert long.widget.result is before
    assert (content["fit"]["stale"], content["fit"]["running"]) == (True, None)
    assert "Broken off" in content["fit"]["status"]
    assert long.widget.fit().p0[0] == 40.0  # Python waits for it


def test_a_search_that_takes_long_is_told_of_and_holds_nobody_up(long):
    before = dict(long.widget.p0)
    content, _ = long.do(kind="guess")
    assert content["fit"]["status"] == "Looking for better start values …"
    began = time.monotonic()
    while "fits so far" not in long.views[-1][0]["fit"]["status"]:
        assert time.monotonic() < began + 60
        time.sleep(0.01)
    assert not long.views[-1][0]["fit"]["stale"]  # the fit on the screen is that of the start values still
    content, _ = long.do(kind="cancel")
    assert (content["fit"]["running"], content["fit"]["stale"], content["fit"]["ok"]) == (None, False, True)
    ended(long)
    assert (dict(long.widget.p0), long.widget.view.running) == (before, None)


def test_suspects_that_take_long_come_later_and_once_the_fit_before_has_ended(long):
    long.do(kind="p0", name="a", value=4.0)
    content, _ = long.do(kind="suggest")
    assert content["fit"]["running"] == 0
    content, _ = ended(long)
    assert (content["fit"]["running"], content["fit"]["stale"], long.widget.result.p0[0]) == (None, False, 4.0)
    assert np.flatnonzero(arrays(long.views[-1])["suggested"]).tolist() == long.widget.view.suggested.tolist()


def test_what_follows_and_takes_long_goes_along_later_in_the_same_step(long):
    long.do(kind="role", name="tau", role="following")
    ended(long)
    for value in (2.5, 3.0):
        content, _ = long.say(type="command", gesture=4, command={"kind": "p0", "name": "a", "value": value})
        assert (content["fit"]["stale"], content["fit"]["running"]) == (True, 0)
        assert arrays(long.views[-1])["parameters"][:, 0].tolist() == [value, 1.0]
    long.do(kind="live", live="release")  # another command, on the way to the end
    ended(long)
    held = fit(slow, X[::6], Y[::6], p0=[3.0, 1], fixed=["a"])
    np.testing.assert_allclose(list(long.widget.p0.values()), held.popt, rtol=1e-9)
    assert long.widget.result.p0.tolist() == list(long.widget.p0.values())
    long.widget.undo()
    long.widget.undo()
    assert dict(long.widget.p0) == {"a": 2.25, "tau": 1.0}


def test_another_level_of_the_band_fits_nothing_again(long):
    before = long.widget.result
    assert long.do(kind="level", level=0.5)[0]["fit"]["level"] == 0.5
    assert long.widget.result is before


def test_it_fits_on_release_or_when_asked(w):
    before = w.widget.result
    w.do(kind="live", live="release")
    content, _ = w.say(type="command", gesture=1, final=False, command={"kind": "p0", "name": "a", "value": 3.5})
    assert content["fit"]["stale"]
    assert w.widget.result is before
    np.testing.assert_allclose(arrays(w.views[-1])["curve_p0"][0], decay(X[0], 3.5, 1.0, 0.0))
    content, _ = w.say(type="command", gesture=1, final=True, command={"kind": "p0", "name": "a", "value": 3.5})
    assert not content["fit"]["stale"]
    assert w.widget.result.p0[0] == 3.5
    w.do(kind="live", live="button")
    assert w.say(type="command", gesture=2, command={"kind": "p0", "name": "a", "value": 3.0})[0]["fit"]["stale"]
    assert not w.do(kind="fit")[0]["fit"]["stale"]
    assert w.widget.result.p0[0] == 3.0


def test_a_drag_is_one_step_to_undo(w):
    for value in (2.5, 3.0, 3.5):
        w.say(type="command", gesture=7, final=value == 3.5, command={"kind": "p0", "name": "a", "value": value})
    w.say(type="command", gesture=8, command={"kind": "role", "name": "c", "role": "fixed"})
    w.do(kind="undo")
    assert (w.widget.p0["a"], set(w.widget.fixed)) == (3.5, set())
    content, _ = w.do(kind="undo")
    assert w.widget.p0["a"] == 2.0
    assert (content["fit"]["can_undo"], content["fit"]["can_redo"]) == (False, True)
    assert "nothing to undo" in w.do(kind="undo")[0]["refused"]
    w.widget.redo()
    assert w.widget.p0["a"] == 3.5
    w.widget.reset()
    assert w.widget.p0["a"] == 2.0
    w.widget.undo()
    assert w.widget.p0["a"] == 3.5


def test_what_changes_nothing_is_no_step_to_undo(w):
    for command in (
        {"kind": "p0", "name": "a", "value": 2},
        {"kind": "bound", "name": "a", "side": "upper", "value": None},
        {"kind": "role", "name": "a", "role": "free"},
        {"kind": "range", "lower": None, "upper": None},
        {"kind": "loss", "loss": "linear", "scale": 1},
        {"kind": "reset"},
    ):
        assert not w.do(**command)[0]["fit"]["can_undo"], command
    w.do(kind="tie", name="c", text="a / 9")
    w.do(kind="tie", name="c", text="= a / 9")
    w.do(kind="undo")
    assert not w.widget.view.can_undo


def test_what_follows_is_fitted_to_what_is_moved(w):
    w.do(kind="role", name="tau", role="following")
    w.do(kind="role", name="c", role="following")
    w.do(kind="p0", name="a", value=2.5)
    held = fit(decay, X, Y, p0=[2.5, 1, 0], fixed=["a"])
    np.testing.assert_allclose(list(w.widget.p0.values()), held.popt, rtol=1e-6)
    np.testing.assert_allclose(w.widget.result.popt, fit(decay, X, Y, p0=[2, 1, 0]).popt, rtol=1e-6)
    w.do(kind="undo")
    assert dict(w.widget.p0) == {"a": 2, "tau": 1, "c": 0}


def test_a_range_of_x_leaves_out_what_is_outside(w):
    content, _ = w.do(kind="range", lower=1.0, upper=None)
    inside = X >= 1.0
    np.testing.assert_allclose(w.widget.result.popt, fit(decay, X[inside], Y[inside], p0=[2, 1, 0]).popt, rtol=1e-6)
    assert content["fit"]["n_excluded"] == np.count_nonzero(~inside)
    assert arrays(w.views[-1])["excluded"].tolist() == [0 if yes else 2 for yes in inside]
    assert "leave some" in w.do(kind="range", lower=100.0, upper=None)[0]["refused"]
    w.widget.x_range = None
    assert w.widget.result.n_points == 60


def test_the_fit_becomes_the_start(w):
    popt = w.widget.result.popt
    w.do(kind="take", name="a")
    assert w.widget.p0["a"] == popt[0]
    w.do(kind="take", name=None)
    np.testing.assert_allclose(list(w.widget.p0.values()), popt, rtol=1e-9)
    w.do(kind="undo")
    assert w.widget.p0["tau"] == 1


def test_python_and_the_page_tie_and_untie(w):
    w.widget.ties["tau"] = "2 * a"
    content, _ = w.views[-1]
    assert content["fit"]["roles"] == ["free", "tied", "free"]
    assert content["fit"]["ties"] == [None, "2 * a", None]
    assert w.widget.p0["tau"] == 2 * w.widget.p0["a"]
    assert w.widget.result["tau"] == 2 * w.widget.result["a"]
    content, _ = w.do(kind="tie", name="tau", text=None)
    assert content["refused"] is None
    assert not w.widget.ties
    w.do(kind="tie", name="tau", text="= a / 2")
    assert dict(w.widget.ties) == {"tau": "a / 2"}
    w.widget.p0 = dict(w.widget.p0)  # as they are: this unties nothing
    assert "tau" in w.widget.ties
    w.do(kind="p0", name="tau", value=0.5)
    assert (w.widget.p0["tau"], dict(w.widget.ties)) == (0.5, {})
    w.widget.undo()
    del w.widget.ties["tau"]
    assert not w.widget.ties
    w.widget.ties = {"c": "a / 9"}
    w.widget.ties = {"tau": "a"}
    assert dict(w.widget.ties) == {"tau": "a"}


def test_a_tie_that_makes_no_sense_is_refused_and_the_frame_does_not_travel_again(w):
    w.say(type="hello")
    content, _ = w.do(kind="tie", name="tau", text="tau + 1")
    assert "cannot be tied to itself" in content["refused"]
    content, _ = w.do(kind="tie", name="tau", text="2 * a")
    assert content["refused"] is None
    assert content["frame"] is None


def test_a_tied_parameter_is_not_taken_but_goes_along(w):
    w.widget.ties["tau"] = "2 * a"
    with pytest.raises(ValueError, match="untie it first"):
        w.widget.take("tau")
    w.widget.take()
    assert w.widget.p0["tau"] == pytest.approx(w.widget.result["tau"])
    assert "tau" in w.widget.ties


def test_guessed_start_values_fit_lower_in_one_step_to_undo():
    x = np.linspace(0, 10, 80)
    y = 2 * np.sin(3 * x + 0.5)
    page = Page(FitWidget(lambda x, a, w, s: a * jnp.sin(w * x + s), x, y, p0=[1, 1, 0], fixed=["s"]))
    page.widget.p0["s"] = 0.5
    before, chi2 = dict(page.widget.p0), page.widget.result.chi2
    content, _ = page.do(kind="guess")
    assert (content["refused"], content["fit"]["task"], content["fit"]["stale"]) == (None, "guess", False)
    ended(page)
    assert page.widget.result.chi2 < 1e-6 < chi2
    assert page.widget.p0["s"] == 0.5
    assert abs(page.widget.p0["w"]) == pytest.approx(3, rel=0.1)
    page.do(kind="guess")
    content, _ = ended(page)
    assert content["refused"].startswith("No better start values were found")
    page.widget.undo()
    assert dict(page.widget.p0) == before


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


def test_intervals_are_found_on_request_and_vanish_with_the_fit_they_are_of(w, compiled):
    assert "intervals" not in arrays(w.say(type="hello"))
    before = compiled()
    found = arrays(w.do(kind="profile"))["intervals"]
    assert compiled() == before
    np.testing.assert_allclose(found, profile_interval(w.widget.result), rtol=1e-9)
    assert w.widget.profile() == dict(zip(w.widget.result.names, map(tuple, found.tolist()), strict=True))
    assert not w.widget.view.can_undo  # nothing was chosen
    assert "intervals" in arrays(w.do(kind="live", live="release"))  # the same fit still
    content, _ = view = w.do(kind="level", level=0.5)
    assert "intervals" not in arrays(view)
    assert content["fit"]["interval_level"] == 0.5
    narrow = arrays(w.do(kind="profile"))["intervals"]
    assert (np.ptp(narrow, axis=1) < np.ptp(found, axis=1)).all()
    assert "intervals" not in arrays(w.do(kind="p0", name="a", value=3.0))


def test_intervals_that_cannot_be_are_refused_with_a_sentence():
    w = Page(FitWidget(decay, X[:3], Y[:3], p0=[2, 1, 0]))
    content, _ = w.do(kind="profile")
    assert "leave nothing to judge by" in content["refused"]
    with pytest.raises(ValueError, match="leave nothing to judge by"):
        w.widget.profile()


def test_intervals_that_take_long_come_later_and_tell_how_far_they_are(long):
    content, _ = long.do(kind="profile")
    assert (content["fit"]["running"], content["fit"]["task"]) == (0, "profile")
    assert content["fit"]["status"].startswith("Looking how far each parameter can go")
    content, _ = ended(long)
    assert (content["fit"]["running"], content["fit"]["stale"]) == (None, False)
    assert np.isfinite(arrays(long.views[-1])["intervals"]).all()


def test_taking_out_what_is_out_is_no_step_to_undo(w):
    w.do(kind="points", points=[3], excluded=True)
    w.do(kind="points", points=[3], excluded=True)  # the second half of a double click
    w.widget.undo()
    assert w.widget.excluded == ()
    assert not w.widget.view.can_undo


@pytest.fixture(scope="module")
def many():
    """More points than a page is sent, not in order."""
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 10, 30_000)
    return x, 3.0 * np.exp(-x / 2.0) + 0.5 + 0.05 * rng.standard_normal(x.size)


def look(page, x, y=(-1, 5), **size):
    return page.say(type="window", window={"x": [*x], "y": [*y], "columns": 80, "rows": 40, "residual_rows": 10} | size)


def test_a_page_is_sent_exactly_the_points_that_it_looks_at(many):
    x, y = many
    w = Page(FitWidget(decay, x, y, p0=[2, 1, 0], excluded=[5]))
    around = (float(x[5]) - 0.1, float(x[5]) + 0.1)
    content, _ = look(w, around)
    assert (content["type"], content["page"], content["all"]) == ("detail", "p", True)
    seen = arrays(w.views[-1])
    index = seen["index"].astype(int)
    inside = np.flatnonzero((x >= around[0]) & (x <= around[1]))
    assert set(index[1:-1]) == set(inside)  # and one more on each side, to which lines lead
    np.testing.assert_array_equal(seen["x"], x[index])
    np.testing.assert_array_equal(seen["y"], y[index])
    np.testing.assert_allclose(seen["residuals"], w.widget.result.residuals[index])
    assert index[seen["excluded"] == 1].tolist() == [5]


def test_after_a_change_only_what_moves_in_the_window_is_sent_and_only_to_who_looks(many):
    x, y = many
    w = Page(FitWidget(decay, x, y, p0=[2, 1, 0]))
    w.do(kind="p0", name="a", value=3.0)
    assert [content["type"] for content, _ in w.views] == ["view"]
    index = arrays(look(w, (4.0, 5.0)))["index"].astype(int)
    w.do(kind="points", points=[int(index[7])], excluded=True)
    (view, _), (detail, _) = w.views[-2:]
    assert (view["type"], view["refused"], detail["type"], detail["all"]) == ("view", None, "detail", False)
    moved = arrays(w.views[-1])
    assert set(moved) == {"excluded", "residuals"}
    np.testing.assert_allclose(moved["residuals"], w.widget.result.residuals[index])
    assert np.flatnonzero(moved["excluded"]).tolist() == [7]
    assert {content["page"] for content, _ in w.views if content["type"] == "detail"} == {"p"}
    w.say(type="window", window=None)
    w.do(kind="p0", name="a", value=2.0)
    assert w.views[-1][0]["type"] == "view"


def test_where_too_many_points_lie_their_density_is_sent(many):
    w = Page(FitWidget(decay, *many, p0=[2, 1, 0]))
    seen = arrays(look(w, (-1, 11)))
    assert seen["density"].shape == (40, 80)
    assert seen["high"].max() == many[1].max()
    assert np.count_nonzero(seen["density"].any(axis=0)) == seen["x"].size
    w.do(kind="p0", name="a", value=3.0)
    moved = arrays(w.views[-1])
    assert set(moved) == {"residual_low", "residual_high", "residual_most", "residual_density"}
    most = np.abs(w.widget.result.residuals).max()
    assert moved["residual_most"] == most
    expected, _, _ = np.histogram2d(w.widget.result.residuals, many[0], bins=(10, 80), range=((-most, most), (-1, 11)))
    np.testing.assert_array_equal(moved["residual_density"] > 0, expected > 0)


def test_of_many_points_those_that_do_not_count_do_not_set_the_height_of_the_residuals(many):
    x, y = many[0], many[1].copy()
    y[7], y[x > 9] = 1e6, 1e3
    w = Page(FitWidget(decay, x, y, p0=[2, 1, 0], excluded=[7], x_range=(None, 9)))
    counted = np.delete(w.widget.result.residuals, 7)[np.delete(x, 7) <= 9]
    assert arrays(w.say(type="hello"))["residual_most"] == np.abs(counted).max() < 1
    assert arrays(look(w, (-1, 11)))["residual_most"] < 1


def test_few_of_many_points_have_their_error_bars(many):
    sigma = np.linspace(0.04, 0.06, many[0].size)
    seen = arrays(look(Page(FitWidget(decay, *many, sigma, p0=[2, 1, 0])), (4.0, 5.0)))
    np.testing.assert_array_equal(seen["sigma"], sigma[seen["index"].astype(int)])


@pytest.mark.parametrize(
    "wrong",
    [
        {"x": [1, 0], "y": [0, 1], "columns": 9, "rows": 9, "residual_rows": 9},
        {"x": [0, 1], "y": [0, 0], "columns": 9, "rows": 9, "residual_rows": 9},
        {"x": [0, 1], "y": [0, 1], "columns": 0, "rows": 9, "residual_rows": 9},
        {"x": [0, 1], "y": [0, 1], "columns": 9, "rows": 10**6, "residual_rows": 9},
        {"x": [0, None], "y": [0, 1], "columns": 9, "rows": 9, "residual_rows": 9},
        {"x": [0, float("inf")], "y": [0, 1], "columns": 9, "rows": 9, "residual_rows": 9},
        {"x": [0, 1], "columns": 9, "rows": 9, "residual_rows": 9},
        "all",
    ],
    ids=str,
)
def test_a_window_that_is_none_is_refused_with_a_sentence(many, wrong):
    w = Page(FitWidget(decay, *many, p0=[2, 1, 0]))
    content, _ = w.say(type="window", window=wrong)
    assert content["type"] == "view"
    assert content["answers"] == {"page": "p", "seq": w.seq}
    assert content["refused"].endswith(".")


def test_pages_that_were_closed_are_forgotten(many):
    w = Page(FitWidget(decay, *many, p0=[2, 1, 0]))
    for page in range(20):
        w.say(
            type="window",
            page=str(page),
            window={"x": [4, 5], "y": [0, 1], "columns": 9, "rows": 9, "residual_rows": 9},
        )
    w.views.clear()
    w.do(kind="p0", name="a", value=3.0)
    assert len(w.views) < 10
    assert w.views[-1][0]["page"] == "19"
