"""How many certified digits come out at default settings, and who ends lower. A fit that raises has no digits."""

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import numpy as np

from benchmarks.contestants import LM, LMFIT, NLSQ, OPTIMISTIX, OURS, TRF, Contestant, absent, present
from benchmarks.effort import Effort
from benchmarks.report import Report, Table, bars
from benchmarks.tasks import Task
from benchmarks.timing import timed

# The certified values and the formulas are those that the tests use.
sys.path.append(str(Path(__file__).parent.parent / "tests"))

import mgh
import nist

CONTESTANTS = (OURS, LM, replace(TRF, name="SciPy trf"), LMFIT, OPTIMISTIX, NLSQ)  # all without bounds here
LEVELS = (4, 6, 8)
CERTIFIED = 11  # digits


@dataclass(frozen=True)
class Digits:
    """How one contestant fared from one start."""

    contestant: str
    start: str
    digits: float  # of its worst parameter
    raised: bool


def run(effort: Effort) -> Report:
    """NIST's problems for all, MINPACK's for us and MINPACK."""
    problems = [p for p in nist.PROBLEMS.values() if effort.nist is None or p.name in effort.nist]
    found: list[Digits] = []
    for contestant in present(CONTESTANTS):
        seconds = timed(lambda: found.extend(_all(contestant, problems)))  # noqa: B023 - called in this turn
        print(f"  {contestant.name}: {seconds:.0f} s with compiling", flush=True)
    counts = _counts(found)
    return Report(
        "Accuracy",
        f"The {len(problems)} problems of NIST's StRD from both of NIST's starts, at default settings: in how many of "
        f"the {2 * len(problems)} fits the worst parameter has at least so many of the 11 certified digits.",
        (counts, _every(found), *_lower(effort.mgh)),
        (
            "optimistix has no default tolerances: 1e-8 is given, and 2000 steps.",
            "SciPy and lmfit take derivatives by differences, as they do by default, of models jitted in float64.",
            "MGH: the problems of Moré, Garbow and Hillstrom, from the starts of MINPACK's own test driver.",
            "As low: |r| within 1e-6 of the lowest that any of the three found. lmder is given exact derivatives.",
            *absent(CONTESTANTS),
        ),
        {"accuracy": bars(_shares(counts), f"fits of {2 * len(problems)}, by the certified digits that they reach")},
    )


def _all(contestant: Contestant, problems: list[nist.Problem]) -> list[Digits]:
    return [
        _digits(contestant, problem, start, f"{problem.name} {which}")
        for problem in problems
        for which, start in (("far", problem.start_1), ("near", problem.start_2))
    ]


def _digits(contestant: Contestant, problem: nist.Problem, start: np.ndarray, name: str) -> Digits:
    jitted = jax.jit(problem.model)
    task = Task(problem.model, lambda x, *p: np.asarray(jitted(x, *p)), problem.x, problem.y, start)
    try:
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            popt = contestant.make(task)()
    except Exception:  # noqa: BLE001 - whatever another library raises is no answer
        return Digits(contestant.name, name, 0.0, raised=True)
    with np.errstate(all="ignore"):
        digits = -np.log10(np.abs(popt / problem.certified - 1))
    worst = float(np.min(np.where(np.isfinite(popt), np.clip(digits, 0, CERTIFIED), 0)))
    return Digits(contestant.name, name, worst, raised=False)


def _counts(found: list[Digits]) -> Table:
    rows = []
    for name in dict.fromkeys(one.contestant for one in found):
        mine = [one for one in found if one.contestant == name]
        reached = [str(sum(one.digits >= level for one in mine)) for level in LEVELS]
        rows.append((name, *reached, str(sum(one.raised for one in mine)), str(len(mine))))
    columns = ("contestant", *(f"≥ {level} digits" for level in LEVELS), "raised an error", "fits")
    return Table("NIST: fits that reach so many certified digits", columns, tuple(rows))


def _shares(counts: Table) -> dict[str, tuple[str, dict[str, float]]]:
    """The counts as parts that add up."""
    libraries = {contestant.name: contestant.library for contestant in CONTESTANTS}
    parts = {}
    for name, four, six, eight, *_ in counts.rows:
        low, middle, high = int(four), int(six), int(eight)
        parts[name] = (libraries[name], {"≥ 8": high, "6": middle - high, "4": low - middle})
    return parts


def _every(found: list[Digits]) -> Table:
    names = list(dict.fromkeys(one.contestant for one in found))
    told = {(one.contestant, one.start): "error" if one.raised else f"{one.digits:.1f}" for one in found}
    starts = dict.fromkeys(one.start for one in found)
    rows = tuple((start, *(told[name, start] for name in names)) for start in starts)
    return Table("NIST: digits of the worst parameter, from the start far away and from the near one",
                 ("start", *names), rows)  # fmt: skip


# -- against MINPACK -----------------------------------------------------------------------------------------------

_End = tuple[float, bool]  # |r|, and whether it is called converged


def _lower(limit: int | None) -> tuple[Table, ...]:
    cases = mgh.CASES[:limit]
    ends: dict[str, list[_End]] = {
        name: [end(case) for case in cases]
        for name, end in {
            OURS.name: _ours,
            "MINPACK lmder, SciPy's default tolerances": _lmder(1.49012e-8),
            "MINPACK lmder, tolerances 1e-15": _lmder(1e-15),
        }.items()
    }
    lowest = [min(norms) for norms in zip(*([norm for norm, _ in one] for one in ends.values()), strict=True)]
    floors = [best * (1 + 1e-6) + 1e-12 * case.problem.at_start[0] for best, case in zip(lowest, cases, strict=True)]
    rows, higher = [], []
    for name, one in ends.items():
        low = [norm <= floor for (norm, _), floor in zip(one, floors, strict=True)]
        rows.append((name, str(sum(low)), str(sum(said for _, said in one)), str(len(cases))))
        higher += [
            (name, str(case), f"{norm:.8g}", f"{best:.8g}", "yes" if said else "no")
            for case, (norm, said), best, ok in zip(cases, one, lowest, low, strict=True)
            if not ok
        ]
    columns = ("solver", "as low as any", "called converged", "starts")
    listed = ("solver", "start", "its norm", "lowest norm", "called converged")
    return Table("MGH: who ends lowest", columns, tuple(rows)), Table("MGH: higher", listed, tuple(higher))


def _ours(case: mgh.Case) -> _End:
    try:
        result = mgh.ours(case)
    except ValueError:
        return np.inf, False
    return mgh.norm_at(case.problem, result.popt), result.success


def _lmder(tolerance: float) -> Callable[[mgh.Case], _End]:
    def end(case: mgh.Case) -> _End:
        with warnings.catch_warnings(action="ignore"):
            found = mgh.lmder_from(case.problem, case.problem.begin(case.factor), tolerance)
        return found.norm, found.info in (1, 2, 3, 4)

    return end
