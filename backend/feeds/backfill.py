"""Brings candles that trades alone can't give: the past at start, and minutes with lost trades.

A minute is *damaged* when trades of it may not have come over the stream: at start all of the past
and the minute in which the stream begins; at a reconnect everything from the last trade before to
the minute of the reconnect; and at any time the minutes between two trades whose ids are not
consecutive. A damaged minute is *repaired* by the exchange's own candle of it, which replaces
ours, so that nothing is counted twice. That is done once

- the market may replace it: the symbol has traded in a later minute, so it isn't forming, and
- the exchange won't change it any more: it closed `SETTLE_MS` ago, in the exchange's own time.

Until then it stays damaged. No decision depends on this machine's clock being right.
"""

import logging
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

import numpy as np

from backend.clock import HOUR_MS, MINUTE_MS, Clock
from backend.feeds.backoff import Backoff
from backend.feeds.rest import RestClient, RestError, RestLimited, RestRejected
from backend.market.models import CANDLE_COLUMNS, OPEN_TIME, CandleArray, Trade

log = logging.getLogger(__name__)

HISTORY_MS = 48 * HOUR_MS
# An exchange finishes a candle a moment after its minute.
SETTLE_MS = 5_000
# A trade this far behind the exchange's time, and in an earlier minute, may have come after the
# market had closed that minute.
LATE_MS = 1_500
# A step in time beyond this is believed when a second claim confirms it.
LEAP_MS = HOUR_MS
# An id that is lower though its trade is this much later: the exchange numbers anew, or an earlier
# id was a lie. Repeats come within seconds.
RENUMBERED_AFTER_MS = MINUTE_MS
# How many requests may be under way together: enough to load 20 symbols within seconds.
WORKERS = 4
# How often a worker without work looks for some.
IDLE_S = 0.25
# An exchange that refuses a symbol does not list it; it may one day.
REJECTED_RETRY_S = 3_600.0

# (client, symbol, limit, end_ms) -> at most `limit` candles, oldest first, the newest ones or
# those that open at or before end_ms. The newest of all may be forming.
FetchCandles = Callable[[RestClient, str, int, int | None], CandleArray]
# (symbol, candles) -> None: hands closed candles on to the market.
DeliverCandles = Callable[[str, CandleArray], None]


def minute_of(time_ms: int) -> int:
    """The open time of the minute that holds `time_ms`."""
    return time_ms - time_ms % MINUTE_MS


@dataclass(slots=True)
class _Repair:
    """How far one symbol's stream has come, and which of its minutes are damaged."""

    backoff: Backoff
    last_trade_id: int | None = None
    last_trade_ms: int | None = None
    # Every minute before this has been had from the exchange, at least once.
    loaded_until: int = 0
    # Damaged are the minutes from `since` to `until` (both open times); None: none, or not known
    # before the exchange's candles have been seen.
    since: int | None = 0
    until: int | None = None
    tried: bool = False
    busy: bool = False
    rejected: bool = False
    not_before: float = 0.0
    damages: int = 0  # grows with each new damage, so that a fetch under way does not hide it

    def damage(self, since: int, until: int | None) -> None:
        if self.since is None:
            self.since, self.until = since, until
        else:
            self.since = min(self.since, since)
            self.until = None if until is None or self.until is None else max(self.until, until)
        self.tried = False
        self.damages += 1

    def replaceable_until(self, ended_until: float) -> float:
        """The newest minute that the market would let a candle replace: one in which the symbol
        can't trade any more, since it has traded later, or the market's time has passed it."""
        if self.last_trade_ms is None:
            return math.inf
        return max(minute_of(self.last_trade_ms) - MINUTE_MS, ended_until)

    def due(self, ended_until: float, settled_until: float) -> bool:
        """Is there something to load? Of fresh damage, whatever can be had: the rest waits."""
        if self.since is None or self.busy or self.since > self.replaceable_until(ended_until):
            return False
        return not self.tried or self.since <= settled_until


class Backfill:
    """Watches the trades of `symbols`, and repairs damaged minutes in the background.

    `fetch` and `deliver` are called from the workers, `observe` and `damage_all` from the feed.
    """

    def __init__(
        self,
        symbols: Iterable[str],
        fetch: FetchCandles,
        deliver: DeliverCandles,
        make_client: Callable[[], RestClient],
        page: int,
        clock: Clock,
        random: Random,
        counters: Counter[str],
    ) -> None:
        self._fetch = fetch
        self._deliver = deliver
        self._page = page
        self._clock = clock
        self._counters = counters
        self._repairs = {symbol: _Repair(Backoff(random)) for symbol in symbols}
        self._clients = [make_client() for _ in range(WORKERS)]
        self._threads: list[threading.Thread] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._enabled = False
        self._outage = Backoff(random)
        self._paused_until = 0.0
        self._exchange_ms: int | None = None
        self._exchange_seen = 0.0
        self._leap_ms: int | None = None
        self._problem = ""  # why candles can't be had at present; empty when they can

    # --- from the feed ----------------------------------------------------------------------------

    def start(self) -> None:
        """Start the workers. They idle until `begin`."""
        for number, client in enumerate(self._clients):
            thread = threading.Thread(
                target=self._work, args=(client,), name=f"backfill-{number}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Cut off what is under way; `join` waits for the end."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        for client in self._clients:
            client.cut()

    def join(self) -> None:
        """Wait until every worker has ended."""
        for thread in self._threads:
            thread.join()

    def begin(self) -> None:
        """Load the past, if that has not been done."""
        with self._wake:
            self._enabled = True
            self._wake.notify_all()

    def damage_all(self) -> None:
        """The stream has (re)started: what came between its last trade and now is unknown."""
        self.begin()
        with self._wake:
            for repair in self._repairs.values():
                if repair.last_trade_ms is not None:
                    repair.damage(minute_of(repair.last_trade_ms), None)
                else:
                    repair.damage(repair.loaded_until, None)
            self._wake.notify_all()

    def observe(self, trade: Trade) -> None:
        """A trade has been handed to the market."""
        repair = self._repairs[trade.symbol]
        last_id, last_ms = repair.last_trade_id, repair.last_trade_ms
        if not self.exchange_time(trade.time_ms):
            return
        minute = minute_of(trade.time_ms)
        assert self._exchange_ms is not None
        if self._exchange_ms - trade.time_ms > LATE_MS and minute < minute_of(self._exchange_ms):
            self._damage(repair, minute, minute)
        if trade.trade_id is not None and last_id is not None and last_ms is not None:
            if trade.trade_id <= last_id and trade.time_ms < last_ms + RENUMBERED_AFTER_MS:
                return
            if trade.trade_id != last_id + 1:
                self._counters["trade_gaps"] += 1
                self._damage(repair, minute_of(last_ms), minute)
        repair.last_trade_id = trade.trade_id
        repair.last_trade_ms = trade.time_ms if last_ms is None else max(last_ms, trade.time_ms)

    def exchange_time(self, time_ms: int) -> bool:
        """An instant that the exchange claims to have reached; whether it is believed. A leap is
        once the next claim confirms it."""
        known = self._exchange_ms
        if known is not None and time_ms - known > LEAP_MS:
            claimed, self._leap_ms = self._leap_ms, time_ms
            if claimed is None or abs(time_ms - claimed) > LEAP_MS:
                return False
        self._leap_ms = None
        if known is None or time_ms > known:
            self._exchange_ms = time_ms
            self._exchange_seen = self._clock.monotonic()
        return True

    def _damage(self, repair: _Repair, since: int, until: int) -> None:
        with self._wake:
            repair.damage(since, until)

    def report(self) -> str:
        """What is missing at present, for people; empty when nothing is."""
        unlisted = self.unlisted()
        loading = any(r.loaded_until == 0 and not r.rejected for r in self._repairs.values())
        parts = [
            "history is loading" if loading else "",
            f"no candles from the exchange: {self._problem}" if self._problem else "",
            f"not listed: {', '.join(unlisted)}" if unlisted else "",
        ]
        return "; ".join(part for part in parts if part)

    def unlisted(self) -> list[str]:
        """The symbols that the exchange says it does not carry."""
        return [symbol for symbol, repair in self._repairs.items() if repair.rejected]

    def pause(self, seconds: float) -> None:
        """Send no request for that long."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    # --- workers ----------------------------------------------------------------------------------

    def _work(self, client: RestClient) -> None:
        while (symbol := self._next(client)) is not None:
            repair = self._repairs[symbol]
            try:
                self._repair(client, symbol, repair)
                self._outage.reset()
                self._problem, repair.rejected = "", False
            except RestRejected as error:
                repair.rejected = True
                repair.not_before = self._clock.monotonic() + REJECTED_RETRY_S
                self._failed("rest_rejected", f"{symbol}: {error}")
            except RestLimited as error:
                self.pause(error.retry_after)
                self._failed("rest_limited", str(error))
                self._problem = str(error)
            except RestError as error:
                if self._clock.monotonic() >= self._paused_until:  # first of the workers to fail
                    self.pause(self._outage.next())
                self._failed("rest_unreachable", str(error))
                self._problem = str(error)
            except Exception as error:  # a bad answer must not end the worker
                repair.not_before = self._clock.monotonic() + repair.backoff.next()
                self._failed("rest_bad_answer", f"{symbol}: {error}")
            finally:
                with self._wake:
                    repair.busy = False
        client.close()

    def _failed(self, kind: str, what: str) -> None:
        if self._stopping:
            return
        self._counters[kind] += 1
        if self._counters[kind] == 1:
            log.warning("candles can't be had (%s): %s; trying again", kind, what)

    def _next(self, client: RestClient) -> str | None:
        """Wait for a symbol whose repair is due, and take it; None at the end."""
        with self._wake:
            while not self._stopping:
                now = self._clock.monotonic()
                if self._enabled and now >= self._paused_until:
                    ended, settled = self._ended_until(), self._settled_until()
                    for symbol, repair in self._repairs.items():
                        if repair.due(ended, settled) and now >= repair.not_before:
                            repair.busy = True
                            return symbol
                # An idle connection would be closed by the exchange in the meantime.
                client.close()
                self._wake.wait(IDLE_S)
        return None

    def _ended_until(self) -> float:
        """The newest minute that had ended for good at the last news of the exchange's time."""
        if self._exchange_ms is None:
            return -math.inf
        return minute_of(self._exchange_ms - SETTLE_MS) - MINUTE_MS

    def _settled_until(self) -> float:
        """The newest minute that the exchange won't change any more; before any news of the
        exchange's time, none."""
        if self._exchange_ms is None:
            return -math.inf
        # The exchange's time is at least this, whatever the way here took.
        elapsed_ms = int(1000 * (self._clock.monotonic() - self._exchange_seen))
        return minute_of(self._exchange_ms + elapsed_ms - SETTLE_MS) - MINUTE_MS

    def _repair(self, client: RestClient, symbol: str, repair: _Repair) -> None:
        """Load what is damaged and can be had; what stays damaged is due again later."""
        since, damages = repair.since, repair.damages
        assert since is not None
        candles = self._download(client, symbol, since)
        if not len(candles):
            raise ValueError("no candles")
        # Whatever the exchange's time: its newest candle may be forming, and the one before may
        # just have been. What counts is what held before the market gets them.
        times, newest = candles[:, OPEN_TIME], int(candles[-1, OPEN_TIME])
        replaceable = min(repair.replaceable_until(self._ended_until()), newest - MINUTE_MS)
        repaired = min(replaceable, max(self._settled_until(), newest - 2 * MINUTE_MS))
        wanted = candles[(times >= since) & (times <= replaceable)]
        if len(wanted):
            self._deliver(symbol, wanted)
        with self._wake:
            self._counters["candles_loaded"] += len(wanted)
            repair.loaded_until = max(repair.loaded_until, int(repaired) + MINUTE_MS)
            if repair.damages != damages:
                return
            repair.tried = True
            if repair.until is None:
                repair.until = max(newest, minute_of(self._exchange_ms or 0))
            if repaired >= repair.until:
                repair.since = None
            elif repaired >= since:
                repair.since = int(repaired) + MINUTE_MS
            else:  # the exchange lags behind its own stream
                repair.not_before = self._clock.monotonic() + repair.backoff.next()
                return
            repair.backoff.reset()

    def _download(self, client: RestClient, symbol: str, since: int) -> CandleArray:
        """Candles of `since` (at most `HISTORY_MS` ago) to now, newest page first."""
        wanted = HISTORY_MS // MINUTE_MS + 1
        if self._exchange_ms is not None:
            # Two more: the forming one, and one that may have begun since.
            wanted = min(wanted, max(0, (self._exchange_ms - since) // MINUTE_MS) + 3)
        pages: list[CandleArray] = []
        end_ms = None
        while wanted > 0 and not self._stopping:
            limit = min(wanted, self._page)
            page = self._fetch(client, symbol, limit, end_ms)
            if not len(page):
                break
            pages.insert(0, page)
            wanted -= len(page)
            end_ms = int(page[0, OPEN_TIME]) - 1
            if len(page) < limit or end_ms < since:
                break
        candles = np.concatenate(pages) if pages else np.empty((0, CANDLE_COLUMNS))
        if (np.diff(candles[:, OPEN_TIME]) <= 0).any():
            raise ValueError("candles are not in order of time")
        return candles
