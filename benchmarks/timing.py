"""How long calls take. Contestants take turns, so that what slows the machine slows all of them."""

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

ROUNDS = (5, 100)  # at least and at most
REPEATS = 20  # at most


@dataclass(frozen=True)
class Measurement:
    """The time of one contestant at one size."""

    contestant: str
    size: int
    seconds: tuple[float, ...]  # each of the calls
    off: float | None = None  # of the minimum, in standard errors

    @property
    def best(self) -> float:
        return min(self.seconds)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def interleaved(calls: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, tuple[float, ...]]:
    """Time warm calls for about `seconds` in all, of which each contestant has the same share.

    In a round each makes a few calls in a row; their order is drawn for each round, so that nobody always follows
    the same one. Who is slow sits out some of the rounds.
    """
    for call in calls.values():
        call()
    visits = {name: _visits(timed(call), seconds / len(calls)) for name, call in calls.items()}
    rounds = max(count for count, _ in visits.values())
    samples: dict[str, list[float]] = {name: [] for name in calls}
    names, order = list(calls), random.Random(0)
    gc.collect()
    collecting = gc.isenabled()
    gc.disable()  # as timeit does
    try:
        for turn in range(rounds):
            order.shuffle(names)
            for name in names:
                count, repeats = visits[name]
                if (turn + 1) * count // rounds > turn * count // rounds:
                    samples[name] += [timed(calls[name]) for _ in range(repeats)]
    finally:
        if collecting:
            gc.enable()
    return {name: tuple(times) for name, times in samples.items()}


def _visits(once: float, share: float) -> tuple[int, int]:
    """In how many rounds to call, and how often in a row: what is quick, until its caches are warm."""
    repeats = min(max(int(0.01 / once), 1), REPEATS)
    return min(max(int(share / (once * repeats)), ROUNDS[0]), ROUNDS[1]), repeats


def timed(call: Callable[[], Any]) -> float:
    """The seconds that one call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
