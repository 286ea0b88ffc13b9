"""The README's code runs, in order, as it stands."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_the_code_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    cells = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(cells) == 3
    names: dict[str, object] = {}
    for cell in cells:
        exec(cell, names)
    assert "degrees of freedom" in capsys.readouterr().out


def test_the_pictures_of_the_readme_are_there() -> None:
    for name in re.findall(r'(?:src|srcset)="([^"]+)"', (ROOT / "README.md").read_text()):
        assert (ROOT / name).stat().st_size > 20_000
