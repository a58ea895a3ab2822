"""The market as it is known: the latest quote, the sequence number and the candles of every symbol,
and the state of the feed.

What is known is in exchange time, so that a recording played at any speed gives the same market;
only staleness is measured on the monotonic clock. No method yields: what a listener is told of
and what it reads belong together, and listeners must not yield either.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from backend.clock import Clock
from backend.market.candles import row_candle
from backend.market.feed_watch import STALE_AFTER_S, FeedWatch
from backend.market.instrument import Instrument
from backend.market.listeners import Listeners
from backend.market.models import Candle, CandleArray, FeedFacts, FeedStatus, Quote


class MarketState:
    """What everybody reads, and is told of. It is for a subclass to learn it: `Market` from a feed,
    `Replica` from another market.

    A quote's time is the exchange's of its newest trade or statistics; a closed candle moves it
    to `open_time + 59_999`. `seq` grows by one with each accepted trade, candle, history, or
    statistics that changed, and with a change of the best bid or offer after a quote was read, so
    that quotes of one `seq` are the same. What was dropped, since it can't be believed, is counted
    in `drops` by reason, what listeners raise in `listener_errors` by event.
    """

    def __init__(self, symbols: Iterable[str], clock: Clock, feed_name: str = "") -> None:
        self._clock = clock
        received = clock.monotonic()
        self._instruments = {symbol: Instrument(symbol, received, feed_name) for symbol in symbols}
        # Whoever goes through them, and waits in between, has to expect that one is gone.
        self.symbols = tuple(self._instruments)
        self._feed = FeedWatch(feed_name, clock)
        self.drops: Counter[str] = Counter()
        self.listener_errors: Counter[str] = Counter()
        self._price_listeners = Listeners[str]("price", self.listener_errors)
        self._candle_listeners = Listeners[str, Candle]("candle", self.listener_errors)
        self._history_listeners = Listeners[str, int]("history", self.listener_errors)
        self._source_listeners = Listeners[str]("source", self.listener_errors)

    # --- which symbols ----------------------------------------------------------------------------

    def carries(self, symbol: str) -> bool:
        """Whether it carries a symbol."""
        return symbol in self._instruments

    def carry(self, symbol: str) -> None:
        """Carry a symbol from now on, of which nothing is known yet; it may be carried already."""
        if symbol in self._instruments:
            return
        instrument = Instrument(symbol, self._clock.monotonic(), self._feed.status.name)
        # Copies, for whoever goes through them in another task just then.
        self._instruments = {**self._instruments, symbol: instrument}
        self.symbols = (*self.symbols, symbol)

    def give_up(self, symbol: str) -> None:
        """Carry it no more, and forget what is known of it. What somebody still holds of it, or
        says of it, raises KeyError or is dropped."""
        if symbol in self._instruments:
            self._source_listeners(symbol)
        kept = {name: one for name, one in self._instruments.items() if name != symbol}
        self._instruments = kept
        self.symbols = tuple(name for name in self.symbols if name != symbol)

    # --- of a symbol, or of all -------------------------------------------------------------------

    def quote(self, symbol: str) -> Quote | None:
        """The symbol's latest state; None before its first price, or when it isn't carried.

        The window of 24 h at time t is the 1,440 minutes that end with the one that holds t.
        `volume_24h` is the sum of `quote_volume` over it, to 2 decimals. `change_24h` is the
        percent change of the price against the close of the last candle before the window, or
        with less history against the open of the first candle, to 4 decimals. At the close of a
        gapless candle they are `quote_volume.rolling(1440).sum()` and
        `close.pct_change(1440) * 100`. The exchange's `DayStatistics`, while not over 2 minutes
        behind the quote, take their place: the change is the live price's against their `open`.
        """
        instrument = self._instruments.get(symbol)
        if instrument is None or instrument.price is None:
            return None
        assert instrument.previous_price is not None
        change, volume = instrument.day_figures()
        instrument.seen()
        return Quote(
            symbol=symbol,
            price=instrument.price,
            previous_price=instrument.previous_price,
            change_24h=round(change, 4),
            volume_24h=round(volume, 2),
            time_ms=instrument.time_ms,
            seq=instrument.seq,
            stale=self._is_stale(instrument),
            source=instrument.source,
            bid=instrument.bid,
            ask=instrument.ask,
            received_ms=instrument.trade_received_ms,
        )

    def day_span_s(self, symbol: str) -> int:
        """How many seconds `change_24h` and `volume_24h` stand for: 86,400, or less with less
        history. Raises KeyError for a symbol that isn't carried."""
        return self._instruments[symbol].day_span_ms() // 1000

    def quotes(self, symbols: Iterable[str] | None = None) -> dict[str, Quote]:
        """The quotes of those of `symbols` (default all) that have one, in their order."""
        wanted = self.symbols if symbols is None else symbols
        found = ((symbol, self.quote(symbol)) for symbol in wanted)
        return {symbol: quote for symbol, quote in found if quote is not None}

    def candles(self, symbol: str, interval: str = "1m", limit: int = 500) -> CandleArray:
        """A copy of the newest candles (n <= limit, 7), oldest first, the forming one last.

        Minutes without a trade have no row. Raises KeyError for a symbol that isn't carried or
        an interval that is not in `candles.INTERVALS`.
        """
        instrument = self._instruments[symbol]
        return instrument.candles.view(interval, limit, instrument.forming)

    def closed_candles(self, symbol: str, limit: int | None = None) -> CandleArray:
        """The newest closed one-minute candles (default all kept: a week), without a copy.

        Read-only, with contiguous columns; later changes don't show in it. Raises KeyError.
        """
        return self._instruments[symbol].candles.minutes.view(limit)

    def forming(self, symbol: str) -> Candle | None:
        """The minute that is forming; None between candles, and with a feed without trades."""
        row = self._instruments[symbol].forming
        return row_candle(row) if row else None

    def time_ms(self, symbol: str) -> int:
        """The exchange's time of the symbol's newest data, 0 before any. Raises KeyError."""
        return self._instruments[symbol].time_ms

    def source(self, symbol: str) -> str:
        """The name of the feed that all that is known of the symbol is from. Raises KeyError."""
        return self._instruments[symbol].source

    def seq(self, symbol: str) -> int:
        """How often the symbol has changed, 0 before any. Raises KeyError."""
        return self._instruments[symbol].seq

    def stale(self, symbol: str) -> bool:
        """Whether nothing was heard of the symbol for over 15 s, or what is known of it is from a
        source that does not lead any more. Raises KeyError."""
        return self._is_stale(self._instruments[symbol])

    @property
    def newest_ms(self) -> int:
        """The exchange's time of the newest data of any symbol, 0 before any."""
        return max(instrument.time_ms for instrument in self._instruments.values())

    @property
    def has_minutes(self) -> bool:
        """Whether a closed minute of any symbol is known."""
        return any(len(self.closed_candles(symbol)) for symbol in self.symbols)

    # --- of the feed ------------------------------------------------------------------------------

    def feed_stale(self) -> bool:
        """Whether nothing was heard of any symbol for over 15 s."""
        return self._feed.age_s > STALE_AFTER_S

    @property
    def feed_age_s(self) -> float:
        """Seconds since anything was heard of any symbol; at first, since the start."""
        return self._feed.age_s

    @property
    def last_update_ms(self) -> int | None:
        """Wall time of the newest trade, candle, statistics or touch; None before any."""
        return self._feed.last_heard_ms

    @property
    def feed_state(self) -> FeedStatus:
        return self._feed.status

    @property
    def feed_state_since_ms(self) -> int:
        """Wall time since when the feed has been in its state, whatever its detail was."""
        return self._feed.state_since_ms

    @property
    def feed_facts(self) -> FeedFacts:
        return self._feed.facts

    @property
    def feed_history(self) -> tuple[FeedStatus, ...]:
        """The newest 50 states of the feed, the current one last."""
        return self._feed.history

    # --- changes ----------------------------------------------------------------------------------

    def on_price(self, listener: Callable[[str], object]) -> Callable[[], None]:
        """Call `listener(symbol)` after each change of a price; returns the way to stop it."""
        return self._price_listeners.add(listener)

    def on_candle(self, listener: Callable[[str, Candle], object]) -> Callable[[], None]:
        """Call `listener(symbol, candle)` when a minute closes, before a later trade counts."""
        return self._candle_listeners.add(listener)

    def on_history(self, listener: Callable[[str, int], object]) -> Callable[[], None]:
        """Call `listener(symbol, since_ms)` after closed candles were loaded or rewritten, none of
        them before that open time."""
        return self._history_listeners.add(listener)

    def on_source(self, listener: Callable[[str], object]) -> Callable[[], None]:
        """Call `listener(symbol)` right before a symbol goes over to another source, or altogether,
        while all that is known of it is still that of the one before."""
        return self._source_listeners.add(listener)

    # --- within -----------------------------------------------------------------------------------

    def _is_stale(self, instrument: Instrument) -> bool:
        return instrument.source != self._feed.status.name or self._feed.is_stale(
            instrument.received
        )
