"""Which points count, chosen by hand in a real JupyterLab: the kernel holds what was done to the picture."""

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from browser.conftest import Open
from browser.lab import Notebook, Server, write_notebook

pytestmark = pytest.mark.browser

WIDGET = """
import numpy as np
import jax.numpy as jnp
from nlsq_widget import FitWidget, fit
x, y = np.loadtxt("data/eckerle4.csv", delimiter=",", unpack=True)
def peak(x, area, width, centre):
    return area / width * jnp.exp(-0.5 * ((x - centre) / width) ** 2)
y[27] += 0.09
w = FitWidget(peak, x, y, p0={"area": 1.5, "width": 5, "centre": 450})
w
"""
AGREES = "bool(np.allclose(w.result.popt, fit(peak, x, y, p0=[1.5, 5, 450], excluded=w.excluded).popt, rtol=1e-6))"
COMPILED = "__import__('nlsq_widget.program').program.PROGRAMS.compiled"
LOWER, UPPER = "Lower end of the range of x", "Upper end of the range of x"


@pytest.fixture
def notebook(server: Server, open_notebook: Open) -> Notebook:
    write_notebook(server.folder / "points.ipynb", WIDGET)
    notebook = open_notebook("points.ipynb")
    notebook.run_all()
    notebook.settled()
    return notebook


def plot(notebook: Notebook, which: str = "data") -> Locator:
    return notebook.widget.first.locator(f".nlsq-chart-{which} .u-over")


def middle(notebook: Notebook, point: int, which: str = "data") -> tuple[float, float]:
    """Where a point is on the page: there the keyboard's ring is, when one has walked to it."""
    plot(notebook, which).focus()
    notebook.page.keyboard.press("Home")
    for _ in range(point):
        notebook.page.keyboard.press("ArrowRight")
    ring = plot(notebook, which).locator(".nlsq-ring").bounding_box()
    assert ring is not None
    return ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2


def test_a_click_takes_a_point_out_in_either_plot_and_back(notebook: Notebook) -> None:
    widget, page = notebook.widget.first, notebook.page
    compiled = notebook.kernel(COMPILED)
    at = middle(notebook, 12)
    page.mouse.move(*at)
    expect(plot(notebook)).to_have_attribute("data-aimed", "true")
    page.mouse.click(*at)
    notebook.settled()
    assert notebook.kernel("w.excluded") == (12,)
    page.mouse.click(*middle(notebook, 20, "residuals"))
    notebook.settled()
    assert notebook.kernel("w.excluded") == (12, 20)
    expect(widget.locator(".nlsq-notes")).to_contain_text("2 points excluded")
    assert notebook.kernel(COMPILED) == compiled
    assert notebook.kernel(AGREES)
    page.mouse.move(*at)
    expect(widget.locator(".nlsq-tip")).to_contain_text("excluded")
    page.mouse.click(*at)
    notebook.settled()
    assert notebook.kernel("w.excluded") == (20,)
    notebook.kernel("w.undo()")
    expect(widget.locator(".nlsq-notes")).to_contain_text("2 points excluded")
    widget.get_by_role("button", name="Restore all").click()
    notebook.settled()
    assert notebook.kernel("w.excluded") == ()
    assert notebook.kernel(AGREES)


def test_a_box_takes_points_out_by_alt_and_back_by_its_mode(notebook: Notebook) -> None:
    widget, page = notebook.widget.first, notebook.page
    first, last = middle(notebook, 3), middle(notebook, 6)

    def box() -> None:
        page.mouse.move(first[0] - 8, first[1] - 12)
        page.mouse.down()
        page.mouse.move(last[0] + 8, last[1] + 12, steps=4)
        page.mouse.up()
        notebook.settled()

    page.keyboard.down("Alt")
    box()
    page.keyboard.up("Alt")
    assert notebook.kernel("w.excluded") == (3, 4, 5, 6)
    widget.get_by_role("radio", name="Exclude", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(widget.get_by_role("radio", name="Restore", exact=True)).to_have_attribute("aria-checked", "true")
    box()
    assert notebook.kernel("w.excluded") == ()
    assert notebook.kernel(AGREES)


def test_the_ends_of_the_range_are_dragged_in_and_removed(notebook: Notebook) -> None:
    widget, page = notebook.widget.first, notebook.page
    notebook.drag(LOWER, 120)
    notebook.settled()
    lower = notebook.kernel("float(w.x_range[0])")
    assert 400 < lower < 450
    assert notebook.kernel("bool(w.x_range[1] == np.inf)")
    assert notebook.kernel("w.result.n_points == int((x >= w.x_range[0]).sum()) < 35")
    expect(widget.locator(".nlsq-notes")).to_contain_text("out of range")
    notebook.screenshot("range")
    notebook.kernel("w.undo()")  # the whole drag was one step
    assert notebook.kernel("bool(w.x_range[0] == -np.inf)")
    notebook.slider(UPPER).focus()
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("ArrowLeft")
    notebook.settled()
    upper = notebook.kernel("float(w.x_range[1])")
    assert 470 < upper < 500
    assert float(notebook.slider(UPPER).get_attribute("aria-valuenow") or "nan") == upper
    page.keyboard.press("Delete")
    notebook.settled()
    assert notebook.kernel("bool(w.x_range[1] == np.inf)")
    notebook.drag(LOWER, 60)
    notebook.settled()
    notebook.slider(LOWER).dblclick()
    notebook.settled()
    assert notebook.kernel("w.result.n_points") == 35


def test_the_keyboard_walks_the_points_and_takes_them_out(notebook: Notebook) -> None:
    widget, page = notebook.widget.first, notebook.page
    cells = page.locator(".jp-Cell").count()
    plot(notebook).focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    expect(widget.locator(".nlsq-plots > .nlsq-spoken")).to_contain_text("Point 2 of 35. x 405")
    page.keyboard.press(" ")
    notebook.settled()
    expect(widget.locator(".nlsq-plots > .nlsq-spoken")).to_have_text("Point excluded")
    assert notebook.kernel("w.excluded") == (1,)
    page.keyboard.press("Enter")
    notebook.settled()
    assert notebook.kernel("w.excluded") == ()
    home, answers = notebook.curve_pixels(), widget.get_attribute("data-answers")
    page.keyboard.press("+")
    page.keyboard.press("Shift+ArrowRight")
    assert notebook.curve_pixels() != home
    page.keyboard.press("0")
    assert notebook.curve_pixels() == home
    page.keyboard.press("b")
    assert widget.get_attribute("data-answers") == answers
    assert page.locator(".jp-Cell").count() == cells


def test_suspects_are_shown_and_taken_out_only_when_accepted(notebook: Notebook) -> None:
    widget = notebook.widget.first
    widget.get_by_role("button", name="Suggest outliers").click()
    notebook.settled()
    expect(widget.locator(".nlsq-notes")).to_contain_text("suspected outlier")
    assert notebook.kernel("w.excluded") == ()
    widget.get_by_role("button", name="Dismiss").click()
    expect(widget.locator(".nlsq-notes")).not_to_contain_text("suspected")
    suspects = notebook.kernel("tuple(w.suggest_outliers())")
    assert 27 in suspects
    notebook.screenshot("suspects")
    widget.get_by_role("button", name="Exclude them").click()
    notebook.settled()
    assert notebook.kernel("w.excluded") == suspects
    notebook.kernel("w.undo()")
    assert notebook.kernel("w.excluded") == ()


def test_logarithmic_scales_leave_points_and_fit_as_they_are(notebook: Notebook) -> None:
    widget, home = notebook.widget.first, notebook.curve_pixels()
    answers = widget.get_attribute("data-answers")
    widget.get_by_role("button", name="log y").click()
    assert notebook.curve_pixels() != home
    notebook.screenshot("logarithms")
    np.testing.assert_array_less(0, np.array(notebook.kernel("y.tolist()")))
    widget.get_by_role("button", name="log y").click()
    assert notebook.curve_pixels() == home
    assert widget.get_attribute("data-answers") == answers


def test_a_tap_takes_a_point_out_and_two_fingers_zoom(server: Server, open_notebook: Open) -> None:
    write_notebook(server.folder / "touch.ipynb", WIDGET)
    notebook = open_notebook("touch.ipynb", has_touch=True)
    notebook.run_all()
    notebook.settled()
    notebook.page.touchscreen.tap(*middle(notebook, 4))
    notebook.settled()
    assert notebook.kernel("w.excluded") == (4,)
    box, home = plot(notebook).bounding_box(), notebook.curve_pixels()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = notebook.page.context.new_cdp_session(notebook.page)
    for kind, apart in (("touchStart", 80), ("touchMove", 120), ("touchMove", 160)):
        fingers = [{"x": x + side * apart / 2, "y": y, "id": i} for i, side in enumerate((-1, 1))]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(notebook.widget.first.get_by_role("button", name="Reset zoom")).to_have_attribute("data-idle", "false")
    assert notebook.curve_pixels() != home
    assert notebook.kernel("w.excluded") == (4,)
