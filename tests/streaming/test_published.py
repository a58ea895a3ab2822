"""What can be asked of all that was said."""

from backend.streaming.published import QUARTER_MINUTES, SIGNALS_KEPT_PER_SYMBOL
from tests.streaming.analyst_desk import Desk


def test_a_symbol_that_is_not_followed_has_no_signal():
    published = Desk().published
    assert published.signal("XRP") is None
    assert published.recent_signals("XRP") == []


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
