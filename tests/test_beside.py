"""Work on a thread of its own: the newest is what counts."""

import threading
import time

from nlsq_widget.beside import Beside


def rests(beside):
    until = time.monotonic() + 30
    while beside.busy:
        assert time.monotonic() < until
        time.sleep(0.001)


def test_newer_work_ends_older_and_what_waited_is_never_begun():
    beside, begun, go = Beside(), [], threading.Event()

    def work(name):
        def run(alive):
            begun.append(name)
            go.set()
            while alive() and name != "last":
                time.sleep(0.001)

        return run

    beside.put(work("first"))
    go.wait(30)
    for name in ("second", "third", "last"):
        beside.put(work(name))
    rests(beside)
    assert begun[0] == "first"
    assert begun[-1] == "last"


def test_cancelled_work_is_told_and_nothing_follows():
    beside, ended, go = Beside(), threading.Event(), threading.Event()

    def run(alive):
        go.set()
        while alive():
            time.sleep(0.001)
        ended.set()

    beside.put(run)
    go.wait(30)
    beside.cancel()
    assert ended.wait(30)
    rests(beside)


def test_work_that_fails_does_not_stop_what_comes_after(monkeypatch):
    beside, done, failed = Beside(), threading.Event(), []
    monkeypatch.setattr(threading, "excepthook", lambda about: failed.append(about.exc_type))

    def fails(_alive):
        raise RuntimeError("a mistake in an observer, say")

    beside.put(fails)
    rests(beside)
    beside.put(lambda _alive: done.set())
    assert done.wait(30)
    rests(beside)
    assert failed == [RuntimeError]
