"""Which feed a setting makes."""

from dataclasses import replace

import pytest

from backend.config import load_settings
from backend.feeds import create_feed, feed_name
from backend.feeds.failover import FailoverFeed
from backend.feeds.recorder import RecordingSink
from backend.market.market import Market

SECRET = "x" * 40


@pytest.fixture
def settings():
    return load_settings({"JWT_SECRET_KEY": SECRET, "SYMBOLS": "BTC,ETH"})


@pytest.mark.parametrize("name", ["simulated", "binance", "kraken", "coinbase", "replay"])
def test_each_feed_is_made_by_its_name_and_bears_it(settings, clock, tmp_path, name):
    value = f"replay:{tmp_path}" if name == "replay" else name
    chosen = replace(settings, market_feed=value)
    feed = create_feed(chosen, chosen.symbols, Market(chosen.symbols, clock), clock)
    assert feed.name == feed_name(chosen) == name


def test_the_seed_of_the_settings_makes_the_simulation(settings, clock):
    def prices(seed):
        market = Market(settings.symbols, clock)
        chosen = replace(settings, simulation_seed=seed)
        feed = create_feed(chosen, market.symbols, market, clock)
        # Stopped before it starts: it loads its history, and trades once.
        feed.stop()
        feed.run()
        return market.closed_candles("BTC").tolist()

    assert prices(3) == prices(3) != prices(4)


def test_an_unknown_feed_is_a_key_error(settings, clock):
    with pytest.raises(KeyError):
        chosen = replace(settings, market_feed="rumours")
        create_feed(chosen, ["BTC"], Market(["BTC"], clock), clock)


def test_several_exchanges_are_followed_on_a_market_only(settings, clock, tmp_path):
    chosen = replace(settings, market_feed="kraken,binance")
    market = Market(chosen.symbols, clock, feed_name(chosen))
    assert feed_name(chosen) == "kraken"
    assert isinstance(create_feed(chosen, chosen.symbols, market, clock), FailoverFeed)
    with RecordingSink(tmp_path / "r.txt", "any", chosen.symbols) as sink, pytest.raises(TypeError):
        create_feed(chosen, chosen.symbols, sink, clock)
