"""The market: the latest quote, the sequence number and the candles of every symbol.

Everything is in exchange time, so that a recording played at any speed gives the same market;
only staleness is measured on the monotonic clock. No method yields: what a listener is told of
and what it reads belong together, and listeners must not yield either.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable

from backend.clock import MINUTE_MS, Clock
from backend.market.candles import candle_row, row_candle
from backend.market.feed_watch import STALE_AFTER_S, FeedWatch
from backend.market.instrument import Instrument
from backend.market.listeners import Listeners
from backend.market.models import (
    OPEN_TIME,
    BookTop,
    Candle,
    CandleArray,
    DayStatistics,
    FeedFacts,
    FeedState,
    FeedStatus,
    Quote,
    Trade,
)
from backend.market.timeline import Timeline
from backend.market.validation import (
    FUTURE,
    TIME_MAX_MS,
    UNKNOWN_SYMBOL,
    book_fault,
    candle_fault,
    is_quiet,
    statistics_fault,
    trade_fault,
    usable_candles,
)

logger = logging.getLogger(__name__)

# Quiet minutes that are closed together, in some 0.3 ms, and in 3 where all have to make room: the
# others with the next events, of which there are many where there are many symbols.
CLOSED_AT_ONCE = 30


class Market:
    """Implements `MarketSink` for a feed, and answers what became of it.

    A quote's time is the exchange's of its newest trade or statistics; a closed candle moves it
    to `open_time + 59_999`. `seq` grows by one with each accepted trade, candle, history, or
    statistics that changed, and with a change of the best bid or offer after a quote was read, so
    that quotes of one `seq` are the same. What is dropped is counted in `drops` by reason, what
    listeners raise in `listener_errors` by event.
    """

    def __init__(self, symbols: Iterable[str], clock: Clock, feed_name: str = "") -> None:
        self._clock = clock
        received = clock.monotonic()
        self._instruments = {symbol: Instrument(symbol, received, feed_name) for symbol in symbols}
        # Whoever goes through them, and waits in between, has to expect that one is gone.
        self.symbols = tuple(self._instruments)
        self._timeline = Timeline(self._close_ended, deny=lambda: self._drop(FUTURE, "any symbol"))
        self._feed = FeedWatch(feed_name, clock)
        self.drops: Counter[str] = Counter()
        self.listener_errors: Counter[str] = Counter()
        self._price_listeners = Listeners[str]("price", self.listener_errors)
        self._candle_listeners = Listeners[str, Candle]("candle", self.listener_errors)
        self._history_listeners = Listeners[str, int]("history", self.listener_errors)
        self._source_listeners = Listeners[str]("source", self.listener_errors)

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

    # --- for consumers --------------------------------------------------------------------------

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
    def newest_ms(self) -> int:
        """The exchange's time of the newest data of any symbol, 0 before any."""
        return max(instrument.time_ms for instrument in self._instruments.values())

    @property
    def feed_history(self) -> tuple[FeedStatus, ...]:
        """The newest 50 states of the feed, the current one last."""
        return self._feed.history

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

    # --- MarketSink, for the feed ---------------------------------------------------------------

    def apply_trade(self, trade: Trade) -> None:
        """A trade of the forming minute or a later one; no id twice."""
        instrument = self._instruments.get(trade.symbol)
        if instrument is None:
            self._drop(UNKNOWN_SYMBOL, trade.symbol)
            return
        fault = trade_fault(trade) or instrument.trade_conflict(trade)
        if fault:
            self._drop(fault, trade.symbol)
            return
        time_ms = trade.time_ms
        if time_ms >= self._timeline.next_close_ms and not self._timeline.advance(
            time_ms, lambda: self.apply_trade(trade)
        ):
            return
        self._close(instrument, time_ms - time_ms % MINUTE_MS)
        instrument.received = self._feed.heard()
        instrument.trade_received_ms = self._clock.now_ms()
        if instrument.apply_trade(trade):
            self._price_listeners(trade.symbol)

    def apply_candle(self, symbol: str, candle: Candle) -> None:
        """A closed minute after all closed ones; it stands in for the forming one of its time.

        A quiet one (`validation.is_quiet`) is a sign of life and no candle.
        """
        instrument = self._instruments.get(symbol)
        if instrument is None:
            self._drop(UNKNOWN_SYMBOL, symbol)
            return
        row = candle_row(candle)
        fault = candle_fault(row) or instrument.candle_conflict(candle.open_time_ms)
        if fault:
            self._drop(fault, symbol)
            return
        closed_ms = candle.open_time_ms + MINUTE_MS - 1
        if closed_ms >= self._timeline.next_close_ms and not self._timeline.advance(
            closed_ms, lambda: self.apply_candle(symbol, candle)
        ):
            return
        self._close(instrument, candle.open_time_ms)
        instrument.received = self._feed.heard()
        if is_quiet(row):
            return
        price_changed = instrument.apply_candle(row)
        self._candle_listeners(symbol, candle)
        if price_changed:
            self._price_listeners(symbol)

    def apply_statistics(self, statistics: DayStatistics) -> None:
        """The exchange's 24 h figures; they bring a price where trades don't."""
        instrument = self._instruments.get(statistics.symbol)
        if instrument is None:
            self._drop(UNKNOWN_SYMBOL, statistics.symbol)
            return
        fault = statistics_fault(statistics) or instrument.statistics_conflict(statistics)
        if fault:
            self._drop(fault, statistics.symbol)
            return
        if statistics.time_ms >= self._timeline.next_close_ms and not self._timeline.advance(
            statistics.time_ms, lambda: self.apply_statistics(statistics)
        ):
            return
        instrument.received = self._feed.heard()
        if instrument.apply_statistics(statistics):
            self._price_listeners(statistics.symbol)

    def apply_book(self, book: BookTop) -> None:
        """The best bid and offer. No price comes of them, and nobody is called."""
        instrument = self._instruments.get(book.symbol)
        if instrument is None:
            self._drop(UNKNOWN_SYMBOL, book.symbol)
            return
        fault = book_fault(book)
        if fault:
            self._drop(fault, book.symbol)
            return
        instrument.received = self._feed.heard()
        instrument.apply_book(book.bid, book.ask)

    def load_history(self, symbol: str, candles: CandleArray) -> None:
        """Closed minutes in any order, at start or late; never the forming one, and no quiet ones.

        They bring the price where there is none newer. History does not count as a sign of life.
        """
        instrument = self._instruments.get(symbol)
        if instrument is None:
            self._drop(UNKNOWN_SYMBOL, symbol)
            return
        usable, faults = usable_candles(candles)
        for reason, count in faults.items():
            self._drop(reason, symbol, count)
        if not len(usable):
            return
        self._close(instrument, int(usable[:, OPEN_TIME].max()))
        version = instrument.candles.version
        price_changed = instrument.load_history(usable)
        if instrument.candles.version == version:
            return
        self._timeline.believe(instrument.time_ms)
        self._history_listeners(symbol, int(usable[:, OPEN_TIME].min()))
        if price_changed:
            self._price_listeners(symbol)

    def touch(self, symbol: str | None = None, time_ms: int | None = None) -> None:
        """A sign of life of one symbol, or of all; the exchange's time closes quiet minutes."""
        if symbol is None:
            self._feed.heard_of_all()
        elif symbol in self._instruments:
            self._instruments[symbol].received = self._feed.heard()
        else:
            self._drop(UNKNOWN_SYMBOL, symbol)
        if time_ms is not None and self._timeline.next_close_ms <= time_ms < TIME_MAX_MS:
            self._timeline.advance(time_ms, _nothing)

    def set_feed_state(self, state: FeedState, detail: str = "") -> None:
        """Tell of the feed's state; saying the same again changes nothing."""
        self._feed.set_state(state, detail)

    def describe_feed(self, facts: FeedFacts) -> None:
        """What the feed knows of itself."""
        self._feed.facts = facts

    def adopt(self, symbol: str, instrument: Instrument) -> None:
        """Go on with what another market knew of a symbol; with its number alone, where that was
        of another feed. Raises KeyError."""
        own = self._instruments[symbol]
        if instrument.source != own.source:
            own.seq = instrument.seq
            self._history_listeners(symbol, 0)  # what others were told of it is not known here
            return
        instrument.received = own.received
        self._instruments[symbol] = instrument
        self._timeline.believe(instrument.time_ms)

    # --- for a feed of several sources -----------------------------------------------------------

    def follow(self, name: str) -> None:
        """Another source leads from now on. What is known of a symbol is stale until
        `change_source`."""
        self._feed.rename(name)

    def release(self, symbol: str) -> Instrument | None:
        """Give away what is known of a symbol, which this market doesn't carry from then on; None
        where it has no price yet, or isn't carried."""
        instrument = self._instruments.get(symbol)
        if instrument is None or instrument.price is None:
            return None
        return self._instruments.pop(symbol)

    def change_source(self, symbol: str, instrument: Instrument) -> None:
        """Go on with what the source that leads knows of a symbol, its price and candles in place
        of all from before. Raises KeyError."""
        self._source_listeners(symbol)
        instrument.succeed(self._instruments[symbol])
        self._instruments[symbol] = instrument
        self._timeline.believe(instrument.time_ms)
        self._history_listeners(symbol, 0)
        self._price_listeners(symbol)

    # --- within ---------------------------------------------------------------------------------

    def _drop(self, reason: str, symbol: str, count: int = 1) -> None:
        if not self.drops[reason]:
            logger.info("dropping %s data, first of %r; counted, logged once", reason, symbol[:20])
        self.drops[reason] += count

    def _is_stale(self, instrument: Instrument) -> bool:
        return instrument.source != self._feed.status.name or self._feed.is_stale(
            instrument.received
        )

    def _close(self, instrument: Instrument, before_ms: int) -> None:
        closed = instrument.close_forming(before_ms)
        if closed:
            self._candle_listeners(instrument.symbol, closed)

    def _close_ended(self, time_ms: int) -> bool:
        """Close what ended by then, some of it if that is a lot; whether all of it is."""
        closed = 0
        for instrument in self._instruments.values():
            if instrument.ended(time_ms):
                if closed == CLOSED_AT_ONCE:
                    return False
                self._close(instrument, time_ms)
                closed += 1
        return True


def _nothing() -> None:
    """What a touch applies once its leap in time is believed."""
