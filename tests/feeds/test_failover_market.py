"""Several exchanges, one of which leads: what the market is when another one does."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack

import numpy as np
import pytest

from backend.market.market import Market
from backend.market.models import CandleArray, Trade
from tests.conftest import StartServer
from tests.feeds.exchange_binance import BINANCE
from tests.feeds.exchange_kraken import KRAKEN
from tests.feeds.exchange_server import ExchangeServer
from tests.feeds.failover_stage import DEAR_KRAKEN, PREMIUM, Stage
from tests.feeds.feed_harness import ShiftedClock
from tests.feeds.sample_frames import PRICES, sample_frames
from tests.stream_clients import PythonClient

pytestmark = [pytest.mark.served, pytest.mark.usefixtures("nothing_left_behind")]


def test_the_next_one_goes_on_from_what_is_remembered_of_it(
    binance: ExchangeServer, kraken: ExchangeServer
) -> None:
    """40 hours that end an hour ago, of which the exchange itself has 12."""

    def remember(source: str, symbols: Iterable[str]) -> Iterator[tuple[str, CandleArray]]:
        for symbol in symbols if source == "kraken" else ():
            rows = kraken.klines.rows(symbol, kraken.now_ms)[-41 * 60 : -60]
            yield symbol, np.array([row[:7] for row in rows], dtype=float)

    with Stage(binance, kraken, remember=remember) as stage:
        stage.led_by("binance")
        stage.moves.clear()
        binance.refusals = [451] * 100_000
        binance.cut()
        stage.play(lambda: stage.sources() == {"kraken"}, "kraken to lead")
        stage.play(lambda: stage.minutes() > 40 * 60, "what is remembered")
        stage.has_the_candles_of(kraken)
        # Its price of an hour ago was none of the market's.
        assert max(map(abs, stage.moves)) < (PREMIUM - 1) / 5


def test_what_the_next_one_does_not_list_stays_as_it_was_and_is_stale(
    binance: ExchangeServer,
) -> None:
    frames = [frame for frame in sample_frames(20.0, dialect=KRAKEN) if "ADA" not in frame[1]]
    with (
        ExchangeServer(frames, dialect=KRAKEN) as kraken,
        Stage(binance, kraken) as stage,
    ):
        stage.led_by("binance")
        known = stage.market.quote("ADA")
        binance.refusals = [451] * 100_000
        binance.cut()
        stage.play(lambda: stage.market.quote("BTC").source == "kraken", "kraken to lead")
        stage.pass_time(4)
        quote = stage.market.quote("ADA")
        assert quote.source == "binance" and quote.stale and quote.seq >= known.seq
        assert stage.market.stale("ADA") and not stage.market.stale("BTC")
        stage.play(lambda: stage.market.feed_facts.unlisted == ("ADA",), "the facts")


def test_candles_of_two_sources_never_mix_when_a_market_is_succeeded() -> None:
    """As when another process takes over, whose feed is another exchange's."""
    clock = ShiftedClock()
    former, later = Market(["BTC"], clock, "kraken"), Market(["BTC"], clock, "binance")
    former.apply_trade(Trade("BTC", 1_700_000_040_000, 10.0, 1.0))
    instrument = former.release("BTC")
    later.adopt("BTC", instrument)
    assert later.quote("BTC") is None
    later.apply_trade(Trade("BTC", 1_700_000_040_001, 11.0, 1.0))
    quote = later.quote("BTC")
    assert (quote.source, quote.price, quote.previous_price) == ("binance", 11.0, 11.0)
    assert quote.seq == instrument.seq + 1


def test_a_symbol_that_joins_is_followed_by_whoever_leads() -> None:
    binance = ExchangeServer(sample_frames(minutes=30))
    kraken = ExchangeServer(sample_frames(minutes=30, dialect=DEAR_KRAKEN), dialect=DEAR_KRAKEN)
    with binance, kraken, Stage(binance, kraken, symbols=("BTC", "ADA")) as stage:
        market = stage.market
        stage.play(lambda: len(market.quotes()) == 2, "the market")
        market.carry("ETH")
        stage.feed.follow("ETH")
        stage.play(lambda: market.quote("ETH"), "a price", step_s=0.1)
        assert market.quote("ETH").source == "binance"
        binance.refusals = [451] * 1_000
        binance.cut()
        stage.play(lambda: stage.sources() == {"kraken"}, "kraken to lead", step_s=0.5)
        assert len(market.quotes()) == 3
        stage.feed.unfollow("ETH")
        market.give_up("ETH")
        stage.play(
            lambda: "ETH" not in str([client.streams for client in kraken.clients]), "its end"
        )


@pytest.fixture
def going_on() -> Iterator[list[ExchangeServer]]:
    """Binance and Kraken, which play by themselves."""
    with ExitStack() as exchanges:
        yield [
            exchanges.enter_context(
                ExchangeServer(sample_frames(20.0, dialect=dialect), 4.0, dialect=dialect)
            )
            for dialect in (BINANCE, DEAR_KRAKEN)
        ]


def test_clients_are_told_of_another_source_and_see_no_jump(
    going_on: list[ExchangeServer], start_server: StartServer
) -> None:
    """Through the whole server."""
    binance, kraken = going_on
    server = start_server(
        MARKET_FEED="binance,kraken",
        SYMBOLS=",".join(PRICES),
        MARKET_INTERVAL="0.2",
        BINANCE_WS_URL=binance.ws_url,
        BINANCE_REST_URL=binance.rest_url,
        KRAKEN_WS_URL=kraken.ws_url,
        KRAKEN_REST_URL=kraken.rest_url,
    )
    client = PythonClient(server.url, {"token": server.token})
    try:
        assert client.wait("connection_status")["feed"] == "binance"
        client.emit("subscribe", {"symbols": list(PRICES), "realtime": True})
        client.wait(
            "market_update",
            lambda update: (
                len(update) == 3
                and all(
                    quote["source"] == "binance" and "bid" in quote for quote in update.values()
                )
            ),
        )
        binance.refusals = [451] * 100_000
        binance.cut()
        changed = client.wait("connection_status", lambda told: told["status"] == "feed_changed")
        assert changed["feed"] == "kraken"
        client.wait(
            "market_update",
            lambda update: {quote["source"] for quote in update.values()} == {"kraken"},
        )
        assert server.get("/health").json()["feed"]["name"] == "kraken"
        assert 'crs_feed_lag_seconds_count{feed="' in server.get("/metrics").text
        for update in client.all("price_update"):
            assert abs(update["price"] / update["previous_price"] - 1) < (PREMIUM - 1) / 5
        for update in client.all("market_update"):
            assert all(abs(quote["change_24h"]) < 2 for quote in update.values())
    finally:
        client.close()
