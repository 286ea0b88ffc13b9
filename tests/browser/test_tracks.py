"""The tracks in a real JupyterLab: roles, ties, taking the fit, typed values, a logarithm. One journey by hand."""

import pytest
from playwright.sync_api import Locator, expect

from browser.conftest import Open
from browser.lab import Notebook, Server, wait_for, write_notebook

pytestmark = pytest.mark.browser

WIDGET = """
import numpy as np
import jax.numpy as jnp
from nlsq_widget import FitWidget
def two(x, height1, width1, height2, width2, decay):
    peaks = height1 * jnp.exp(-0.5 * ((x - 3) / width1) ** 2) + height2 * jnp.exp(-0.5 * ((x - 7) / width2) ** 2)
    return peaks + jnp.exp(-x / decay)
x = np.linspace(0, 10, 160)
y = np.asarray(two(x, 2, 0.6, 1, 0.9, 0.5)) + 0.03 * np.random.default_rng(1).standard_normal(160)
w = FitWidget(two, x, y, p0=[1.5, 0.5, 1.2, 1.1, 0.2], bounds={"decay": (0.001, 100)})
w
"""
STEPS = "w._history.at"  # to undo


@pytest.fixture
def notebook(server: Server, open_notebook: Open) -> Notebook:
    write_notebook(server.folder / "tracks.ipynb", WIDGET)
    notebook = open_notebook("tracks.ipynb")
    notebook.run_all()
    notebook.settled()
    return notebook


def button(notebook: Notebook, name: str) -> Locator:
    return notebook.widget.first.get_by_role("button", name=name, exact=True)


def put(notebook: Notebook, name: str, text: str) -> Locator:
    field = notebook.widget.first.get_by_label(f"{name}, exact")
    field.fill(text)
    field.press("Enter")
    notebook.settled()
    return field


def test_a_row_is_dragged_stepped_typed_tied_and_taken(notebook: Notebook) -> None:
    a_drag_and_a_burst_of_keys_are_one_step_to_undo_each(notebook)
    what_follows_goes_along_and_what_is_fixed_does_not(notebook)
    a_tie_is_shown_with_its_value_and_error_and_a_number_unties(notebook)
    exact_values_are_kept_and_wrong_ones_answered(notebook)
    a_logarithm_is_offered_where_values_are_positive(notebook)
    the_fitted_values_are_taken_for_one_and_for_all(notebook)


def a_drag_and_a_burst_of_keys_are_one_step_to_undo_each(notebook: Notebook) -> None:
    notebook.drag("height1 start value", 30)
    notebook.settled()
    assert notebook.kernel(STEPS) == 1
    notebook.slider("height1 start value").focus()
    for _ in range(5):
        notebook.page.keyboard.press("ArrowRight")
    notebook.page.wait_for_timeout(600)  # the burst is over
    notebook.settled()
    assert notebook.kernel(STEPS) == 2
    notebook.kernel("w.undo()")
    notebook.kernel("w.undo()")
    assert notebook.kernel("w.p0['height1']") == 1.5


def what_follows_goes_along_and_what_is_fixed_does_not(notebook: Notebook) -> None:
    button(notebook, "Let height2 follow").click()
    button(notebook, "Lock width1").click()
    notebook.settled()
    assert notebook.kernel("(list(w.following), list(w.fixed))") == (["height2"], ["width1"])
    expect(notebook.widget.first.get_by_role("group", name="height2", exact=True)).to_contain_text("following")
    before = notebook.kernel("dict(w.p0)")
    notebook.drag("width2 start value", 20)
    notebook.settled()
    after = notebook.kernel("dict(w.p0)")
    assert (after["height2"] != before["height2"], after["width1"]) == (True, before["width1"])
    button(notebook, "Let height2 follow").click()
    button(notebook, "Lock width1").click()
    notebook.settled()
    assert notebook.kernel("(list(w.following), list(w.fixed))") == ([], [])


def a_tie_is_shown_with_its_value_and_error_and_a_number_unties(notebook: Notebook) -> None:
    field = put(notebook, "width2 start value", "= 1.5 * width1")
    row = notebook.widget.first.get_by_role("group", name="width2", exact=True)
    expect(row).to_have_attribute("data-role", "tied")
    expect(field).to_have_value("= 1.5 * width1")
    assert notebook.fitted("width2") == pytest.approx(1.5 * notebook.fitted("width1"))
    assert float(row.locator("output").get_attribute("data-stderr") or "nan") > 0
    put(notebook, "width1 start value", "= width2")
    expect(notebook.widget.first.get_by_text("go round in a circle").first).to_be_visible()
    expect(notebook.widget.first.get_by_label("width1 start value, exact")).to_have_value("= width2")
    notebook.page.keyboard.press("Escape")
    expect(notebook.widget.first.get_by_label("width1 start value, exact")).to_have_value("0.5")
    put(notebook, "width2 start value", "1.1")
    assert notebook.kernel("(dict(w.ties), w.p0['width2'])") == ({}, 1.1)
    put(notebook, "width2 start value", "= 1.5 * width1")
    button(notebook, "Untie width2").click()
    notebook.settled()
    assert notebook.kernel("dict(w.ties)") == {}


def exact_values_are_kept_and_wrong_ones_answered(notebook: Notebook) -> None:
    put(notebook, "height1 start value", "1.2345678901234567")
    assert notebook.kernel("w.p0['height1']") == 1.2345678901234567
    put(notebook, "height1 lower bound", "0")
    put(notebook, "height1 upper bound", "∞")
    assert notebook.kernel("w.bounds['height1'][0]") == 0
    field = put(notebook, "height1 lower bound", "abc")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.press("Escape")
    expect(field).to_have_value("0")
    put(notebook, "height1 lower bound", "-inf")
    assert notebook.kernel("w.bounds['height1'][0] < -1e308")
    field.fill("typed, not entered")
    notebook.kernel("w.undo()")
    notebook.settled()
    expect(field).to_have_value("typed, not entered")
    field.press("Escape")
    expect(field).to_have_value("0")
    notebook.kernel("w.redo()")


def a_logarithm_is_offered_where_values_are_positive(notebook: Notebook) -> None:
    log = "Logarithmic track of "
    expect(button(notebook, f"{log}width1")).to_be_hidden()
    before = notebook.middle("decay start value")
    button(notebook, f"{log}decay").click()
    notebook.page.wait_for_timeout(900)
    assert notebook.middle("decay start value") > before  # 0.2 lies in the middle between 0.001 and 100
    notebook.drag("decay start value", -30)
    notebook.settled()
    assert 0.001 < notebook.kernel("w.p0['decay']") < 0.15
    assert notebook.fitted("decay") == pytest.approx(0.5, rel=0.2)


def the_fitted_values_are_taken_for_one_and_for_all(notebook: Notebook) -> None:
    one = button(notebook, "Start decay at its fitted value")
    one.click()
    notebook.settled()
    assert notebook.kernel("w.p0['decay']") == pytest.approx(notebook.fitted("decay"), rel=1e-9)
    button(notebook, "Take fit: start all at their fitted values").click()
    notebook.settled()
    wait_for(lambda: notebook.kernel("bool(max(abs(w.result.popt - w.result.p0)) < 1e-6)"), "all to be taken")
    expect(one).to_have_attribute("aria-disabled", "true")
    notebook.screenshot("tracks")
    button(notebook, "Guess start values").click()
    expect(notebook.widget.first.get_by_role("status")).to_contain_text("No better start values", timeout=120_000)
