"""The widget for those who see it otherwise, or not at all: axe-core's rules, and a journey without a mouse."""

from pathlib import Path

import pytest

from browser.conftest import Open
from browser.lab import Notebook, Server, write_notebook
from browser.test_first_light import WIDGET

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[2] / "js" / "node_modules" / "axe-core" / "axe.min.js"
TABS = ("Statistics", "Correlation", "Intervals", "Options", "Export")
# JupyterLab's body has no height, so axe would take all in it for hidden and pass it by; and of a shade behind text
# it would say nothing. Each is laid aside.
READY = "() => document.body.style.setProperty('overflow', 'visible')"
PLAIN = ".nlsq-widget .nlsq-parameters { background: none !important; }"
TELL = """root => axe.run(root).then(({ violations, incomplete, passes }) => {
    const unsure = incomplete.flatMap(rule => rule.nodes).filter(node => !/has no value/.test(node.failureSummary));
    const wrong = [...violations.flatMap(rule => rule.nodes), ...unsure];
    return [wrong.map(node => `${node.html} ${node.failureSummary}`),
        passes.filter(rule => rule.id === "color-contrast").flatMap(rule => rule.nodes.map(node => node.html))];
})"""
# What has the focus: its name, and whether one sees that it has it.
FOCUS = """root => {
    const el = document.activeElement;
    if (!root.contains(el)) return null;
    const rings = [el, el, el].map((el, i) => getComputedStyle(el, [null, "::before", "::after"][i]));
    const seen = rings.some(s => s.outlineStyle !== "none" || s.boxShadow !== "none");
    return [el.getAttribute("aria-label") ?? el.textContent, seen];
}"""


@pytest.fixture
def notebook(server: Server, open_notebook: Open) -> Notebook:
    write_notebook(server.folder / "accessible.ipynb", WIDGET)
    notebook = open_notebook("accessible.ipynb", viewport={"width": 1440, "height": 1500})
    notebook.run_all()
    notebook.settled()
    return notebook


def test_axe_finds_nothing_in_light_and_dark_with_the_drawer_shut_and_open(notebook: Notebook) -> None:
    widget, page = notebook.widget.first, notebook.page
    page.evaluate(AXE.read_text())
    page.evaluate(READY)
    page.add_style_tag(content=PLAIN)

    def look() -> None:
        wrong, legible = widget.evaluate(TELL)
        assert wrong == []
        # It did look: at the names in the column, and at a line that lies under the picture.
        assert any(">centre</span>" in html for html in legible)
        assert any('class="nlsq-sentence"' in html for html in legible)

    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.theme(theme)
        look()
        for name in TABS:
            widget.get_by_role("tab", name=name).click()
            page.mouse.move(0, 0)
            look()
        widget.get_by_role("tab", name=TABS[-1]).click()
    widget.get_by_role("tab", name="Statistics").click()
    widget.get_by_label("When to fit").select_option("button")
    notebook.drag("centre start value", 20)
    notebook.slider("width upper bound").focus()
    notebook.settled()
    look()


def test_every_control_is_reached_by_tab_in_the_order_of_reading_and_shows_it(notebook: Notebook) -> None:
    widget, press = notebook.widget.first, notebook.page.keyboard.press
    widget.get_by_role("button", name="Undo").focus()
    press("Shift+Tab")  # so that the browser knows that keys are used
    press("Tab")
    reached = []
    while (at := widget.evaluate(FOCUS)) is not None and len(reached) < 100:
        reached.append(at)
        press("Tab")
    names = [name for name, _ in reached]
    assert all(seen for _, seen in reached), reached
    assert len(set(names)) == len(names)
    way = ["Undo", "Redo", "Back to the beginning", "When to fit"]
    way += [f"{name} start value" for name in ("area", "width", "centre")]
    assert [name for name in names if name in {*way, *TABS}] == [*way, "Statistics"]
