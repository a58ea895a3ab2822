"""Candles as JSON, each encoded once for all who ask.

1,500 candles take the hub some 10 ms to encode, and nearly all are those that somebody got before:
closed candles do not change but by a repair.
"""

from collections import OrderedDict
from collections.abc import Callable

import orjson

from backend.clock import iso
from backend.market.models import (
    CANDLE_COLUMNS,
    CLOSE,
    HIGH,
    LOW,
    OPEN,
    OPEN_TIME,
    QUOTE_VOLUME,
    VOLUME,
    CandleArray,
)

# Series that are kept: each symbol of the default set, and some in a second interval. One of 1,500
# candles takes 0.6 MB.
SERIES_MAX = 32
# Candles of a series that are kept: an answer's, and those of some hours after it.
CANDLES_MAX = 2_000
# Encoded between two rests: half a millisecond's worth.
ROWS_AT_ONCE = 64
_ROW_BYTES = CANDLE_COLUMNS * 8


class CandleJson:
    """The encoded candles of the series that were asked for last, each by its row's bytes. Who
    asks for one that is just being encoded shares what is there already."""

    def __init__(self, series_max: int = SERIES_MAX) -> None:
        self._series_max = series_max
        self._series: OrderedDict[tuple[str, str], dict[bytes, bytes]] = OrderedDict()

    def encode(
        self, symbol: str, interval: str, rows: CandleArray, rest: Callable[[], None]
    ) -> bytes:
        """A JSON object with `symbol`, `interval` and `candles`: `rows` (n, 7), oldest first.
        `rest` lets others have their turn, and may yield."""
        known = self._series_of(symbol, interval)
        raw = rows.tobytes()
        keys = [raw[at : at + _ROW_BYTES] for at in range(0, len(raw), _ROW_BYTES)]
        pieces = [known.get(key) for key in keys]
        missing = [at for at, piece in enumerate(pieces) if piece is None]
        for begin in range(0, len(missing), ROWS_AT_ONCE):
            if begin:
                rest()
            for at in missing[begin : begin + ROWS_AT_ONCE]:
                key = keys[at]
                pieces[at] = known[key] = known.get(key) or _encode(rows[at].tolist())
        whole = [piece for piece in pieces if piece is not None]
        if len(known) > CANDLES_MAX:
            known.clear()
            known.update(zip(keys, whole, strict=True))
        head = orjson.dumps({"symbol": symbol, "interval": interval})[:-1]
        # Joined once: an answer has hundreds of kilobytes.
        return b"".join([head, b',"candles":[', *_separated(whole), b"]}"])

    def _series_of(self, symbol: str, interval: str) -> dict[bytes, bytes]:
        key = symbol, interval
        series = self._series.setdefault(key, {})
        self._series.move_to_end(key)
        if len(self._series) > self._series_max:
            self._series.popitem(last=False)
        return series


def _separated(pieces: list[bytes]) -> list[bytes]:
    separated = [b","] * (2 * len(pieces) - 1) if pieces else []
    separated[::2] = pieces
    return separated


def _encode(row: list[float]) -> bytes:
    encoded = orjson.dumps(
        {
            "time": iso(int(row[OPEN_TIME])),
            "open": row[OPEN],
            "high": row[HIGH],
            "low": row[LOW],
            "close": row[CLOSE],
            "volume": row[VOLUME],
            "quote_volume": row[QUOTE_VOLUME],
        }
    )
    # The encoder's own bytes keep its buffer, which is twenty times as long.
    return bytes(memoryview(encoded))
