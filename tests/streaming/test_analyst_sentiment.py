"""The sentiment of a market, as an analyst reads it."""

import pytest

from backend.analysis.sentiment import SentimentEngine
from backend.clock import MINUTE_MS, iso
from tests.streaming.analyst_desk import FIRST_MINUTE, ROWS, SYMBOLS, Desk


def test_others_get_a_turn_between_the_symbols_whose_sentiment_is_read_anew():
    desk = Desk()
    desk.sentiment()
    # And one after the group that both are in, once their sentiment has been read.
    assert desk.pauses == len(SYMBOLS) + 1
    desk.close_minute(300)
    desk.sentiment()
    assert desk.pauses == len(SYMBOLS) + 2


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
