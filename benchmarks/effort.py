"""How much is measured. Nothing else tells a run of minutes from a try of seconds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """Sizes, and the time that is spent on each."""

    points: tuple[int, ...] = (100, 1_000, 10_000, 100_000, 1_000_000)
    peaks: tuple[int, ...] = (1, 2, 3, 4, 5)  # of three parameters each
    peak_points: int = 1_000
    batches: tuple[int, ...] = (1, 10, 100, 1_000, 10_000)  # data sets
    batch_points: int = 100
    loop: int = 100  # data sets at most that a loop fits; what more would take is scaled
    limit_points: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    seconds: float = 6.0  # about what all contestants together get for a size
    starts: int = 4  # contestants that start cold
    processes: int = 3  # pairs of fresh ones for each of them
    live_points: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    live_beside: int = 100_000  # points at most that iminuit's widget draws
    live_events: int = 100  # one at a time
    live_seconds: float = 5.0  # of a stream of events
    nist: tuple[str, ...] | None = None  # problems; None: all 27
    mgh: int | None = None  # starts; None: all 53


FULL = Effort()
QUICK = Effort(
    points=(90,),  # with the models that were compiled to be counted
    peaks=(1,),
    peak_points=40,
    batches=(1, 3),
    batch_points=40,
    loop=2,
    limit_points=(90,),
    seconds=0.05,
    starts=2,
    processes=1,
    live_points=(90,),
    live_beside=90,
    live_events=3,
    live_seconds=0.5,
    nist=("Misra1a",),
    mgh=1,
)
