"""What the market takes for data. Feeds are doubted: each check answers why something is dropped.

Reasons are the keys of `Market.drops`.
"""

from math import isnan

import numpy as np
from numpy.typing import NDArray

from backend.clock import MINUTE_MS
from backend.market.candles import CandleRow, empty_candles
from backend.market.models import (
    CANDLE_COLUMNS,
    CLOSE,
    HIGH,
    LOW,
    OPEN,
    OPEN_TIME,
    QUOTE_VOLUME,
    VOLUME,
    BookTop,
    CandleArray,
    DayStatistics,
    Trade,
)

NAN = "nan"
NON_POSITIVE = "non_positive"
DUPLICATE = "duplicate"
OUT_OF_ORDER = "out_of_order"
UNKNOWN_SYMBOL = "unknown_symbol"
INCONSISTENT = "inconsistent"
FUTURE = "future"

# No market has prices or amounts beyond these; ratios and a day's sum of such fit a float64.
PLAUSIBLE_MIN, PLAUSIBLE_MAX = 1e-18, 1e18
# The largest instant that `datetime` can write, less a day: the year 9999.
TIME_MAX_MS = 253_402_214_400_000


def trade_fault(trade: Trade) -> str | None:
    """Why the trade can't be used by itself, or None."""
    price, quantity = trade.price, trade.quantity
    # Written so that a NaN, for which every comparison is false, doesn't pass.
    if (
        PLAUSIBLE_MIN < price < PLAUSIBLE_MAX
        and 0 < quantity < PLAUSIBLE_MAX
        and 0 < trade.time_ms < TIME_MAX_MS
    ):
        return None
    return _fault_of((price, quantity, trade.time_ms))


def statistics_fault(statistics: DayStatistics) -> str | None:
    """Why the statistics can't be used by themselves, or None."""
    positive = (statistics.open, statistics.close)
    volume = statistics.quote_volume
    if (
        all(PLAUSIBLE_MIN < value < PLAUSIBLE_MAX for value in positive)
        and 0 <= volume < PLAUSIBLE_MAX
        and 0 < statistics.time_ms < TIME_MAX_MS
    ):
        return None
    return _fault_of((*positive, statistics.time_ms, volume or 1.0))


def book_fault(book: BookTop) -> str | None:
    """Why the bid and the offer can't be used by themselves, or None. Of one exchange, they never
    cross."""
    if PLAUSIBLE_MIN < book.bid <= book.ask < PLAUSIBLE_MAX:
        return None
    return _fault_of((book.bid, book.ask))


def candle_fault(row: CandleRow) -> str | None:
    """Why one candle, as a row of a `CandleArray`, can't be used; as `candle_faults` has it."""
    open_time, open_, high, low, close, volume, quote_volume = row
    if (
        PLAUSIBLE_MIN < low <= open_ <= high < PLAUSIBLE_MAX
        and low <= close <= high
        and 0 <= volume < PLAUSIBLE_MAX
        and 0 <= quote_volume < PLAUSIBLE_MAX
        and 0 < open_time < TIME_MAX_MS
        and open_time % MINUTE_MS == 0
    ):
        return None
    return _fault_of((*row[:VOLUME], volume or 1.0, quote_volume or 1.0))


def is_quiet(row: CandleRow) -> bool:
    """Whether a candle says that nothing was traded in its minute.

    Some exchanges send such candles by REST, and none of them live. A minute without a trade has no
    candle, however it came.
    """
    _, open_, high, low, close, volume, quote_volume = row
    return volume == 0 == quote_volume and open_ == high == low == close


def _fault_of(values: tuple[float, ...]) -> str:
    if any(isnan(value) for value in values):
        return NAN
    if any(value <= 0 for value in values):
        return NON_POSITIVE
    return INCONSISTENT


def candle_faults(candles: CandleArray) -> dict[str, NDArray[np.bool_]]:
    """Which rows (n, 7) can't be used by themselves: a mask for each reason, at most one a row.

    Volumes may be zero; prices may not.
    """
    prices = candles[:, OPEN : CLOSE + 1]
    volumes = candles[:, [VOLUME, QUOTE_VOLUME]]
    times = candles[:, OPEN_TIME]
    nan = np.isnan(candles).any(axis=1)
    with np.errstate(invalid="ignore"):
        non_positive = ~nan & ((prices <= 0).any(axis=1) | (volumes < 0).any(axis=1) | (times <= 0))
        inconsistent = (
            (candles[:, HIGH] < prices.max(axis=1))
            | (candles[:, LOW] > prices.min(axis=1))
            | (candles[:, OPEN:] >= PLAUSIBLE_MAX).any(axis=1)
            | (prices <= PLAUSIBLE_MIN).any(axis=1)
            | (times >= TIME_MAX_MS)
            | (times % MINUTE_MS != 0)
        )
    return {
        NAN: nan,
        NON_POSITIVE: non_positive,
        INCONSISTENT: inconsistent & ~nan & ~non_positive,
    }


def usable_candles(candles: CandleArray) -> tuple[CandleArray, dict[str, int]]:
    """The rows that are good by themselves, without quiet minutes (`is_quiet`), and how many are
    not good for which reason."""
    if candles.ndim != 2 or candles.shape[1] != CANDLE_COLUMNS:
        return empty_candles(), {INCONSISTENT: 1}
    good = np.ones(len(candles), dtype=bool)
    faults = {}
    for reason, mask in candle_faults(candles).items():
        if mask.any():
            faults[reason] = int(mask.sum())
            good &= ~mask
    return candles[good & ~_quiet_rows(candles)], faults


def _quiet_rows(candles: CandleArray) -> NDArray[np.bool_]:
    """`is_quiet`, of many."""
    quiet: NDArray[np.bool_] = (candles[:, [VOLUME, QUOTE_VOLUME]] == 0).all(axis=1) & (
        candles[:, OPEN : CLOSE + 1] == candles[:, [OPEN]]
    ).all(axis=1)
    return quiet
