"""The first example in a real JupyterLab: what a hand does, what is then drawn, and what the kernel then holds."""

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from browser.conftest import Open
from browser.lab import SCREENSHOTS, Notebook, Server, wait_for, write_notebook
from nist import PROBLEMS

pytestmark = pytest.mark.browser

CERTIFIED = PROBLEMS["Eckerle4"].certified  # area, width, centre
COMPILED = "__import__('nlsq_widget.program').program.PROGRAMS.compiled"

WIDGET = """
import numpy as np
import jax.numpy as jnp
from nlsq_widget import FitWidget
x, y = np.loadtxt("data/eckerle4.csv", delimiter=",", unpack=True)
def peak(x, area, width, centre):
    return area / width * jnp.exp(-0.5 * ((x - centre) / width) ** 2)
w = FitWidget(peak, x, y, p0={"area": 1.5, "width": 5, "centre": 450})
w
"""


@pytest.fixture
def notebook(server: Server, open_notebook: Open) -> Notebook:
    """The widget of the first example, before anybody touched it."""
    write_notebook(server.folder / "widget.ipynb", WIDGET)
    notebook = open_notebook("widget.ipynb")
    notebook.run_all()
    notebook.settled()
    return notebook


def assert_certified(notebook: Notebook) -> None:
    """The kernel and the screen agree with NIST, and with each other to the last digit."""
    popt = notebook.kernel("w.result.popt.tolist()")
    np.testing.assert_allclose(popt, CERTIFIED, rtol=1e-7)
    assert [notebook.fitted(name) for name in ("area", "width", "centre")] == popt


def test_the_first_example_runs_and_shows_the_certified_values(open_notebook: Open) -> None:
    notebook = open_notebook("first_fit.ipynb")
    notebook.run_all()
    wait_for(lambda: notebook.cells()[-1]["execution_count"], "the last cell to run")
    notebook.settled()
    assert_certified(notebook)
    assert not [o for cell in notebook.cells() for o in cell["outputs"] if o["output_type"] == "error"]


def test_it_draws_data_start_and_fit_and_says_where_it_ran(notebook: Notebook) -> None:
    widget = notebook.widget.first
    assert_certified(notebook)
    expect(widget.get_by_role("status")).to_contain_text("Converged in")
    expect(widget.get_by_role("status")).to_contain_text("cpu:0")
    expect(widget.get_by_role("status")).to_contain_text("2 programs compiled")
    assert notebook.curve_pixels(0).split(":")[0] != "0"
    assert notebook.curve_pixels(1).split(":")[0] != "0"
    notebook.screenshot("first-light")


def test_dragging_a_start_value_moves_the_dashed_curve_and_compiles_nothing(notebook: Notebook) -> None:
    before, curves = notebook.kernel("w.p0['centre']"), notebook.curve_pixels()
    notebook.drag("centre start value", 40)
    notebook.settled()
    after = notebook.kernel("w.p0['centre']")
    assert after > before
    assert float(notebook.slider("centre start value").get_attribute("aria-valuenow") or "nan") == after
    assert notebook.widget.first.get_by_label("centre start value, exact").input_value() == str(after)
    assert notebook.curve_pixels() != curves
    assert_certified(notebook)
    assert notebook.kernel(COMPILED) == 2


def test_arrow_keys_move_a_start_value_and_leave_the_notebook_alone(notebook: Notebook) -> None:
    cells = notebook.page.locator(".jp-Cell").count()
    before, error = notebook.kernel("(w.p0['width'], float(w.result.stderr[1]))")
    notebook.slider("width start value").focus()
    for key in ("ArrowRight", "Shift+ArrowRight", "Alt+ArrowRight", "d", "d", "x", "b"):
        notebook.page.keyboard.press(key)
    notebook.settled()
    moved = notebook.kernel("w.p0['width']") - before
    # A step is a tenth of the standard error, rounded to a short number; Shift makes it ten times, Alt a tenth.
    assert moved == pytest.approx(11.1 * error / 10, rel=0.6)
    assert notebook.page.locator(".jp-Cell").count() == cells
    assert_certified(notebook)
    assert notebook.kernel(COMPILED) == 2


def test_a_bound_dragged_in_becomes_active_and_dragged_off_is_gone(notebook: Notebook) -> None:
    notebook.drag("width upper bound", notebook.way("width upper bound", "width start value", 2.5 - 5), steps=30)
    notebook.settled()
    upper, popt, at_bound, start = notebook.kernel(
        "(w.bounds['width'][1], w.result.popt.tolist(), w.result.at_bound, w.p0['width'])"
    )
    assert 1 < upper < CERTIFIED[1]
    assert popt[1] == upper == notebook.fitted("width")
    assert at_bound == (None, "upper", None)
    assert start <= upper  # it was pushed along
    expect(notebook.widget.first.get_by_role("group", name="width", exact=True)).to_contain_text("at upper bound")
    expect(notebook.widget.first.get_by_role("status")).to_contain_text("width ended at its upper bound")
    notebook.screenshot("active-bound")
    notebook.slider("width upper bound").focus()
    notebook.page.keyboard.press("Delete")
    notebook.settled()
    assert notebook.kernel("w.bounds['width'][1] == np.inf")
    assert_certified(notebook)
    assert notebook.kernel(COMPILED) == 2


def test_a_locked_parameter_stays_and_the_others_are_fitted(notebook: Notebook) -> None:
    notebook.widget.first.get_by_role("button", name="Lock width").click()
    notebook.settled()
    assert notebook.kernel("(set(w.fixed), w.result.popt.tolist()[1], float(w.result.stderr[1]))") == (
        {"width"},
        5.0,
        0.0,
    )
    notebook.drag("width start value", -15)
    notebook.settled()
    assert notebook.kernel("w.result.popt.tolist()[1] == w.p0['width'] != 5.0")
    notebook.widget.first.get_by_role("button", name="Lock width").click()
    notebook.settled()
    assert_certified(notebook)
    assert notebook.kernel(COMPILED) == 2


def test_choosing_the_other_device_moves_the_fit_there(notebook: Notebook) -> None:
    notebook.widget.first.get_by_role("tab", name="Options").click()
    notebook.widget.first.get_by_label("Device").select_option("cpu:1")
    notebook.settled()
    assert notebook.kernel("(w.device, w.result.device)") == ("cpu:1", "cpu:1")
    expect(notebook.widget.first.get_by_role("status")).to_contain_text("cpu:1")
    assert_certified(notebook)
    compiled = notebook.kernel(COMPILED)
    notebook.drag("centre start value", 20)
    notebook.settled()
    assert notebook.kernel(COMPILED) == compiled == 4  # for each device the fit and the band
    assert_certified(notebook)


def test_exact_values_are_typed_and_wrong_ones_explained(notebook: Notebook) -> None:
    field = notebook.widget.first.get_by_label("centre start value, exact")
    field.fill("451.25000000001")
    field.press("Enter")
    notebook.settled()
    assert notebook.kernel("w.p0['centre']") == 451.25000000001
    field.fill("wide")
    field.press("Enter")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.press("Escape")
    expect(field).to_have_value("451.25000000001")
    bound = notebook.widget.first.get_by_label("centre upper bound, exact")
    bound.fill("452")
    bound.press("Enter")
    notebook.settled()
    assert notebook.kernel("w.bounds['centre'][1]") == 452.0
    bound.fill("inf")
    bound.press("Enter")
    notebook.settled()
    assert notebook.kernel("w.bounds['centre'][1] == np.inf")


def test_zoom_pan_and_hover_are_the_screen_s_own(notebook: Notebook) -> None:
    widget, page = notebook.widget.first, notebook.page
    plot = widget.locator(".nlsq-chart-data .u-over").bounding_box()
    assert plot is not None
    home, compiled = notebook.curve_pixels(), widget.get_attribute("data-answers")
    page.mouse.move(plot["x"] + plot["width"] / 2, plot["y"] + 4)
    expect(widget.locator(".nlsq-tip")).to_contain_text("fit")
    page.mouse.down()
    page.mouse.move(plot["x"] + 0.7 * plot["width"], plot["y"] + 0.9 * plot["height"], steps=5)
    page.mouse.up()
    zoomed = notebook.curve_pixels()
    assert zoomed != home
    page.keyboard.down("Shift")
    page.mouse.move(plot["x"] + 100, plot["y"] + 100)
    page.mouse.down()
    page.mouse.move(plot["x"] + 160, plot["y"] + 100, steps=5)
    page.mouse.up()
    page.keyboard.up("Shift")
    assert notebook.curve_pixels() != zoomed
    page.mouse.dblclick(plot["x"] + 100, plot["y"] + 100)
    assert notebook.curve_pixels() == home
    assert widget.get_attribute("data-answers") == compiled  # nothing of this was sent


def test_what_python_sets_is_drawn_and_a_second_view_follows(notebook: Notebook, server: Server) -> None:
    page = notebook.page
    page.evaluate("void window.jupyterapp.commands.execute('notebook:create-output-view')")
    notebook.kernel("w.p0.__setitem__('centre', 455.5)")
    expect(notebook.slider("centre start value")).to_have_attribute("aria-valuenow", "455.5")
    notebook.kernel("w.bounds.__setitem__('area', (0, 1.2))")
    expect(notebook.slider("area upper bound")).to_have_attribute("aria-valuenow", "1.2")
    notebook.kernel("w.fixed.add('area')")
    expect(notebook.widget.first.get_by_role("button", name="Lock area")).to_have_attribute("aria-pressed", "true")
    expect(notebook.widget).to_have_count(2)
    second = notebook.widget.nth(1).get_by_role("slider", name="centre start value", exact=True)
    expect(second).to_have_attribute("aria-valuenow", "455.5")
    notebook.slider("centre start value").focus()
    page.keyboard.press("Shift+ArrowRight")
    notebook.settled()
    expect(second).to_have_attribute("aria-valuenow", str(notebook.kernel("w.p0['centre']")))


def test_after_a_page_reload_the_widget_is_drawn_again_when_its_cell_is_run(notebook: Notebook) -> None:
    notebook.drag("centre start value", 30)
    notebook.settled()
    notebook.page.reload()
    notebook.page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel != null")
    notebook.kernel("w.p0['centre']")
    notebook.run_all()
    notebook.settled()
    assert_certified(notebook)


def test_a_model_that_fails_while_dragging_dims_the_last_picture_and_comes_back(
    server: Server, open_notebook: Open
) -> None:
    write_notebook(
        server.folder / "fault.ipynb",
        "import numpy as np, jax.numpy as jnp\n"
        "from nlsq_widget import FitWidget\n"
        "x = np.linspace(0, 5, 40)\n"
        "y = 2 * np.log(x + 1) + 0.05 * np.random.default_rng(0).standard_normal(40)\n"
        "w = FitWidget(lambda x, a, b: a * jnp.log(x + b), x, y, p0={'a': 1, 'b': 0.8})\n"
        "w",
    )
    notebook = open_notebook("fault.ipynb")
    notebook.run_all()
    notebook.settled()
    curves = notebook.curve_pixels()
    field = notebook.widget.first.get_by_label("b start value, exact")
    field.fill("-0.5")
    field.press("Enter")
    notebook.settled()
    expect(notebook.widget.first).to_have_attribute("data-state", "fault")
    expect(notebook.widget.first.get_by_role("alert")).to_contain_text("first at x = 0")
    assert notebook.curve_pixels().split(":")[0] != "0"
    notebook.screenshot("fault")
    field.fill("0.8")
    field.press("Enter")
    notebook.settled()
    expect(notebook.widget.first).to_have_attribute("data-state", "live")
    assert notebook.curve_pixels() == curves


def test_it_sits_in_a_box_with_others_and_shows_error_bars(server: Server, open_notebook: Open) -> None:
    write_notebook(
        server.folder / "box.ipynb",
        "import ipywidgets\n" + WIDGET.removesuffix("w\n"),
        "v = FitWidget(peak, x, y, np.full(x.size, 0.01), p0=[1.5, 5, 450], x_label='wavelength / nm', y_label='T')\n"
        "ipywidgets.VBox([ipywidgets.Label('two fits'), ipywidgets.HBox([w, v])])",
    )
    notebook = open_notebook("box.ipynb")
    notebook.run_all()
    expect(notebook.widget).to_have_count(2)
    expect(notebook.widget.nth(1)).to_have_attribute("data-state", "live")
    assert notebook.kernel("v.result.popt.tolist() != []")
    notebook.screenshot("boxes")


def test_a_drag_is_answered_while_a_cell_runs(server: Server, open_notebook: Open) -> None:
    """After "Run all" the kernel is busy; the page is answered beside it, not after it."""
    answered = "import time\nanswered = []\nw.observe(lambda change: answered.append(time.time()), 'p0')"
    write_notebook(
        server.folder / "busy.ipynb", WIDGET, answered, "print('begun')\ntime.sleep(10)\nfinished = time.time()"
    )
    notebook = open_notebook("busy.ipynb")
    notebook.run_all()
    wait_for(lambda: notebook.cells()[2]["outputs"], "the long cell to begin")
    field = notebook.widget.first.get_by_label("centre start value, exact")
    field.fill("452")
    field.press("Enter")
    expect(notebook.widget.first).to_have_attribute("data-answers", "1")
    assert notebook.kernel("finished - answered[0]") > 1  # the question waits for the cell, the answer did not


def test_a_stranger_s_names_are_text_and_never_markup(server: Server, open_notebook: Open) -> None:
    write_notebook(
        server.folder / "names.ipynb",
        WIDGET.removesuffix("w\n"),
        "evil = '<img src=x onerror=\"window.harmed = true\">'\n"
        "FitWidget(peak, x, y, p0=[1.5, 5, 450], x_label=evil, y_label=evil)",
    )
    notebook = open_notebook("names.ipynb")
    notebook.run_all()
    notebook.settled()
    assert notebook.page.evaluate("window.harmed") is None
    assert notebook.widget.first.locator("img").count() == 0


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
@pytest.mark.parametrize("width", [1440, 760])
def test_it_looks_right_wide_and_narrow_in_light_and_dark(
    server: Server, open_notebook: Open, theme: str, width: int
) -> None:
    """Nothing overlaps, nothing is cut off; the screenshots are for eyes."""
    write_notebook(server.folder / "looks.ipynb", WIDGET)
    notebook = open_notebook("looks.ipynb", viewport={"width": width, "height": 1000})
    notebook.run_all()
    notebook.theme(theme)
    notebook.settled()
    notebook.screenshot(f"{theme.rsplit(maxsplit=1)[-1].lower()}-{width}")
    boxes = notebook.widget.first.evaluate(
        "root => [...root.querySelectorAll('.nlsq-panel')].map(e => e.getBoundingClientRect().toJSON())"
    )
    outer = notebook.widget.first.bounding_box()
    for i, box in enumerate(boxes):
        assert box["left"] >= outer["x"] - 1
        assert box["right"] <= outer["x"] + outer["width"] + 1
        for other in boxes[i + 1 :]:
            apart_x = box["right"] <= other["left"] + 1 or other["right"] <= box["left"] + 1
            apart_y = box["bottom"] <= other["top"] + 1 or other["bottom"] <= box["top"] + 1
            assert apart_x or apart_y


def test_the_pictures_of_the_readme_are_of_this_widget(server: Server, browser: Browser) -> None:
    """Made anew at each run, sharp; `make pictures` puts them into the README."""
    labels = "y, x_label='wavelength / nm', y_label='transmittance', p0="
    write_notebook(server.folder / "picture.ipynb", WIDGET.replace("y, p0=", labels))
    notebook = Notebook(server, browser, "picture.ipynb", device_scale_factor=2)
    notebook.run_all()
    notebook.settled()
    notebook.drag("centre start value", -12)
    notebook.drag("width upper bound", notebook.way("width upper bound", "width start value", 6), steps=30)
    notebook.settled()
    assert_certified(notebook)
    for theme in ("Light", "Dark"):
        notebook.theme(f"JupyterLab {theme}")
        notebook.page.mouse.move(0, 0)
        notebook.picture(SCREENSHOTS / f"widget-{theme.lower()}.png")
    notebook.close()
