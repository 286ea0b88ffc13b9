"""What is one click away: the drawer, the toolbar, and their keys."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from browser.conftest import Open
from browser.lab import Notebook, Server, write_notebook
from browser.test_first_light import COMPILED, WIDGET

pytestmark = pytest.mark.browser

EXECUTED = "(lambda scope: (exec({code!r}, scope), scope['result'].popt.tolist())[1])(dict(peak=peak, x=x, y=y))"


@pytest.fixture
def notebook(server: Server, open_notebook: Open) -> Notebook:
    write_notebook(server.folder / "drawer.ipynb", WIDGET)
    notebook = open_notebook("drawer.ipynb")
    notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notebook.run_all()
    notebook.settled()
    return notebook


def copied(notebook: Notebook, button: str) -> str:
    notebook.widget.first.get_by_role("button", name=button).click()
    expect(notebook.widget.first.get_by_role("tabpanel").get_by_text("Copied")).to_be_visible()
    return notebook.page.evaluate("navigator.clipboard.readText()").replace("\r\n", "\n")


def test_the_drawer_tells_copies_and_changes_and_is_shut_again(notebook: Notebook) -> None:
    widget, page = notebook.widget.first, notebook.page

    def tab(name: str):
        return widget.get_by_role("tab", name=name)

    expect(widget.get_by_role("tabpanel")).to_have_count(0)
    tab("Statistics").click()
    told = dict(line.split("\t") for line in copied(notebook, "Copy all").splitlines())
    assert float(told["χ²"]) == notebook.kernel("w.result.chi2")
    assert float(told["R²"]) == notebook.kernel("w.result.r_squared")

    page.keyboard.press("Escape")
    expect(widget.get_by_role("tabpanel")).to_have_count(0)
    expect(tab("Statistics")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    matrix = [line.split("\t")[1:] for line in copied(notebook, "Copy all").splitlines()[1:]]
    np.testing.assert_array_equal(np.array(matrix, float), notebook.kernel("w.result.correlation.tolist()"))

    tab("Correlation").focus()
    page.keyboard.press("ArrowRight")
    widget.get_by_role("button", name="Find intervals").press("Enter")
    expect(widget.get_by_role("region", name="Intervals")).to_be_visible()
    rows = [line.split("\t") for line in copied(notebook, "Copy all").splitlines()[1:]]
    assert {name: (float(low), float(high)) for name, _, low, high in rows} == notebook.kernel("w.profile()")

    tab("Intervals").focus()
    page.keyboard.press("ArrowRight")
    expect(tab("Options")).to_have_attribute("aria-selected", "true")
    widget.get_by_label("Loss", exact=True).select_option("cauchy")
    scale = widget.get_by_label("Scale of the loss")
    scale.fill("0.01")
    scale.press("Enter")
    widget.get_by_label("Confidence band").select_option("typed")
    percent = widget.get_by_label("Confidence of the band in percent")
    percent.fill("90")
    percent.press("Enter")
    notebook.settled()
    assert notebook.kernel("(w.loss, w.loss_scale, w.level)") == ("cauchy", 0.01, 0.9)
    widget.get_by_label("Device").select_option("cpu:1")
    notebook.settled()

    tab("Options").focus()
    page.keyboard.press("End")
    popt = notebook.kernel("w.result.popt.tolist()")
    code = copied(notebook, "Copy code")
    assert all(choice in code for choice in ('loss="cauchy"', "loss_scale=0.01", 'device="cpu:1"'))
    assert notebook.kernel(EXECUTED.format(code=code)) == popt
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no leave')) }")
    rows = [line.split("\t") for line in copied(notebook, "Copy values").splitlines()]
    assert rows[0][0].startswith("# 35 points, 0 excluded, chi2 = ")
    assert [float(value) for _, value, _ in rows[2:]] == popt
    tab("Export").click()
    expect(widget.get_by_role("tabpanel")).to_have_count(0)


def test_the_fit_is_taken_away_as_a_file(notebook: Notebook) -> None:
    widget, page = notebook.widget.first, notebook.page
    widget.get_by_role("tab", name="Export").click()
    kind = widget.get_by_label("Kind of file")
    kind.select_option("csv")
    assert copied(notebook, "Copy file") == notebook.kernel("__import__('nlsq_widget').table(w.result, 'csv')")
    kind.select_option("pdf")
    expect(widget.get_by_role("button", name="Copy file")).to_be_hidden()
    with page.expect_download() as download:
        widget.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "fit.pdf"
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")
    field = widget.get_by_label("width start value, exact")
    field.fill("0")
    field.press("Enter")
    expect(widget).to_have_attribute("data-state", "fault")
    widget.get_by_role("button", name="Download").click()
    expect(widget.get_by_text("There is no fit to take away; mend the start values first.")).to_be_visible()


def test_undo_and_redo_by_button_and_by_key(notebook: Notebook) -> None:
    widget, press = notebook.widget.first, notebook.page.keyboard.press
    undo, redo = (widget.get_by_role("button", name=name, exact=True) for name in ("Undo", "Redo"))
    field = widget.get_by_label("centre start value, exact")
    compiled = notebook.kernel(COMPILED)
    expect(undo).to_be_disabled()
    field.fill("455.5")
    press("Enter")
    notebook.settled()
    undo.click()
    notebook.settled()
    assert notebook.kernel("w.p0['centre']") == 450
    expect(undo).to_be_disabled()
    expect(redo).to_be_enabled()
    press("Control+Shift+Z")  # the focus has stayed, though the button cannot be pressed any more
    notebook.settled()
    assert notebook.kernel("w.p0['centre']") == 455.5

    field.focus()
    press("1")
    press("Control+Z")  # an edit of the text is taken back by the browser
    expect(field).to_have_value("455.5")
    notebook.settled()
    assert notebook.kernel("w.p0['centre']") == 455.5
    field.fill("452")
    press("Enter")
    notebook.settled()
    press("Control+Z")
    notebook.settled()
    expect(field).to_have_value("455.5")
    press("Control+Y")
    notebook.settled()
    assert notebook.kernel("w.p0['centre']") == 452
    widget.get_by_role("button", name="Back to the beginning").click()
    notebook.settled()
    assert notebook.kernel("(dict(w.p0), w.live)") == ({"area": 1.5, "width": 5, "centre": 450}, "drag")
    assert notebook.kernel(COMPILED) == compiled


def test_by_button_nothing_is_fitted_until_it_is_pressed(notebook: Notebook) -> None:
    widget = notebook.widget.first
    button = widget.get_by_role("button", name="Fit", exact=True)
    expect(button).to_be_hidden()
    widget.get_by_label("When to fit").select_option("button")
    notebook.settled()
    before = notebook.kernel("(w.result.p0.tolist(), w.live)")
    assert before == ([1.5, 5.0, 450.0], "button")
    notebook.drag("centre start value", 30)
    notebook.settled()
    assert notebook.kernel("w.result.p0.tolist()") == before[0]
    expect(widget.get_by_role("status").first).to_contain_text("Not fitted yet")
    button.click()
    notebook.settled()
    assert notebook.kernel("w.result.p0.tolist()[2] == w.p0['centre'] != 450")
    expect(widget.get_by_role("status").first).to_contain_text("Converged")


def test_a_fit_that_takes_long_is_said_so(server: Server, open_notebook: Open) -> None:
    write_notebook(
        server.folder / "slow.ipynb",
        WIDGET.removesuffix("w\n"),
        "import time\nw.observe(lambda change: time.sleep(2), 'p0')\nw",
    )
    notebook = open_notebook("slow.ipynb")
    notebook.run_all()
    notebook.settled()
    field = notebook.widget.first.get_by_label("centre start value, exact")
    field.fill("451")
    field.press("Enter")
    expect(notebook.widget.first.get_by_role("status").first).to_contain_text("fitting …")
    notebook.settled()
    expect(notebook.widget.first.get_by_role("status").first).to_contain_text("Converged")


OVER = """root => [...root.querySelectorAll("*")].filter(el =>
    el.getBoundingClientRect().right > root.getBoundingClientRect().right + 1
    && !el.closest(".nlsq-scroll, .nlsq-code, .nlsq-spoken")).map(el => el.className)"""


@pytest.mark.parametrize("count", [1, 9])
def test_nothing_runs_over_and_the_column_is_as_high_as_the_plots(
    server: Server, open_notebook: Open, count: int
) -> None:
    names = [f"amplitude_of_{i}" for i in range(count)]
    model = f"lambda x, {', '.join(names)}: {' + '.join(f'{name} * x**{i}' for i, name in enumerate(names))}"
    write_notebook(
        server.folder / "many.ipynb",
        "import numpy as np\nfrom nlsq_widget import FitWidget\nx = np.linspace(0, 1, 50)\n"
        f"FitWidget({model}, x, np.exp(x))",
    )
    notebook = open_notebook("many.ipynb")
    notebook.run_all()
    notebook.settled()
    widget = notebook.widget.first
    parts = ("plots", "actions", "parameters")
    plots, actions, column = (widget.locator(f".nlsq-{name}").bounding_box() for name in parts)
    assert plots["width"] == pytest.approx(2 * actions["width"], rel=0.03)
    assert plots["height"] < 700  # nine parameters scroll
    assert plots["y"] + plots["height"] == pytest.approx(column["y"] + column["height"], abs=2)
    for width in (1440, 724):  # the widget is then 360 wide
        notebook.page.set_viewport_size({"width": width, "height": 1000})
        notebook.page.wait_for_function("w => document.querySelector('.nlsq-widget').clientWidth < w", arg=width - 300)
        for name in ("Statistics", "Correlation", "Intervals", "Options", "Export"):
            widget.get_by_role("tab", name=name).click()
            assert widget.evaluate(OVER) == []
