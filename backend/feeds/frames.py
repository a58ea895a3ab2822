"""What the parsers of all exchanges share: fields that are read or refused, candles, signs of life.

Every reader raises ValueError for a field that is absent or lies (text in place of a number, NaN,
a price that is not positive).
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import orjson

from backend.clock import MINUTE_MS
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

# Parsing takes about 2 us a row; everybody else gets a turn in between.
ROWS_AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class Pulse:
    """A sign of life of one symbol, or (None) of all that the connection carries.

    Where the exchange tells them: its time, and the id of the symbol's newest trade.
    """

    symbol: str | None = None
    time_ms: int | None = None
    last_trade_id: int | None = None


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """The answer to a request that the exchange could not serve; `symbol` where it names one."""

    symbol: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """A trade of before the subscription, with which that begins."""

    trade: Trade

    @property
    def symbol(self) -> str:
        return self.trade.symbol


FeedEvent = Trade | Earlier | DayStatistics | BookTop | Pulse


def whole(message: Mapping[str, Any], field: str) -> int:
    """A number without decimals, not negative."""
    value = message.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{field} is not a whole number: {str(value)[:40]!r}")
    return value


def decimal(message: Mapping[str, Any], field: str) -> float:
    """A finite number that the exchange writes as text."""
    value = message.get(field)
    if not isinstance(value, str):
        raise ValueError(f"{field} is not a decimal in text: {str(value)[:40]!r}")
    return _finite(float(value), field)


def number(message: Mapping[str, Any], field: str) -> float:
    """A finite number that the exchange writes as one."""
    value = message.get(field)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{field} is not a number: {str(value)[:40]!r}")
    return _finite(float(value), field)


def _finite(value: float, field: str) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{field} is not finite: {value}")
    return value


Reader = Callable[[Mapping[str, Any], str], float]


def positive(message: Mapping[str, Any], field: str, read: Reader = decimal) -> float:
    """A number over zero, read by `decimal` or `number`."""
    value = read(message, field)
    if value <= 0:
        raise ValueError(f"{field} is not positive: {value}")
    return value


def not_negative(message: Mapping[str, Any], field: str, read: Reader = decimal) -> float:
    """A number from zero on, read by `decimal` or `number`."""
    value = read(message, field)
    if value < 0:
        raise ValueError(f"{field} is negative: {value}")
    return value


def instant(message: Mapping[str, Any], field: str) -> int:
    """UTC milliseconds of a time such as `2023-09-25T07:49:37.708706Z`."""
    value = message.get(field)
    if not isinstance(value, str):
        raise ValueError(f"{field} is not a time: {str(value)[:40]!r}")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"{field} has no time zone: {value[:40]!r}")
    return int(moment.timestamp() * 1000)


def base_of(market: Any, suffix: str) -> str:
    """The symbol that is traded in a market such as `BTC-USD`, whose name ends in `suffix`."""
    if not isinstance(market, str) or not market.endswith(suffix) or market == suffix:
        raise ValueError(f"not a market in {suffix.strip('-/')}: {str(market)[:40]!r}")
    return market.removesuffix(suffix)


def json_object(frame: str | bytes) -> dict[str, Any]:
    """The JSON object that a frame is."""
    message = orjson.loads(frame)  # JSONDecodeError is a ValueError
    if not isinstance(message, dict):
        raise ValueError(f"not an object: {str(message)[:40]!r}")
    return message


def text(message: Mapping[str, Any], field: str) -> str:
    """What an exchange says to people, cut to a length that can be shown."""
    return str(message.get(field, ""))[:200]


def objects(value: Any) -> list[dict[str, Any]]:
    """A list of JSON objects."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError(f"not a list of objects: {str(value)[:40]!r}")
    return value


# The 7 columns of a `CandleArray`, of one row of an exchange's answer.
RowReader = Callable[[Any], Iterable[float]]


def candle_array(rows: Any, read: RowReader) -> CandleArray:
    """Minutes in order of time, as `read` takes them from `rows`. Lets others have their turn."""
    if not isinstance(rows, list):
        raise ValueError(f"candles are not a list: {str(rows)[:80]!r}")
    parts = [np.empty((0, CANDLE_COLUMNS))]
    for start in range(0, len(rows), ROWS_AT_ONCE):
        # Also before the first: decoding the answer has taken a turn's time.
        time.sleep(0)
        try:
            numbers = [list(read(row)) for row in rows[start : start + ROWS_AT_ONCE]]
        except (TypeError, IndexError, KeyError) as error:
            raise ValueError(f"a candle lacks a field, or it is not a number: {error}") from None
        parts.append(np.array(numbers, dtype=np.float64).reshape(-1, CANDLE_COLUMNS))
    candles: CandleArray = np.concatenate(parts)
    _check_candles(candles)
    return candles


def _check_candles(candles: CandleArray) -> None:
    times, prices = candles[:, OPEN_TIME], candles[:, OPEN : CLOSE + 1]
    volumes = candles[:, [VOLUME, QUOTE_VOLUME]]
    if not np.isfinite(candles).all() or (prices <= 0).any() or (volumes < 0).any():
        raise ValueError("a candle's field is not finite, or not positive")
    if (times % MINUTE_MS).any() or (np.diff(times) <= 0).any():
        raise ValueError("candles are not minutes in order of time")
    if (prices > candles[:, [HIGH]]).any() or (prices < candles[:, [LOW]]).any():
        raise ValueError("a candle's price is outside its high and low")
