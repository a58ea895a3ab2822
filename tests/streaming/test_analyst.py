"""The analyst on a real market, told of candles and trades by hand, and what is said of it."""

import itertools

import numpy as np
import pytest

from backend.analysis.rows import MIN_CANDLES
from backend.analysis.sentiment import SentimentEngine
from backend.analysis.signal_board import SignalBoard
from backend.clock import MINUTE_MS, SystemClock, iso
from backend.journal.journal import NotSaid
from backend.journal.memory import MemoryJournal
from backend.market.candles import row_candle
from backend.market.market import Market
from backend.market.models import Trade
from backend.streaming.analyst import SIGNAL_MAX_AGE_S, Analyst, random_id
from backend.streaming.candle_inbox import PENDING_MAX
from backend.streaming.producer import Producer
from backend.streaming.published import (
    QUARTER_MINUTES,
    SIGNALS_KEPT_PER_SYMBOL,
    Published,
)
from backend.streaming.rater import Rater
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


class SetClock:
    """A clock that says what it is told to."""

    def __init__(self):
        self.seconds = 0.0

    def monotonic(self):
        return self.seconds

    def now_ms(self):
        return FIRST_MINUTE


class Desk:
    """A market with an analyst beside it, and what is said of it in a journal."""

    def __init__(self, loaded=300, new_id=None, pause=None):
        self.market = Market(SYMBOLS, SystemClock(), "test")
        self.pauses = 0
        self.clock = SetClock()
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
        self.clock.seconds = seconds
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


def test_nothing_is_said_without_data():
    desk = Desk(loaded=0)
    assert desk.signal("BTC") is None
    assert desk.cycle(0.0) == []
    assert desk.sentiment() is None
    assert desk.published.recent_signals() == desk.published.sentiment_history() == []


def test_a_symbol_that_is_not_followed_has_no_signal():
    published = Desk().published
    assert published.signal("XRP") is None
    assert published.recent_signals("XRP") == []


def test_a_signal_is_the_boards_assessment_with_the_contracts_fields():
    desk = Desk()
    expected = rated("BTC", ROWS["BTC"][:300])
    signal = desk.signal("BTC")
    assert signal == {
        "id": "id-0",
        "symbol": "BTC",
        "timeframe": "1m",
        "signal": expected.level,
        "strength": round(expected.strength, 2),
        "reason": expected.reason,
        "price": ROWS["BTC"][299, 4],
        "score": round(expected.score, 4),
        "timestamp": iso(desk.market.time_ms("BTC")),
        "offset": 1,
    }
    assert type(signal["signal"]) is type(signal["reason"]) is str
    assert desk.said() == [signal]


def test_who_subscribes_before_a_symbol_has_been_read_does_not_wait_for_that():
    desk = Desk()
    desk.producer.say_first(["BTC"])
    assert desk.said() == [] and desk.pauses == 0
    assert [signal["symbol"] for signal in desk.cycle(0.0)] == list(SYMBOLS)


def test_the_first_signal_of_a_symbol_waits_for_no_other_symbol():
    desk = Desk(pause=lambda: said.append(len(desk.said())))
    said = []
    desk.cycle(0.0)
    assert sorted(set(said)) == [1, 2]


def test_everybody_gets_the_same_signal():
    desk = Desk()
    first = desk.signal("BTC")
    assert desk.signal("BTC") is first
    cycle = desk.cycle(0.0)
    assert [signal["symbol"] for signal in cycle] == ["ETH"]
    assert desk.signal("ETH") == cycle[0]
    assert desk.signal("BTC") is first


def test_an_unchanged_signal_is_published_again_once_it_is_old():
    desk = Desk()
    first = desk.cycle(100.0)
    assert [signal["symbol"] for signal in first] == list(SYMBOLS)
    assert desk.cycle(100.0 + SIGNAL_MAX_AGE_S) == []
    again = desk.cycle(100.1 + SIGNAL_MAX_AGE_S)
    assert [signal["symbol"] for signal in again] == list(SYMBOLS)
    assert not {signal["id"] for signal in first} & {signal["id"] for signal in again}
    assert desk.cycle(100.2 + SIGNAL_MAX_AGE_S) == []


def test_a_snapshots_age_counts_from_the_next_cycle():
    desk = Desk()
    desk.signal("BTC")
    desk.cycle(500.0)
    assert "BTC" not in [signal["symbol"] for signal in desk.cycle(500.0 + SIGNAL_MAX_AGE_S)]
    assert "BTC" in [signal["symbol"] for signal in desk.cycle(501.0 + SIGNAL_MAX_AGE_S)]


def test_a_level_changes_with_a_closed_minute_and_is_published_in_the_next_cycle():
    desk = Desk()
    desk.cycle(0.0)
    before = desk.signal("BTC")["signal"]
    price = ROWS["BTC"][299, 4]
    levels = []
    for minute, factor in ((300, 1.05), (301, 0.9), (302, 1.0)):
        desk.trade("BTC", price * factor, minute=minute)
        said = desk.cycle(100.0 * minute)
        signal = next(signal for signal in said if signal["symbol"] == "BTC")
        assert signal["price"] == price * factor
        assert desk.signal("BTC") == signal
        levels.append(signal["signal"])
    assert levels[0] == before
    assert levels[1] in ("BUY", "STRONG_BUY")
    assert levels[2] in ("SELL", "STRONG_SELL")


def test_the_levels_of_all_timeframes_are_known_as_signals_were_last_looked_for():
    desk = Desk(loaded=310)
    assert desk.published.levels("BTC") == {}
    (said, _) = desk.cycle(0.0)
    assert list(desk.published.levels("BTC")) == ["1m", "5m"]
    levels = {desk.published.levels("BTC")["1m"]}
    assert levels == {said["signal"]}
    for minute in range(310, 400):
        desk.close_minute(minute)
        desk.sentiment()
        assert desk.published.levels("BTC")["1m"] == desk.published.signal("BTC")["signal"]
        desk.cycle(1000.0 * minute)
        assert desk.published.levels("BTC")["1m"] == desk.published.signal("BTC")["signal"]
        levels.add(desk.published.levels("BTC")["1m"])
    assert len(levels) > 2


def test_a_signal_of_another_timeframe_gives_way_in_the_next_cycle():
    """As after a restart with another setting, of which the journal knows nothing."""
    desk = Desk()
    desk.cycle(0.0)
    said = desk.published.signal("BTC")
    desk.journal.say("trading_signal", "BTC", {**said, "timeframe": "4h"})
    (signal,) = desk.cycle(1.0)
    assert (signal["symbol"], signal["timeframe"]) == ("BTC", "1m")


def test_closed_minutes_are_followed():
    desk = Desk()
    desk.cycle(0.0)
    for number in range(300, 330):
        desk.close_minute(number)
    desk.cycle(1000.0)
    expected = rated("ETH", ROWS["ETH"][:330])
    assert desk.signal("ETH")["score"] == round(expected.score, 4)


def test_many_waiting_minutes_give_what_few_give():
    desk = Desk(loaded=100)
    desk.cycle(0.0)
    for number in range(100, 100 + 2 * PENDING_MAX + 50):
        desk.close_minute(number)
    desk.cycle(1000.0)
    expected = rated("BTC", ROWS["BTC"][: 100 + 2 * PENDING_MAX + 50])
    assert desk.signal("BTC")["score"] == round(expected.score, 4)


def test_a_rewritten_past_counts():
    desk = Desk(loaded=0)
    desk.market.load_history("BTC", ROWS["BTC"][200:300])
    desk.cycle(0.0)
    desk.market.load_history("BTC", ROWS["BTC"][:250])
    desk.cycle(1000.0)
    expected = rated("BTC", ROWS["BTC"][:300])
    assert desk.signal("BTC")["score"] == round(expected.score, 4)


def test_others_get_a_turn_between_the_symbols_whose_sentiment_is_read_anew():
    desk = Desk()
    desk.sentiment()
    # And one after the group that both are in, once their sentiment has been read.
    assert desk.pauses == len(SYMBOLS) + 1
    desk.close_minute(300)
    desk.sentiment()
    assert desk.pauses == len(SYMBOLS) + 2


def test_recent_signals_are_newest_first_and_bounded():
    desk = Desk()
    for number in range(SIGNALS_KEPT_PER_SYMBOL + 5):
        desk.cycle(100.0 * number)
    newest = desk.published.recent_signals("BTC", 3)
    assert newest[0] == desk.signal("BTC")
    assert [int(signal["id"][3:]) for signal in newest] == [208, 206, 204]
    assert len(desk.published.recent_signals("BTC", 1000)) == SIGNALS_KEPT_PER_SYMBOL
    both = desk.published.recent_signals(limit=4)
    assert [signal["symbol"] for signal in both] == ["ETH", "BTC", "ETH", "BTC"]
    assert desk.published.recent_signals(limit=0) == []


def test_the_sentiment_has_the_contracts_fields():
    desk = Desk()
    engine = SentimentEngine(SYMBOLS)
    engine.rebuild({symbol: rows[:300] for symbol, rows in ROWS.items()})
    expected = engine.read()
    sentiment = desk.sentiment()
    assert sentiment == {
        "id": "id-0",
        "overall_sentiment": expected.overall,
        "market_fear_greed": round(expected.index),
        "market_mood": expected.mood,
        "confidence": round(expected.confidence, 2),
        "trending_topics": list(expected.trending_topics),
        "components": pytest.approx(expected.components, abs=0.051),
        "timestamp": iso(FIRST_MINUTE + 300 * MINUTE_MS),
        "offset": 1,
    }
    assert type(sentiment["market_fear_greed"]) is int


def test_a_sentiment_stays_the_same_until_the_next_minute():
    desk = Desk()
    first = desk.sentiment()
    again = desk.sentiment()
    assert {**again, "offset": 1} == first
    desk.close_minute(300, ["BTC"])
    first = desk.sentiment()
    assert first["id"] == again["id"]
    desk.close_minute(300, ["ETH"])
    second = desk.sentiment()
    assert second["id"] != first["id"]
    assert second["timestamp"] > first["timestamp"]
    assert desk.published.sentiment_history() == [second, first]
    assert desk.published.sentiment_history(1) == [second]


def test_a_minute_that_is_rewritten_replaces_its_sentiment():
    desk = Desk()
    first = desk.sentiment()
    rewritten = ROWS["ETH"][:300].copy()
    rewritten[250:, 1:5] *= 0.9
    desk.market.load_history("ETH", rewritten)
    second = desk.sentiment()
    assert second["timestamp"] == first["timestamp"]
    assert desk.published.sentiment_history() == [second]


def test_a_closed_analyst_listens_no_more():
    desk = Desk(loaded=MIN_CANDLES + 1)
    before = desk.cycle(0.0)
    desk.analyst.close()
    desk.close_minute(MIN_CANDLES + 1)
    after = desk.cycle(1000.0)
    assert [signal["score"] for signal in after] == [signal["score"] for signal in before]


def test_random_ids_are_unique():
    desk = Desk(new_id=random_id)
    ids = [signal["id"] for number in range(50) for signal in desk.cycle(100.0 * number)]
    assert len(set(ids)) == len(ids) == 100


def test_the_past_is_recalled_as_it_would_have_been_published():
    whole, then = Desk(loaded=400), Desk(loaded=400 - QUARTER_MINUTES)
    latest = whole.sentiment()
    whole.producer.recall()
    now, before, *_ = whole.published.sentiment_history()
    assert now == latest
    published = then.sentiment()
    del published["offset"]
    assert {**before, "id": ""} == {**published, "id": ""}


def test_recalled_sentiments_give_way_to_published_ones():
    desk = Desk(loaded=390)
    desk.sentiment()
    desk.producer.recall()
    recalled = len(desk.published.sentiment_history()) - 1
    assert recalled > 5
    times = [each["timestamp"] for each in desk.published.sentiment_history()]
    assert times == sorted(set(times), reverse=True)
    assert len(desk.published.sentiment_history(limit=3)) == 3


def test_the_history_is_dense_for_an_hour_and_thin_before():
    desk = Desk(loaded=250)
    for number in range(250, 390):
        desk.close_minute(number)
        desk.sentiment()
    times = [each["timestamp"] for each in desk.published.sentiment_history()]
    assert 60 + 5 <= len(times) <= 60 + 6
    assert all(int(time[14:16]) % 15 == 0 for time in times[60:])


def test_what_could_not_be_said_is_said_the_next_time():
    desk = Desk()
    say, desk.journal.say = desk.journal.say, refuse
    for attempt in (desk.producer.say_signals, desk.producer.say_sentiment):
        with pytest.raises(NotSaid):
            attempt()
    desk.journal.say = say
    assert [signal["symbol"] for signal in desk.cycle(1.0)] == list(SYMBOLS)
    assert desk.sentiment()["offset"] == desk.journal.log.last == 3


def refuse(*_args):
    raise NotSaid


def test_a_symbol_that_comes_is_rated_and_one_that_goes_is_not_and_the_mood_is_nobodys():
    desk = Desk()
    mood = desk.analyst.sentiment()
    desk.market.carry("SUI")
    desk.analyst.follow("SUI")
    desk.market.load_history("SUI", walk(7))
    assert [signal["symbol"] for signal in desk.cycle(0.0)] == [*SYMBOLS, "SUI"]
    assert desk.published.levels("SUI")
    assert desk.analyst.sentiment() == mood
    desk.analyst.unfollow("SUI")
    desk.market.give_up("SUI")
    assert [signal["symbol"] for signal in desk.cycle(1_000.0)] == list(SYMBOLS)
    desk.producer.say_first(["SUI"])
    desk.rater.catch_up("SUI")
