"""Feeds, by the name that `MARKET_FEED` gives them.

Each feed's module is imported when it is chosen, so that a simulated market needs no network
libraries.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from backend.clock import Clock
from backend.config import Settings
from backend.config_values import (
    BINANCE_FEED,
    COINBASE_FEED,
    KRAKEN_FEED,
    REPLAY_FEED_PREFIX,
    SIMULATED_FEED,
)
from backend.feeds.base import Feed, MarketSink

REPLAY_FEED = REPLAY_FEED_PREFIX.rstrip(":")


def _simulated(settings: Settings, sink: MarketSink, clock: Clock) -> Feed:
    from backend.feeds.simulated import SimulatedFeed

    generator = np.random.default_rng(settings.simulation_seed)
    return SimulatedFeed(settings.symbols, sink, clock, generator)


def _binance(settings: Settings, sink: MarketSink, clock: Clock) -> Feed:
    from backend.feeds.binance import BinanceFeed

    return BinanceFeed(
        settings.symbols, sink, settings.binance_ws_url, settings.binance_rest_url, clock=clock
    )


def _kraken(settings: Settings, sink: MarketSink, clock: Clock) -> Feed:
    from backend.feeds.kraken import KrakenFeed

    return KrakenFeed(
        settings.symbols, sink, settings.kraken_ws_url, settings.kraken_rest_url, clock=clock
    )


def _coinbase(settings: Settings, sink: MarketSink, clock: Clock) -> Feed:
    from backend.feeds.coinbase import CoinbaseFeed

    return CoinbaseFeed(
        settings.symbols, sink, settings.coinbase_ws_url, settings.coinbase_rest_url, clock=clock
    )


def _replay(settings: Settings, sink: MarketSink, clock: Clock) -> Feed:
    from backend.feeds.replay import ReplayFeed

    path = Path(settings.market_feed.removeprefix(REPLAY_FEED_PREFIX)).expanduser()
    return ReplayFeed(path, sink, clock, settings.replay_speed, settings.replay_loop)


FEEDS: dict[str, Callable[[Settings, MarketSink, Clock], Feed]] = {
    SIMULATED_FEED: _simulated,
    BINANCE_FEED: _binance,
    KRAKEN_FEED: _kraken,
    COINBASE_FEED: _coinbase,
    REPLAY_FEED: _replay,
}


def create_feed(settings: Settings, sink: MarketSink, clock: Clock) -> Feed:
    """The feed that `settings.market_feed` names, ready to `run`; KeyError for an unknown one."""
    return FEEDS[feed_name(settings)](settings, sink, clock)


def feed_name(settings: Settings) -> str:
    """The feed's name as clients see it: `simulated`, an exchange's, or `replay`."""
    return settings.market_feed.partition(":")[0]
