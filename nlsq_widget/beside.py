"""Long work beside the kernel's threads: one piece at a time, and a newer one ends the one that runs."""

from __future__ import annotations

import threading
from collections.abc import Callable

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
