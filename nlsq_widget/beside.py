"""Work beside what the kernel is busy with. A newer piece of long work ends the one that runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

Alive = Callable[[], bool]
Work = Callable[[Alive], None]  # it asks now and then whether it is still wanted, and ends when it is not


class Beside:
    """A thread that lives while there is something to do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest = 0
        self._waiting: Work | None = None
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether something runs or waits."""
        return self._thread is not None

    def put(self, work: Work) -> None:
        """Do this, in place of whatever runs or waits."""
        with self._lock:
            self._newest += 1
            self._waiting = work
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="nlsq_widget", daemon=True)
                self._thread.start()

    def cancel(self) -> None:
        """Nothing is wanted any more."""
        with self._lock:
            self._newest += 1
            self._waiting = None

    def _run(self) -> None:
        try:
            while (taken := self._taken()) is not None:
                work, mine = taken
                work(lambda mine=mine: self._newest == mine)
        except BaseException:
            with self._lock:
                self._thread = None
            raise

    def _taken(self) -> tuple[Work, int] | None:
        """What to do next; when there is nothing, the thread ends."""
        with self._lock:
            work, self._waiting = self._waiting, None
            if work is None:
                self._thread = None
                return None
            return work, self._newest


def answer_beside_cells(comm: Any) -> None:
    """Let a comm be answered on the shell that it came by.

    ipykernel 7.4 would answer on the shell that last published, so that after "Run all" a drag waits for the
    running cell. The hook is private to it, and elsewhere not there.
    """
    if hasattr(comm, "_reply_subshell_for"):
        setattr(comm, "_reply_subshell_for", lambda _data, default: default)  # noqa: B010  (private: no type knows it)
