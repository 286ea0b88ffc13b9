"""A real JupyterLab in a real Chromium: use the widget as a hand would, and ask the kernel what it holds."""

from __future__ import annotations

import ast
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.blocking.client import BlockingKernelClient
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect

SCREENSHOTS = Path(__file__).parent / "screenshots"
PATIENCE_S = 120  # for what should take a moment, on a machine that is busy with other things
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
JUPYTERLABS_OWN = ("Could not restore the debugger state",)  # when a kernel stops while it is asked
CHROMIUM = (*QUIET, "--disable-component-update", "--disable-sync")


def chromium() -> str | None:
    """The system's Chromium; None for the one that Playwright brought."""
    return shutil.which("chromium")


class Server:
    """JupyterLab as installed but for some `settings`, in a folder of its own, with two devices for JAX."""

    def __init__(self, folder: Path, devices: int = 2, settings: Mapping[str, Any] | None = None) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        private = {
            name: str(folder / ".jupyter" / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")
        }
        self.runtime = Path(private["JUPYTER_RUNTIME_DIR"])
        private["JUPYTERLAB_SETTINGS_DIR"] = str(folder / ".jupyter" / "settings")
        set_ = folder / ".jupyter" / "settings" / "@jupyterlab" / "apputils-extension"
        set_.mkdir(parents=True)
        for name, content in ({"notification": {"fetchNews": "false"}} | dict(settings or {})).items():
            (set_ / f"{name}.jupyterlab-settings").write_text(json.dumps(content))
        flags = f"--xla_force_host_platform_device_count={devices}"
        options = {
            "ServerApp.port": self.url.rpartition(":")[2],
            "ServerApp.root_dir": str(folder),
            "IdentityProvider.token": "",
            "ServerApp.password": "",
            "LabApp.expose_app_in_browser": "True",
            "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        }
        self._log = (folder / "server.log").open("w")
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyterlab",
                "--no-browser",
                "--allow-root",
                *(f"--{k}={v}" for k, v in options.items()),
            ],
            env=os.environ | private | {"XLA_FLAGS": flags},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        wait_for(lambda: self.get("/api/status"), "the server to answer")

    def get(self, path: str) -> Any:
        """What the server's own interface says, None while it says nothing."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return json.load(answer)
        except OSError:
            return None

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self._log.close()


class Notebook:
    """A notebook open in JupyterLab."""

    def __init__(self, server: Server, browser: Browser, path: str, **context: Any) -> None:
        self._server = server
        self._path = path
        self.complaints: list[str] = []
        self.page: Page = browser.new_context(**({"viewport": {"width": 1440, "height": 1000}} | context)).new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        self.page.goto(f"{server.url}/lab/tree/{path}?reset", timeout=1000 * PATIENCE_S)
        self.page.wait_for_function("window.jupyterapp !== undefined", timeout=1000 * PATIENCE_S)
        ready = "window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        self.page.wait_for_function(ready, timeout=1000 * PATIENCE_S)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(JUPYTERLABS_OWN):
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self._server.url, self._server.url.replace("http", "ws"), "data:", "blob:")):
            self.complaints.append(f"a request to a foreign host: {request.url}")

    def run_all(self, shown: str = ".nlsq-widget") -> None:
        """Run every cell and wait for what is then on the page."""
        # Without void the command would be awaited, and it ends with the notebook.
        self.page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.locator(shown).first.wait_for(timeout=1000 * PATIENCE_S)

    def cells(self) -> list[Any]:
        """The code cells with their outputs, as they would be saved."""
        model = "window.jupyterapp.shell.currentWidget.content.model.sharedModel"
        return self.page.evaluate(f"{model}.cells.map(c => c.toJSON()).filter(c => c.cell_type === 'code')")

    def theme(self, name: str) -> None:
        self.page.evaluate("name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})", name)
        self.page.wait_for_timeout(500)

    def kernel(self, expression: str) -> Any:
        """The value of a Python expression in the kernel, asked on a line of its own beside the page."""
        sessions = self._server.get("/api/sessions")
        (kernel,) = (s["kernel"]["id"] for s in sessions if s["path"] == self._path)
        client = BlockingKernelClient(connection_file=str(self._server.runtime / f"kernel-{kernel}.json"))
        client.load_connection_file()
        # Only the line that asks: a heartbeat would start a thread for each question, and outlive it.
        client.start_channels(shell=True, iopub=False, stdin=False, hb=False, control=False)
        try:
            reply = client.execute("", user_expressions={"value": expression}, reply=True, timeout=PATIENCE_S)
        finally:
            client.stop_channels()
        value = reply["content"]["user_expressions"]["value"]
        assert value["status"] == "ok", value
        return ast.literal_eval(value["data"]["text/plain"])

    @property
    def widget(self) -> Locator:
        return self.page.locator(".nlsq-widget")

    def slider(self, name: str) -> Locator:
        """A thumb or a bracket: "width start value", "width upper bound"."""
        return self.widget.first.get_by_role("slider", name=name, exact=True)

    def drag(self, name: str, pixels: float, steps: int = 12) -> None:
        """Take a thumb in its middle and move it, as a hand would: in steps, and a frame for each."""
        box = self.slider(name).bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        for step in range(1, steps + 1):
            self.page.mouse.move(x + pixels * step / steps, y)
            self.page.wait_for_timeout(16)
        self.page.mouse.up()

    def way(self, handle: str, thumb: str, change: float) -> float:
        """How many pixels a handle is from where the thumb would be if its value changed by so much."""
        name = thumb.removesuffix(" start value")
        at = {one: self.middle(one) for one in (handle, thumb, f"{name} lower bound", f"{name} upper bound")}
        low, high = (float(self.slider(thumb).get_attribute(f"aria-value{end}") or "nan") for end in ("min", "max"))
        pixels = (at[f"{name} upper bound"] - at[f"{name} lower bound"]) / (high - low)  # both wait beside the rail
        return at[thumb] + change * pixels - at[handle]

    def middle(self, name: str) -> float:
        box = self.slider(name).bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2

    def settled(self) -> None:
        """Wait until what was sent has been answered and drawn."""
        frame = "new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
        self.page.evaluate(frame)  # what was just done shows from the next one on
        expect(self.widget.first).to_have_attribute("data-busy", "false", timeout=1000 * PATIENCE_S)

    def fitted(self, name: str) -> float:
        """The fitted value on the screen, with all its digits."""
        return float(self.widget.first.get_by_label(f"{name} fitted value").first.get_attribute("data-value") or "nan")

    def curve_pixels(self, plot: int = 0) -> str:
        """What the canvas that moves shows, as a hash of its pixels."""
        script = """(root, plot) => {
            const canvas = [...root.querySelectorAll('canvas')].filter(c => c.className === 'nlsq-moving')[plot];
            const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            let hash = 0, drawn = 0;
            for (let i = 0; i < pixels.length; i += 4) {
                if (pixels[i + 3] > 0) { drawn++; hash = (hash * 31 + i + pixels[i]) | 0; }
            }
            return `${drawn}:${hash}`;
        }"""
        return self.widget.first.evaluate(script, plot)

    def screenshot(self, name: str) -> None:
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")

    def picture(self, path: Path) -> None:
        """The widget alone."""
        self.widget.first.screenshot(path=path)

    def close(self) -> None:
        self.page.evaluate("window.jupyterapp.serviceManager.sessions.shutdownAll()")
        self.page.context.close()


def wait_for(ready: Callable[[], Any], what: str) -> None:
    """Ask until it is so, or say what did not come."""
    until = time.monotonic() + PATIENCE_S
    while not ready():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {PATIENCE_S} s for {what}")
        time.sleep(0.2)


def write_notebook(path: Path, *cells: str) -> None:
    """A notebook of these code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)
