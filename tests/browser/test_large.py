"""A million points in a real JupyterLab: one sees where they lie, and comes down to a single one and takes it out."""

import pytest
from playwright.sync_api import Locator, expect

from browser.conftest import Open
from browser.lab import Notebook, Server, wait_for, write_notebook

pytestmark = pytest.mark.browser

WIDGET = """
import numpy as np
import jax.numpy as jnp
from nlsq_widget import FitWidget
x = np.linspace(0, 10, 1_000_000)
y = 3 * np.exp(-x / 2) + 0.5 + 0.1 * np.random.default_rng(0).standard_normal(x.size)
y[600_000] = 4.0
def decay(x, a, tau, c):
    return a * jnp.exp(-x / tau) + c
w = FitWidget(decay, x, y, p0={"a": 2.0, "tau": 1.0, "c": 0.0})
w
"""
SEEN = "[window.x for window in w._windows.values()]"  # what the pages look at
SHADES = """(root) => {
    const canvas = root.querySelector('.nlsq-chart-data .u-wrap > canvas');
    const { width, height } = canvas;
    const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data;
    const found = new Set();
    for (let i = 3; i < pixels.length; i += 4) found.add(pixels[i]);
    return found.size;
}"""


def plot(notebook: Notebook) -> Locator:
    return notebook.widget.first.locator(".nlsq-chart-data .u-over")


def looks_at(notebook: Notebook, narrower_than: float) -> None:
    """Wait until the kernel was asked for so small a window, and its answer is drawn."""

    def is_asked() -> bool:
        return any(high - low < narrower_than for low, high in notebook.kernel(SEEN))

    wait_for(is_asked, "the page to ask for its window")
    notebook.settled()


def zoom_around(notebook: Notebook, x: float, y: float, share: float = 0.1) -> None:
    """A box of a share of the width around this place on the page, over the whole height."""
    box = plot(notebook).bounding_box()
    assert box is not None
    notebook.page.mouse.move(x - share / 2 * box["width"], y - 2)
    notebook.page.mouse.down()
    notebook.page.mouse.move(x + share / 2 * box["width"], y + 2, steps=4)
    notebook.page.mouse.up()


def test_a_single_point_of_a_million_is_seen_reached_and_taken_out(server: Server, open_notebook: Open) -> None:
    write_notebook(server.folder / "large.ipynb", WIDGET)
    notebook = open_notebook("large.ipynb")
    notebook.run_all()
    notebook.settled()
    widget, page = notebook.widget.first, notebook.page
    looks_at(notebook, 11)
    wait_for(lambda: widget.evaluate(SHADES) > 20, "the shades of a density")
    notebook.screenshot("large")
    exclude = widget.get_by_role("radio", name="Exclude", exact=True)
    expect(exclude).to_be_hidden()  # there are no single points yet

    box = plot(notebook).bounding_box()
    assert box is not None
    at = box["x"] + (6.0 + 0.25) / 10.5 * box["width"]  # the outlier is at x = 6, of -0.25 to 10.25
    zoom_around(notebook, at, box["y"] + box["height"] / 2)
    looks_at(notebook, 1.1)
    zoom_around(notebook, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    looks_at(notebook, 0.11)
    expect(exclude).to_be_visible()
    expect(plot(notebook)).to_be_focused()
    expect(plot(notebook)).to_have_css("outline-style", "none")  # a frame is for who comes by key
    notebook.screenshot("large-points")

    middle = box["x"] + box["width"] / 2
    page.mouse.move(middle, box["y"] + box["height"] / 4)
    down = 0.045 * box["height"]  # the outlier is the highest, and above it are 6 % of what the data span
    page.mouse.move(middle, box["y"] + down)
    expect(plot(notebook)).to_have_attribute("data-aimed", "true")
    page.mouse.click(middle, box["y"] + down)
    notebook.settled()
    assert notebook.kernel("w.excluded") == (600_000,)
    page.mouse.move(middle + 1, box["y"] + down)
    expect(widget.locator(".nlsq-tip")).to_contain_text("excluded")
    notebook.screenshot("large-excluded")
    page.mouse.click(middle, box["y"] + down)
    notebook.settled()
    assert notebook.kernel("w.excluded") == ()
