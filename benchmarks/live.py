"""A drag in a real notebook: from the event to what is drawn, beside a bare round trip and iminuit's widget."""

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

from playwright.sync_api import Browser, Locator, sync_playwright

from benchmarks.effort import Effort
from benchmarks.report import Report, Table, number
from benchmarks.scenes import BARE, Scene, scenes
from tests.browser.lab import CHROMIUM, Notebook, Server, chromium, write_notebook

HZ = 60
_STEP = 3  # pixels, so that each is another value of every slider

# The times of the page itself: of each event, of each numbered command, and of each picture when it is drawn.
_WATCH = """() => {
    const live = (window.live = { events: [], sent: {}, drawn: [], up: 0 });
    addEventListener("pointermove", () => live.events.push(performance.now()), true);
    addEventListener("pointerup", () => (live.up = performance.now()), true);
    const send = WebSocket.prototype.send, decoder = new TextDecoder();
    WebSocket.prototype.send = function (data) {
        const text = typeof data === "string" ? data : decoder.decode(data);
        const seq = text.includes('"command"') ? /"seq":\\s*(\\d+)/.exec(text) : null;
        if (seq !== null) live.sent[seq[1]] = performance.now();
        return send.call(this, data);
    };
    const drawn = (seq) => live.drawn.push([performance.now(), seq]);
    const root = document.querySelector(".nlsq-widget, .bare");
    if (root !== null) {
        let last = root.dataset.answers;
        const answered = () => {
            if (root.dataset.answers !== last) drawn((last = root.dataset.answers));
        };
        new MutationObserver(answered).observe(root, { attributes: true, attributeFilter: ["data-answers"] });
        return;
    }
    // A picture is replaced by another, or gets another source.
    const inside = (node) => (node.querySelectorAll === undefined ? [] : [...node.querySelectorAll("img")]);
    const images = ({ type, target, addedNodes }) =>
        type === "attributes" ? [target] : [...addedNodes].flatMap(inside);
    new MutationObserver((changes) => {
        for (const image of changes.flatMap(images)) image.decode().then(() => drawn(null));
    }).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["src"] });
}"""


@dataclass(frozen=True)
class Drag:
    """What the page saw, in ms."""

    single: tuple[float, ...]  # from an event to drawn, one at a time
    streamed: tuple[float, ...]  # the same while events come at 60 Hz; empty where commands have no number
    per_second: float  # updates that were drawn then
    settled: float  # from the release to the last of them


def run(effort: Effort) -> Report:
    """Each scene in a fresh notebook; ours once more while a cell runs."""
    rows, every = [], scenes(effort.live_points, effort.live_beside)
    bare = float("nan")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM))
        for scene in every:
            if not scene.available:
                continue
            for busy in (False, True) if scene.needs == "nlsq_widget" else (False,):
                drag = _measured(browser, scene, effort, busy)
                bare = statistics.median(drag.single) if scene.name == BARE else bare
                rows.append((scene.name + (", a cell running" if busy else ""), *_cells(drag, bare)))
                print(f"  {' | '.join(rows[-1])}", flush=True)
        browser.close()
    columns = ("widget", "median ms", "p95 ms", f"of “{BARE}”", "at 60 Hz: median ms", "p95 ms", "updates / s",
               "settled ms")  # fmt: skip
    missing = sorted({scene.needs for scene in every if not scene.available})
    return Report(
        "A drag in JupyterLab",
        "From the pointer event to the new curve on the canvas, in a real JupyterLab in a headless Chromium: one event "
        "at a time, then 60 a second. iminuit draws the curve at the dragged value, ours fits as well.",
        (Table("From the event to drawn", columns, tuple(rows)),),
        (
            "Painting waits for the next frame; this is the same for all and not in the numbers.",
            "“one number” sends the place of the pointer and draws the number that comes back.",
            "padded: filled up to 66 kB, as ours are. The notebook server holds smaller answers back for about 40 ms.",
            "“a cell running”: one that waits in `time.sleep`, with the interpreter's lock free.",
            "settled: from the release of the finger to the last picture.",
            *(f"{library} is not installed here, and is left out." for library in missing),
        ),
    )


def _cells(drag: Drag, bare: float) -> tuple[str, ...]:
    def times(values: tuple[float, ...]) -> tuple[str, str]:
        return (number(statistics.median(values)), number(_p95(values))) if values else ("", "")

    ratio = f"{statistics.median(drag.single) / bare:.2f} ×"
    return (*times(drag.single), ratio, *times(drag.streamed), number(drag.per_second), number(drag.settled))


def _p95(values: tuple[float, ...]) -> float:
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))]


@contextmanager
def _server(subshells: bool) -> Generator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="live-"))
    settings = {} if subshells else {"kernels-settings": {"commsOverSubshells": "disabled"}}
    server = Server(folder, devices=1, settings=settings)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _measured(browser: Browser, scene: Scene, effort: Effort, busy: bool) -> Drag:
    cells = [scene.cell] + ["import time; time.sleep(600)"] * busy
    with _server(scene.subshells) as server:
        write_notebook(server.folder / "live.ipynb", *cells)
        notebook = Notebook(server, browser, "live.ipynb")
        notebook.run_all(scene.shown)
        handle = notebook.page.locator(scene.handle).nth(0)
        notebook.page.wait_for_timeout(3000)  # until what comes with the first picture has come
        notebook.page.evaluate(_WATCH)
        drag = Hand(notebook.page, handle).drag(effort)
        notebook.close()
        return drag


class Hand:
    """The mouse of the page, on one handle; it moves to and fro."""

    def __init__(self, page: Any, handle: Locator) -> None:
        box = handle.bounding_box()
        assert box is not None
        self._page = page
        self._x, self._y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self._moves = 0

    def drag(self, effort: Effort) -> Drag:
        """Warm up, then one event at a time, then a stream of them, then let go."""
        self._page.mouse.move(self._x, self._y)
        self._page.mouse.down()
        for _ in range(10):
            self._single()
        single = tuple(self._single() for _ in range(effort.live_events))
        sent, began = self._log()["sent"], time.monotonic()
        self._forget()
        for tick in range(int(HZ * effort.live_seconds)):
            time.sleep(max(0.0, began + tick / HZ - time.monotonic()))
            self._move()
        seconds = time.monotonic() - began
        during = len(self._log()["drawn"])
        self._page.mouse.up()
        self._page.wait_for_timeout(1500)
        log = self._log()
        streamed = _streamed(log["events"], sent | log["sent"], log["drawn"])
        settled = max([t - log["up"] for t, _ in log["drawn"] if t > log["up"]], default=0.0)
        return Drag(single, streamed, during / seconds, settled)

    def _move(self) -> None:
        self._moves += 1
        way = self._moves % 30
        self._page.mouse.move(self._x + _STEP * (way if way < 15 else 30 - way), self._y)

    def _single(self) -> float:
        """From one event to the picture after it."""
        self._page.wait_for_timeout(random.uniform(20, 60))
        self._forget()
        self._move()
        self._page.wait_for_function("live.events.length > 0 && live.drawn.some(([t]) => t > live.events[0])")
        log = self._log()
        return min(t for t, _ in log["drawn"] if t > log["events"][0]) - log["events"][0]

    def _log(self) -> dict[str, Any]:
        return self._page.evaluate("live")

    def _forget(self) -> None:
        self._page.evaluate("live.events = [], live.drawn = []")


def _streamed(events: list[float], sent: dict[str, float], drawn: list[list[Any]]) -> tuple[float, ...]:
    """For each picture the time since the event that it answers: the newest when its command was sent."""
    found = []
    for at, seq in drawn:
        before = [event for event in events if event <= sent.get(str(seq), -1.0)]
        if before:
            found.append(at - before[-1])
    return tuple(found)
