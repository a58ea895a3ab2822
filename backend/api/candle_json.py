"""Candles as JSON, each encoded once for all who ask.

1,500 candles take the hub some 10 ms to encode, and nearly all are those that somebody got before:
closed candles do not change but by a repair.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import orjson

from backend.clock import iso
from backend.market.models import (
    CLOSE,
    HIGH,
    LOW,
    OPEN,
    OPEN_TIME,
    QUOTE_VOLUME,
    VOLUME,
    CandleArray,
)

# Series that are kept: each symbol of the default set in an interval and a half. One of 1,500
# candles takes 0.4 MB.
SERIES_MAX = 32
# Encoded between two rests: half a millisecond's worth.
ROWS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class _Encoded:
    rows: CandleArray
    pieces: list[bytes]


class CandleJson:
    """The encoded candles of the series that were asked for last."""

    def __init__(self) -> None:
        self._series: OrderedDict[tuple[str, str], _Encoded] = OrderedDict()

    def encode(
        self, symbol: str, interval: str, rows: CandleArray, rest: Callable[[], None]
    ) -> bytes:
        """A JSON array of `rows` (n, 7), oldest first; `rest` lets others have their turn, and
        may yield."""
        known = self._series.get((symbol, interval))
        pieces: list[bytes | None] = [None] * len(rows)
        if known is not None:
            _, ours, theirs = np.intersect1d(
                rows[:, OPEN_TIME], known.rows[:, OPEN_TIME], True, return_indices=True
            )
            same = (rows[ours] == known.rows[theirs]).all(axis=1)
            for at, was in zip(ours[same].tolist(), theirs[same].tolist(), strict=True):
                pieces[at] = known.pieces[was]
        missing = [at for at, piece in enumerate(pieces) if piece is None]
        for begin in range(0, len(missing), ROWS_AT_ONCE):
            if begin:
                rest()
            for at in missing[begin : begin + ROWS_AT_ONCE]:
                pieces[at] = _encode(rows[at].tolist())
        whole = [piece for piece in pieces if piece is not None]
        self._keep((symbol, interval), _Encoded(rows, whole))
        return b"[" + b",".join(whole) + b"]"

    def _keep(self, key: tuple[str, str], encoded: _Encoded) -> None:
        known = self._series.get(key)
        if known is None or len(known.pieces) <= len(encoded.pieces):
            self._series[key] = encoded
        self._series.move_to_end(key)
        if len(self._series) > SERIES_MAX:
            self._series.popitem(last=False)


def _encode(row: list[float]) -> bytes:
    return orjson.dumps(
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
