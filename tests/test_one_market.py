"""One market, however it came: live, by history, repaired, or played from candles.

The exchange sends candles of quiet minutes by REST, with its last price and no volume; live there
are only trades. Whatever is said of the market must not depend on that.
"""

import numpy as np
import pytest

from backend.analysis.forecast import ForecastEngine
from backend.analysis.sentiment import SentimentEngine
from backend.analysis.signal_board import SignalBoard
from backend.clock import MINUTE_MS, SystemClock
from backend.market.candles import INTERVALS, row_candle
from backend.market.market import Market
from backend.market.models import Trade
from backend.streaming.candle_inbox import CandleInbox

SYMBOLS = ("BTC", "ADA")
FIRST_MS = 28_000_000 * MINUTE_MS
MINUTES = 1_500
QUIET = {"BTC": 0.02, "ADA": 0.4}
# What a feed knows at its start; the rest comes live.
LOADED = 900


def trades_of(symbol: str, seed: int) -> list[Trade]:
    """In each minute up to three trades, and in a share of them none."""
    random = np.random.default_rng(seed)
    price, found = 100.0, []
    for minute in range(MINUTES):
        count = 0 if random.random() < QUIET[symbol] else int(random.integers(1, 4))
        for second in sorted(random.integers(0, 60, count).tolist()):
            price = round(price * float(np.exp(random.normal(0, 1e-3))), 2)
            quantity = round(float(random.exponential(2)) + 0.01, 2)
            time_ms = FIRST_MS + minute * MINUTE_MS + second * 1000
            found.append(Trade(symbol, time_ms, price, quantity, len(found) + 1))
    return found


TRADES = {symbol: trades_of(symbol, seed) for seed, symbol in enumerate(SYMBOLS)}
ALL = sorted((one for some in TRADES.values() for one in some), key=lambda one: one.time_ms)


def exchange_candles(symbol: str) -> np.ndarray:
    """The candles of all minutes as an exchange's REST has them, quiet ones included."""
    rows, close = [], TRADES[symbol][0].price
    by_minute: dict[int, list[Trade]] = {}
    for trade in TRADES[symbol]:
        by_minute.setdefault((trade.time_ms - FIRST_MS) // MINUTE_MS, []).append(trade)
    for minute in range(MINUTES):
        some = by_minute.get(minute, [])
        prices = [one.price for one in some] or [close]
        close = prices[-1]
        volume = sum(one.quantity for one in some)
        quote = sum(one.quantity * one.price for one in some)
        time_ms = FIRST_MS + minute * MINUTE_MS
        rows.append([time_ms, prices[0], max(prices), min(prices), close, volume, quote])
    return np.array(rows)


CANDLES = {symbol: exchange_candles(symbol) for symbol in SYMBOLS}


class Everything:
    """A market, and all that is said of it."""

    def __init__(self) -> None:
        self.market = Market(SYMBOLS, SystemClock())
        self.board = SignalBoard(SYMBOLS)
        self.sentiment = SentimentEngine(SYMBOLS)
        self.forecasts = ForecastEngine(SYMBOLS)
        self._inbox = CandleInbox(self.market, SYMBOLS, MINUTES)

    def trades(self, since_minute: int = 0, until_minute: int = MINUTES) -> None:
        for trade in ALL:
            if since_minute <= (trade.time_ms - FIRST_MS) // MINUTE_MS < until_minute:
                self.market.apply_trade(trade)

    def history(self, until_minute: int, since_minute: int = 0) -> None:
        for symbol in SYMBOLS:
            self.market.load_history(symbol, CANDLES[symbol][since_minute:until_minute])

    def end(self) -> None:
        """Whatever is forming closes: the time of the next minute is heard of."""
        for symbol in SYMBOLS:
            close = float(CANDLES[symbol][-1, 4])
            time_ms = FIRST_MS + MINUTES * MINUTE_MS
            self.market.apply_trade(Trade(symbol, time_ms, close, 1.0, None))

    def look(self) -> None:
        for symbol in SYMBOLS:
            history, candles = self._inbox.take(symbol)
            if history is not None:
                self.board.load(symbol, history)
                self.sentiment.load(symbol, history)
                self.forecasts.load(symbol, history)
            for candle in candles:
                self.board.update(symbol, candle)
                self.sentiment.update(symbol, candle)
                self.forecasts.update(symbol, candle)


def live(every: Everything) -> None:
    every.trades()


def restarted(every: Everything) -> None:
    every.history(LOADED)
    every.look()
    every.trades(LOADED)


def repaired(every: Everything) -> None:
    """Trades went missing for a while, and the candles of that time come late."""
    every.trades(0, LOADED)
    every.look()
    every.trades(LOADED + 60, LOADED + 200)
    every.look()
    every.history(LOADED + 199, LOADED - 5)
    every.look()
    every.trades(LOADED + 200)


def played(every: Everything) -> None:
    """Candles one by one, as a recording of them is."""
    for minute in range(MINUTES):
        for symbol in SYMBOLS:
            every.market.apply_candle(symbol, row_candle(CANDLES[symbol][minute]))
        if minute % 50 == 0:
            every.look()


def loaded(every: Everything) -> None:
    every.history(MINUTES)


@pytest.fixture(scope="module")
def reference() -> Everything:
    every = Everything()
    live(every)
    every.end()
    every.look()
    return every


@pytest.mark.parametrize("way", [restarted, repaired, played, loaded])
def test_the_same_market_is_the_same_whichever_way_it_comes(way, reference) -> None:
    every = Everything()
    way(every)
    every.end()
    every.look()
    for symbol in SYMBOLS:
        for interval in INTERVALS:
            np.testing.assert_allclose(
                every.market.candles(symbol, interval, MINUTES),
                reference.market.candles(symbol, interval, MINUTES),
                rtol=1e-12,
            )
        assert every.board.levels(symbol) == reference.board.levels(symbol)
        for timeframe in reference.board.levels(symbol):
            (one,), (other,) = (
                board.assess(timeframe, {symbol: None}, {symbol: 0})
                for board in (reference.board, every.board)
            )
            assert (one.reason, one.score) == (other.reason, pytest.approx(other.score))
    assert every.sentiment.read() == reference.sentiment.read()
    if way is not repaired:
        # Ranges that were issued while trades were missing stay what they were.
        assert every.forecasts.coverage() == reference.forecasts.coverage()


def test_a_quiet_minute_is_a_sign_of_life_and_no_candle() -> None:
    market = Market(("BTC",), SystemClock())
    told = []
    market.on_candle(lambda symbol, candle: told.append(candle))
    first, quiet = CANDLES["ADA"][0].copy(), CANDLES["ADA"][0].copy()
    first[5:] = 1.0
    quiet[:] = [FIRST_MS + MINUTE_MS, *[first[4]] * 4, 0.0, 0.0]
    market.apply_candle("BTC", row_candle(first))
    market.apply_candle("BTC", row_candle(quiet))
    market.load_history("BTC", np.array([quiet]))
    assert len(told) == len(market.closed_candles("BTC")) == 1
    assert not market.drops
    assert not market.stale("BTC")


def test_a_candle_without_volume_that_moved_is_kept() -> None:
    """As of indices, which nobody trades."""
    market = Market(("BTC",), SystemClock())
    moved = [FIRST_MS, 100.0, 101.0, 100.0, 101.0, 0.0, 0.0]
    market.load_history("BTC", np.array([moved]))
    assert len(market.closed_candles("BTC")) == 1
