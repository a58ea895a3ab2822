"""Frames with made-up values, for tests that must stand on their own."""

from random import Random

from tests.feeds.exchange_binance import BINANCE
from tests.feeds.exchange_dialect import Dialect, SampleDay, SampleTrade
from tests.feeds.exchange_klines import Frame

# 2026-01-05 12:00:20 UTC: a stream that begins within a minute, as every real one does.
START_MS = 1_767_614_420_000
PRICES = {"BTC": 61_837.64, "ETH": 2_688.11, "ADA": 0.3391}
# Half of the spread, in parts of the price.
HALF_SPREAD = 1e-4


def sample_frames(minutes: float = 4.0, seed: int = 1, dialect: Dialect = BINANCE) -> list[Frame]:
    """Trades of three symbols (some 5 a second each), and what the exchange says once a second:
    figures of 24 h, the top of the book, signs of life."""
    random = Random(seed)
    price, base = dict(PRICES), dict(PRICES)
    trade_id = dict.fromkeys(PRICES, 1_000)
    volume = dict.fromkeys(PRICES, 1e8)
    frames: list[Frame] = []
    for time_ms in range(START_MS, START_MS + int(minutes * 60_000), 100):
        for symbol in PRICES:
            if random.random() < 0.5:
                price[symbol] *= 1 + random.gauss(0, 1e-4)
                quantity = random.expovariate(1) + 1e-5
                trade_id[symbol] += 1
                volume[symbol] += price[symbol] * quantity
                frames += dialect.trade_frames(
                    SampleTrade(
                        time_ms,
                        symbol,
                        trade_id[symbol],
                        f"{price[symbol]:.8f}",
                        f"{quantity:.8f}",
                        random.random() < 0.5,
                    )
                )
            if time_ms % 1_000 == 0:
                frames += dialect.day_frames(
                    SampleDay(
                        time_ms,
                        symbol,
                        trade_id[symbol],
                        price[symbol],
                        base[symbol],
                        volume[symbol],
                        price[symbol] * (1 - HALF_SPREAD),
                        price[symbol] * (1 + HALF_SPREAD),
                    )
                )
    return frames
