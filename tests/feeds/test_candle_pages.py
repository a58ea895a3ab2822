"""Which candles are asked for, on each exchange's terms."""

import numpy as np
import pytest

from backend.clock import MINUTE_MS
from backend.feeds.candle_pages import HISTORY_MS, CandlePages, CandleTerms

NOW = 1_767_614_400_000
HISTORY = HISTORY_MS // MINUTE_MS


def rows(minutes: list[int]) -> np.ndarray:
    """Candles of these minutes, counted from `NOW`."""
    candles = np.ones((len(minutes), 7))
    candles[:, 0] = [NOW + minute * MINUTE_MS for minute in minutes]
    return candles


class Exchange:
    """Has candles of some minutes, and remembers what it was asked for."""

    def __init__(self, minutes: range | list[int]) -> None:
        self.minutes = list(minutes)
        self.asked: list[tuple[int, int | None]] = []

    def fetch(self, client: object, symbol: str, limit: int, end_ms: int | None) -> np.ndarray:
        last = self.minutes[-1:] if end_ms is None else [(end_ms - NOW) // MINUTE_MS]
        self.asked.append((limit, end_ms and (end_ms - NOW) // MINUTE_MS))
        return rows([m for m in self.minutes if last and last[0] - limit < m <= last[0]])

    def download(self, terms: CandleTerms, since: int, settled: float = -1):
        pages = CandlePages(self.fetch, terms, lambda: True)
        since_ms = since and NOW + since * MINUTE_MS
        return pages.download(None, "BTC", since_ms, NOW, NOW + settled * MINUTE_MS)


def test_pages_follow_each_other_without_a_gap_or_an_overlap() -> None:
    exchange = Exchange(range(-10_000, 1))
    download = exchange.download(CandleTerms(page=1_000), 0)
    assert (np.diff(download.candles[:, 0]) == MINUTE_MS).all()
    assert len(download.candles) == HISTORY + 1
    assert download.newest == NOW
    assert exchange.asked == [(1_000, None), (1_000, -1_000), (881, -2_000)]


def test_no_more_is_asked_for_than_what_is_missing() -> None:
    exchange = Exchange(range(-10_000, 1))
    assert len(exchange.download(CandleTerms(page=1_000), -7).candles) == 10
    assert exchange.asked == [(10, None)]


def test_an_exchange_that_has_no_more_is_not_asked_again() -> None:
    exchange = Exchange(range(-1_200, 1))
    assert len(exchange.download(CandleTerms(page=1_000), 0).candles) == 1_201
    assert len(exchange.asked) == 2


def test_quiet_minutes_are_no_end_where_the_exchange_leaves_them_out() -> None:
    exchange = Exchange([*range(-2_000, -1_500), *range(-40, -9)])
    download = exchange.download(CandleTerms(page=300, every_minute=False), 0)
    assert len(download.candles) == 531
    assert len(exchange.asked) == 10
    assert download.newest == NOW  # though its newest candle is nine minutes old


def test_a_symbol_that_nobody_trades_has_been_looked_at() -> None:
    exchange = Exchange([])
    quiet = exchange.download(CandleTerms(page=300, every_minute=False), -20)
    assert (len(quiet.candles), quiet.newest) == (0, NOW)
    unknown = exchange.download(CandleTerms(page=300, every_minute=False), -20, float("-inf"))
    assert unknown.newest is None
    assert exchange.download(CandleTerms(page=300), -20).newest is None


def test_nothing_is_asked_for_beyond_what_can_be_had() -> None:
    exchange = Exchange(range(-10_000, 1))
    assert len(exchange.download(CandleTerms(page=720, depth=720), 0).candles) == 720
    assert exchange.asked == [(720, None)]


def test_what_was_not_asked_for_is_left_out() -> None:
    exchange = Exchange(range(-10_000, 1))

    def generous(client: object, symbol: str, limit: int, end_ms: int | None) -> np.ndarray:
        return exchange.fetch(client, symbol, limit + 50, end_ms)

    pages = CandlePages(generous, CandleTerms(page=1_000), lambda: True)
    candles = pages.download(None, "BTC", 0, NOW, NOW).candles
    assert (np.diff(candles[:, 0]) == MINUTE_MS).all()


def test_pages_out_of_order_are_refused() -> None:
    pages = CandlePages(lambda *_: rows([0, -1]), CandleTerms(page=2), lambda: True)
    with pytest.raises(ValueError):
        pages.download(None, "BTC", NOW - MINUTE_MS, NOW, NOW)
