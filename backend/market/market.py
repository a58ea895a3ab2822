"""The market: the latest quote, the sequence number and the candles of every symbol.

Everything is in exchange time, so that a recording played at any speed gives the same market;
only staleness is measured on the monotonic clock. No method yields: what a listener is told of
and what it reads belong together, and listeners must not yield either.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable

import numpy as np

from backend.clock import HOUR_MS, MINUTE_MS, Clock
from backend.market.candles import candle_row, empty_candles, row_candle
from backend.market.instrument import Instrument
from backend.market.listeners import Listeners
from backend.market.models import (
    CANDLE_COLUMNS,
    OPEN_TIME,
    Candle,
    CandleArray,
    DayStatistics,
    FeedState,
    FeedStatus,
    Quote,
    Trade,
)
from backend.market.validation import (
    FUTURE,
    INCONSISTENT,
    UNKNOWN_SYMBOL,
    candle_fault,
    candle_faults,
    statistics_fault,
    trade_fault,
)

STALE_AFTER_S = 15.0
# A minute without further trades is closed when the market's time has passed its end by this
# much: trades of several symbols arrive in almost, not quite, the order of time.
CLOSING_GRACE_MS = 2_000
# A step in time beyond this is believed when a second event confirms it: one lie about the time
# would otherwise close every minute and put all that follows out of order.
LEAP_MS = HOUR_MS
# Enough to see a feed flap, small enough to show whole.
FEED_HISTORY_KEPT = 50

logger = logging.getLogger(__name__)


class Market:
    """Implements `MarketSink` for a feed, and answers what became of it.

    A quote's time is the exchange's of its newest trade or statistics; a closed candle moves it
    to `open_time + 59_999`. `seq` grows by one with each accepted trade, candle, history, or
    statistics that changed. What is dropped is counted in `drops` by reason, what listeners raise
    in `listener_errors` by event.
    """

    def __init__(self, symbols: Iterable[str], clock: Clock, feed_name: str = "") -> None:
        self._clock = clock
        self._started = clock.monotonic()
        self._received: float | None = None
        self._touched = self._started
        self._instruments = {symbol: Instrument(symbol, self._started) for symbol in symbols}
        self.symbols = tuple(self._instruments)
        self._time_ms = 0
        self._closing_at_ms = 0
        self._leap: tuple[int, Callable[[], None]] | None = None
        self._feed_state = FeedStatus(feed_name, FeedState.CONNECTING, "", clock.now_ms())
        self._feed_history = deque([self._feed_state], FEED_HISTORY_KEPT)
        self.drops: Counter[str] = Counter()
        self.listener_errors: Counter[str] = Counter()
        self._price_listeners = Listeners[str]("price", self.listener_errors)
        self._candle_listeners = Listeners[str, Candle]("candle", self.listener_errors)
        self._history_listeners = Listeners[str]("history", self.listener_errors)
        self._feed_listeners = Listeners[FeedStatus]("feed_state", self.listener_errors)

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
        return Quote(
            symbol=symbol,
            price=instrument.price,
            previous_price=instrument.previous_price,
            change_24h=round(change, 4),
            volume_24h=round(volume, 2),
            time_ms=instrument.time_ms,
            seq=instrument.seq,
            stale=self._is_stale(instrument),
        )

    def quotes(self, symbols: Iterable[str] | None = None) -> dict[str, Quote]:
        """The quotes of those of `symbols` (default all) that have one, in their order."""
        found = ((symbol, self.quote(symbol)) for symbol in symbols or self.symbols)
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

    def stale(self, symbol: str) -> bool:
        """Whether nothing was heard of the symbol for over 15 s. Raises KeyError."""
        return self._is_stale(self._instruments[symbol])

    def feed_stale(self) -> bool:
        """Whether nothing was heard of any symbol for over 15 s."""
        return self._clock.monotonic() - self._last_heard > STALE_AFTER_S

    @property
    def feed_age_s(self) -> float:
        """Seconds since anything was heard of any symbol (at first: since the start)."""
        return self._clock.monotonic() - self._last_heard

    @property
    def last_update_ms(self) -> int | None:
        """Wall time of the newest trade, candle, statistics or touch; None before any."""
        if self._received is None:
            return None
        return self._clock.now_ms() - round(1000 * (self._clock.monotonic() - self._received))

    @property
    def feed_state(self) -> FeedStatus:
        return self._feed_state

    @property
    def feed_history(self) -> tuple[FeedStatus, ...]:
        """The newest states of the feed, the current one last."""
        return tuple(self._feed_history)

    def on_price(self, listener: Callable[[str], object]) -> Callable[[], None]:
        """Call `listener(symbol)` after each change of a price; returns the way to stop it."""
        return self._price_listeners.add(listener)

    def on_candle(self, listener: Callable[[str, Candle], object]) -> Callable[[], None]:
        """Call `listener(symbol, candle)` when a minute closes, before a later trade counts."""
        return self._candle_listeners.add(listener)

    def on_history(self, listener: Callable[[str], object]) -> Callable[[], None]:
        """Call `listener(symbol)` after closed candles were loaded or rewritten."""
        return self._history_listeners.add(listener)

    def on_feed_state(self, listener: Callable[[FeedStatus], object]) -> Callable[[], None]:
        """Call `listener(status)` after each change of the feed's state."""
        return self._feed_listeners.add(listener)

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
        if time_ms >= self._closing_at_ms and not self._advance(
            time_ms, lambda: self.apply_trade(trade)
        ):
            return
        self._close(instrument, time_ms - time_ms % MINUTE_MS)
        self._heard(instrument)
        if instrument.apply_trade(trade):
            self._price_listeners(trade.symbol)

    def apply_candle(self, symbol: str, candle: Candle) -> None:
        """A closed minute after all closed ones; it stands in for the forming one of its time."""
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
        if closed_ms >= self._closing_at_ms and not self._advance(
            closed_ms, lambda: self.apply_candle(symbol, candle)
        ):
            return
        self._close(instrument, candle.open_time_ms)
        self._heard(instrument)
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
        if statistics.time_ms >= self._closing_at_ms and not self._advance(
            statistics.time_ms, lambda: self.apply_statistics(statistics)
        ):
            return
        self._heard(instrument)
        if instrument.apply_statistics(statistics):
            self._price_listeners(statistics.symbol)

    def load_history(self, symbol: str, candles: CandleArray) -> None:
        """Closed minutes in any order, at start or late; never the forming one.

        They bring the price where there is none newer. History does not count as a sign of life.
        """
        instrument = self._instruments.get(symbol)
        if instrument is None:
            self._drop(UNKNOWN_SYMBOL, symbol)
            return
        usable = self._usable(symbol, candles)
        if not len(usable):
            return
        self._close(instrument, int(usable[:, OPEN_TIME].max()))
        version = instrument.candles.version
        price_changed = instrument.load_history(usable)
        if instrument.candles.version == version:
            return
        self._time_ms = max(self._time_ms, instrument.time_ms)
        self._history_listeners(symbol)
        if price_changed:
            self._price_listeners(symbol)

    def touch(self, symbol: str | None = None) -> None:
        """A sign of life of one symbol, or of all."""
        if symbol is None:
            self._received = self._touched = self._clock.monotonic()
        elif symbol in self._instruments:
            self._heard(self._instruments[symbol])
        else:
            self._drop(UNKNOWN_SYMBOL, symbol)

    def set_feed_state(self, state: FeedState, detail: str = "") -> None:
        """Tell of the feed's state; saying the same again changes nothing."""
        known = self._feed_state
        if (state, detail) == (known.state, known.detail):
            return
        self._feed_state = FeedStatus(known.name, state, detail, self._clock.now_ms())
        self._feed_history.append(self._feed_state)
        self._feed_listeners(self._feed_state)

    # --- within ---------------------------------------------------------------------------------

    @property
    def _last_heard(self) -> float:
        return self._started if self._received is None else self._received

    def _is_stale(self, instrument: Instrument) -> bool:
        last = max(instrument.received, self._touched)
        return self._clock.monotonic() - last > STALE_AFTER_S

    def _heard(self, instrument: Instrument) -> None:
        self._received = instrument.received = self._clock.monotonic()

    def _drop(self, reason: str, symbol: str) -> None:
        self.drops[reason] += 1
        if self.drops[reason] == 1:
            logger.info("dropping %s data, first of %r; counted, logged once", reason, symbol[:20])

    def _close(self, instrument: Instrument, before_ms: int) -> None:
        closed = instrument.close_forming(before_ms)
        if closed:
            self._candle_listeners(instrument.symbol, closed)

    def _advance(self, time_ms: int, apply: Callable[[], None]) -> bool:
        """Move the market's time on, closing what has ended; True when the event may be applied.

        One whose time leaps waits for the next: if that leaps likewise, both are applied here,
        else the first is dropped.
        """
        leap, self._leap = self._leap, None
        if self._time_ms and time_ms - self._time_ms > LEAP_MS:
            if leap is None or abs(time_ms - leap[0]) > LEAP_MS:
                self._drop_leap(leap)
                self._leap = (time_ms, apply)
                return False
            self._move_time(min(leap[0], time_ms))
            leap[1]()
            apply()  # once more from the start: after the other one it may be a repeat
            return False
        self._drop_leap(leap)
        self._move_time(time_ms)
        return True

    def _drop_leap(self, leap: tuple[int, Callable[[], None]] | None) -> None:
        if leap:
            self._drop(FUTURE, "one symbol")

    def _move_time(self, time_ms: int) -> None:
        self._time_ms = max(self._time_ms, time_ms)
        ended_ms = time_ms - CLOSING_GRACE_MS
        self._closing_at_ms = ended_ms - ended_ms % MINUTE_MS + MINUTE_MS + CLOSING_GRACE_MS
        for instrument in self._instruments.values():
            self._close(instrument, ended_ms)

    def _usable(self, symbol: str, candles: CandleArray) -> CandleArray:
        """The rows that are good by themselves, in order of time and each minute once."""
        if candles.ndim != 2 or candles.shape[1] != CANDLE_COLUMNS:
            self._drop(INCONSISTENT, symbol)
            return empty_candles()
        good = np.ones(len(candles), dtype=bool)
        for reason, mask in candle_faults(candles).items():
            count = int(mask.sum())
            if count:
                self._drop(reason, symbol)
                self.drops[reason] += count - 1
                good &= ~mask
        return candles[good]
