"""Candles for whoever asks: those of the market and those of the database, as one series."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from backend.history.archive import Archive
from backend.history.looks import Looks
from backend.market.candles import (
    MINUTES_KEPT,
    ROLLED_KEPT,
    merge,
)
from backend.market.models import OPEN_TIME, CandleArray
from backend.market.state import MarketState
from backend.offload import Offload, Overloaded
from backend.storage.faults import StorageUnavailable

# All that the market keeps, and the candle that is forming.
_KEPT = max(MINUTES_KEPT, ROLLED_KEPT) + 1
# Rows of one piece of `pages`: read in 3 ms, held while a client takes them.
PAGE_CANDLES = 1_000


class CandleReader:
    """Reads in every process, whoever writes: candles of the source that the symbol is of now."""

    def __init__(
        self, market: MarketState, archive: Archive, offload: Offload, looks: Looks
    ) -> None:
        self._market = market
        self._archive = archive
        self._offload = offload
        self._looks = looks

    def candles(
        self, symbol: str, interval: str, limit: int, before_ms: int | None = None
    ) -> CandleArray:
        """The newest candles (n <= limit, 7) of those that open before `before_ms` (None: of all,
        the forming one last), oldest first.

        Raises KeyError for an unknown symbol or interval, and where the market alone can't answer
        `StorageUnavailable` or `Overloaded`.
        """
        self._looks.note(symbol)
        return self._read(self._market.source(symbol), symbol, interval, limit, before_ms)

    def pages(
        self, symbol: str, interval: str, limit: int, before_ms: int | None = None
    ) -> Iterator[CandleArray]:
        """The same candles page by page, so that there may be any number of them. All are of one
        source, though the symbol may go over to another meanwhile."""
        source = self._market.source(symbol)
        spans: list[tuple[int, int]] = []
        while limit > 0:
            self._looks.note(symbol)
            page = self._read(source, symbol, interval, min(limit, PAGE_CANDLES), before_ms)
            if not len(page):
                break
            before_ms = int(page[0, OPEN_TIME])
            spans.append((before_ms, int(page[-1, OPEN_TIME]) + 1))
            limit -= len(page)
        for since_ms, until_ms in reversed(spans):
            stored = self._offload.read_candles(
                self._archive.read_between, source, symbol, interval, since_ms, until_ms
            )
            held = self._held(source, symbol, interval, until_ms, PAGE_CANDLES + 1)
            page = held.after(stored)
            yield page[int(np.searchsorted(page[:, OPEN_TIME], since_ms)) :]

    # --- within ---------------------------------------------------------------------------------

    def _read(
        self, source: str, symbol: str, interval: str, limit: int, before_ms: int | None
    ) -> CandleArray:
        held = self._held(source, symbol, interval, before_ms, limit + 1)
        if len(held.candles) > limit:
            return held.candles[len(held.candles) - limit :]
        try:
            stored = self._offload.read_candles(
                self._archive.read, source, symbol, interval, limit, before_ms
            )
        except (StorageUnavailable, Overloaded):
            if before_ms is not None or not len(held.candles):
                raise
            return held.candles
        return held.after(stored)[-limit:]

    def _held(
        self, source: str, symbol: str, interval: str, before_ms: int | None, limit: int
    ) -> "_Held":
        """What the market has of them, if it has any of this source."""
        market = self._market
        if before_ms is None:
            candles = market.candles(symbol, interval, limit)
        else:
            candles = market.candles(symbol, interval, _KEPT)
            candles = candles[: int(np.searchsorted(candles[:, OPEN_TIME], before_ms))]
            candles = candles[max(0, len(candles) - limit) :]
        if market.source(symbol) != source:
            candles = candles[:0]
        minutes, newest = market.closed_candles(symbol), market.candles(symbol, interval, 1)
        begins_cut = (
            len(candles) > 0
            and len(minutes) > 0
            and min(minutes[0, OPEN_TIME], newest[0, OPEN_TIME]) > candles[0, OPEN_TIME]
        )
        return _Held(candles, bool(begins_cut))


class _Held(NamedTuple):
    """Candles of the market. `begins_cut`: the first of them may be a part, of which the whole is
    stored; of the newest the market knows most."""

    candles: CandleArray
    begins_cut: bool

    def after(self, stored: CandleArray) -> CandleArray:
        """Both as one series, of which these are the newer ones."""
        if self.begins_cut:
            return merge(merge(self.candles[:1], stored), self.candles[1:])
        return merge(stored, self.candles)
