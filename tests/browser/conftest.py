"""One server and one browser for all browser tests; a fresh page and kernel for each notebook."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from browser.lab import CHROMIUM, Notebook, Server, chromium

EXAMPLES = Path(__file__).parents[2] / "examples"

Open = Callable[..., Notebook]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
    server = Server(folder)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM))
        yield browser
        browser.close()


@pytest.fixture
def open_notebook(server: Server, browser: Browser) -> Iterator[Open]:
    """Opens a notebook; at the end its kernel is stopped, and the page must have had nothing to complain of."""
    opened: list[Notebook] = []

    def open_(path: str, **context: object) -> Notebook:
        opened.append(Notebook(server, browser, path, **context))
        return opened[-1]

    yield open_
    for notebook in opened:
        notebook.close()
        assert notebook.complaints == []
