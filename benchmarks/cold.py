"""The first fit in a fresh process, with nothing kept from before and with what the process before it kept."""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contestants import LM, NLSQ, OURS, OURS_NUMPY, Contestant, absent
from benchmarks.effort import Effort
from benchmarks.report import Report, Table, bars, number
from benchmarks.timing import timed

_ROOT = Path(__file__).parent.parent

_SCRIPT = """
import time
began = time.perf_counter()
{imports}
imported = time.perf_counter()
import logging
logging.disable(logging.ERROR)
x = np.linspace(0, 4, 100)
y = 2.5 * np.exp(-1.3 * x) + 0.5 + 0.05 * np.random.default_rng(0).normal(size=100)
def decay(x, a, b, c):
    return a * {xp}.exp(-b * x) + c
starting = time.perf_counter()
curve_fit(decay, x, y, p0=np.ones(3))
print(imported - began, time.perf_counter() - starting)
"""
_JAX = "import numpy as np, jax.numpy as jnp\n"
_STARTS = {
    OURS: (_JAX + "from nlsq_widget import curve_fit", "jnp"),
    LM: ("import numpy as np\nfrom scipy.optimize import curve_fit", "np"),
    OURS_NUMPY: ("import numpy as np\nfrom nlsq_widget import curve_fit", "np"),
    NLSQ: (_JAX + "from nlsq import curve_fit", "jnp"),
}


@dataclass(frozen=True)
class Start:
    """The seconds of one process."""

    importing: float
    fitting: float
    whole: float  # from the start of the process to its end


def run(effort: Effort) -> Report:
    """Pairs of processes with a home directory of their own, the contestants in turn; medians."""
    started = tuple(_STARTS)[: effort.starts]
    present = [contestant for contestant in started if contestant.available]
    pairs: dict[Contestant, list[tuple[Start, Start]]] = {contestant: [] for contestant in present}
    for turn in range(effort.processes):
        for contestant in present:
            if turn == 0 and effort.processes > 1:  # files and byte code come from the disk
                _pair(contestant)
            pairs[contestant].append(_pair(contestant))
        print(f"  turn {turn + 1}", flush=True)
    rows = {contestant: _medians(found) for contestant, found in pairs.items()}
    columns = ("contestant", "import", "first fit, empty cache", "first fit, second process", "whole first process",
               "whole second process")  # fmt: skip
    return Report(
        "Cold start",
        "Seconds in fresh processes: a·exp(−b·x) + c at 100 points. The first process has an empty home directory, "
        "the second that which the first left behind.",
        (Table("Seconds, medians", columns, tuple((c.name, *map(number, row.values())) for c, row in rows.items())),),
        (f"{effort.processes} pairs of processes for each, in turn.", *absent(started)),
        {"cold": bars(_parts(rows), "seconds to the first result: import, then fit")},
    )


def _pair(contestant: Contestant) -> tuple[Start, Start]:
    with tempfile.TemporaryDirectory() as home:
        return _start(contestant, home), _start(contestant, home)


def _start(contestant: Contestant, home: str) -> Start:
    imports, xp = _STARTS[contestant]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "JAX_", "NLSQ_"))}
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    told = []

    def process() -> None:
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT.format(imports=imports, xp=xp)],
            env={**kept, "HOME": home, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        told.extend(float(word) for word in done.stdout.split()[-2:])

    whole = timed(process)
    return Start(told[0], told[1], whole)


def _medians(found: list[tuple[Start, Start]]) -> dict[str, float]:
    median = statistics.median
    return {
        "import": median(start.importing for pair in found for start in pair),
        "first": median(first.fitting for first, _ in found),
        "second": median(second.fitting for _, second in found),
        "whole first": median(first.whole for first, _ in found),
        "whole second": median(second.whole for _, second in found),
    }


def _parts(rows: Mapping[Contestant, Mapping[str, float]]) -> dict[str, tuple[str, dict[str, float]]]:
    return {
        contestant.name + (which if contestant is not LM else ""): (
            contestant.library,
            {"import": row["import"], "fit": row[key]},
        )
        for contestant, row in rows.items()
        for key, which in (("first", ",\nempty cache"), ("second", ",\nsecond process"))
        if contestant is not LM or key == "second"
    }
