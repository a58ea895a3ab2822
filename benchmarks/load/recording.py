"""What was heard during a measurement, and what follows from it."""

from array import array
from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Recording:
    """Messages that hold `marker` near their beginning.

    With `detail` the quotes are counted and each message's arrival (monotonic seconds) and client
    are kept; with `payloads` what they said, too. `numbered` messages carry a number, `"n"`, that
    is checked, and kept with `detail`.
    """

    marker: bytes
    detail: bool = True
    numbered: bool = False
    payloads: list[bytes] | None = None
    messages: int = 0
    payload_bytes: int = 0
    # Of frames that came deflated: their bytes on the wire.
    deflated_bytes: int = 0
    quotes: int = 0
    # Sequence numbers that did not follow on their client's last one.
    broken: int = 0
    lost_clients: int = 0
    closes: list[bytes] = field(default_factory=list)
    arrivals: "array[float]" = field(default_factory=lambda: array("d"))
    owners: "array[int]" = field(default_factory=lambda: array("i"))
    numbers: "array[int]" = field(default_factory=lambda: array("q"))


@dataclass(frozen=True, slots=True)
class Punctuality:
    """Lateness in seconds against a steady schedule that the most punctual arrival defines.

    `ticks` is how many each client must have heard; `missing` and `surplus` add up what clients
    heard less or more than that. `known` is false where ticks ran into each other, so that
    nothing can be said.
    """

    p50: float
    p99: float
    worst: float
    ticks: int
    missing: int
    surplus: int
    known: bool = True


UNKNOWN = Punctuality(0.0, 0.0, 0.0, 0, 0, 0, known=False)
# Less quiet than this between ticks, and they can't be told apart.
QUIET_SHARE_MIN = 0.03


def punctuality(recording: Recording, interval: float, clients: int) -> Punctuality:
    """Judge ticks that are sent every `interval` seconds to each of `clients`.

    Needs no timestamp of the server's: folded onto one interval, arrivals leave a gap before the
    schedule's own instant, and each one's distance from it is its lateness.
    """
    arrivals = recording.arrivals
    if len(arrivals) < 2:
        return UNKNOWN
    start = arrivals[0]
    folded = sorted((arrival - start) % interval for arrival in arrivals)
    gap, due = _widest_gap(folded, interval)
    if gap < QUIET_SHARE_MIN * interval:
        return UNKNOWN
    lateness = sorted((offset - due) % interval for offset in folded)
    # Half the gap ahead of the schedule, so that rounding puts nothing into the tick before.
    origin = start + due - gap / 2
    ticks = [int((arrival - origin) // interval) for arrival in arrivals]
    # The first and the last may have begun before, or gone on after, the recording.
    first, last = min(ticks), max(ticks)
    heard = Counter(
        owner for tick, owner in zip(ticks, recording.owners, strict=True) if first < tick < last
    )
    whole = max(0, last - first - 1)
    counts = [heard[owner] for owner in range(clients)]
    return Punctuality(
        quantile(lateness, 0.5),
        quantile(lateness, 0.99),
        lateness[-1],
        whole,
        sum(max(0, whole - count) for count in counts),
        sum(max(0, count - whole) for count in counts),
    )


def numbered_lateness(recording: Recording, interval: float) -> list[float]:
    """Sorted lateness of messages that carry their number in a schedule of `interval` seconds."""
    offsets = [
        arrival - number * interval
        for arrival, number in zip(recording.arrivals, recording.numbers, strict=True)
    ]
    earliest = min(offsets)
    return sorted(offset - earliest for offset in offsets)


def quantile(ordered: list[float], share: float) -> float:
    """The value that `share` of the sorted list does not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _widest_gap(folded: list[float], interval: float) -> tuple[float, float]:
    """The widest gap of sorted offsets on a circle of `interval`, and the offset that ends it."""
    gap, end = folded[0] + interval - folded[-1], folded[0]
    for before, after in zip(folded, folded[1:], strict=False):
        if after - before > gap:
            gap, end = after - before, after
    return gap, end
