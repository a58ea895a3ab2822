"""What was heard during a measurement, and what follows from it."""

from array import array
from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Recording:
    """Messages that hold `marker` near their beginning.

    With `detail` the quotes are counted and each message's arrival (monotonic seconds) and client
    are kept. `numbered` messages carry a number, `"n"`, that is checked, and kept with `detail`.
    """

    marker: bytes
    detail: bool = True
    numbered: bool = False
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

    `ticks` are those heard as a whole; `missing` and `duplicates` count (client, tick) pairs of
    those. `known` is false where ticks ran into each other, so that nothing can be said.
    """

    p50: float
    p99: float
    worst: float
    ticks: int
    missing: int
    duplicates: int
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
    pairs = Counter(
        (int((arrival - origin) // interval), owner)
        for arrival, owner in zip(arrivals, recording.owners, strict=True)
    )
    numbers = sorted({tick for tick, _ in pairs})
    # The first and the last may have begun before, or gone on after, the recording.
    whole = set(numbers[1:-1])
    heard = sum(1 for tick, _ in pairs if tick in whole)
    copies = sum(count for (tick, _), count in pairs.items() if tick in whole)
    span = numbers[-1] - numbers[0] - 1
    return Punctuality(
        quantile(lateness, 0.5),
        quantile(lateness, 0.99),
        lateness[-1],
        len(whole),
        max(0, span * clients - heard),
        copies - heard,
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
