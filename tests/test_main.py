"""`python -m nlsq_widget`: what it copies, what it keeps, and how it starts JupyterLab (here a stand-in)."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from nlsq_widget import __main__ as command

Launch = list[list[str]]


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> Launch:
    calls: Launch = []
    fake: Callable[[str], SimpleNamespace] = lambda name: SimpleNamespace(main=calls.append)  # noqa: E731
    monkeypatch.setattr(command.importlib, "import_module", fake)
    return calls


def test_the_first_example_is_copied_with_its_data_and_opened(tmp_path: Path, launched: Launch) -> None:
    assert command.main([str(tmp_path / "new"), "--no-browser", "--port", "8899"]) == 0
    notebook = json.loads((tmp_path / "new" / command.FIRST).read_text())
    assert notebook["cells"]
    assert list((tmp_path / "new" / "data").glob("*.csv"))
    (arguments,) = launched
    assert f"--ServerApp.root_dir={(tmp_path / 'new').resolve()}" in arguments
    assert f"--LabApp.default_url=/lab/tree/{command.FIRST}" in arguments
    assert {"--no-browser", "--ServerApp.port=8899"} <= set(arguments)


def test_a_changed_file_is_kept_and_named(tmp_path: Path, launched: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / command.FIRST).write_text("mine")
    command.main([str(tmp_path)])
    command.main([str(tmp_path)])
    assert (tmp_path / command.FIRST).read_text() == "mine"
    assert capsys.readouterr().out.count("Kept your") == 2
    assert len(launched) == 2


def test_in_place_nothing_is_copied(launched: Launch, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in command.EXAMPLES.rglob("*")}
    command.main([str(command.EXAMPLES)])
    assert {path: path.stat().st_mtime_ns for path in command.EXAMPLES.rglob("*")} == before
    assert "Kept" not in capsys.readouterr().out
    assert launched


def test_without_jupyterlab_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    assert command.main([str(tmp_path / "new")]) == 1
    assert 'pip install "nlsq-widget[lab]"' in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_named(
    tmp_path: Path, launched: Launch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert command.main([str(tmp_path / "file" / "new")]) == 1
    assert "Name another folder" in capsys.readouterr().err
    assert not launched


def test_help_runs_as_a_module() -> None:
    text = subprocess.run([sys.executable, "-m", "nlsq_widget", "--help"], capture_output=True, text=True, check=True)
    assert "--no-browser" in text.stdout
    assert "--port" in text.stdout
