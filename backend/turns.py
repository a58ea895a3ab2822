"""Turns at the hub for what comes in, so that no sender takes everybody's time.

Ticks go out by timers of their own and ask nobody. What clients make the process do, whether by
frames, packets, requests or new connections, is done in turns: a slice at a time, then whatever
else is ready, those first who have had least. While others want the hub too, what comes in has a
share of it; where nobody does, it goes on at once. Nothing is refused here: who asks for more
waits, and TCP slows the sender down.
"""

import heapq
import itertools
import math
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from backend import green
from backend.clock import Clock

# Of the hub's time, what all that comes in may take while others want it ...
INBOUND_SHARE = 0.5
# ... and what among it those may take of whom no token is known: requests over HTTP, handshakes,
# and connections that have not been accepted.
STRANGERS_SHARE = 0.25
# The longest stretch of inbound work in one go. A tick can be late by two of them: one that is
# done as it comes, and one of what has queued up.
SLICE_SECONDS = 0.002
# A turn of the hub between two slices that was shorter than this had nothing else to do.
IDLE_SECONDS = 0.0003
# For how long what a sender has had is held against it.
MEMORY_SECONDS = 5.0
# No work for one sender takes the hub for longer; what seems to has waited, as for Redis, while
# others had the hub.
LONGEST_SECONDS = 0.02
# Who differs by less than this has had as much: one request more or less is no difference.
RANK_STEP_SECONDS = 0.0001
# How much of what its whole network has had counts for the rank of one sender.
NETWORK_WEIGHT = 0.1
# A sender that has had more waiting at the end of each of its turns for this long sends more than
# it will ever be served: it is to be parted from.
BACKLOG_SECONDS = 15.0


@dataclass(slots=True, eq=False)
class Share:
    """What one sender has had: a connection, or with it all of one network.

    `stranger` until a token of the sender's has been accepted; `waiting` while something of it
    waits for its turn.
    """

    network: "Share | None" = None
    stranger: bool = True
    waiting: bool = False
    used: float = 0.0  # seconds of the hub, those of a while ago counting less
    at: float = 0.0
    backlog_since: float | None = None

    def add(self, seconds: float, now: float) -> None:
        self.used = self.had(now) + seconds
        self.at = now

    def had(self, now: float) -> float:
        """`used` as it counts now."""
        return self.used * math.exp((self.at - now) / MEMORY_SECONDS)

    def rank(self, now: float) -> int:
        """The lower, the sooner its turn; those who are equal come in the order of coming."""
        network = self.network.had(now) * NETWORK_WEIGHT if self.network else 0.0
        return int((self.had(now) + network) / RANK_STEP_SECONDS)


# What has been begun goes on before anything new: an answer that takes several turns would else
# wait in each of them for all who have come meanwhile.
_BEGUN = -1

# Work that waits for its turn: its rank, a number that no other has, the sender, what to call, and
# what that is charged beyond the time that it takes.
_Waiting = tuple[int, int, Share, Callable[[], None], float]


class _Budget:
    """Seconds of the hub that may be spent: a slice at most, and may be owed. Refilled while others
    have the hub, so that in the long run it is `share` of the time."""

    __slots__ = ("_rate", "_left", "_at")

    def __init__(self, share: float, now: float) -> None:
        self._rate = share / (1 - share)
        self._left = SLICE_SECONDS
        self._at = now

    def left(self, now: float) -> float:
        self._left = min(SLICE_SECONDS, self._left + (now - self._at) * self._rate)
        self._at = now
        return self._left

    def spend(self, seconds: float) -> None:
        self._left -= seconds

    def spent_until(self, now: float) -> None:
        """The time up to now was that of this budget itself."""
        self._at = now

    def refill(self) -> None:
        self._left = SLICE_SECONDS


class Turns:
    """The queue for the hub's time: one a process. A sender is in it once at most for each
    connection that it has, and so it is bounded as they are."""

    def __init__(self, clock: Clock) -> None:
        self._now = clock.monotonic
        now = self._now()
        self._all = _Budget(INBOUND_SHARE, now)
        self._strangers = _Budget(STRANGERS_SHARE, now)
        self._known_waiting: list[_Waiting] = []
        self._strangers_waiting: list[_Waiting] = []
        # Newcomers that the kernel holds have no share that they could wait with: while they are
        # there, strangers' time is halved between taking them in and serving those taken in.
        self._arrival: _Waiting | None = None
        self._arrivals, self._served_strangers = Share(), Share()
        self._numbers = itertools.count()
        self._timer: green.Timer | None = None
        self._served_at = 0.0
        self._present: ContextVar[Share | None] = ContextVar("present", default=None)

    def take(self, share: Share, work: Callable[[], None], extra: float = 0.0) -> bool:
        """Call `work`, which must not wait, now or in its turn, and charge its time to `share`, and
        `extra` seconds for what it begins; whether it was called now. For the hub: returns at
        once."""
        if self.free(share):
            self._run(share, work, extra)
            return True
        self._queue(share, work, extra)
        return False

    def wait(self, share: Share, seconds: float, begun: bool = False) -> None:
        """Block this greenlet until its turn, and charge what it is expected to take then; `begun`
        where it goes on with what has had a turn before."""
        if self.free(share):
            self.charge(share, seconds)
        else:
            turn = green.Event()
            self._queue(share, turn.send, seconds, begun)
            turn.wait()

    def arrive(self, work: Callable[[], None], seconds: float) -> None:
        """Call `work`, of which there is one at a time, when newcomers may be taken in; `seconds`
        is what that is expected to take then, charged to strangers as a whole."""
        self._arrival = (0, next(self._numbers), self._arrivals, work, seconds)
        self._serve_later()

    def done(self, share: Share, began: float, expected: float) -> float:
        """Correct what `wait` has charged, once the work that began then is done. Returns what it
        took."""
        now = self._now()
        self._own_until(share, now)
        took = min(now - began, LONGEST_SECONDS)
        self.charge(share, took - expected)
        return took

    def enter(self, share: Share) -> None:
        """Work for this sender in the present greenlet, from now to its end."""
        self._present.set(share)

    def again(self, seconds: float) -> None:
        """The present greenlet has waited for something beside the hub: wait for its turn to go on,
        if it works for a sender, and charge what it is expected to take."""
        share = self._present.get()
        if share is not None:
            self.wait(share, seconds, begun=True)

    def charge(self, share: Share, seconds: float) -> None:
        """Count time that a sender has made the hub spend; negative where too much was expected."""
        now = self._now()
        self._all.spend(seconds)
        if share.stranger:
            self._strangers.spend(seconds)
            if share is not self._arrivals:
                self._served_strangers.add(seconds, now)
        share.add(seconds, now)
        if share.network is not None:
            share.network.add(seconds, now)

    def free(self, share: Share) -> bool:
        """Whether it would be the sender's turn at once."""
        now = self._now()
        if share.stranger:
            if self._strangers_waiting or self._arrival or self._strangers.left(now) <= 0:
                return False
        elif self._known_waiting:
            return False
        return self._all.left(now) > 0

    def left_over(self, share: Share, more: bool) -> bool:
        """Note whether a sender has more waiting at the end of its turn; the answer is whether
        that has been so for too long."""
        if not more:
            share.backlog_since = None
            return False
        now = self._now()
        if share.backlog_since is None:
            share.backlog_since = now
        return now - share.backlog_since > BACKLOG_SECONDS

    def _run(self, share: Share, work: Callable[[], None], extra: float) -> None:
        began = self._now()
        try:
            work()
        finally:
            now = self._now()
            self._own_until(share, now)
            self.charge(share, now - began + extra)

    def _own_until(self, share: Share, now: float) -> None:
        """What passed up to now was inbound work itself, and earns it nothing."""
        self._all.spent_until(now)
        if share.stranger:
            self._strangers.spent_until(now)

    def _queue(
        self, share: Share, work: Callable[[], None], extra: float, begun: bool = False
    ) -> None:
        rank = _BEGUN if begun else share.rank(self._now())
        waiting = self._strangers_waiting if share.stranger else self._known_waiting
        share.waiting = True
        heapq.heappush(waiting, (rank, next(self._numbers), share, work, extra))
        self._serve_later()

    def _serve_later(self) -> None:
        if self._timer is None and (
            self._known_waiting or self._strangers_waiting or self._arrival
        ):
            self._timer = green.call_later(0.0, self._serve)

    def _serve(self) -> None:
        """Give turns until a slice is used up. Strangers come first, since their share is the
        smaller: without it nobody new could come in beside busy clients. Called by the hub."""
        self._timer = None
        if self._now() - self._served_at < IDLE_SECONDS:
            self._all.refill()
            self._strangers.refill()
        try:
            while (waiting := self._next()) is not None:
                _, _, share, work, extra = waiting
                share.waiting = False
                self._run(share, work, extra)
        finally:
            self._served_at = self._now()
            self._serve_later()

    def _next(self) -> _Waiting | None:
        now = self._now()
        if self._all.left(now) <= 0:
            return None
        if self._strangers.left(now) > 0:
            if self._arrival and self._accepts_next(now):
                arrival, self._arrival = self._arrival, None
                return arrival
            if self._strangers_waiting:
                return heapq.heappop(self._strangers_waiting)
        return heapq.heappop(self._known_waiting) if self._known_waiting else None

    def _accepts_next(self, now: float) -> bool:
        return not self._strangers_waiting or self._arrivals.had(now) <= self._served_strangers.had(
            now
        )
