"""Feeds, by the name that `MARKET_FEED` gives them.

Each feed's module is imported when it is chosen, so that a simulated market needs no network
libraries.
"""

import ssl
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from backend.clock import Clock
from backend.config import Settings
from backend.config_values import (
    BINANCE_FEED,
    EXCHANGE_FEEDS,
    KRAKEN_FEED,
    REPLAY_FEED_PREFIX,
    SIMULATED_FEED,
)
from backend.feeds.base import Feed, MarketSink, Remember
from backend.feeds.listing import Listed, Listings, ListingUnavailable, listed_in
from backend.market.market import Market

if TYPE_CHECKING:
    from backend.feeds.websocket_feed import WebSocketFeed

REPLAY_FEED = REPLAY_FEED_PREFIX.rstrip(":")


# Told how many seconds a trade took from an exchange, by the name of its feed.
ObserveLag = Callable[[str, float], object]


class _Order(NamedTuple):
    """What a feed is made from; `create_feed` says more."""

    settings: Settings
    symbols: Sequence[str]
    sink: MarketSink
    clock: Clock
    observe_lag: ObserveLag
    remember: Remember


MakeFeed = Callable[[_Order], Feed]


def _simulated(order: _Order) -> Feed:
    from backend.feeds.simulated import SimulatedFeed

    settings = order.settings
    generator = np.random.default_rng(settings.simulation_seed)
    days = settings.simulation_days
    return SimulatedFeed(order.symbols, order.sink, order.clock, generator, days=days)


def _exchange(order: _Order) -> Feed:
    # One for all, since making it takes 20 ms of everybody's time.
    tls = ssl.create_default_context()

    def make(feed_class: "type[WebSocketFeed]", symbols: Sequence[str], sink: MarketSink) -> Feed:
        ws_url, rest_url = order.settings.urls_of(feed_class.name)
        return feed_class(
            symbols,
            sink,
            ws_url,
            rest_url,
            clock=order.clock,
            tls=tls,
            observe_lag=partial(order.observe_lag, feed_class.name),
        )

    exchanges = [_exchange_class(name) for name in order.settings.market_feed.split(",")]
    if len(exchanges) == 1:
        return make(exchanges[0], order.symbols, order.sink)
    from backend.feeds.failover import FailoverFeed

    if not isinstance(order.sink, Market):
        raise TypeError("several exchanges take turns on a market, and on no other sink")
    return FailoverFeed(exchanges, make, order.symbols, order.sink, order.clock, order.remember)


def _exchange_class(name: str) -> "type[WebSocketFeed]":
    if name == BINANCE_FEED:
        from backend.feeds.binance import BinanceFeed

        return BinanceFeed
    if name == KRAKEN_FEED:
        from backend.feeds.kraken import KrakenFeed

        return KrakenFeed
    from backend.feeds.coinbase import CoinbaseFeed

    return CoinbaseFeed


def _replay(order: _Order) -> Feed:
    from backend.feeds.replay import ReplayFeed

    # It plays all that there is of any symbol.
    settings = order.settings
    path = _recording(settings)
    return ReplayFeed(path, order.sink, order.clock, settings.replay_speed, settings.replay_loop)


def _recording(settings: Settings) -> Path:
    return Path(settings.market_feed.removeprefix(REPLAY_FEED_PREFIX)).expanduser()


FEEDS: dict[str, MakeFeed] = {
    SIMULATED_FEED: _simulated,
    REPLAY_FEED: _replay,
    **dict.fromkeys(EXCHANGE_FEEDS, _exchange),
}


def create_feed(
    settings: Settings,
    symbols: Sequence[str],
    sink: MarketSink,
    clock: Clock,
    observe_lag: ObserveLag = lambda feed, seconds: None,
    remember: Remember = lambda source, symbols: (),
) -> Feed:
    """The feed that `settings.market_feed` names, of these symbols, ready to `run`; KeyError for an
    unknown one.

    Of several exchanges, `sink` has to be the market itself, TypeError for another; each of them
    goes on from what `remember` knows of it.
    """
    order = _Order(settings, symbols, sink, clock, observe_lag, remember)
    return FEEDS[feed_name(settings)](order)


def create_listings(settings: Settings, clock: Clock, pause: Callable[[], object]) -> Listings:
    """What the feeds of the settings list. `pause` lets others have their turn."""
    is_exchange = feed_name(settings) in EXCHANGE_FEEDS
    # Here, where nobody is served yet: making it takes 20 ms of everybody's time.
    tls = ssl.create_default_context() if is_exchange else None

    def fetch(source: str) -> Mapping[str, str]:
        if source == SIMULATED_FEED:
            from backend.feeds.profiles import KNOWN

            return listed_in(map(Listed, KNOWN))
        if source == REPLAY_FEED:
            from backend.feeds.replay_files import recorded_symbols

            try:
                return listed_in(map(Listed, recorded_symbols(_recording(settings), pause)))
            except (OSError, ValueError) as error:
                raise ListingUnavailable(str(error)) from error
        from backend.feeds.rest import RestClient, RestError

        assert tls is not None
        client = RestClient(settings.urls_of(source)[1], clock, tls, ())
        try:
            return _exchange_class(source).fetch_listing(client, pause)
        except (RestError, ValueError) as error:
            raise ListingUnavailable(str(error)) from error
        finally:
            client.close()

    return Listings(fetch, clock)


def begins_anew(settings: Settings) -> bool:
    """Whether each run is of another time, as `Feed.begins_anew` says: nothing of it is kept."""
    return feed_name(settings) == REPLAY_FEED


def feed_name(settings: Settings) -> str:
    """The feed's name as clients see it: `simulated`, an exchange's, or `replay`. Of several
    exchanges, that of the first."""
    return feed_names(settings)[0]


def feed_names(settings: Settings) -> list[str]:
    """The names that the feed may have, in turn: of several exchanges, that of each."""
    return settings.market_feed.partition(":")[0].split(",")
