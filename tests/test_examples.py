"""Every example notebook runs as a user would run it, and its data are NIST's."""

import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from nist import PROBLEMS

EXAMPLES = Path(__file__).parent.parent / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
TABLES = sorted(EXAMPLES.glob("data/*.csv"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs_and_agrees_with_the_certified_values(path: Path, tmp_path: Path) -> None:
    # Each notebook ends with a cell that compares its fits with the certified values.
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    notebook = nbformat.read(path, as_version=4)
    assert "np.testing.assert_allclose" in notebook.cells[-1].source
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_is_kept_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    nbformat.validate(notebook)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_the_table_holds_the_numbers_of_nist(path: Path) -> None:
    (problem,) = (problem for name, problem in PROBLEMS.items() if name.lower() == path.stem)
    x, y = np.loadtxt(path, delimiter=",", unpack=True)
    np.testing.assert_array_equal(x, problem.x)
    np.testing.assert_array_equal(y, problem.y)
