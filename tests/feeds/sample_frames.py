"""Frames in Binance's format with made-up values, for tests that must stand on their own."""

import json
from random import Random

Frame = tuple[int, str]  # the instant it was sent, UTC milliseconds; the text

# 2026-01-05 12:00:20 UTC: a stream that begins within a minute, as every real one does.
START_MS = 1_767_614_420_000
PRICES = {"BTC": 61_837.64, "ETH": 2_688.11, "ADA": 0.3391}


def sample_frames(minutes: float = 4.0, seed: int = 1) -> list[Frame]:
    """Trades (some 5 a second), mini tickers (one a second) and book tickers of three pairs."""
    random = Random(seed)
    price, base = dict(PRICES), dict(PRICES)
    trade_id = dict.fromkeys(PRICES, 1_000)
    volume = dict.fromkeys(PRICES, 1e8)
    frames: list[Frame] = []
    for time_ms in range(START_MS, START_MS + int(minutes * 60_000), 100):
        for symbol, pair in ((symbol, f"{symbol}USDT") for symbol in PRICES):
            if random.random() < 0.5:
                price[symbol] *= 1 + random.gauss(0, 1e-4)
                quantity = random.expovariate(1) + 1e-5
                trade_id[symbol] += 1
                volume[symbol] += price[symbol] * quantity
                trade = {
                    "e": "trade",
                    "E": time_ms + 1,
                    "s": pair,
                    "t": trade_id[symbol],
                    "p": f"{price[symbol]:.8f}",
                    "q": f"{quantity:.8f}",
                    "T": time_ms,
                    "m": random.random() < 0.5,
                    "M": True,
                }
                frames.append(_combined(f"{pair.lower()}@trade", time_ms + 1, trade))
            if time_ms % 1_000 == 0:
                ticker = {
                    "e": "24hrMiniTicker",
                    "E": time_ms + 2,
                    "s": pair,
                    "c": f"{price[symbol]:.8f}",
                    "o": f"{base[symbol]:.8f}",
                    "h": f"{base[symbol] * 1.1:.8f}",
                    "l": f"{base[symbol] * 0.9:.8f}",
                    "v": f"{volume[symbol] / price[symbol]:.8f}",
                    "q": f"{volume[symbol]:.8f}",
                }
                frames.append(_combined(f"{pair.lower()}@miniTicker", time_ms + 2, ticker))
                book = {"u": time_ms, "s": pair, "b": "1.0", "B": "1.0", "a": "1.1", "A": "1.0"}
                frames.append(_combined(f"{pair.lower()}@bookTicker", time_ms + 2, book))
    return frames


def _combined(stream: str, sent_ms: int, data: dict) -> Frame:
    text = json.dumps({"stream": stream, "data": data}, separators=(",", ":"))
    return sent_ms, text
