"""Loads and repairs candles over REST, in the background: see `damage` for which and when."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from backend.clock import MINUTE_MS, Clock, iso
from backend.feeds.backoff import Backoff
from backend.feeds.candle_pages import HISTORY_MS, CandlePages, CandleTerms, FetchCandles
from backend.feeds.damage import Damage, ExchangeTime
from backend.feeds.frames import Pulse
from backend.feeds.rest import RestClient, RestError, RestLimited, RestRejected
from backend.market.models import OPEN_TIME, CandleArray, Trade

log = logging.getLogger(__name__)

# How many requests may be under way together: enough to load 20 symbols within seconds.
WORKERS = 4
# How often a worker without work looks for some.
IDLE_S = 0.25
# An exchange that refuses a symbol does not list it; it may one day.
REJECTED_RETRY_S = 3_600.0
# However often a symbol's trades go missing.
REPAIR_PAUSE_S = 1.0
# From the request for a symbol's stream to that for its history, which is to end where the stream
# has begun. An exchange takes a tenth of it.
BEGINNING_S = 1.0

# (symbol, candles) -> None: hands closed candles on to the market.
DeliverCandles = Callable[[str, CandleArray], None]


@dataclass(slots=True)
class _Repair:
    """One symbol's repair: what for, and what has come of it."""

    damage: Damage
    backoff: Backoff
    busy: bool = False
    rejected: bool = False
    # The minutes, from the first to the last, that were damaged and can't be had any more.
    lost: tuple[int, int] | None = None
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
        terms: CandleTerms,
        clock: Clock,
        random: Random,
        counters: Counter[str],
    ) -> None:
        self._deliver = deliver
        self._terms = terms
        self._pages = CandlePages(fetch, terms, self.wait_for_turn)
        self._clock = clock
        self._counters = counters
        self._time = ExchangeTime(clock)
        self._repairs = {symbol: _Repair(Damage(self._time), Backoff(random)) for symbol in symbols}
        self._clients = [make_client() for _ in range(WORKERS)]
        self._threads: list[threading.Thread] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._enabled = False
        self._random = random
        self._outage = Backoff(random)
        self._paused_until = 0.0
        self._next_request_at = 0.0
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

    def follow(self, symbol: str) -> None:
        """Load the past of one symbol more."""
        with self._wake:
            self._repairs[symbol] = _Repair(Damage(self._time), Backoff(self._random))

    def begins(self, symbol: str) -> None:
        """The stream of one symbol is about to begin."""
        with self._wake:
            repair = self._repairs[symbol]
            repair.damage.restarted()
            repair.not_before = self._clock.monotonic() + BEGINNING_S

    def unfollow(self, symbol: str) -> None:
        """Load no more of a symbol."""
        with self._wake:
            del self._repairs[symbol]

    def resume(self, symbol: str, newest: int) -> None:
        """Minutes up to this one are known already, some of the last ones perhaps unrepaired."""
        self._repairs[symbol].damage.resume(newest)

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

    def observe(self, trade: Trade) -> bool:
        """A trade has been handed to the market; whether it was news."""
        with self._wake:
            damage = self._repairs[trade.symbol].damage
            news = not damage.repeats(trade)
            if damage.observe(trade):
                self._counters["trade_gaps"] += 1
            return news

    def exchange_time(self, time_ms: int) -> None:
        """Something else with the exchange's time has been handed to the market."""
        with self._wake:
            self._time.reached(time_ms)

    def pulse(self, pulse: Pulse) -> None:
        """A sign of life has been handed to the market."""
        if pulse.time_ms is None:
            return
        with self._wake:
            self._time.reached(pulse.time_ms)
            if pulse.symbol is None or pulse.last_trade_id is None:
                return
            damage = self._repairs[pulse.symbol].damage
            if damage.newest_trade(pulse.last_trade_id, pulse.time_ms):
                self._counters["trade_gaps"] += 1

    def reject(self, symbol: str) -> None:
        """The exchange does not carry the symbol: ask about it again after an hour."""
        self._reject(self._repairs[symbol])

    def _reject(self, repair: _Repair) -> None:
        with self._wake:
            repair.damage.restarted()
            repair.rejected = True
            repair.not_before = self._clock.monotonic() + REJECTED_RETRY_S

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
            *(f"lost: {symbol} {_span(*lost)}" for symbol, lost in self._lost().items()),
        ]
        return "; ".join(part for part in parts if part)

    def unlisted(self) -> list[str]:
        """The symbols that the exchange says it does not carry."""
        return [symbol for symbol, repair in self._repairs.items() if repair.rejected]

    def _lost(self) -> dict[str, tuple[int, int]]:
        """What can't be repaired any more, as long as it is part of the history."""
        since = (self._time.newest_ms or 0) - HISTORY_MS
        losses = ((symbol, repair.lost) for symbol, repair in self._repairs.items())
        return {symbol: lost for symbol, lost in losses if lost and lost[1] >= since}

    def pause(self, seconds: float) -> None:
        """Send no request for that long."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    # --- workers ----------------------------------------------------------------------------------

    def _work(self, client: RestClient) -> None:
        while (work := self._next(client)) is not None:
            symbol, repair = work
            was_rejected = repair.rejected
            try:
                self._repair(client, symbol, repair)
                self._outage.reset()
                self._problem = ""
                # Else it is the stream that has refused the symbol in the meantime.
                repair.rejected = repair.rejected and not was_rejected
            except RestRejected as error:
                self._reject(repair)
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

    def _next(self, client: RestClient) -> tuple[str, _Repair] | None:
        """Wait for a symbol whose repair is due, and take it with that; None at the end."""
        with self._wake:
            while not self._stopping:
                now = self._clock.monotonic()
                if self._enabled and now >= self._paused_until:
                    for symbol, repair in self._repairs.items():
                        if not repair.busy and now >= repair.not_before and repair.damage.due():
                            repair.busy = True
                            return symbol, repair
                # An idle connection would be closed by the exchange in the meantime.
                client.close()
                self._wake.wait(IDLE_S)
        return None

    def _repair(self, client: RestClient, symbol: str, repair: _Repair) -> None:
        """Load what is damaged and can be had; what stays damaged is due again later."""
        damage = repair.damage
        since, version = damage.since, damage.version
        assert since is not None
        download = self._pages.download(
            client, symbol, since, self._time.newest_ms, self._time.settled_until()
        )
        candles, newest = download.candles, download.newest
        if newest is None:
            raise ValueError("no candles")
        # What counts is what held before the market gets them.
        usable, final = damage.reach(newest)
        times = candles[:, OPEN_TIME]
        wanted = candles[(times >= since) & (times <= usable)]
        if len(wanted):
            self._deliver(symbol, wanted)
        with self._wake:
            self._counters["candles_loaded"] += len(wanted)
            self._note_loss(repair, newest)
            if damage.repaired(final, newest, version):
                repair.backoff.reset()
                pause = REPAIR_PAUSE_S
            else:  # the exchange's candles lag behind its stream
                pause = repair.backoff.next()
            repair.not_before = self._clock.monotonic() + pause

    def _note_loss(self, repair: _Repair, newest: int) -> None:
        """Remember what is damaged, had been loaded once, and lies too far back by now."""
        damage, depth = repair.damage, self._terms.depth
        if depth is None or not damage.loaded_until or not damage.since:
            return
        first_had = newest - (depth - 1) * MINUTE_MS
        if damage.since < first_had:
            last = first_had - MINUTE_MS
            if damage.until is not None:
                last = min(last, damage.until)
            repair.lost = (min(repair.lost[0], damage.since) if repair.lost else damage.since, last)
            log.warning(
                "%s can't be had any more: the exchange's candles end there", _span(*repair.lost)
            )

    def wait_for_turn(self) -> bool:
        """Wait until another request may be sent; whether it is to be sent at all."""
        with self._wake:
            while not self._stopping:
                now = self._clock.monotonic()
                due = max(self._paused_until, self._next_request_at)
                if now >= due:
                    self._next_request_at = now + self._terms.pause_s
                    return True
                self._wake.wait(min(IDLE_S, due - now))
        return False


def _span(since: int, until: int) -> str:
    """Minutes from one to another, for people: `2026-01-05T10:00Z to 2026-01-05T11:59Z`."""
    return f"{iso(since)[:16]}Z to {iso(until)[:16]}Z"
