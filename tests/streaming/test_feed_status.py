"""What clients are told of the feed."""

from backend.clock import iso
from backend.market.market import Market
from backend.market.models import FeedFacts, FeedState, Playback, Trade
from backend.streaming.feed_status import feed_status
from tests.clocks import ManualClock

START = 1_613_692_800_000


def test_the_state_is_told_with_its_begin_whatever_its_detail_was() -> None:
    clock = ManualClock(START)
    market = Market(("BTC",), clock, "binance")
    market.set_feed_state(FeedState.LIVE, "history is loading")
    clock.advance(60)
    market.set_feed_state(FeedState.LIVE)
    status = feed_status(market)
    assert (status["state"], status["since"]) == ("live", iso(START))
    assert status["last_data"] is None and status["stale"] is True
    clock.advance(30)
    market.set_feed_state(FeedState.RECONNECTING, "HTTP 503")
    assert feed_status(market)["since"] == iso(START + 90_000)


def test_the_newest_data_of_any_symbol_is_told_in_the_exchanges_time() -> None:
    market = Market(("BTC", "ETH"), ManualClock(START), "binance")
    market.apply_trade(Trade("ETH", START + 5_000, 100.0, 1.0))
    market.apply_trade(Trade("BTC", START + 2_000, 100.0, 1.0))
    assert feed_status(market)["last_data"] == iso(START + 5_000)
    assert feed_status(market)["replay"] is None


def test_what_is_not_listed_and_how_a_recording_is_played_are_told() -> None:
    market = Market(("BTC", "OLD"), ManualClock(START), "replay")
    market.describe_feed(FeedFacts(("OLD",), Playback(60.0, False, START, START + 60_000)))
    market.apply_trade(Trade("BTC", START + 7_000, 100.0, 1.0))
    status = feed_status(market)
    assert status["unlisted"] == ["OLD"]
    assert status["replay"] == {
        "speed": 60.0,
        "loop": False,
        "position": iso(START + 7_000),
        "begin": iso(START),
        "end": iso(START + 60_000),
    }
    market.describe_feed(FeedFacts(playback=Playback(1.0, True)))
    assert feed_status(market)["replay"]["end"] is None
