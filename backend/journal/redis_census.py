"""The census of several processes, in Redis: each leaves its counts there twice a second, and takes
those of the others with it. One command a time, whatever the number of connections; and hardly any
while nobody has many of anything."""

import logging
import math
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import msgpack

from backend import green
from backend.clock import Clock
from backend.journal.board import Board
from backend.journal.census import UNTOLD_PART
from backend.journal.counts import Counts
from backend.journal.orders import COUNTED, Orders

logger = logging.getLogger(__name__)

COUNTS = "crs:census"
EVERY_SECONDS = 0.5
# Where no process has anything to tell, each hears that so much less often; the first one that has
# makes the others listen.
QUIET_SECONDS = 2.0
# A process that says nothing for this long is taken to have ended, and its connections with it;
# and one that has heard nothing for as long counts for itself.
FRESH_SECONDS = 5.0
# Keys of one kind that a process tells of, those with the most first: 15 KB.
TOLD_MAX = 500


@dataclass(frozen=True, slots=True)
class _Told:
    what: str
    counts: Callable[[], Counts]
    at_least: int


class RedisCensus:
    """Counts that cross Redis. `exchange` is for a background task, and may raise `RedisFailed`."""

    def __init__(
        self, url: str, me: str, orders: Orders, sleep: Callable[[float], None], clock: Clock
    ) -> None:
        """`me` is a name that no other process has."""
        self._orders = orders
        self._sleep = sleep
        self._clock = clock
        self._board = Board(url, COUNTS, me, FRESH_SECONDS)
        self._told: list[_Told] = []
        self._others: Counter[tuple[str, Hashable]] = Counter()
        self._heard_at = 0.0
        self._broken = False
        self._tells = False
        self._quiet_until = -math.inf
        orders.on(COUNTED, self._listen)

    def tell(self, what: str, counts: Callable[[], Counts], limit: int) -> None:
        """Let the others know of these counts, of each of which `limit` is the most."""
        self._told.append(_Told(what, counts, max(1, limit // UNTOLD_PART)))

    def others(self, what: str, key: Hashable) -> int:
        """How many all other processes have of a key together; 0 where they can't be asked."""
        if not self._others or self._clock.monotonic() - self._heard_at > FRESH_SECONDS:
            return 0
        return self._others[(what, key)]

    def exchange(self) -> None:
        """Tell and hear, if there may be anything to, and wait a little."""
        own = {
            told.what: list(told.counts().largest(TOLD_MAX, told.at_least).items())
            for told in self._told
        }
        now, tells = self._clock.monotonic(), any(own.values())
        if tells or self._tells or self._others or now >= self._quiet_until:
            self._quiet_until = now + QUIET_SECONDS
            self._talk(msgpack.packb(own))
            if tells and not self._tells:
                self._orders.give(COUNTED)
            self._tells = tells
        self._sleep(EVERY_SECONDS)

    def _talk(self, own: bytes) -> None:
        others: Counter[tuple[str, Hashable]] = Counter()
        for packed in self._board.exchange(own):
            self._add(others, packed)
            green.pause()
        self._others, self._heard_at = others, self._clock.monotonic()

    def _listen(self) -> None:
        self._quiet_until = -math.inf

    def _add(self, others: "Counter[tuple[str, Hashable]]", packed: bytes) -> None:
        try:
            for what, counts in msgpack.unpackb(packed).items():
                for key, count in counts:
                    others[(what, key)] += count
        except Exception:
            if not self._broken:
                self._broken = True
                logger.exception("Another process's counts can't be read")
