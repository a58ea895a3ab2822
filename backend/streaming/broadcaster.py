"""Turns the market's state into events: what is sent, to which room, and when.

Knows no socket: it is given two ways to emit, and so is tested without a server.
"""

from collections.abc import Callable
from typing import Protocol

from backend.clock import Clock, iso
from backend.fanout.wire.pieces import Pieces
from backend.journal.log import Entry, Log
from backend.market.models import Quote
from backend.market.state import MarketState
from backend.metrics import Metrics
from backend.protocol import (
    MARKET_UPDATE,
    PRICE_UPDATE,
    QUOTE_FIELDS,
    RECEIVED_AT,
    Payload,
    realtime_room,
    symbol_room,
)
from backend.streaming.sessions import Session
from backend.streaming.subscriptions import Basket, Subscriptions

# Real-time prices go out at most this often, which is the contract's bound of ten a second and
# symbol: of several changes in between the newest wins.
PRICE_FLUSH_SECONDS = 0.1


class Emit(Protocol):
    """Sends an event to a room. `receivers` is how many connections the room has, `place` what
    those of them are told that can be recovered."""

    def __call__(
        self, event: str, payload: Payload, room: str, receivers: int, place: str | None = None
    ) -> None: ...


class EmitJoined(Protocol):
    """Sends each basket's room an event with those of `pieces` that the basket names; how many
    connections that were. May yield."""

    def __call__(self, event: str, pieces: Pieces, baskets: list[Basket]) -> int: ...


def quote_payload(quote: Quote, fields: tuple[str, ...] = QUOTE_FIELDS) -> Payload:
    """A quote as clients see it, cut down to those of `fields` that it has."""
    payload = {
        "symbol": quote.symbol,
        "price": quote.price,
        "change_24h": quote.change_24h,
        "volume_24h": quote.volume_24h,
        "timestamp": iso(quote.time_ms),
        "seq": quote.seq,
        "stale": quote.stale,
        "source": quote.source,
    }
    if quote.bid is not None:
        payload["bid"], payload["ask"] = quote.bid, quote.ask
    if fields == QUOTE_FIELDS:
        return payload
    if quote.received_ms is not None:
        payload[RECEIVED_AT] = iso(quote.received_ms)
    return {field: payload[field] for field in fields if field in payload}


def price_payload(quote: Quote) -> Payload:
    """A real-time price as clients see it."""
    return {
        "symbol": quote.symbol,
        "price": quote.price,
        "previous_price": quote.previous_price,
        "change_24h": quote.change_24h,
        "timestamp": iso(quote.time_ms),
        "seq": quote.seq,
    }


class Broadcaster:
    """Builds and emits market updates and real-time prices, and what the journal says."""

    def __init__(
        self,
        market: MarketState,
        log: Log,
        subscriptions: Subscriptions,
        emit: Emit,
        emit_joined: EmitJoined,
        announce: Callable[[str, Payload, str], None],
        prices_wait: Callable[[], None],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """`announce` is for everybody, with a place; `prices_wait` is called when `flush_prices`
        has become worth a call."""
        self._market = market
        self._log = log
        self._subscriptions = subscriptions
        self._emit = emit
        self._emit_joined = emit_joined
        self._announce = announce
        self._prices_wait = prices_wait
        self._clock = clock
        self._metrics = metrics
        # At most one entry for each symbol that is served.
        self._changed: set[str] = set()
        market.on_price(self._price_changed)

    def tick(self) -> None:
        """One `market_update` for each connection, all of the same instant. A symbol is encoded
        once for each set of fields in use, and baskets share that."""
        started = self._clock.monotonic()
        quotes = self._market.quotes(self._subscriptions.symbols())
        newest_ms = max(map(self._market.time_ms, quotes), default=0)
        deliveries = 0
        for fields, baskets in self._subscriptions.baskets().items():
            pieces = Pieces(_payloads(quotes, fields))
            deliveries += self._emit_joined(MARKET_UPDATE, pieces, baskets)
        self._delivered(MARKET_UPDATE, newest_ms, deliveries)
        self._metrics.tick_seconds.observe(self._clock.monotonic() - started)

    def snapshot(self, session: Session) -> Payload:
        """The present quotes of all symbols of a session, in its fields; empty if it has none."""
        return _payloads(self._market.quotes(session.symbols), session.fields or QUOTE_FIELDS)

    def flush_prices(self) -> None:
        """A `price_update` for each watched symbol whose price has changed since the last call."""
        changed = tuple(self._changed)
        self._changed.clear()
        for symbol in changed:
            receivers = self._subscriptions.realtime_watchers(symbol)
            quote = self._market.quote(symbol) if receivers else None
            if quote is not None:
                self._emit(PRICE_UPDATE, price_payload(quote), realtime_room(symbol), receivers)
                self._delivered(PRICE_UPDATE, quote.time_ms, receivers)

    def send(self, entry: Entry) -> None:
        """What was said, to those it concerns."""
        place = self._log.place(entry)
        if entry.topic is None:
            self._announce(entry.event, entry.payload(), place)
            return
        receivers = self._subscriptions.watchers(entry.topic)
        if receivers:
            self._emit(entry.event, entry.payload(), symbol_room(entry.topic), receivers, place)

    def _delivered(self, event: str, exchange_ms: int, deliveries: int) -> None:
        """Count how late an event was to all who got it, once for all: by the last of them. What a
        recording plays has been late for years."""
        if deliveries and self._market.feed_facts.playback is None:
            late_ms = max(0, self._clock.now_ms() - exchange_ms)
            self._metrics.lateness.add(event, late_ms / 1000, deliveries)

    def _price_changed(self, symbol: str) -> None:
        if self._subscriptions.realtime_watchers(symbol):
            if not self._changed:
                self._prices_wait()
            self._changed.add(symbol)


def _payloads(quotes: dict[str, Quote], fields: tuple[str, ...]) -> dict[str, Payload]:
    """Each quote by its symbol, cut down to `fields`."""
    return {symbol: quote_payload(quote, fields) for symbol, quote in quotes.items()}
