"""Runs the binance feed as the server does, among greenlets; prints what came of it as JSON.

    python green_feed.py <ws url> <rest url> <symbol>...

Ends when nothing has come for a while. A ticker greenlet stands for everybody else: it tells how
long it was kept waiting.
"""

import warnings

warnings.simplefilter("ignore")
import eventlet  # noqa: E402

eventlet.monkey_patch()

import json  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402

from backend.clock import SystemClock  # noqa: E402
from backend.feeds.binance import BinanceFeed  # noqa: E402
from backend.market.market import Market  # noqa: E402
from backend.market.models import Trade  # noqa: E402

TICK_S = 0.005
# The stream is over after this without a trade: the longest pause before a new try is 2 s, and the
# last minute is repaired 5 s after its end.
QUIET_S = 6.0


class RememberingMarket(Market):
    def __init__(self, symbols: list[str]) -> None:
        super().__init__(symbols, SystemClock(), "binance")
        self.trades: list[list] = []
        self.last_trade = time.monotonic()

    def apply_trade(self, trade: Trade) -> None:
        super().apply_trade(trade)
        self.trades.append([trade.symbol, trade.trade_id, trade.price, trade.quantity])
        self.last_trade = time.monotonic()


def main() -> None:
    ws_url, rest_url, *symbols = sys.argv[1:]
    market = RememberingMarket(symbols)
    feed = BinanceFeed(symbols, market, ws_url, rest_url)
    waits: list[float] = []

    def tick() -> None:
        while True:
            asked = time.monotonic()
            eventlet.sleep(TICK_S)
            waits.append(time.monotonic() - asked - TICK_S)

    ticker = eventlet.spawn(tick)
    task = eventlet.spawn(feed.run)
    while not market.trades or time.monotonic() - market.last_trade < QUIET_S:
        eventlet.sleep(0.05)
    feed.stop()
    task.wait()
    ticker.kill()
    waits.sort()
    print(
        json.dumps(
            {
                "trades": market.trades,
                "counters": feed.counters,
                "median_wait_s": waits[len(waits) // 2],
                "longest_wait_s": waits[-1],
                "threads": [thread.name for thread in threading.enumerate()],
                "candles": {
                    symbol: {
                        str(int(row[0])): row[1:6].tolist() for row in market.closed_candles(symbol)
                    }
                    for symbol in symbols
                },
            }
        )
    )


main()
