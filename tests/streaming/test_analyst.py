"""The analyst on a real market, told of candles and trades by hand."""

import itertools

import numpy as np
import pytest

from backend.analysis.sentiment import SentimentEngine
from backend.analysis.signals import MIN_CANDLES, SignalEngine
from backend.clock import MINUTE_MS, SystemClock, iso
from backend.market.candles import row_candle
from backend.market.market import Market
from backend.market.models import Trade
from backend.streaming.analyst import (
    RECALLED_STEP_MINUTES,
    SIGNAL_MAX_AGE_S,
    SIGNALS_KEPT_PER_SYMBOL,
    Analyst,
)
from backend.streaming.candle_inbox import PENDING_MAX

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
    """A market with an analyst beside it."""

    def __init__(self, loaded=300):
        self.market = Market(SYMBOLS, SystemClock(), "test")
        self.pauses = 0
        ids = itertools.count()
        self.analyst = Analyst(
            self.market, SYMBOLS, new_id=lambda: f"id-{next(ids)}", pause=self._pause
        )
        if loaded:
            for symbol in SYMBOLS:
                self.market.load_history(symbol, ROWS[symbol][:loaded])

    def _pause(self):
        self.pauses += 1

    def close_minute(self, number, symbols=SYMBOLS):
        for symbol in symbols:
            self.market.apply_candle(symbol, row_candle(ROWS[symbol][number]))

    def trade(self, symbol, price, minute=300, second=1):
        time_ms = FIRST_MINUTE + minute * MINUTE_MS + 1000 * second
        self.market.apply_trade(Trade(symbol, time_ms, price, 1.0))


def test_nothing_is_said_without_data():
    analyst = Desk(loaded=0).analyst
    assert analyst.signal("BTC") is None
    assert analyst.cycle(0.0) == []
    assert analyst.sentiment() is None
    assert analyst.recent_signals() == analyst.sentiment_history() == []


def test_a_symbol_that_is_not_followed_has_no_signal():
    analyst = Desk().analyst
    assert analyst.signal("XRP") is None
    assert analyst.recent_signals("XRP") == []


def test_a_signal_is_the_engines_assessment_with_the_contracts_fields():
    desk = Desk()
    engine = SignalEngine("BTC")
    engine.rebuild(ROWS["BTC"][:300])
    expected = engine.assess(None)
    signal = desk.analyst.signal("BTC")
    assert signal == {
        "id": "id-0",
        "symbol": "BTC",
        "signal": expected.level,
        "strength": round(expected.strength, 2),
        "reason": expected.reason,
        "price": ROWS["BTC"][299, 4],
        "score": round(expected.score, 4),
        "timestamp": iso(desk.market.time_ms("BTC")),
    }
    assert type(signal["signal"]) is type(signal["reason"]) is str


def test_everybody_gets_the_same_signal():
    desk = Desk()
    first = desk.analyst.signal("BTC")
    assert desk.analyst.signal("BTC") is first
    cycle = desk.analyst.cycle(0.0)
    assert [signal["symbol"] for signal in cycle] == ["ETH"]
    assert desk.analyst.signal("ETH") is cycle[0]
    assert desk.analyst.signal("BTC") is first


def test_an_unchanged_signal_is_published_again_once_it_is_old():
    analyst = Desk().analyst
    first = analyst.cycle(100.0)
    assert [signal["symbol"] for signal in first] == list(SYMBOLS)
    assert analyst.cycle(100.0 + SIGNAL_MAX_AGE_S) == []
    again = analyst.cycle(100.1 + SIGNAL_MAX_AGE_S)
    assert [signal["symbol"] for signal in again] == list(SYMBOLS)
    assert not {signal["id"] for signal in first} & {signal["id"] for signal in again}
    assert analyst.cycle(100.2 + SIGNAL_MAX_AGE_S) == []


def test_a_snapshots_age_counts_from_the_next_cycle():
    analyst = Desk().analyst
    analyst.signal("BTC")
    analyst.cycle(500.0)
    assert "BTC" not in [signal["symbol"] for signal in analyst.cycle(500.0 + SIGNAL_MAX_AGE_S)]
    assert "BTC" in [signal["symbol"] for signal in analyst.cycle(501.0 + SIGNAL_MAX_AGE_S)]


def test_a_changed_level_is_published_in_the_next_cycle():
    desk = Desk()
    before = {signal["symbol"]: signal for signal in desk.analyst.cycle(0.0)}
    price = ROWS["BTC"][299, 4]
    moves = [price * factor for factor in (1.05, 0.95)]
    levels = []
    for second, moved in enumerate(moves, 1):
        desk.trade("BTC", moved, second=second)
        (signal,) = desk.analyst.cycle(float(second))
        assert (signal["symbol"], signal["price"]) == ("BTC", moved)
        assert desk.analyst.signal("BTC") is signal
        levels.append(signal["signal"])
    assert levels[0] in ("BUY", "STRONG_BUY")
    assert levels[1] in ("SELL", "STRONG_SELL")
    assert before["ETH"] is desk.analyst.signal("ETH")


def test_closed_minutes_are_followed():
    desk = Desk()
    desk.analyst.cycle(0.0)
    for number in range(300, 330):
        desk.close_minute(number)
    desk.analyst.cycle(1000.0)
    engine = SignalEngine("ETH")
    engine.rebuild(ROWS["ETH"][:330])
    assert desk.analyst.signal("ETH")["score"] == round(engine.assess(None).score, 4)


def test_many_waiting_minutes_give_what_few_give():
    desk = Desk(loaded=100)
    desk.analyst.cycle(0.0)
    for number in range(100, 100 + 2 * PENDING_MAX + 50):
        desk.close_minute(number)
    desk.analyst.cycle(1000.0)
    engine = SignalEngine("BTC")
    engine.rebuild(ROWS["BTC"][: 100 + 2 * PENDING_MAX + 50])
    assert desk.analyst.signal("BTC")["score"] == round(engine.assess(None).score, 4)


def test_a_rewritten_past_counts():
    desk = Desk(loaded=0)
    desk.market.load_history("BTC", ROWS["BTC"][200:300])
    desk.analyst.cycle(0.0)
    desk.market.load_history("BTC", ROWS["BTC"][:250])
    desk.analyst.cycle(1000.0)
    engine = SignalEngine("BTC")
    engine.rebuild(ROWS["BTC"][:300])
    assert desk.analyst.signal("BTC")["score"] == round(engine.assess(None).score, 4)


def test_others_get_a_turn_between_the_symbols_of_a_rebuild():
    desk = Desk()
    desk.analyst.cycle(0.0)
    assert desk.pauses == len(SYMBOLS)
    desk.close_minute(300)
    desk.analyst.cycle(1.0)
    assert desk.pauses == len(SYMBOLS)


def test_what_arrives_during_a_pause_is_not_lost():
    desk = Desk()
    minutes = iter(range(300, 302))
    analyst = Analyst(desk.market, SYMBOLS, pause=lambda: desk.close_minute(next(minutes)))
    analyst.cycle(0.0)
    analyst.cycle(1000.0)
    engine = SignalEngine("BTC")
    engine.rebuild(ROWS["BTC"][:302])
    assert analyst.signal("BTC")["score"] == round(engine.assess(None).score, 4)


def test_recent_signals_are_newest_first_and_bounded():
    desk = Desk()
    for number in range(SIGNALS_KEPT_PER_SYMBOL + 5):
        desk.analyst.cycle(100.0 * number)
    newest = desk.analyst.recent_signals("BTC", 3)
    assert newest[0] is desk.analyst.signal("BTC")
    assert [int(signal["id"][3:]) for signal in newest] == [208, 206, 204]
    assert len(desk.analyst.recent_signals("BTC", 1000)) == SIGNALS_KEPT_PER_SYMBOL
    both = desk.analyst.recent_signals(limit=4)
    assert [signal["symbol"] for signal in both] == ["ETH", "BTC", "ETH", "BTC"]
    assert desk.analyst.recent_signals(limit=0) == []


def test_the_sentiment_has_the_contracts_fields():
    desk = Desk()
    engine = SentimentEngine(SYMBOLS)
    engine.rebuild({symbol: rows[:300] for symbol, rows in ROWS.items()})
    expected = engine.read()
    sentiment = desk.analyst.sentiment()
    assert sentiment == {
        "id": "id-0",
        "overall_sentiment": expected.overall,
        "market_fear_greed": round(expected.index),
        "market_mood": expected.mood,
        "confidence": round(expected.confidence, 2),
        "trending_topics": list(expected.trending_topics),
        "components": pytest.approx(expected.components, abs=0.051),
        "timestamp": iso(FIRST_MINUTE + 300 * MINUTE_MS),
    }
    assert type(sentiment["market_fear_greed"]) is int


def test_a_sentiment_stays_the_same_until_the_next_minute():
    desk = Desk()
    first = desk.analyst.sentiment()
    assert desk.analyst.sentiment() is first
    desk.close_minute(300, ["BTC"])
    assert desk.analyst.sentiment() is first
    desk.close_minute(300, ["ETH"])
    second = desk.analyst.sentiment()
    assert second["id"] != first["id"]
    assert second["timestamp"] > first["timestamp"]
    assert desk.analyst.sentiment_history() == [second, first]
    assert desk.analyst.sentiment_history(1) == [second]


def test_a_minute_that_is_rewritten_replaces_its_sentiment():
    desk = Desk()
    first = desk.analyst.sentiment()
    rewritten = ROWS["ETH"][:300].copy()
    rewritten[250:, 1:5] *= 0.9
    desk.market.load_history("ETH", rewritten)
    second = desk.analyst.sentiment()
    assert second["timestamp"] == first["timestamp"]
    assert desk.analyst.sentiment_history() == [second]


def test_a_closed_analyst_listens_no_more():
    desk = Desk(loaded=MIN_CANDLES)
    before = desk.analyst.cycle(0.0)
    desk.analyst.close()
    desk.close_minute(MIN_CANDLES)
    after = desk.analyst.cycle(1000.0)
    assert [signal["score"] for signal in after] == [signal["score"] for signal in before]


def test_random_ids_are_unique():
    desk = Desk()
    analyst = Analyst(desk.market, SYMBOLS)
    ids = [signal["id"] for number in range(50) for signal in analyst.cycle(100.0 * number)]
    assert len(set(ids)) == len(ids) == 100


def test_the_past_is_recalled_as_it_would_have_been_published():
    whole, then = Desk(loaded=400), Desk(loaded=400 - RECALLED_STEP_MINUTES)
    latest = whole.analyst.sentiment()
    whole.analyst.recall()
    now, before, *_ = whole.analyst.sentiment_history()
    assert now == latest
    published = then.analyst.sentiment()
    assert {**before, "id": ""} == {**published, "id": ""}


def test_recalled_sentiments_give_way_to_published_ones():
    desk = Desk(loaded=390)
    desk.analyst.sentiment()
    desk.analyst.recall()
    recalled = len(desk.analyst.sentiment_history()) - 1
    assert recalled > 5
    times = [each["timestamp"] for each in desk.analyst.sentiment_history()]
    assert times == sorted(set(times), reverse=True)
    assert len(desk.analyst.sentiment_history(limit=3)) == 3


def test_the_history_is_dense_for_an_hour_and_thin_before():
    desk = Desk(loaded=250)
    for number in range(250, 390):
        desk.close_minute(number)
        desk.analyst.sentiment()
    times = [each["timestamp"] for each in desk.analyst.sentiment_history()]
    assert 60 + 5 <= len(times) <= 60 + 6
    assert all(int(time[14:16]) % 15 == 0 for time in times[60:])
