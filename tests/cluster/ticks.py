"""What the clients of several processes were sent with their ticks, compared."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from tests.cluster.processes import Cluster

# Of each symbol its name, and its quote's number and price, by name. Numbers never go back.
Numbers = tuple[tuple[str, int, float], ...]


def left_out(cluster: Cluster, before: Iterable[float] = ()) -> list[float]:
    """How many ticks each process says that it was too late to send, since it said `before`."""
    now = [server.metric("crs_ticks_left_out_total") for server in cluster.servers]
    return [number - then for number, then in zip_longest(now, before, fillvalue=0.0)]


def assert_alike(heard: Sequence[Iterable[Numbers]], may_lack: Sequence[float]) -> None:
    """All have heard the same ticks in the same order, but for so many that each may lack. A tick
    in which nothing has changed is the one before it again."""
    each = [list(dict.fromkeys(ticks)) for ticks in heard]
    every = sorted({tick for ticks in each for tick in ticks})
    for ticks, lacking in zip(each, may_lack, strict=True):
        assert ticks == sorted(ticks)
        assert len(every) - len(ticks) <= lacking, f"{ticks} of {every}"
