"""The view: everything that is drawn, and nothing that is not so."""

import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.patches import Rectangle

from nlsq_widget import FitWidget
from nlsq_widget.figure import draw
from nlsq_widget.view import POINTS_AT_MOST

X = np.linspace(0, 10, 60)
Y = 3.0 * np.exp(-X / 2.0) + 0.5


def decay(x, a, tau, c):
    return a * jnp.exp(-x / tau) + c


def test_the_curve_is_the_model_along_the_grid():
    view = FitWidget(decay, X, Y, p0=[2, 1, 0]).view
    arrays, grid = view.arrays(), view.frame.grid
    np.testing.assert_allclose(arrays["curve"], 3 * np.exp(-grid / 2) + 0.5, rtol=1e-9)
    np.testing.assert_allclose(arrays["curve_p0"], 2 * np.exp(-grid), rtol=1e-12)
    assert np.all(np.diff(grid) >= 0)
    assert (grid[0], grid[-1]) == (0, 10)


def test_the_grid_is_dense_where_the_points_are():
    x = np.concatenate([np.linspace(0, 1e-3, 50), np.linspace(1, 1000, 10)])
    grid = FitWidget(decay, x, np.exp(-x), p0=[1, 1, 0]).view.frame.grid
    assert np.sum(grid <= 1e-3) > 200


def test_residuals_are_in_units_of_sigma_where_there_is_one():
    sigma = np.linspace(0.1, 0.2, 60)
    noise = np.random.default_rng(0).standard_normal(60)
    plain = FitWidget(decay, X, Y + 0.1 * noise, p0=[2, 1, 0])
    weighted = FitWidget(decay, X, Y + 0.1 * noise, sigma, p0=[2, 1, 0])
    np.testing.assert_allclose(plain.view.arrays()["residuals"], plain.result.residuals, rtol=1e-6)
    np.testing.assert_allclose(weighted.view.arrays()["residuals"], weighted.result.residuals / sigma, rtol=1e-6)
    assert weighted.view.frame.head()["residual_label"] == "residual / σ"


def test_a_model_that_needs_its_points_in_order_is_drawn_at_them():
    rng = np.random.default_rng(0)
    x, background = rng.permutation(np.linspace(0, 5, 30)), rng.normal(size=30)
    w = FitWidget(lambda x, a, b: a * x + b * jnp.asarray(background), x, 2 * x + 3 * background)
    order = np.argsort(x)
    np.testing.assert_array_equal(w.view.frame.grid, x[order])
    np.testing.assert_allclose(w.view.arrays()["curve"], w.result.fitted[order], rtol=1e-12)


@pytest.mark.parametrize("unit", [1e-46, 1e50])
def test_residuals_survive_any_unit(unit):
    w = FitWidget(lambda x, a: a * x * unit, X, (2 * X + np.sin(X)) * unit)
    np.testing.assert_allclose(w.view.arrays()["residuals"], w.result.residuals, rtol=1e-12)


def test_a_fault_has_no_curve_and_no_fitted_value():
    view = FitWidget(lambda x, a: jnp.log(a * x), X, Y, p0=[1]).view
    assert not {"curve", "residuals", "statistics"} & set(view.arrays())
    assert np.isnan(view.arrays()["parameters"][0, 3:]).all()
    assert "first at x = 0" in view.head()["fault"]


def test_many_points_are_drawn_as_columns_and_fitted_exactly():
    x = np.linspace(0, 10, POINTS_AT_MOST + 1)
    y = 3.0 * np.exp(-x / 2.0) + 0.5
    y[777] = 1e3
    w = FitWidget(decay, x, y, p0=[2, 1, 0], excluded=[777])
    np.testing.assert_allclose(w.result.popt, [3, 2, 0.5], rtol=1e-9)
    assert w.view.frame.arrays()["high"].max() == 1e3
    assert w.view.arrays()["residual_high"].max() > 900


def test_a_frame_serves_whatever_is_chosen():
    w = FitWidget(decay, X, Y, p0=[2, 1, 0])
    frame = w.view.frame
    w.p0["a"] = 1
    w.bounds["a"] = (0, 9)
    assert w.view.frame is frame
    w.excluded = [3]
    w.x_range = (1, None)
    assert w.view.frame is frame


def test_the_figure_shows_what_the_screen_shows():
    w = FitWidget(decay, X, Y, np.full(60, 0.1), p0=[2, 1, 0], excluded=[3], x_label="time / s", y_label="counts")
    above, below = draw(w.view).axes
    start, fitted = above.get_lines()
    np.testing.assert_array_equal(fitted.get_ydata(), w.view.arrays()["curve"])
    np.testing.assert_array_equal(start.get_ydata(), w.view.arrays()["curve_p0"])
    assert (below.get_xlabel(), above.get_ylabel()) == ("time / s", "counts")


def test_the_figure_shows_what_does_not_count_and_the_band():
    y = Y + 0.05 * np.random.default_rng(0).standard_normal(60)
    w = FitWidget(decay, X, y, p0=[2, 1, 0], excluded=[3, 5], x_range=(None, 9.0))
    out = int(np.count_nonzero(X > 9)) + 2
    above, _below = draw(w.view).axes
    assert above.get_title(loc="right") == f"{out} points excluded"
    assert f"{out} points excluded" in str(w.result)
    assert above.get_legend_handles_labels()[1] == ["data", "95 % band", "start values", "fit"]
    low, high = above.get_xlim()
    assert [patch.get_x() for patch in above.patches if isinstance(patch, Rectangle)] == [9.0]
    assert low < 0 < 10 < high
    w.level = None
    w.excluded, w.x_range = [], None
    above, _ = draw(w.view).axes
    assert "95 % band" not in above.get_legend_handles_labels()[1]
    assert above.get_title(loc="right") == ""
    assert not above.patches
