"""The line of Python: it does what the screen shows, to the last digit."""

from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest

import nlsq_widget
from nlsq_widget import FitWidget
from nlsq_widget.begin import begin
from nlsq_widget.code import line

X = np.linspace(0, 10, 60)
Y = 3.0 * np.exp(-X / 2.0) + 0.5 + 0.05 * np.random.default_rng(1).standard_normal(60)
SIGMA = np.linspace(0.04, 0.06, 60)


def decay(x, a, tau, c=0.0):
    return a * jnp.exp(-x / tau) + c


def executed(code, **names):
    """The fit that this code makes of `x` and `y`."""
    scope = {"x": X, "y": Y, "decay": decay} | names
    exec(code, scope)
    return scope["result"]


@pytest.mark.parametrize(
    ("choices", "names"),
    [
        ({}, {}),
        ({"p0": {"a": 0.1 + 0.2, "tau": 1 / 3, "c": -0.0}}, {}),
        ({"sigma": SIGMA, "absolute_sigma": True}, {"sigma": SIGMA}),
        ({"p0": [2, 1, 0.3], "bounds": {"a": (0, None), "tau": (None, 1.7)}, "fixed": ["c"]}, {}),
        ({"p0": [2, 1, 0], "excluded": [0, 7, 8, *range(20, 31)], "x_range": (0.1, None)}, {}),
        ({"p0": [2, 1, 0], "loss": "cauchy", "loss_scale": 0.07, "sigma": SIGMA}, {"sigma": SIGMA}),
        ({"p0": [2, 1, 0], "device": "cpu:1"}, {}),
    ],
    ids=lambda given: "-".join(given) if isinstance(given, dict) else None,
)
def test_the_line_gives_the_fit_of_the_screen_to_the_last_digit(choices, names):
    w = FitWidget(decay, X, Y, **choices)
    result = executed(w.view.head()["code"], **names)
    np.testing.assert_array_equal(result.popt, w.result.popt)
    np.testing.assert_array_equal(result.pcov, w.result.pcov)
    assert (result.n_points, result.device) == (w.result.n_points, w.result.device)


def test_the_line_follows_what_is_done():
    w = FitWidget(decay, X, Y, p0=[2, 1, 0])
    w.p0["a"], w.bounds["tau"], w.excluded, w.x_range, w.loss = 2.5, (0, 9), [3], (None, 8), "huber"
    w.fixed.add("c")
    np.testing.assert_array_equal(executed(w.view.head()["code"]).popt, w.result.popt)
    w.reset()
    assert w.view.head()["code"] == line(begin(decay, X, Y, p0=[2, 1, 0]))


def test_a_short_line_is_one_line_and_only_what_was_chosen_is_said():
    assert line(begin(lambda x, a: a * x, X, Y, p0=[1])).splitlines() == [
        "from nlsq_widget import fit",
        "",
        'result = fit(model, x, y, p0={"a": 1.0})',
    ]


def test_a_long_line_is_broken_where_it_can_be_read_and_is_the_same_fit():
    names = [f"amplitude_{i}" for i in range(9)]
    model = eval(f"lambda x, {', '.join(names)}: {' + '.join(f'{name} * x**{i}' for i, name in enumerate(names))}")
    code = line(begin(model, X / 10, Y, p0=np.linspace(-1e-5, 1, 9), bounds=(-1e3, 1e3)))
    assert max(map(len, code.splitlines())) <= 100
    popt = nlsq_widget.fit(model, X / 10, Y, np.linspace(-1e-5, 1, 9), bounds=(-1e3, 1e3)).popt
    np.testing.assert_array_equal(executed(code, model=model, x=X / 10).popt, popt)


def test_a_model_without_a_name_of_its_own_is_called_model():
    for model in (lambda x, a, tau: a * jnp.exp(-x / tau), partial(decay, c=0.5)):
        w = FitWidget(model, X, Y, p0=[2, 1] if model.__class__ is not partial else {"a": 2, "tau": 1})
        np.testing.assert_array_equal(executed(w.view.head()["code"], model=model).popt, w.result.popt)


def test_a_jacobian_goes_by_its_name_and_the_mode_by_its_word():
    def jac(x, a):
        return x[:, None]

    assert "jac=jac" in line(begin(lambda x, a: a * x, X, Y, jac=jac))
    code = line(begin(lambda x, a: a * x, X, Y, jac="reverse", precision="float32"))
    assert 'jac="reverse", precision="float32"' in code


def test_a_great_many_points_taken_out_go_by_a_name():
    code = line(begin(decay, np.arange(2000.0), np.zeros(2000), p0=[2, 1, 0], excluded=range(0, 2000, 2)))
    assert "excluded=excluded" in code
    few = line(begin(decay, X, Y, p0=[2, 1, 0], excluded=[1, 3, 4, 5, 6, 9, 10]))
    assert "excluded=[1, *range(3, 7), 9, 10]" in few


def test_what_a_star_stands_for_is_given_in_order():
    def model(x, slope, *rest):
        return slope * x + rest[0]

    assert executed(line(begin(model, X, Y, p0=[1, 2])), model=model).names == ("slope", "rest0")
