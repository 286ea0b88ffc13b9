"""All comparisons, or those that are named: `python -m benchmarks points accuracy`."""

import argparse
import logging
from pathlib import Path

import jax

from benchmarks import accuracy, batch, cold, compilations, limit, live, speed
from benchmarks.effort import FULL, QUICK
from benchmarks.timing import timed

PARTS = {
    "cold": cold.run,
    "compilations": compilations.run,
    "points": speed.points,
    "parameters": speed.parameters,
    "batch": batch.run,
    "limit": limit.run,
    "live": live.run,
    "accuracy": accuracy.run,
}
GROUPS = {"speed": ("points", "parameters", "batch", "limit")}


def main() -> None:
    """Run the parts and write a page for each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join([*PARTS, *GROUPS])}; all if left out")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it run?")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results", help="where the pages go")
    given = parser.parse_args()
    wanted = [name for part in given.parts or PARTS for name in GROUPS.get(part, (part,))]
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; choose from {', '.join([*PARTS, *GROUPS])}")
    # Float64 for those who take it from the configuration; a log is nothing to be timed.
    jax.config.update("jax_enable_x64", True)
    logging.disable(logging.ERROR)
    effort = QUICK if given.quick else FULL
    for name in wanted:
        print(name, flush=True)
        seconds = timed(lambda: PARTS[name](effort).write(given.results, name))  # noqa: B023 - called in this turn
        print(f"  {name}.md after {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
