"""The market that a feed tells of: whatever it says is doubted, then taken in."""

import logging
from collections.abc import Iterable

from backend.clock import MINUTE_MS, Clock
from backend.market.candles import candle_row
from backend.market.instrument import Instrument
from backend.market.models import (
    OPEN_TIME,
    BookTop,
    Candle,
    CandleArray,
    DayStatistics,
    FeedFacts,
    FeedState,
    Trade,
)
from backend.market.state import MarketState
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


class Market(MarketState):
    """Implements `MarketSink` for a feed, or for several that take turns."""

    def __init__(self, symbols: Iterable[str], clock: Clock, feed_name: str = "") -> None:
        super().__init__(symbols, clock, feed_name)
        self._timeline = Timeline(self._close_ended, deny=lambda: self._drop(FUTURE, "any symbol"))

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
