"""A model of another package is the function that it holds, with the start values and bounds that it hints at."""

import operator
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from nlsq_widget import FitWidget, curve_fit, fit
from nlsq_widget.begin import begin
from nlsq_widget.code import line as written

X = np.linspace(0, 10, 60)
Y = 3 * np.exp(-0.5 * ((X - 4) / 0.8) ** 2) + 0.2 * X + 1 + 0.02 * np.random.default_rng(4).standard_normal(X.size)


def peak(x, height=1.0, centre=5.0, sigma=1.0):
    return height * jnp.exp(-0.5 * ((x - centre) / sigma) ** 2)


def slope(x, m, b):
    return m * x + b


class Alike:
    """With the attributes that an lmfit.Model has."""

    def __init__(self, func, names, prefix="", hints=None, variables=("x",), **options):
        self.func, self.prefix, self.independent_vars, self.opts = func, prefix, list(variables), options
        self.param_names = [prefix + name for name in names.split()]
        self.param_hints = hints or {}
        self.expr: str | None = None

    def __add__(self, other):
        return Both(self, other)

    def hinted(self):
        return {self.prefix + name: hint for name, hint in self.param_hints.items()}


class Both(Alike):
    """With those that a CompositeModel has, whose own function computes nothing."""

    def __init__(self, left, right):
        super().__init__(lambda: None, "", hints={**left.hinted(), **right.hinted()})
        self.left, self.right, self.op = left, right, operator.add
        self.param_names = left.param_names + right.param_names


def test_the_function_of_a_model_is_fitted_from_its_hints_and_equal_ones_compile_once(compiled):
    def model():
        hints = {"p_height": {"value": 2}, "sigma": {"min": 0, "max": 2, "value": 0.5}, "fwhm": {"expr": "2.35*sigma"}}
        # What is only computed stands among the names, once lmfit has made parameters of them.
        return Alike(peak, "height centre sigma fwhm", hints=hints)

    session = begin(model(), X, Y - 0.2 * X - 1)
    assert session.names == ("height", "centre", "sigma")
    assert session.p0 == (1, 5, 0.5)
    assert (session.lower[2], session.upper[2]) == (0, 2)
    found = fit(model(), X, Y - 0.2 * X - 1)
    np.testing.assert_allclose(found.popt, fit(peak, X, Y - 0.2 * X - 1).popt, rtol=1e-6)
    before = compiled()
    fit(model(), X, 2 * Y)
    assert compiled() == before


def test_what_does_not_vary_is_fixed_and_what_is_computed_is_tied_unless_told_otherwise():
    hints = {"centre": {"value": 4, "vary": False}, "sigma": {"expr": "0.2 * q_centre", "min": 0}}
    model = Alike(peak, "height centre sigma", prefix="q_", hints=hints)
    r = fit(model, X, Y)
    assert (r["q_centre"], r["q_sigma"]) == (4, 0.8)
    assert begin(model, X, Y).fixed == {"q_centre"}
    assert begin(model, X, Y, fixed=["q_height"], ties={}).fixed == {"q_height"}
    assert not begin(model, X, Y, fixed=[]).fixed
    cell: dict[str, Any] = {"x": X, "y": Y, "model": model}
    for choices in ({}, {"fixed": []}, {"bounds": {"q_height": (0, 9)}}):
        exec(written(begin(model, X, Y, **choices)), cell)
        np.testing.assert_array_equal(cell["result"].popt, fit(model, X, Y, **choices).popt)


def test_a_model_made_of_two_is_their_sum_with_the_hints_of_both():
    both = Alike(peak, "height centre sigma", prefix="p_", hints={"sigma": {"min": 0}}) + Alike(
        slope, "m b", prefix="l_"
    )
    session = begin(both, X, Y)
    assert session.names == ("p_height", "p_centre", "p_sigma", "l_m", "l_b")
    assert session.lower[2] == 0
    by_hand = fit(lambda x, h, c, s, m, b: peak(x, h, c, s) + slope(x, m, b), X, Y, p0=[1, 5, 1, 1, 1])
    np.testing.assert_allclose(fit(both, X, Y).popt, by_hand.popt, rtol=1e-6)
    np.testing.assert_allclose(curve_fit(both, X, Y, p0=[1, 5, 1, 1, 1])[0], by_hand.popt, rtol=1e-6)
    widget = FitWidget(both, X, Y)
    np.testing.assert_allclose(widget.result.popt, by_hand.popt, rtol=1e-6)


def test_the_variable_may_stand_anywhere_there_may_be_several_and_options_are_kept():
    def plane(a, u, v, b, squared=False):
        return a * u + b * (v**2 if squared else v)

    x = np.stack([X, np.cos(5 * X)])
    model = Alike(plane, "a b", variables=("u", "v"), squared=True)
    np.testing.assert_allclose(fit(model, x, 2 * x[0] - x[1] ** 2).popt, [2, -1], rtol=1e-9)


def test_a_model_that_was_typed_is_our_formula():
    model = Alike(lambda **values: None, "a tau")
    model.expr = "a*exp(-x/tau)"
    r = fit(model, X, 3 * np.exp(-X / 2))
    np.testing.assert_allclose(r.popt, [3, 2], rtol=1e-9)
    assert r.derivatives == "forward"


def test_models_of_lmfit_are_fitted_as_lmfit_fits_them():
    models = pytest.importorskip("lmfit.models")
    both = models.GaussianModel(prefix="g_") + models.LinearModel(prefix="l_")
    start = {"g_center": 5, "g_sigma": 1, "g_amplitude": 3, "l_slope": 0, "l_intercept": 0}
    params = both.make_params(**start)
    theirs = both.fit(Y, params, x=X)
    ours = fit(both, X, Y, p0=start)
    for name in ours.names:
        assert ours[name] == pytest.approx(theirs.best_values[name], rel=1e-4)
    expected = [theirs.params[name].stderr for name in ours.names]
    np.testing.assert_allclose(ours.stderr, expected, rtol=1e-3)
