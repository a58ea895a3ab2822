"""An analyst on a real market, which is told of candles and trades by hand, and what is said."""

import itertools

import numpy as np

from backend.analysis.signal_board import SignalBoard
from backend.clock import MINUTE_MS, SystemClock
from backend.journal.memory import MemoryJournal
from backend.market.candles import row_candle
from backend.market.market import Market
from backend.market.models import Trade
from backend.streaming.analyst import Analyst
from backend.streaming.producer import Producer
from backend.streaming.published import (
    Published,
)
from backend.streaming.rater import Rater
from tests.clocks import ManualClock
from tests.streaming.conftest import NothingEarlier

SYMBOLS = ("BTC", "ETH")
FIRST_MINUTE = 28_000_000 * MINUTE_MS


def walk(seed, count=400):
    rng = np.random.default_rng(seed)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 1e-3, count)))
    opens = np.concatenate(([100.0], closes[:-1]))
    highs, lows = np.maximum(opens, closes) * 1.0005, np.minimum(opens, closes) * 0.9995
    volumes = rng.exponential(5, count)
    times = FIRST_MINUTE + MINUTE_MS * np.arange(count)
    return np.column_stack([times, opens, highs, lows, closes, volumes, volumes * closes])


ROWS = {symbol: walk(seed) for seed, symbol in enumerate(SYMBOLS)}


class Desk:
    """A market with an analyst beside it, and what is said of it in a journal."""

    def __init__(self, loaded=300, new_id=None, pause=None):
        self.market = Market(SYMBOLS, SystemClock(), "test")
        self.pauses = 0
        self.clock = ManualClock(FIRST_MINUTE)
        ids = itertools.count()
        self.journal = MemoryJournal()
        self.published = Published(self.journal.log)
        pause = pause or self._pause
        self.rater = Rater(self.market, SYMBOLS, "1m", NothingEarlier(), pause)
        self.analyst = Analyst(
            self.market,
            SYMBOLS,
            self.rater,
            self.published.signal,
            new_id=new_id or (lambda: f"id-{next(ids)}"),
            pause=pause,
        )
        self.producer = Producer(
            self.analyst, self.journal, self.published.recall, self.published.hold, self.clock
        )
        if loaded:
            for symbol in SYMBOLS:
                self.market.load_history(symbol, ROWS[symbol][:loaded])

    def _pause(self):
        self.pauses += 1

    def said(self, after=0):
        """What was said after an offset."""
        return [entry.payload() for entry in self.journal.log.since(after)]

    def signal(self, symbol):
        """The symbol's signal, as whoever subscribes finds it once the symbol has been read."""
        self.rater.catch_up(symbol)
        self.producer.say_first([symbol])
        return self.published.signal(symbol)

    def cycle(self, seconds):
        """What a cycle at that time says."""
        before = self.journal.log.last
        self.clock.steady = seconds
        self.producer.say_signals()
        return self.said(before)

    def sentiment(self):
        """The sentiment once it has been asked for."""
        self.producer.say_sentiment()
        return self.published.sentiment()

    def close_minute(self, number, symbols=SYMBOLS):
        for symbol in symbols:
            self.market.apply_candle(symbol, row_candle(ROWS[symbol][number]))

    def trade(self, symbol, price, minute=300, second=1):
        time_ms = FIRST_MINUTE + minute * MINUTE_MS + 1000 * second
        self.market.apply_trade(Trade(symbol, time_ms, price, 1.0))


def rated(symbol, rows):
    """What a board says of closed candles."""
    board = SignalBoard((symbol,))
    board.load(symbol, rows)
    (assessment,) = board.assess("1m", {symbol: None}, {symbol: 0})
    return assessment
