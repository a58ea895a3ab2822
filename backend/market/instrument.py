"""One symbol's state: price, sequence number, candles and the figures of the last 24 hours."""

from dataclasses import dataclass

import numpy as np

from backend.clock import DAY_MS, MINUTE_MS
from backend.market.candles import CandleRow, CandleStore, row_candle
from backend.market.models import (
    CLOSE,
    HIGH,
    LOW,
    OPEN,
    OPEN_TIME,
    QUOTE_VOLUME,
    VOLUME,
    Candle,
    CandleArray,
    DayStatistics,
    Quote,
    Trade,
)
from backend.market.validation import DUPLICATE, OUT_OF_ORDER

# The exchange sends its figures each second; after this the computed ones are nearer the truth.
STATISTICS_MAX_AGE_MS = 2 * MINUTE_MS
# Statistics bring a price only when trades have been silent for this long before them: they are
# put together at the exchange a little after the trades that they count.
STATISTICS_LAG_MS = 2_000
# An id that is lower though its trade is this much later means that the exchange numbers anew (or
# that an earlier id was a lie): repeats come within seconds.
RENUMBERED_AFTER_MS = MINUTE_MS


@dataclass(slots=True)
class _Window:
    """The 24 h up to one minute, as far as closed candles tell."""

    slot_ms: int
    version: int
    reference: float | None
    quote_volume: float


class Instrument:
    """What is known of one symbol. Times are the exchange's; input is valid by itself."""

    def __init__(self, symbol: str, received: float, source: str) -> None:
        self.symbol = symbol
        self.source = source  # the name of the feed that all of this is from
        self.price: float | None = None
        self.previous_price: float | None = None
        self.time_ms = 0
        self.seq = 0
        self.received = received  # monotonic seconds
        self.trade_received_ms: int | None = None  # wall time
        self.bid: float | None = None
        self.ask: float | None = None
        self._seen = False  # whether somebody knows what `seq` stands for
        self.candles = CandleStore()
        self.forming: list[float] | None = None
        self._last_closed_ms = -1  # open time
        self._last_trade_id: int | None = None
        self._last_trade_ms = 0
        self._statistics: DayStatistics | None = None
        self._window = _Window(-1, -1, None, 0.0)

    # --- what may be applied: each answers why not, or None -------------------------------------

    def trade_conflict(self, trade: Trade) -> str | None:
        last_id = self._last_trade_id
        if (
            trade.trade_id is not None
            and last_id is not None
            and trade.trade_id <= last_id
            and (
                trade.trade_id == last_id
                or trade.time_ms < self._last_trade_ms + RENUMBERED_AFTER_MS
            )
        ):
            return DUPLICATE
        minute = trade.time_ms - trade.time_ms % MINUTE_MS
        if minute <= self._last_closed_ms or (self.forming and minute < self.forming[OPEN_TIME]):
            return OUT_OF_ORDER
        return None

    def candle_conflict(self, open_time_ms: int) -> str | None:
        if open_time_ms == self._last_closed_ms:
            return DUPLICATE
        if open_time_ms < self._last_closed_ms or (
            self.forming and open_time_ms < self.forming[OPEN_TIME]
        ):
            return OUT_OF_ORDER
        return None

    def statistics_conflict(self, statistics: DayStatistics) -> str | None:
        known = self._statistics
        if known is None or statistics.time_ms > known.time_ms:
            return None
        return DUPLICATE if statistics == known else OUT_OF_ORDER

    # --- changes --------------------------------------------------------------------------------

    def ended(self, before_ms: int) -> bool:
        """Whether the forming minute ended at `before_ms` or earlier."""
        return self.forming is not None and self.forming[OPEN_TIME] + MINUTE_MS <= before_ms

    def close_forming(self, before_ms: int) -> Candle | None:
        """Close the forming minute if it ended at `before_ms` or earlier; the closed candle."""
        forming = self.forming
        if forming is None or not self.ended(before_ms):
            return None
        self.forming = None
        self._append(forming)
        return row_candle(forming)

    def apply_trade(self, trade: Trade) -> bool:
        """Count the trade in; whether the price changed. An earlier minute is closed before."""
        price, quantity, time_ms = trade.price, trade.quantity, trade.time_ms
        notional = price * quantity
        forming = self.forming
        if forming is None:
            minute = float(time_ms - time_ms % MINUTE_MS)
            self.forming = [minute, price, price, price, price, quantity, notional]
        else:
            if price > forming[HIGH]:
                forming[HIGH] = price
            elif price < forming[LOW]:
                forming[LOW] = price
            forming[CLOSE] = price
            forming[VOLUME] += quantity
            forming[QUOTE_VOLUME] += notional
        if trade.trade_id is not None:
            self._last_trade_id = trade.trade_id
        self._last_trade_ms = max(self._last_trade_ms, time_ms)
        return self._move(price, time_ms)

    def apply_candle(self, row: CandleRow) -> bool:
        """Add a closed minute; whether the price changed."""
        if self.forming and self.forming[OPEN_TIME] == row[OPEN_TIME]:
            self.forming = None  # the exchange's own candle of a minute known from its trades
        self._append(row)
        return self._move(row[CLOSE], int(row[OPEN_TIME]) + MINUTE_MS - 1)

    def apply_statistics(self, statistics: DayStatistics) -> bool:
        """Take the exchange's figures over; whether the price changed."""
        known = self._statistics
        self._statistics = statistics
        price = self.price
        if price is None or statistics.time_ms - self._last_trade_ms > STATISTICS_LAG_MS:
            price = statistics.close
        elif known and (known.open, known.quote_volume) == (
            statistics.open,
            statistics.quote_volume,
        ):
            return False
        return self._move(price, statistics.time_ms)

    def apply_book(self, bid: float, ask: float) -> None:
        """Take the best bid and offer over.

        They change many times a second, and are numbered only where somebody has seen what was
        before: quotes with the same `seq` are the same, and it grows with what is looked at.
        """
        if bid == self.bid and ask == self.ask:
            return
        self.bid, self.ask = bid, ask
        if self._seen:
            self._seen = False
            self.seq += 1

    def seen(self) -> None:
        """Somebody has got a quote of the present `seq`."""
        self._seen = True

    def succeed(self, former: "Instrument") -> None:
        """Stand for the symbol from now on, in place of one from another source: numbers go on,
        and the difference of the two prices is no change of one."""
        self.seq = former.seq
        self._number()
        self.previous_price = self.price

    def load_history(self, candles: CandleArray) -> bool:
        """Merge closed minutes in, but for the forming one; whether the price changed."""
        if self.forming:
            candles = candles[candles[:, OPEN_TIME] < self.forming[OPEN_TIME]]
        if not len(candles):
            return False
        self.candles.load(candles)
        last = self.candles.minutes.view(1)[0]
        self._last_closed_ms = int(last[OPEN_TIME])
        closed_ms = self._last_closed_ms + MINUTE_MS - 1
        if self.price is None or closed_ms > self.time_ms:
            return self._move(float(last[CLOSE]), closed_ms)
        self._number()
        return False

    # --- as another market's instrument tells ---------------------------------------------------

    def close_as(self, row: CandleRow) -> None:
        """A closed minute, later than all others; it moves no price."""
        self.forming = None
        self._append(row)

    def load_closed(self, candles: CandleArray) -> None:
        """Merge closed minutes in; they move no price."""
        self.candles.load(candles)
        self._last_closed_ms = int(self.candles.minutes.view(1)[0, OPEN_TIME])

    def begin_anew(self, source: str) -> None:
        """Know no closed minutes: those that come are of this source."""
        self.source = source
        self.candles.clear()
        self._last_closed_ms = -1

    def mirror(self, quote: Quote, forming: list[float] | None) -> None:
        """The state after all that the other one has seen."""
        self.price, self.previous_price = quote.price, quote.previous_price
        self.time_ms, self.seq, self.forming = quote.time_ms, quote.seq, forming
        self.source, self.bid, self.ask = quote.source, quote.bid, quote.ask
        self.trade_received_ms = quote.received_ms

    def _append(self, row: CandleRow) -> None:
        self.candles.append(row)
        self._last_closed_ms = int(row[OPEN_TIME])

    def _number(self) -> None:
        self.seq += 1
        self._seen = False

    def _move(self, price: float, time_ms: int) -> bool:
        self._number()
        if time_ms > self.time_ms:
            self.time_ms = time_ms
        if price == self.price:
            return False
        self.previous_price = price if self.price is None else self.price
        self.price = price
        return True

    # --- figures --------------------------------------------------------------------------------

    def day_figures(self) -> tuple[float, float]:
        """`(change_24h, volume_24h)`: percent and USD, as `MarketState.quote` defines them."""
        assert self.price is not None
        statistics = self._statistics
        if statistics and self.time_ms - statistics.time_ms <= STATISTICS_MAX_AGE_MS:
            return (self.price / statistics.open - 1) * 100, statistics.quote_volume
        window = self._closed_window()
        reference, volume = window.reference, window.quote_volume
        if self.forming:
            volume += self.forming[QUOTE_VOLUME]
            if reference is None:
                reference = self.forming[OPEN]
        if reference is None:
            return 0.0, volume
        return (self.price / reference - 1) * 100, volume

    def day_span_ms(self) -> int:
        """How much of the last 24 h `day_figures` stand for: less with less history."""
        statistics = self._statistics
        if statistics and self.time_ms - statistics.time_ms <= STATISTICS_MAX_AGE_MS:
            return DAY_MS
        closed = self.candles.minutes.view()
        first = closed[0, OPEN_TIME] if len(closed) else self.forming and self.forming[OPEN_TIME]
        return min(DAY_MS, max(0, self.time_ms - int(first or self.time_ms)))

    def _closed_window(self) -> _Window:
        slot_ms = self.time_ms - self.time_ms % MINUTE_MS
        window, version = self._window, self.candles.version
        if window.slot_ms == slot_ms and window.version == version:
            return window
        closed = self.candles.minutes.view()
        first = int(np.searchsorted(closed[:, OPEN_TIME], slot_ms - DAY_MS, side="right"))
        reference = None
        if len(closed):
            reference = float(closed[first - 1, CLOSE] if first else closed[0, OPEN])
        volume = float(closed[first:, QUOTE_VOLUME].sum())
        self._window = _Window(slot_ms, version, reference, volume)
        return self._window
