"""The recording format: one line an event, `<local ns> <json>`, all that a feed says to a market.

The first line's object is `{"recording": 1, "feed": ..., "symbols": [...]}`; every other has a
`type`. Exchange times stand in the objects, arrival times before them. Lines of raw exchange
frames have the same outer form, so both are read alike.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import orjson

from backend.feeds.base import MarketSink
from backend.market.candles import candle_row, row_candle
from backend.market.models import (
    CANDLE_COLUMNS,
    BookTop,
    Candle,
    CandleArray,
    DayStatistics,
    Trade,
)

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class ClosedCandle:
    """`MarketSink.apply_candle`, as a value."""

    symbol: str
    candle: Candle


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """`MarketSink.load_history`, as a value."""

    symbol: str
    candles: CandleArray


@dataclass(frozen=True, slots=True)
class Touch:
    """`MarketSink.touch`, as a value."""

    symbol: str | None
    time_ms: int | None = None


MarketEvent = Trade | DayStatistics | BookTop | ClosedCandle | History | Touch


def deliver(event: MarketEvent, sink: MarketSink) -> None:
    """Say the event to a sink."""
    match event:
        case Trade():
            sink.apply_trade(event)
        case DayStatistics():
            sink.apply_statistics(event)
        case BookTop():
            sink.apply_book(event)
        case ClosedCandle(symbol, candle):
            sink.apply_candle(symbol, candle)
        case History(symbol, candles):
            sink.load_history(symbol, candles)
        case Touch(symbol, time_ms):
            sink.touch(symbol, time_ms)


def encode_header(feed: str, symbols: Sequence[str]) -> bytes:
    """The object of a recording's first line."""
    return orjson.dumps({"recording": FORMAT_VERSION, "feed": feed, "symbols": list(symbols)})


def is_header(text: str) -> bool:
    """Whether a line's object begins a recording; ValueError for a version not known here."""
    try:
        header = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(header, dict) or "recording" not in header:
        return False
    if header["recording"] != FORMAT_VERSION:
        raise ValueError(f"recordings of version {header['recording']!r} can't be read")
    return True


def encode_event(event: MarketEvent) -> bytes:
    """The object of an event's line. NaN becomes null, and so a bad line when it is read."""
    match event:
        case Trade():
            fields: dict[str, Any] = {"type": "trade", **asdict(event)}
        case DayStatistics():
            fields = {"type": "statistics", **asdict(event)}
        case BookTop():
            fields = {"type": "book", **asdict(event)}
        case ClosedCandle(symbol, candle):
            fields = {"type": "candle", "symbol": symbol, "candle": candle_row(candle)}
        case History(symbol, candles):
            fields = {
                "type": "history",
                "symbol": symbol,
                "candles": np.ascontiguousarray(candles),
            }
        case Touch():
            fields = {"type": "touch", **asdict(event)}
    return orjson.dumps(fields, option=orjson.OPT_SERIALIZE_NUMPY)


def encode_note(fields: dict[str, Any]) -> bytes:
    """A line for people, which replay passes over."""
    return orjson.dumps({"type": "note", **fields})


def decode_events(text: str) -> list[MarketEvent]:
    """The events of a line's object: one, or none for a header or a note. Raises ValueError."""
    fields = orjson.loads(text)
    if not isinstance(fields, dict):
        raise ValueError("not an object")
    kind = fields.pop("type", "note" if "recording" in fields else None)
    try:
        return _decoded(kind, fields)
    except (TypeError, KeyError) as error:
        raise ValueError(f"a {kind} lacks a field, or has one of the wrong kind: {error}") from None


def _decoded(kind: Any, fields: dict[str, Any]) -> list[MarketEvent]:
    match kind:
        case "trade":
            trade_id = fields.pop("trade_id")
            return [Trade(**_typed(fields), trade_id=None if trade_id is None else int(trade_id))]
        case "statistics":
            return [DayStatistics(**_typed(fields))]
        case "book":
            return [BookTop(**_typed(fields))]
        case "candle":
            return [ClosedCandle(str(fields["symbol"]), row_candle(fields["candle"]))]
        case "history":
            candles = np.array(fields["candles"], dtype=np.float64)
            return [History(str(fields["symbol"]), candles.reshape(-1, CANDLE_COLUMNS))]
        case "touch":
            symbol, time_ms = fields["symbol"], fields.get("time_ms")
            return [
                Touch(
                    None if symbol is None else str(symbol),
                    None if time_ms is None else int(time_ms),
                )
            ]
        case "note":
            return []
    raise ValueError(f"unknown type {str(kind)[:40]!r}")


def _typed(fields: dict[str, Any]) -> dict[str, Any]:
    """`symbol` as text, `time_ms` as a whole number, everything else as a number."""
    kinds: dict[str, type] = {"symbol": str, "time_ms": int}
    return {name: kinds.get(name, float)(value) for name, value in fields.items()}
