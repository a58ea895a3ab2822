"""Loads and repairs candles over REST, in the background: see `damage` for which and when."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

import numpy as np

from backend.clock import HOUR_MS, MINUTE_MS, Clock
from backend.feeds.backoff import Backoff
from backend.feeds.damage import Damage, ExchangeTime
from backend.feeds.rest import RestClient, RestError, RestLimited, RestRejected
from backend.market.models import CANDLE_COLUMNS, OPEN_TIME, CandleArray, Trade

log = logging.getLogger(__name__)

HISTORY_MS = 48 * HOUR_MS
# How many requests may be under way together: enough to load 20 symbols within seconds.
WORKERS = 4
# How often a worker without work looks for some.
IDLE_S = 0.25
# An exchange that refuses a symbol does not list it; it may one day.
REJECTED_RETRY_S = 3_600.0
# However often a symbol's trades go missing.
REPAIR_PAUSE_S = 1.0

# (client, symbol, limit, end_ms) -> at most `limit` candles, oldest first, the newest ones or
# those that open at or before end_ms. The newest of all may be forming.
FetchCandles = Callable[[RestClient, str, int, int | None], CandleArray]
# (symbol, candles) -> None: hands closed candles on to the market.
DeliverCandles = Callable[[str, CandleArray], None]


@dataclass(slots=True)
class _Repair:
    """One symbol's repair: what for, and what has come of it."""

    damage: Damage
    backoff: Backoff
    busy: bool = False
    rejected: bool = False
    not_before: float = 0.0


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
        self._time = ExchangeTime(clock)
        self._repairs = {symbol: _Repair(Damage(self._time), Backoff(random)) for symbol in symbols}
        self._clients = [make_client() for _ in range(WORKERS)]
        self._threads: list[threading.Thread] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._enabled = False
        self._outage = Backoff(random)
        self._paused_until = 0.0
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
                repair.damage.restarted()
            self._wake.notify_all()

    def observe(self, trade: Trade) -> None:
        """A trade has been handed to the market."""
        with self._wake:
            if self._repairs[trade.symbol].damage.observe(trade):
                self._counters["trade_gaps"] += 1

    def exchange_time(self, time_ms: int) -> None:
        """Something else with the exchange's time has been handed to the market."""
        with self._wake:
            self._time.reached(time_ms)

    def report(self) -> str:
        """What is missing at present, for people; empty when nothing is."""
        unlisted = self.unlisted()
        loading = any(
            repair.damage.loaded_until == 0 and not repair.rejected
            for repair in self._repairs.values()
        )
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
                    for symbol, repair in self._repairs.items():
                        if not repair.busy and now >= repair.not_before and repair.damage.due():
                            repair.busy = True
                            return symbol
                # An idle connection would be closed by the exchange in the meantime.
                client.close()
                self._wake.wait(IDLE_S)
        return None

    def _repair(self, client: RestClient, symbol: str, repair: _Repair) -> None:
        """Load what is damaged and can be had; what stays damaged is due again later."""
        damage = repair.damage
        since, version = damage.since, damage.version
        assert since is not None
        candles = self._download(client, symbol, since)
        if not len(candles):
            raise ValueError("no candles")
        times, newest = candles[:, OPEN_TIME], int(candles[-1, OPEN_TIME])
        # What counts is what held before the market gets them.
        usable, final = damage.reach(newest)
        wanted = candles[(times >= since) & (times <= usable)]
        if len(wanted):
            self._deliver(symbol, wanted)
        with self._wake:
            self._counters["candles_loaded"] += len(wanted)
            if damage.repaired(final, newest, version):
                repair.backoff.reset()
                pause = REPAIR_PAUSE_S
            else:  # the exchange's candles lag behind its stream
                pause = repair.backoff.next()
            repair.not_before = self._clock.monotonic() + pause

    def _wait_out_pause(self) -> None:
        with self._wake:
            while not self._stopping and self._clock.monotonic() < self._paused_until:
                self._wake.wait(IDLE_S)

    def _download(self, client: RestClient, symbol: str, since: int) -> CandleArray:
        """Candles of `since` (at most `HISTORY_MS` ago) to now, newest page first."""
        wanted = HISTORY_MS // MINUTE_MS + 1
        if self._time.newest_ms is not None:
            # Two more: the forming one, and one that may have begun since.
            wanted = min(wanted, max(0, (self._time.newest_ms - since) // MINUTE_MS) + 3)
        pages: list[CandleArray] = []
        end_ms = None
        while wanted > 0 and not self._stopping:
            self._wait_out_pause()
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
