"""The wheel carries the front end and the examples, and is not built without them."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PARTS = ("nlsq_widget", "js", "examples", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "CHANGELOG.md")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources without anything built."""
    folder = tmp_path_factory.mktemp("a tree with spaces")
    unwanted = shutil.ignore_patterns("node_modules", "static", "__pycache__", "build")
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copyfile
        copy(ROOT / part, folder / part, **({"ignore": unwanted} if (ROOT / part).is_dir() else {}))
    return folder


def build(sources: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(sources / "dist")]
    return subprocess.run(command, cwd=sources, capture_output=True, text=True, check=False)


def test_the_wheel_carries_the_bundle_and_the_examples(sources: Path) -> None:
    done = build(sources)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (sources / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        names = set(files.namelist())
        script = files.read("nlsq_widget/static/widget.js").decode()
    assert {"nlsq_widget/static/widget.css", "nlsq_widget/py.typed", "nlsq_widget/examples/first_fit.ipynb"} <= names
    assert not [name for name in names if "node_modules" in name or name.startswith(("js/", "tests/"))]
    # Nothing at run time comes from elsewhere or is made from text. (Only the licence may name an address.)
    code = re.sub(r"/\*!.*?\*/", "", script, flags=re.DOTALL)
    assert re.findall(r"https?://(?!www\.w3\.org/)[^\s\"'`]+", code) == []
    assert re.findall(r"\beval\(|new Function\b|new Worker\b|importScripts|\bimport\(", code) == []


def test_a_wheel_without_the_bundle_is_not_built(sources: Path) -> None:
    (sources / "js" / "build.mjs").write_text("")  # builds nothing, and says that it went well
    shutil.rmtree(sources / "dist", ignore_errors=True)
    done = build(sources)
    assert done.returncode != 0
    assert "widget.js" in done.stdout + done.stderr
    assert not list((sources / "dist").glob("*.whl"))
