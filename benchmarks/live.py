"""A drag in a real notebook: from the event to what is drawn, beside a bare round trip and iminuit's widget."""

import importlib.util
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, sync_playwright

from benchmarks.effort import Effort
from benchmarks.report import Report, Table, number
from benchmarks.scenes import BARE, IMINUIT, OURS
from tests.browser.lab import CHROMIUM, Notebook, Server, chromium, write_notebook

HZ = 60
_WARM = 10  # events that do not count
_STEP = 3  # pixels, so that each is another value of every slider
_ROOTS = (".bare", ".nlsq-widget")
_THUMB = "[role=slider][aria-label='b start value']"
_KNOB = ".noUi-handle"
_BUSY = "import time; time.sleep(600)"

# The times of the page itself: of each event, of each numbered command, and of each picture when it is drawn.
_WATCH = """(roots) => {
    const live = (window.live = { events: [], sent: {}, drawn: [], up: 0 });
    live.clear = () => Object.assign(live, { events: [], drawn: [], next: () => {} });
    live.clear();
    addEventListener("pointermove", () => live.events.push(performance.now()), true);
    addEventListener("pointerup", () => (live.up = performance.now()), true);
    const send = WebSocket.prototype.send, decoder = new TextDecoder();
    WebSocket.prototype.send = function (data) {
        const text = typeof data === "string" ? data : decoder.decode(data);
        const seq = /"type":\\s*"(command|bare)"/.test(text) ? /"seq":\\s*(\\d+)/.exec(text) : null;
        if (seq !== null) live.sent[seq[1]] = performance.now();
        return send.call(this, data);
    };
    const drawn = (seq) => {
        live.drawn.push([performance.now(), seq]);
        live.next(performance.now());
    };
    for (const root of document.querySelectorAll(roots)) {
        let last = root.dataset.answers;
        const answered = () => {
            if (root.dataset.answers !== last) drawn((last = root.dataset.answers));
        };
        new MutationObserver(answered).observe(root, { attributes: true, attributeFilter: ["data-answers"] });
    }
    // A picture is replaced by another, or gets another source.
    const inside = (node) => (node.querySelectorAll === undefined ? [] : [...node.querySelectorAll("img")]);
    const images = ({ type, target, addedNodes }) =>
        type === "attributes" ? [target] : [...addedNodes].flatMap(inside);
    new MutationObserver((changes) => {
        for (const image of changes.flatMap(images)) image.decode().then(() => drawn(null));
    }).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["src"] });
}"""

# Events are made in the page: what makes them from outside would work at the same time as what is measured.
_HAND = """
    const moves = new Map();
    const move = (handle) => {
        const count = (moves.get(handle) ?? 0) + 1, way = count % 30;
        moves.set(handle, count);
        const at = { clientX: x + step * (way < 15 ? way : 30 - way), clientY: y, buttons: 1, pointerId: 1 };
        handle.dispatchEvent(new PointerEvent("pointermove", { ...at, bubbles: true, pointerType: "mouse" }));
    };
    const later = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
"""

_SINGLE = (
    "async ([handles, { x, y, step, count }]) => {"
    + _HAND
    + """
    const found = handles.map(() => []);
    for (let i = 0; i < count; i++)
        for (const [k, handle] of handles.entries()) {
            await later(20 + 40 * Math.random());
            const drawn = new Promise((done, fail) => {
                live.next = done;
                setTimeout(() => fail(new Error("a move was not answered for 30 s")), 30_000);
            });
            const began = performance.now();
            move(handle);
            found[k].push((await drawn) - began);
        }
    return found;
}"""
)

_STREAM = (
    "async ([handle, { x, y, step, count, milliseconds }]) => {"
    + _HAND
    + """
    live.clear();
    const began = performance.now();
    for (let i = 0; i < count; i++) {
        await later(began + i * milliseconds - performance.now());
        move(handle);
    }
    const { events, sent, drawn } = live;
    return { events, sent, drawn: [...drawn], took: performance.now() - began };
}"""
)


@dataclass(frozen=True)
class Drag:
    """What the page saw of one widget, in ms."""

    single: tuple[float, ...]  # from an event to drawn, one at a time
    streamed: tuple[float, ...]  # the same while events come at 60 Hz; empty where commands have no number
    per_second: float  # updates that were drawn then
    settled: float | None  # from the release to the last of them


def run(effort: Effort) -> Report:
    """Ours and the bare widget in one notebook, in turns; iminuit's in one of its own."""
    rows: list[tuple[str, ...]] = []
    present = importlib.util.find_spec("iminuit") is not None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM))
        for points in effort.live_points:
            for busy in (False, True):
                bare, ours = _measured(browser, points, effort, busy)
                where = f"{points:,} points" + ", a cell running" * busy
                if bare is not None:
                    _tell(rows, "one number, beside it", bare, bare)
                _tell(rows, f"nlsq_widget, {where}", ours, bare)
            if present and points <= effort.live_beside:
                _tell(rows, f"iminuit, {points:,} points", _theirs(browser, points, effort), None)
        browser.close()
    columns = ("widget", "median ms", "p95 ms", "of one number", "at 60 Hz: median ms", "p95 ms", "updates / s",
               "settled ms")  # fmt: skip
    return Report(
        "A drag in JupyterLab",
        "From the pointer event to the new curve on the canvas, in a real JupyterLab in a headless Chromium: one event "
        "at a time, then 60 a second. iminuit draws the curve at the dragged value, ours fits as well.",
        (Table("From the event to drawn", columns, tuple(rows)),),
        (
            "Painting waits for the next frame; this is the same for all and not in the numbers.",
            "“one number” sends a number and draws the one that comes back: in the same notebook, in turns with ours.",
            "Its answers are filled up to 66 kB as ours are; the notebook server holds smaller ones back for 40 ms.",
            "“a cell running”: one that waits in `time.sleep`, with the interpreter's lock free.",
            "settled: from the release of the finger to the last picture.",
            *([] if present else ["iminuit is not installed here, and is left out."]),
        ),
    )


def _tell(rows: list[tuple[str, ...]], name: str, drag: Drag, bare: Drag | None) -> None:
    def times(values: tuple[float, ...]) -> tuple[str, str]:
        p95 = sorted(values)[min(len(values) - 1, int(0.95 * len(values)))] if values else 0.0
        return (number(statistics.median(values)), number(p95)) if values else ("", "")

    ratio = "" if bare is None else f"{statistics.median(drag.single) / statistics.median(bare.single):.2f} ×"
    settled = "" if drag.settled is None else number(drag.settled)
    rows.append((name, *times(drag.single), ratio, *times(drag.streamed), number(drag.per_second), settled))
    print(f"  {' | '.join(rows[-1])}", flush=True)


@contextmanager
def _notebook(browser: Browser, *cells: str, subshells: bool = True) -> Generator[Notebook]:
    folder = Path(tempfile.mkdtemp(prefix="live-"))
    settings = {} if subshells else {"kernels-settings": {"commsOverSubshells": "disabled"}}
    server = Server(folder, devices=1, settings=settings)
    try:
        write_notebook(folder / "live.ipynb", *cells)
        notebook = Notebook(server, browser, "live.ipynb")
        yield notebook
        notebook.close()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _begun(notebook: Notebook, handle: str) -> tuple[Locator, float, float]:
    """The handle, and its middle, with the mouse held down on it."""
    notebook.run_all(handle)
    page = notebook.page
    page.wait_for_timeout(3000)  # until what comes with the first picture has come
    page.evaluate(_WATCH, ", ".join(_ROOTS))
    found = page.locator(handle).nth(0)
    found.scroll_into_view_if_needed()
    box = found.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    return found, x, y


def _measured(browser: Browser, points: int, effort: Effort, busy: bool) -> tuple[Drag | None, Drag]:
    """The bare widget and ours; while a cell runs ours alone, since the bare one waits for the cell."""
    with _notebook(browser, BARE, OURS.format(points=points), *[_BUSY] * busy) as notebook:
        page = notebook.page
        thumb, x, y = _begun(notebook, _THUMB)
        hand = {"x": x, "y": y, "step": _STEP, "milliseconds": 1000 / HZ}
        both = [page.locator(_ROOTS[0]).nth(0).element_handle(), thumb.element_handle()]
        both = both[1:] if busy else both
        singles = page.evaluate(_SINGLE, [both, hand | {"count": effort.live_events + _WARM}])
        logs = [page.evaluate(_STREAM, [one, hand | {"count": int(HZ * effort.live_seconds)}]) for one in both]
        page.mouse.up()
        page.wait_for_timeout(1500)
        last, up = page.evaluate("[Math.max(...live.drawn.map(([t]) => t)), live.up]")
        settled = [None] * (len(both) - 1) + [max(0.0, last - up)]
        drags = [
            Drag(tuple(single[_WARM:]), _streamed(log), 1000 * len(log["drawn"]) / log["took"], after)
            for single, log, after in zip(singles, logs, settled, strict=True)
        ]
        return None if busy else drags[0], drags[-1]


def _theirs(browser: Browser, points: int, effort: Effort) -> Drag:
    """Moved by the mouse: its slider takes no other events."""
    # What a callback on another thread draws does not reach the Output widget that it draws with.
    with _notebook(browser, IMINUIT.format(points=points), subshells=False) as notebook:
        page = notebook.page
        _, x, y = _begun(notebook, _KNOB)
        single = tuple(_by_mouse(page, x + _STEP * (i % 2 + 1), y) for i in range(_WARM + effort.live_events))
        page.evaluate("live.clear()")
        began = time.monotonic()
        for tick in range(int(HZ * effort.live_seconds)):
            time.sleep(max(0.0, began + tick / HZ - time.monotonic()))
            page.mouse.move(x + _STEP * (tick % 15), y)
        per_second = page.evaluate("live.drawn.length") / (time.monotonic() - began)
        page.mouse.up()
        page.wait_for_timeout(5000)
        last, up = page.evaluate("[Math.max(...live.drawn.map(([t]) => t)), live.up]")
        return Drag(single[_WARM:], (), per_second, max(0.0, last - up))


def _by_mouse(page: Page, x: float, y: float) -> float:
    page.wait_for_timeout(random.uniform(20, 60))
    page.evaluate("live.clear()")
    page.mouse.move(x, y)
    page.wait_for_function("live.events.length > 0 && live.drawn.some(([t]) => t > live.events[0])")
    event, drawn = page.evaluate("[live.events[0], live.drawn.find(([t]) => t > live.events[0])[0]]")
    return drawn - event


def _streamed(log: dict[str, Any]) -> tuple[float, ...]:
    """For each picture the time since the event that it answers: the newest when its command was sent."""
    found = []
    for at, seq in log["drawn"]:
        before = [event for event in log["events"] if event <= log["sent"].get(str(seq), -1.0)]
        if before:
            found.append(at - before[-1])
    return tuple(found)
