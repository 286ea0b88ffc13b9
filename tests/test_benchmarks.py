"""The benchmarks run, in small, and their pages have what they claim. No time is asserted."""

import itertools
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import timing
from benchmarks.report import Table
from benchmarks.timing import ROUNDS, Measurement, interleaved

ROOT = Path(__file__).parent.parent
SWEEP = {"min ms", "median ms", "off", "calls"}
COLUMNS = {
    "cold": {"import", "first fit, empty cache", "first fit, second process"},
    "compilations": {"first call", "the same again", "another p0"},
    "points": SWEEP | {"min / SciPy lm", "min / SciPy trf, bounds"},
    "parameters": SWEEP | {"min / SciPy lm", "min / SciPy trf, bounds"},
    "batch": SWEEP | {"min / SciPy lm loop"},
    "limit": {"points", "steps", "ratio of minima"},
    "live": {"median ms", "p95 ms", "updates / s", "settled ms"},
    "accuracy": {"≥ 4 digits", "≥ 6 digits", "≥ 8 digits", "as low as any"},
}
PICTURES = set(COLUMNS) - {"compilations", "limit", "live"}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The folder of a quick run in a process of its own: some contestants change JAX for the whole of theirs."""
    folder = tmp_path_factory.mktemp("results")
    command = [sys.executable, "-m", "benchmarks", "--quick", "--results", str(folder)]
    # It is to run, not to run fast.
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "XLA_FLAGS": flags}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return folder


def tables(page):
    """The rows of every table in Markdown, the first of each its header."""
    for is_table, lines in itertools.groupby(page.splitlines(), lambda line: line.startswith("|")):
        if is_table:
            header, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
            yield header, rows


@pytest.mark.parametrize("part", COLUMNS)
def test_a_page_has_its_columns_filled_and_names_the_machine(results, part):
    page = (results / f"{part}.md").read_text()
    found = list(tables(page))
    assert COLUMNS[part] <= {column for header, _ in found for column in header}
    assert all(len(row) == len(header) for header, rows in found for row in rows)
    assert sum(row[0] == "nlsq_widget" for _, rows in found for row in rows) or part in ("batch", "limit", "live")
    assert "cores, JAX on" in page


@pytest.mark.parametrize("part", sorted(PICTURES))
def test_a_page_shows_its_picture(results, part):
    assert f"]({part}.svg)" in (results / f"{part}.md").read_text()
    assert "<svg" in (results / f"{part}.svg").read_text()


def test_an_identical_second_call_compiles_nothing_of_ours(results):
    ((header, rows),) = tables((results / "compilations.md").read_text())
    ours = {row[0]: row for row in rows}["nlsq_widget"]
    assert ours[header.index("the same again")] == "0"


def test_contestants_take_turns_and_who_is_slow_sits_out(monkeypatch):
    order, now = [], [0.0]
    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    takes = {"quick": 1e-4, "slow": 0.02}

    def call(name):
        order.append(name)
        now[0] += takes[name]

    times = interleaved({name: partial(call, name) for name in takes}, 0.1)
    blocks = [name for name, _ in itertools.groupby(order[len(order) - sum(map(len, times.values())) :])]
    assert blocks.count("slow") == ROUNDS[0] == len(times["slow"])
    assert len(times["quick"]) >= 20 * ROUNDS[0]


def test_minimum_and_median_are_those_of_the_calls():
    taken = Measurement("any", 1, (3.0, 1.0, 2.0, 9.0))
    assert (taken.best, taken.median) == (1.0, 2.5)


def test_a_table_is_markdown():
    text = Table("T", ("name", "ms"), (("a", "1"), ("b", "2"))).markdown()
    assert next(tables(text)) == (["name", "ms"], [["a", "1"], ["b", "2"]])


def test_an_unknown_part_is_refused_with_the_known_ones():
    command = [sys.executable, "-m", "benchmarks", "sped"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no part 'sped'; choose from cold, compilations" in done.stderr
