"""Which signals an analyst finds due, and what they are."""

import pytest

from backend.analysis.rows import MIN_CANDLES
from backend.clock import iso
from backend.journal.journal import NotSaid
from backend.streaming.analyst import SIGNAL_MAX_AGE_S, random_id
from backend.streaming.candle_inbox import PENDING_MAX
from tests.streaming.analyst_desk import ROWS, SYMBOLS, Desk, rated, walk


def test_nothing_is_said_without_data():
    desk = Desk(loaded=0)
    assert desk.signal("BTC") is None
    assert desk.cycle(0.0) == []
    assert desk.sentiment() is None
    assert desk.published.recent_signals() == desk.published.sentiment_history() == []


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


def test_symbols_that_somebody_waits_for_are_read_first():
    desk = Desk()
    desk.producer.say_first(["ETH"])
    assert [signal["symbol"] for signal in desk.cycle(0.0)] == ["ETH", "BTC"]


def test_who_comes_while_others_are_read_need_not_wait_for_all_of_them():
    desk = Desk(pause=lambda: desk.producer.say_first(["SOL"]))
    desk.market.carry("SOL")
    desk.analyst.follow("SOL")
    desk.market.load_history("SOL", ROWS["BTC"][:300])
    assert [signal["symbol"] for signal in desk.cycle(0.0)] == ["BTC", "SOL", "ETH"]


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
