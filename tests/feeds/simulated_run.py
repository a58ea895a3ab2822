"""A run of the simulated market by the manual clock, and its candles as series."""

import numpy as np

from backend.config import DEFAULT_SYMBOLS
from backend.feeds.simulated import HISTORY_MINUTES, SimulatedFeed
from backend.market.market import Market
from backend.market.models import CLOSE, OPEN_TIME, QUOTE_VOLUME, Trade

SYMBOLS = tuple(DEFAULT_SYMBOLS.split(","))
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
# The clock begins 13 minutes past an hour, and history with a whole one.
BEGIN_MS = 1_700_000_031_500
HISTORY = HISTORY_MINUTES + 13


class Run:
    """A feed on a market, whose sleep moves the clock, and stops the feed in time."""

    def __init__(self, clock, seconds, seed=7, symbols=SYMBOLS, market=None, **options):
        self.clock = clock
        self.market = market or Market(symbols, clock, "simulated")
        self.trades: list[Trade] = []
        self.until = clock.monotonic() + seconds
        self.started_ms = clock.now_ms()
        self.on_sleep = lambda: None
        random = np.random.default_rng(seed)
        self.feed = SimulatedFeed(symbols, self, clock, random, self.sleep, **options)

    def __getattr__(self, name):
        return getattr(self.market, name)

    def apply_trade(self, trade):
        self.trades.append(trade)
        self.market.apply_trade(trade)

    def sleep(self, seconds):
        self.clock.advance(seconds)
        self.on_sleep()
        if self.clock.monotonic() >= self.until:
            self.feed.stop()

    def run(self):
        self.feed.run()
        return self


def split(hour, symbol):
    """A symbol's candles of before the start, and of after it."""
    rows = hour.market.closed_candles(symbol)
    start = np.searchsorted(rows[:, OPEN_TIME], hour.started_ms - hour.started_ms % MINUTE)
    return rows[:start], rows[start:]


def aligned(rows, start_ms, count):
    """Log closes, and volumes, of `count` minutes: a quiet one has the close before it."""
    times = start_ms + MINUTE * np.arange(count)
    places = np.searchsorted(rows[:, OPEN_TIME], times, side="right") - 1
    there = rows[np.maximum(places, 0)]
    volumes = np.where(there[:, OPEN_TIME] == times, there[:, QUOTE_VOLUME], 0)
    return np.log(there[:, CLOSE]), volumes
