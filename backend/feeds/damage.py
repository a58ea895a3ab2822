"""Which candles trades alone can't give: the past at start, and minutes with lost trades.

A minute is *damaged* when trades of it may not have come over the stream: at start all of the past
and the minute in which the stream begins; at a reconnect everything from the last trade before to
the minute of the reconnect; and at any time the minutes between two trades whose ids are not
consecutive. A damaged minute is *repaired* by the exchange's own candle of it, which replaces
ours, so that nothing is counted twice. That is done once

- the market may replace it: the symbol has traded in a later minute, or the market's time has
  passed it, so it isn't forming, and
- the exchange won't change it any more: it closed `SETTLE_MS` ago, in the exchange's own time.

Until then it stays damaged. No decision depends on this machine's clock being right.
"""

import math
from dataclasses import dataclass

from backend.clock import HOUR_MS, MINUTE_MS, Clock
from backend.market.instrument import RENUMBERED_AFTER_MS
from backend.market.models import Trade
from backend.market.timeline import LEAP_MS

# An exchange finishes a candle a moment after its minute.
SETTLE_MS = 5_000
# What a run before had as its last minutes may not have been repaired yet when it ended. This much
# comes with the same request as the minutes after it.
DOUBTED_MS = 6 * HOUR_MS
# A trade this far behind the exchange's time, and in an earlier minute, may have come after the
# market had closed that minute.
LATE_MS = 1_500


def minute_of(time_ms: int) -> int:
    """The open time of the minute that holds `time_ms`."""
    return time_ms - time_ms % MINUTE_MS


class ExchangeTime:
    """The exchange's time, as far as its data tell."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen_at = 0.0
        self._leap_ms: int | None = None
        self.newest_ms: int | None = None  # the newest instant that was believed

    def reached(self, time_ms: int) -> bool:
        """The exchange claims to have reached `time_ms`; whether that is believed. A leap is once
        the next claim confirms it."""
        newest = self.newest_ms
        if newest is not None and time_ms - newest > LEAP_MS:
            claimed, self._leap_ms = self._leap_ms, time_ms
            if claimed is None or abs(time_ms - claimed) > LEAP_MS:
                return False
        self._leap_ms = None
        if newest is None or time_ms > newest:
            self.newest_ms = time_ms
            self._seen_at = self._clock.monotonic()
        return True

    def ended_until(self) -> float:
        """The newest minute that had ended for good at the last news; none before any."""
        if self.newest_ms is None:
            return -math.inf
        return minute_of(self.newest_ms - SETTLE_MS) - MINUTE_MS

    def settled_until(self) -> float:
        """The newest minute that the exchange won't change any more; none before any news."""
        if self.newest_ms is None:
            return -math.inf
        # The exchange's time is at least this, whatever the way here took.
        elapsed_ms = int(1000 * (self._clock.monotonic() - self._seen_at))
        return minute_of(self.newest_ms + elapsed_ms - SETTLE_MS) - MINUTE_MS


@dataclass(slots=True)
class Damage:
    """How far one symbol's stream has come, and which of its minutes are damaged.

    They are those from `since` to `until` (open times). A `since` of None: none are. An `until` of
    None: it isn't known before the exchange's candles have been seen.
    """

    time: ExchangeTime
    since: int | None = 0
    until: int | None = None
    version: int = 0  # grows with each new damage
    # Every minute before this has been had from the exchange, at least once.
    loaded_until: int = 0
    _fresh: bool = True
    _last_trade_id: int | None = None
    _last_trade_ms: int | None = None

    def resume(self, newest: int) -> None:
        """Every minute up to this one has been had before; the last of them are had again."""
        if not self.loaded_until:
            self.since = max(newest - DOUBTED_MS, 1)
            self.loaded_until = newest + MINUTE_MS

    def restarted(self) -> None:
        """The stream has (re)started: what came between its last trade and now is unknown."""
        last_ms = self._last_trade_ms
        self._add(self.loaded_until if last_ms is None else minute_of(last_ms), None)

    def repeats(self, trade: Trade) -> bool:
        """Whether the trade was observed before, as its id has it."""
        last_id, last_ms = self._last_trade_id, self._last_trade_ms
        return (
            trade.trade_id is not None
            and last_id is not None
            and last_ms is not None
            and trade.trade_id <= last_id
            and trade.time_ms < last_ms + RENUMBERED_AFTER_MS
        )

    def observe(self, trade: Trade) -> bool:
        """A trade has been handed to the market; whether trades before it are missing."""
        if not self.time.reached(trade.time_ms) or self.repeats(trade):
            return False
        last_id, last_ms, minute = (
            self._last_trade_id,
            self._last_trade_ms,
            minute_of(trade.time_ms),
        )
        gap = False
        if trade.trade_id is not None and last_id is not None and last_ms is not None:
            gap = trade.trade_id != last_id + 1
            if gap:
                self._add(minute_of(last_ms), minute)
        newest = self.time.newest_ms or 0
        if newest - trade.time_ms > LATE_MS and minute < minute_of(newest):
            self._add(minute, minute)
        self._last_trade_id = trade.trade_id
        self._last_trade_ms = trade.time_ms if last_ms is None else max(last_ms, trade.time_ms)
        return gap

    def newest_trade(self, trade_id: int, time_ms: int) -> bool:
        """The exchange says which trade was its newest at `time_ms`; whether any are missing."""
        last_id, last_ms = self._last_trade_id, self._last_trade_ms
        if not self.time.reached(time_ms) or last_id is None or last_ms is None:
            return False
        if trade_id <= last_id:
            return False
        self._add(minute_of(last_ms), minute_of(time_ms))
        self._last_trade_id = trade_id  # so that the next one doesn't show the same gap again
        return True

    def _add(self, since: int, until: int | None) -> None:
        if self.since is None:
            self.since, self.until = since, until
        else:
            self.since = min(self.since, since)
            self.until = None if until is None or self.until is None else max(self.until, until)
        self._fresh = True
        self.version += 1

    def due(self) -> bool:
        """Is there something to load? Of fresh damage, whatever can be had; the rest waits."""
        if self.since is None or self.since > self._replaceable_until():
            return False
        return self._fresh or self.since <= self.time.settled_until()

    def _replaceable_until(self) -> float:
        """The newest minute that the market would let a candle replace."""
        if self._last_trade_ms is None:
            return math.inf
        return max(minute_of(self._last_trade_ms) - MINUTE_MS, self.time.ended_until())

    def reach(self, newest: int) -> tuple[float, float]:
        """The newest minutes `(usable, final)` of candles, the newest of which opens at `newest`.

        That one may be forming, and the one before it may just have been, whatever is known of the
        exchange's time.
        """
        usable = min(self._replaceable_until(), newest - MINUTE_MS)
        return usable, min(usable, max(self.time.settled_until(), newest - 2 * MINUTE_MS))

    def repaired(self, final: float, newest: int, version: int) -> bool:
        """The market has got every candle up to `final`; whether that was any progress.

        What was damaged after `version` stays damaged.
        """
        self.loaded_until = max(self.loaded_until, int(final) + MINUTE_MS)
        if self.version != version or self.since is None:
            return True
        self._fresh = False
        if self.until is None:
            self.until = max(newest, minute_of(self.time.newest_ms or 0))
        if final < self.since:
            return False
        self.since = None if final >= self.until else int(final) + MINUTE_MS
        return True
