"""What every exchange with a public WebSocket stream has in common.

One task reads one connection and hands what it says to the sink. It looks after the connection on
the way: it opens another when the stream is lost, frozen, or has come of age, the latter without
a gap. What differs between exchanges is a `Dialect`.
"""

import logging
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from random import Random

from backend.clock import Clock, SystemClock
from backend.feeds.backfill import Backfill
from backend.feeds.base import Feed, MarketSink
from backend.feeds.connection import Connection, ConnectionLost
from backend.feeds.delivery import Delivery, ObserveLag
from backend.feeds.dialect import Dialect
from backend.feeds.exchange_past import ExchangePast
from backend.feeds.following import Following
from backend.feeds.link import Link
from backend.feeds.rest import UNAVAILABLE_HERE, RestClient
from backend.feeds.vigil import Vigil
from backend.market.models import CandleArray, FeedFacts, FeedState

log = logging.getLogger(__name__)

# How often the reader looks at clocks and states between messages.
UPKEEP_S = 0.25
# In a backlog no read waits, so nobody else would run; this is how long the others may have to. As
# long as a slice of theirs, or a busy feed would fall behind while others work.
YIELD_AFTER_S = 0.002


class WebSocketFeed(Dialect, Feed):
    """Implements `run` and `stop`; counts what happens in `counters`.

    `observe_lag` is told how many seconds each trade took from the exchange. `clock`, `random`,
    `sleep` and `tls` (which says whose certificates are good) are for tests; by default `stop` cuts
    a sleep short.
    """

    def __init__(
        self,
        symbols: Iterable[str],
        sink: MarketSink,
        ws_url: str,
        rest_url: str,
        *,
        clock: Clock | None = None,
        random: Random | None = None,
        sleep: Callable[[float], object] | None = None,
        tls: ssl.SSLContext | None = None,
        observe_lag: ObserveLag = lambda seconds: None,
    ) -> None:
        super().__init__(ws_url)
        self._following = Following(symbols)
        self.counters: Counter[str] = Counter()
        self._clock = clock or SystemClock()
        self._random = random or Random()
        self._tls = tls or ssl.create_default_context()
        self._stopping = threading.Event()
        self._sleep = sleep or self._stopping.wait
        self._delivery = Delivery(sink, self._clock, observe_lag)
        self._known = frozenset(self.symbols)
        # Not followed any more; something of them may still be on its way.
        self._left: set[str] = set()
        self._vigil = Vigil(self.symbols)
        self._backfill = Backfill(
            self.symbols,
            fetch=self.fetch_candles,
            deliver=self._delivery.candles,
            make_client=lambda: self._rest_client(rest_url),
            terms=self.candle_terms,
            clock=self._clock,
            random=self._random,
            counters=self.counters,
        )
        self._past = ExchangePast(self.fetch_past, self._rest_client(rest_url), self._backfill)
        self._link = Link(
            self._new_connection,
            # Servers that were started together don't come back together.
            self.renew_after_s * (0.9 + self._random.random() / 10),
            self.note,
            self._stopping,
            self._clock,
            self._random,
        )
        self._remark = ""
        self._unavailable = False
        self._next_upkeep = 0.0
        self._last_yield = 0.0

    @property
    def symbols(self) -> tuple[str, ...]:
        """What is followed."""
        return self._following.symbols

    # --- Feed -------------------------------------------------------------------------------------

    def run(self) -> None:
        if self._stopping.is_set():
            return
        for symbol in self.symbols:
            self._go_on_from(symbol)
        self._backfill.start()
        try:
            while not self._stopping.is_set():
                self._stay_connected()
        finally:
            self._backfill.stop()
            self._backfill.join()
            self._past.close()  # which `stop` has cut off
            self._link.close_all()
            self._delivery.state(FeedState.STOPPED)

    def stop(self) -> None:
        self._stopping.set()
        self._backfill.stop()
        self._past.cut()
        self._link.cut()

    def follow(self, symbol: str) -> None:
        self._following.wish(symbol, True)

    def unfollow(self, symbol: str) -> None:
        self._following.wish(symbol, False)

    def past(self, symbol: str, interval: str, before_ms: int, limit: int) -> CandleArray:
        return self._past.before(symbol, interval, before_ms, limit)

    @property
    def unavailable(self) -> bool:
        return self._unavailable

    def renew(self, reason: str) -> None:
        """Open a new connection and go over to it without a gap."""
        self._link.renew(reason)

    def listed(self) -> list[str]:
        """The symbols that the exchange has not refused."""
        unlisted = self._backfill.unlisted()
        return [symbol for symbol in self.symbols if symbol not in unlisted]

    def refused(self, symbol: str, why: str) -> None:
        """The exchange does not list the symbol. That is told, and asked again after an hour."""
        if symbol in self._known:
            self._backfill.reject(symbol)
        self.note("symbol_refused", f"{symbol[:20]}: {why}")

    def remark(self, text: str) -> None:
        """What keeps people from trading at the exchange, which says so of itself, stands in the
        feed's detail; empty: nothing."""
        self._remark = text

    def note(self, kind: str, what: str) -> None:
        """Count something amiss; log the first of its kind."""
        self.counters[kind] += 1
        if self.counters[kind] == 1:
            log.warning("%s feed: %s: %s (counted, logged once)", self.name, kind, what)

    # --- connections ------------------------------------------------------------------------------

    def _stay_connected(self) -> None:
        """Open a connection and read it until it is lost; then wait a while."""
        pause_at_least = 0.0
        try:
            self._open()
            self._read()
        except ConnectionLost as error:
            reason, pause_at_least = str(error), error.retry_after_s
            self._unavailable = error.status == UNAVAILABLE_HERE
        except Exception as error:  # this task must go on, whatever it was
            reason = f"{type(error).__name__}: {error}"
            self.note("reader_failed", reason)
            log.debug("reader failed", exc_info=True)
        else:
            return
        finally:
            self._link.close()
        if self._stopping.is_set():
            return
        self.counters["connections_lost"] += 1
        pause = self._link.pause_s(pause_at_least)
        log.info("%s feed: connection lost: %s; next try in %.1f s", self.name, reason, pause)
        once_connected = self.counters["connections"] > 0
        self._delivery.state(
            FeedState.RECONNECTING if once_connected else FeedState.CONNECTING, reason
        )
        if not self._link.renewing:
            self._sleep(pause)

    def _open(self) -> None:
        """Have an open connection."""
        self._take_up_wishes()
        if not self._delivery.begun:
            self._delivery.state(FeedState.CONNECTING)
        connection = self._link.open()
        if connection is None:
            return
        if connection.error is not None:
            self._backfill.begin()  # the past may be had though the stream is not
            raise ConnectionLost.from_error(connection.error)
        log.info("%s feed: connected", self.name)
        self._unavailable = False
        self.counters["connections"] += 1
        self._vigil.connected(self._clock.monotonic())
        self._link.satisfied()
        self._delivery.gap(self._backfill)

    def _rest_client(self, rest_url: str) -> RestClient:
        return RestClient(rest_url, self._clock, self._tls, self.candle_terms.refusals)

    def _new_connection(self) -> Connection:
        connection = Connection(
            self.stream_url(), self.requests(), self.request_interval_s, self._clock, self._tls
        )
        connection.subscribed = self.symbols
        return connection

    # --- symbols that come and go -----------------------------------------------------------------

    def _take_up_wishes(self) -> None:
        new, gone = self._following.taken_up()
        if not new and not gone:
            return
        self._known = frozenset(self.symbols)
        self._left = self._left.union(gone) - self._known
        for symbol in gone:
            self._vigil.unfollow(symbol)
            self._backfill.unfollow(symbol)
            self._delivery.unfollow(symbol)
        for symbol in new:
            self._vigil.follow(symbol, self._clock.monotonic())
            self._backfill.follow(symbol)
            self._go_on_from(symbol)

    def _go_on_from(self, symbol: str) -> None:
        newest = self._delivery.newest(symbol)
        if newest is not None:
            self._backfill.resume(symbol, newest)

    def _keep_subscribed(self, connection: Connection) -> None:
        """Have an open connection follow what is wished for, some symbols at a time."""
        before, after = connection.subscribed, self._following.step(connection.subscribed)
        if after == before:
            return
        requests = self.resubscribe(before, after)
        if requests is None:
            self.renew("other symbols are followed now")
            return
        for request in requests:
            connection.send(request)
        connection.subscribed = after
        for symbol in set(after).difference(before):
            self._backfill.begins(symbol)

    # --- reading ----------------------------------------------------------------------------------

    def _read(self) -> None:
        while not self._stopping.is_set():
            connection = self._link.connection
            assert connection is not None
            message = connection.receive()
            now = self._clock.monotonic()
            if message is not None:
                self._accept(connection, message, now)
            if now >= self._next_upkeep:
                self._next_upkeep = now + UPKEEP_S
                self._upkeep(connection, now)

    def _accept(self, connection: Connection, message: bytes, now: float) -> None:
        try:
            for event in self.events(message):
                symbol = event.symbol
                if symbol is not None:
                    if symbol not in self._known:
                        if symbol not in self._left:
                            self.note("unknown_symbol", symbol[:20])
                        continue
                    self._vigil.heard(symbol, now)
                self._delivery.event(event, self._backfill)
                if connection.last_data_at is None:
                    self._next_upkeep = now  # so that the feed is called live at once
                connection.saw_data(now)
        except ValueError as error:
            self.note("bad_message", str(error)[:200])
        if now - self._last_yield > YIELD_AFTER_S:
            time.sleep(0)
            self._last_yield = self._clock.monotonic()

    def _upkeep(self, connection: Connection, now: float) -> None:
        frozen_s = self._vigil.frozen(connection, now)
        if frozen_s:
            self.counters["freezes"] += 1
            raise ConnectionLost(f"no data for {frozen_s:.0f} s")
        self._take_up_wishes()
        self._keep_subscribed(connection)
        unlisted = self._backfill.unlisted()
        found = self._delivery.facts(FeedFacts(tuple(unlisted), halted=bool(self._remark)))
        if found:
            self.renew(f"{', '.join(found[:10])} may be listed now")
        silent = [s for s in self._vigil.silent_symbols(now) if s not in unlisted]
        if silent:
            self.counters["silent_symbols"] += len(silent)
            self.renew(f"nothing of {', '.join(silent[:10])}")
        if self._link.go_over(now):
            self._vigil.connected(now)
            self.counters["renewals"] += 1
        if self.keepalive and now - connection.sent_at > self.keepalive_s:
            connection.send(self.keepalive)
        if connection.data_count:
            details = (self._remark, self._backfill.report())
            self._delivery.state(FeedState.LIVE, "; ".join(filter(None, details)))
