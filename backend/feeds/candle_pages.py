"""An exchange's candles, page by page, on the terms on which it gives them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backend.clock import HOUR_MS, MINUTE_MS
from backend.feeds.rest import BAD_REQUEST, RestClient
from backend.market.models import CANDLE_COLUMNS, OPEN_TIME, CandleArray

HISTORY_MS = 48 * HOUR_MS
# How far back an interruption is filled, where there was something before it: as far as the market
# keeps minutes.
RESUMED_MS = 7 * 24 * HOUR_MS

# (client, symbol, limit, end_ms) -> the candles of `limit` minutes, oldest first: the newest, or
# those that open at or before end_ms. The newest of all may be forming.
FetchCandles = Callable[[RestClient, str, int, int | None], CandleArray]


@dataclass(frozen=True, slots=True)
class CandleTerms:
    """On what terms an exchange gives its candles.

    `page`: how many minutes one request may ask for. `depth`: how many minutes back from now can
    be had at all (None: as many as are wanted). `pause_s`: from one request to the next, whoever
    makes it. `every_minute`: whether a minute without a trade has a candle too. `refusals`: with
    which status a symbol is refused that isn't listed.
    """

    page: int
    depth: int | None = None
    pause_s: float = 0.0
    every_minute: bool = True
    refusals: frozenset[int] = frozenset({BAD_REQUEST})


@dataclass(frozen=True, slots=True)
class Download:
    """Candles, oldest first, and the newest minute that they say something of (None: of none)."""

    candles: CandleArray
    newest: int | None


class CandlePages:
    """Downloads what spans several requests. `may_ask` waits until the next may be sent, and says
    whether it still is to be."""

    def __init__(
        self, fetch: FetchCandles, terms: CandleTerms, may_ask: Callable[[], bool]
    ) -> None:
        self._fetch = fetch
        self._terms = terms
        self._may_ask = may_ask

    def download(
        self, client: RestClient, symbol: str, since: int, now_ms: int | None, settled: float
    ) -> Download:
        """Candles of `since` to now, newest page first: at most of `HISTORY_MS`, or of `RESUMED_MS`
        where something is known from before.

        `now_ms` is the exchange's time, if it is known, and `settled` the newest minute that it
        won't change any more.
        """
        wanted = (RESUMED_MS if since else HISTORY_MS) // MINUTE_MS + 1
        if now_ms is not None:
            # Two more: the forming one, and one that may have begun since.
            wanted = min(wanted, max(0, (now_ms - since) // MINUTE_MS) + 3)
        if self._terms.depth is not None:
            wanted = min(wanted, self._terms.depth)
        pages: list[CandleArray] = []
        newest: int | None = None
        end_ms: int | None = None
        while wanted > 0 and self._may_ask():
            limit = min(wanted, self._terms.page)
            page = self._fetch(client, symbol, limit, end_ms)
            if newest is None:
                newest = end_ms = self._newest(page, settled)
            if end_ms is None:
                break
            short = len(page) < limit
            if pages:  # exchanges may give more than they were asked for
                page = page[page[:, OPEN_TIME] < pages[0][0, OPEN_TIME]]
            if len(page):
                pages.insert(0, page)
            wanted -= limit
            end_ms -= limit * MINUTE_MS
            if end_ms < since or (short and self._terms.every_minute):
                break
        candles = np.concatenate(pages) if pages else np.empty((0, CANDLE_COLUMNS))
        if (np.diff(candles[:, OPEN_TIME]) <= 0).any():
            raise ValueError("candles are not in order of time")
        return Download(candles, newest)

    def _newest(self, page: CandleArray, settled: float) -> int | None:
        """The newest minute that the newest page says something of.

        Where the exchange leaves out minutes without a trade, that is all that had settled when
        it was asked.
        """
        newest = float(page[:, OPEN_TIME].max(initial=-math.inf))
        if not self._terms.every_minute:
            newest = max(newest, settled + MINUTE_MS)
        return None if newest == -math.inf else int(newest)
