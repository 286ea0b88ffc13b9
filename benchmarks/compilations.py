"""How many programs XLA compiles for a call that repeats another, counted by XLA's own events."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

import jax
import numpy as np

from benchmarks.contestants import NLSQ, NLSQ_KEPT, OPTIMISTIX, OURS, OURS_NUMPY, Contestant, absent, present
from benchmarks.effort import Effort
from benchmarks.report import Report, Table
from benchmarks.tasks import Task, decay_task
from nlsq_widget.cache import DISABLE

EVENT = "/jax/core/compile/backend_compile_duration"
CONTESTANTS = (OURS, OURS_NUMPY, OPTIMISTIX, NLSQ, NLSQ_KEPT)
_POINTS = 90  # that no other part uses, so that the first call is a first call


def run(_effort: Effort) -> Report:
    """For those that compile."""
    # What an earlier run left on disk would hide the first compilation.
    before, os.environ[DISABLE] = os.environ.get(DISABLE, ""), "1"
    rows = tuple(_row(contestant) for contestant in present(CONTESTANTS))
    os.environ[DISABLE] = before
    columns = ("contestant", "first call", "the same again", "another p0", "another y", "3 points fewer")
    return Report(
        "Compilations",
        f"Events {EVENT} in one process, call after call: a·exp(−b·x) + c at {_POINTS} points.",
        (Table("Programs compiled by a call", columns, rows),),
        ("Nothing is on disk before. A first call finds what the lines above it compiled.", *absent(CONTESTANTS)),
    )


def _row(contestant: Contestant) -> tuple[str, ...]:
    task = decay_task(_POINTS)
    again = contestant.make(task)
    calls = [again, again, *(contestant.make(other) for other in _others(task))]
    with counted() as count:
        told = [count[0]]
        for call in calls:
            call()
            told.append(count[0])
    return (contestant.name, *(str(n) for n in np.diff(told)))


def _others(task: Task) -> list[Task]:
    return [
        replace(task, p0=1.1 * task.p0),
        replace(task, y=1.1 * task.y),
        replace(task, x=task.x[:-3], y=task.y[:-3]),
    ]


@contextmanager
def counted() -> Generator[list[int]]:
    """A list whose only number grows with each compilation."""
    count = [0]

    def listen(event: str, duration_secs: float, **kwargs: str | int) -> None:  # noqa: ARG001 - as JAX calls it
        count[0] += event == EVENT

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield count
    # Older versions have no public name for it; what goes on counting there harms nobody.
    getattr(jax.monitoring, "unregister_event_duration_listener", lambda _: None)(listen)
