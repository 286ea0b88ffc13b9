"""The first example, opened in JupyterLab: `python -m nlsq_widget`. It never overwrites a file that was changed."""

import argparse
import importlib
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

FIRST = "first_fit.ipynb"
HERE = Path(__file__).parent
# A wheel carries the examples inside the package; in a checkout they lie beside it.
EXAMPLES = HERE / "examples" if (HERE / "examples" / FIRST).exists() else HERE.parent / "examples"


def copy_examples(source: Path, folder: Path) -> Iterator[Path]:
    """Copy the notebooks and their data to folder; yields each file that was kept because it had been changed."""
    for path in sorted([*source.glob("*.ipynb"), *source.glob("data/*.csv")]):
        target = folder / path.relative_to(source)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        elif target.read_bytes() != path.read_bytes():
            yield target


def lab_arguments(folder: Path, port: int | None, browser: bool) -> list[str]:
    """The arguments with which JupyterLab opens the first example, and prints an address that leads to it."""
    arguments = [f"--ServerApp.root_dir={folder.resolve()}", f"--LabApp.default_url=/lab/tree/{FIRST}"]
    if port is not None:
        arguments.append(f"--ServerApp.port={port}")
    if not browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")
    return arguments


def main(arguments: Sequence[str] | None = None) -> int:
    """Copy the examples and serve them until JupyterLab is stopped; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m nlsq_widget", description="Open the first example in JupyterLab.")
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path("nlsq-examples"),
        help="where the examples are copied to (default: %(default)s); a file that you changed there is kept",
    )
    parser.add_argument("--port", type=int, help="port of the server (default: the first free one from 8888)")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    options = parser.parse_args(arguments)
    if find_spec("jupyterlab") is None:
        print('JupyterLab is not installed here: pip install "nlsq-widget[lab]"', file=sys.stderr)
        return 1
    try:
        for kept in copy_examples(EXAMPLES, options.folder):
            print(f"Kept your {kept}, which differs from the shipped one.")
    except OSError as error:
        print(f"The examples could not be copied to {options.folder}: {error}. Name another folder.", file=sys.stderr)
        return 1
    print(f"The examples are in {options.folder.resolve()}", flush=True)
    # JupyterLab is needed by this command only, so the package does not ask for it.
    labapp = importlib.import_module("jupyterlab.labapp")
    labapp.main(lab_arguments(options.folder, options.port, browser=not options.no_browser))
    return 0


if __name__ == "__main__":
    sys.exit(main())
