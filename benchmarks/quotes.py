"""The symbols and quotes that every peer streams, in the shape of this server's own.

Imports nothing of the project, so that a peer's memory is its own.
"""

import time
from typing import Any

SYMBOLS = (
    *("BTC", "ETH", "SOL", "XRP", "BNB", "ADA", "DOGE", "AVAX", "DOT", "LINK"),
    *("LTC", "BCH", "TRX", "UNI", "ATOM", "XLM", "NEAR", "AAVE", "FIL", "ALGO"),
    *(f"T{number}" for number in range(10, 40)),
)
# How many of them a client has where it has not all.
BASKET_SYMBOLS = 5
MARKET_UPDATE = "market_update"
FLOOD = "flood"
# Starts with as many digits as it ends with, so that all frames of a flood have one length.
FIRST_SEQUENCE = 10_000_000
# No run goes on by itself for longer, whatever was asked for.
FLOOD_SECONDS_MAX = 60.0
# Makes a flood's message about as long as a `market_update` of one symbol.
FLOOD_PAD = 130


def timestamp() -> str:
    """Now, as the server writes instants."""
    now = time.time()
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    return f"{whole}.{int(now % 1 * 1000):03d}Z"


def quote(symbol: str, tick: int) -> dict[str, Any]:
    """A quote that differs from tick to tick, of the same size as a real one."""
    return {
        "symbol": symbol,
        "price": 42_000.25 + tick % 100,
        "change_24h": -1.2345,
        "volume_24h": 1_234_567_890.12,
        "timestamp": timestamp(),
        "seq": FIRST_SEQUENCE + tick,
        "stale": False,
    }


def flood_payload(number: int, pad: int) -> dict[str, Any]:
    """Message `number` (from 0) of a flood."""
    return {"n": FIRST_SEQUENCE + number, "pad": "x" * pad}
