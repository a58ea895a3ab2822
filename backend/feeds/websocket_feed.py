"""What every exchange with a public WebSocket stream has in common.

One task reads one connection and hands what it says to the sink. It looks after the connection on
the way: it opens another when the stream is lost, frozen, or has come of age, the latter without
a gap. An exchange's own file says where to connect, how to read a message, and how to ask for
candles.
"""

import logging
import ssl
import threading
import time
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import ClassVar

from backend.clock import Clock, SystemClock
from backend.feeds.backfill import Backfill
from backend.feeds.backoff import Backoff
from backend.feeds.base import Feed, MarketSink
from backend.feeds.connection import Connection, ConnectionLost
from backend.feeds.renewal import Renewal
from backend.feeds.rest import RestClient
from backend.feeds.vigil import Vigil
from backend.market.models import CandleArray, DayStatistics, FeedFacts, FeedState, Trade

log = logging.getLogger(__name__)

# A connection that has brought data for this long has proved itself: the next failure is a new one.
PROVEN_S = 10.0
# How often the reader looks at clocks and states between messages.
UPKEEP_S = 0.25
# In a backlog no read waits, so nobody else would run; this is how long the others may have to.
YIELD_AFTER_S = 0.0005


class WebSocketFeed(Feed):
    """Implements `run` and `stop`; counts what happens in `counters`.

    `clock`, `random`, `sleep` and `tls` (which says whose certificates are good) are for tests;
    by default `stop` cuts a sleep short.
    """

    # Open a new connection when the old one is this old (less up to a tenth, at random).
    renew_after_s: ClassVar[float]
    # How many candles one request may ask for.
    candles_page: ClassVar[int]
    # Pause before each of `requests`, by the exchange's limit of inbound messages.
    request_interval_s: ClassVar[float] = 0.25

    def __init__(
        self,
        symbols: Iterable[str],
        sink: MarketSink,
        rest_url: str,
        *,
        clock: Clock | None = None,
        random: Random | None = None,
        sleep: Callable[[float], object] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.symbols = tuple(dict.fromkeys(symbols))
        self.counters: Counter[str] = Counter()
        self._sink = sink
        self._clock = clock or SystemClock()
        self._random = random or Random()
        self._tls = tls or ssl.create_default_context()
        self._stopping = threading.Event()
        self._sleep = sleep or self._stopping.wait
        self._backoff = Backoff(self._random)
        # Whoever hands something to the sink holds this: the reader, or one backfill worker.
        self._delivering = threading.Lock()
        self._known = frozenset(self.symbols)
        self._vigil = Vigil(self.symbols)
        self._backfill = Backfill(
            self.symbols,
            fetch=self.fetch_candles,
            deliver=self._deliver_candles,
            make_client=lambda: RestClient(rest_url, self._clock, self._tls),
            page=self.candles_page,
            clock=self._clock,
            random=self._random,
            counters=self.counters,
        )
        self._connection: Connection | None = None
        # Servers that were started together don't come back together.
        renew_after_s = self.renew_after_s * (0.9 + self._random.random() / 10)
        self._renewal = Renewal(renew_after_s, self._connect, self.note, self._clock)
        self._told: tuple[FeedState, str] | None = None
        self._facts = FeedFacts()
        self._next_upkeep = 0.0
        self._last_yield = 0.0

    # --- what an exchange adds --------------------------------------------------------------------

    @abstractmethod
    def stream_url(self) -> str:
        """Where to connect, with as many streams as a URL may name."""

    def requests(self) -> Sequence[str]:
        """What to send after that, such as further subscriptions."""
        return ()

    @abstractmethod
    def events(self, message: bytes) -> Iterable[Trade | DayStatistics]:
        """The market data in one message; raises ValueError for one that can't be believed."""

    @abstractmethod
    def fetch_candles(
        self, client: RestClient, symbol: str, limit: int, end_ms: int | None
    ) -> CandleArray:
        """At most `limit` one-minute candles, oldest first: the newest ones, or those that open
        at or before `end_ms`. Raises RestError or ValueError. Called from several tasks."""

    # --- Feed -------------------------------------------------------------------------------------

    def run(self) -> None:
        if self._stopping.is_set():
            return
        self._backfill.start()
        try:
            while not self._stopping.is_set():
                self._stay_connected()
        finally:
            self._backfill.stop()
            self._backfill.join()
            self._close_connections()
            self._tell(FeedState.STOPPED)

    def stop(self) -> None:
        self._stopping.set()
        self._backfill.stop()
        for connection in (self._connection, self._renewal.successor):
            if connection is not None:
                connection.cut()

    def renew(self, reason: str) -> None:
        """Open a new connection and go over to it without a gap."""
        self._renewal.ask(reason)

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
        except Exception as error:  # this task must go on, whatever it was
            reason = f"{type(error).__name__}: {error}"
            self.note("reader_failed", reason)
            log.debug("reader failed", exc_info=True)
        else:
            return
        finally:
            self._close_connection()
        if self._stopping.is_set():
            return
        self.counters["connections_lost"] += 1
        pause = max(self._backoff.next(), pause_at_least)
        log.info("%s feed: connection lost: %s; next try in %.1f s", self.name, reason, pause)
        once_connected = self.counters["connections"] > 0
        self._tell(FeedState.RECONNECTING if once_connected else FeedState.CONNECTING, reason)
        if self._renewal.successor is None:
            self._sleep(pause)

    def _open(self) -> None:
        """Have an open connection: the successor of the lost one if it is under way."""
        if self._told is None:
            self._tell(FeedState.CONNECTING)
        self._connection = self._renewal.take() or self._connect()
        while not self._connection.opened.wait(UPKEEP_S):
            if self._stopping.is_set():
                return
            if self._connection.overdue:
                raise ConnectionLost("the exchange takes too long to answer")
        if self._connection.error is not None:
            self._backfill.begin()  # the past may be had though the stream is not
            raise ConnectionLost.from_error(self._connection.error)
        log.info("%s feed: connected", self.name)
        self.counters["connections"] += 1
        self._vigil.connected(self._clock.monotonic())
        self._renewal.satisfied()
        with self._delivering:
            self._backfill.damage_all()

    def _connect(self) -> Connection:
        connection = Connection(
            self.stream_url(), self.requests(), self.request_interval_s, self._clock, self._tls
        )
        self._renewal.opening()
        if self._stopping.is_set():  # stop() did not see it
            connection.cut()
        return connection

    def _close_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if connection.proven_s >= PROVEN_S:
            self._backoff.reset()
        connection.close()

    def _close_connections(self) -> None:
        self._close_connection()
        successor = self._renewal.take()
        if successor is not None:
            successor.close()

    def _go_over(self, connection: Connection, now: float) -> None:
        """Replace the connection by its successor where that is due."""
        successor = self._renewal.step(connection, now)
        if successor is not None:
            self._connection = successor
            connection.close()
            self._renewal.satisfied()
            self._vigil.connected(now)
            self.counters["renewals"] += 1

    # --- reading ----------------------------------------------------------------------------------

    def _read(self) -> None:
        while not self._stopping.is_set():
            connection = self._connection
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
                if event.symbol not in self._known:
                    self.note("unknown_symbol", event.symbol[:20])
                    continue
                with self._delivering:
                    self._deliver(event)
                self._vigil.heard(event.symbol, now)
                if connection.last_data_at is None:
                    self._next_upkeep = now  # so that the feed is called live at once
                connection.saw_data(now)
        except ValueError as error:
            self.note("bad_message", str(error)[:200])
        if now - self._last_yield > YIELD_AFTER_S:
            time.sleep(0)
            self._last_yield = self._clock.monotonic()

    def _deliver(self, event: Trade | DayStatistics) -> None:
        if isinstance(event, Trade):
            self._sink.apply_trade(event)
            self._backfill.observe(event)
        else:
            self._sink.apply_statistics(event)
            self._backfill.exchange_time(event.time_ms)

    def _deliver_candles(self, symbol: str, candles: CandleArray) -> None:
        with self._delivering:
            self._sink.load_history(symbol, candles)

    def _upkeep(self, connection: Connection, now: float) -> None:
        frozen_s = self._vigil.frozen(connection, now)
        if frozen_s:
            self.counters["freezes"] += 1
            raise ConnectionLost(f"no data for {frozen_s:.0f} s")
        unlisted = self._backfill.unlisted()
        facts = FeedFacts(unlisted=tuple(unlisted))
        if facts != self._facts:
            self._facts = facts
            self._sink.describe_feed(facts)
        silent = [s for s in self._vigil.silent_symbols(now) if s not in unlisted]
        if silent:
            self.counters["silent_symbols"] += len(silent)
            self.renew(f"nothing of {', '.join(silent[:10])}")
        self._go_over(connection, now)
        if connection.data_count:
            self._tell(FeedState.LIVE, self._backfill.report())

    def _tell(self, state: FeedState, detail: str = "") -> None:
        if (state, detail) != self._told:
            self._told = (state, detail)
            with self._delivering:
                self._sink.set_feed_state(state, detail)
