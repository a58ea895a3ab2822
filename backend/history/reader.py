"""Candles for whoever asks: those of the market and those of the database, as one series."""

from collections.abc import Iterator

import numpy as np

from backend.history.archive import Archive
from backend.history.looks import Looks
from backend.market.candles import (
    MINUTES_KEPT,
    ROLLED_KEPT,
    merge,
)
from backend.market.market import Market
from backend.market.models import OPEN_TIME, CandleArray
from backend.offload import Offload, Overloaded
from backend.storage.faults import StorageUnavailable

# All that the market keeps, and the candle that is forming.
_KEPT = max(MINUTES_KEPT, ROLLED_KEPT) + 1
# Rows of one piece of `pages`: read in 3 ms, held while a client takes them.
PAGE_CANDLES = 1_000


class CandleReader:
    """Reads in every process, whoever writes."""

    def __init__(self, market: Market, archive: Archive, offload: Offload, looks: Looks) -> None:
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
        held = self._held(symbol, interval, before_ms, limit + 1)
        if len(held) > limit:
            return held[len(held) - limit :]
        try:
            stored = self._offload.read_candles(
                self._archive.read, self._source, symbol, interval, limit, before_ms
            )
        except (StorageUnavailable, Overloaded):
            if before_ms is not None or not len(held):
                raise
            return held
        return self._joined(symbol, interval, stored, held)[-limit:]

    def pages(
        self, symbol: str, interval: str, limit: int, before_ms: int | None = None
    ) -> Iterator[CandleArray]:
        """The same candles page by page, so that there may be any number of them."""
        spans: list[tuple[int, int]] = []
        while limit > 0:
            page = self.candles(symbol, interval, min(limit, PAGE_CANDLES), before_ms)
            if not len(page):
                break
            before_ms = int(page[0, OPEN_TIME])
            spans.append((before_ms, int(page[-1, OPEN_TIME]) + 1))
            limit -= len(page)
        for since_ms, until_ms in reversed(spans):
            stored = self._offload.read_candles(
                self._archive.read_between, self._source, symbol, interval, since_ms, until_ms
            )
            held = self._held(symbol, interval, until_ms, PAGE_CANDLES + 1)
            page = self._joined(symbol, interval, stored, held)
            yield page[int(np.searchsorted(page[:, OPEN_TIME], since_ms)) :]

    @property
    def _source(self) -> str:
        return self._market.feed_state.name

    def _held(self, symbol: str, interval: str, before_ms: int | None, limit: int) -> CandleArray:
        """What the market has of them."""
        if before_ms is None:
            return self._market.candles(symbol, interval, limit)
        held = self._market.candles(symbol, interval, _KEPT)
        held = held[: int(np.searchsorted(held[:, OPEN_TIME], before_ms))]
        return held[max(0, len(held) - limit) :]

    def _joined(
        self, symbol: str, interval: str, stored: CandleArray, held: CandleArray
    ) -> CandleArray:
        """Both as one series. The market's are the newer ones, but that its first of a longer
        interval may be a part, of which the whole is stored. Of the newest it knows most."""
        minutes = self._market.closed_candles(symbol)
        newest = self._market.candles(symbol, interval, 1)
        if len(held) and len(minutes):
            first_ms = held[0, OPEN_TIME]
            if minutes[0, OPEN_TIME] > first_ms and newest[0, OPEN_TIME] > first_ms:
                return merge(merge(held[:1], stored), held[1:])
        return merge(stored, held)
