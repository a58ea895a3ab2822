"""Several exchanges, one of which leads: who does, from when on, and what the market is then."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from backend.feeds.base import MarketSink, Remember
from backend.feeds.failover import PROVEN_S, FailoverFeed
from backend.feeds.understudy import OUT_AFTER_S
from backend.feeds.websocket_feed import WebSocketFeed
from backend.market.market import Market
from backend.market.models import CandleArray, FeedState, Trade
from tests.conftest import StartServer
from tests.feeds.exchange_binance import BINANCE, Binance
from tests.feeds.exchange_coinbase import COINBASE, Coinbase
from tests.feeds.exchange_dialect import Dialect, SampleDay, SampleTrade
from tests.feeds.exchange_kraken import KRAKEN, Kraken
from tests.feeds.exchange_server import ExchangeServer
from tests.feeds.feed_harness import ShiftedClock, wrong_candles
from tests.feeds.sample_frames import PRICES, sample_frames
from tests.servers import wait_until
from tests.stream_clients import PythonClient

pytestmark = [pytest.mark.served, pytest.mark.usefixtures("nothing_left_behind")]

# By how much the prices of the second exchange are over those of the first in these tests: more
# than any day's change.
PREMIUM = 1.1


class Dear(Dialect):
    """Everything costs more, now and a day ago."""

    def trade_frames(self, trade: SampleTrade) -> list[tuple[int, str]]:
        dear = f"{float(trade.price) * PREMIUM:.8f}"
        return super().trade_frames(trade._replace(price=dear))

    def day_frames(self, day: SampleDay) -> list[tuple[int, str]]:
        dear = {name: getattr(day, name) * PREMIUM for name in ("close", "open", "bid", "ask")}
        return super().day_frames(day._replace(**dear))


class DearBinance(Dear, Binance): ...


class DearKraken(Dear, Kraken): ...


class DearCoinbase(Dear, Coinbase): ...


DEAR_KRAKEN = DearKraken()


class Stage:
    """A market with a feed of several local exchanges, and a hand on its clock."""

    def __init__(
        self,
        *exchanges: ExchangeServer,
        symbols: tuple[str, ...] = tuple(PRICES),
        remember: Remember = lambda source, symbols: (),
    ):
        self.exchanges = {exchange.dialect.name: exchange for exchange in exchanges}
        self.clock = ShiftedClock()
        self.market = Market(symbols, self.clock, exchanges[0].dialect.name)
        self.heard: Counter[str] = Counter()  # trades, by whose they are
        self.moves: list[float] = []
        self.changes: dict[str, list[float]] = {symbol: [] for symbol in symbols}
        self.market.on_price(self._note_move)
        self.feed = FailoverFeed(
            [exchange.dialect.feed_class for exchange in exchanges],
            self._make,
            symbols,
            self.market,
            self.clock,
            remember,
            sleep=lambda _: threading.Event().wait(0.01),
        )
        self.thread = threading.Thread(target=self.feed.run, name="failover")

    def _make(
        self, feed_class: type[WebSocketFeed], symbols: Sequence[str], sink: MarketSink
    ) -> Any:
        exchange = self.exchanges[feed_class.name]
        return feed_class(
            symbols,
            sink,
            exchange.ws_url,
            exchange.rest_url,
            clock=self.clock,
            sleep=lambda _: threading.Event().wait(0.01),
            observe_lag=lambda _: self.heard.update([feed_class.name]),
        )

    def _note_move(self, symbol: str) -> None:
        quote = self.market.quote(symbol)
        self.moves.append(quote.price / quote.previous_price - 1)
        self.changes[symbol].append(quote.change_24h)

    def __enter__(self) -> "Stage":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.feed.stop()
        self.thread.join()

    def play(self, until: Callable[[], Any], what: str, step_s: float = 0.0) -> None:
        """Have every exchange go on, and the clock by `step_s` each time, until something is."""

        def happened() -> Any:
            self.clock.advance(step_s)
            for exchange in self.exchanges.values():
                exchange.play(2)
            return until()

        wait_until(happened, what)

    def led_by(self, name: str) -> None:
        self.play(
            lambda: self.sources() == {name} and len(self.market.quotes()) == len(PRICES),
            f"{name} to lead",
        )
        assert self.market.feed_state.name == name

    def has_the_candles_of(self, exchange: ExchangeServer) -> None:
        settled = exchange.now_ms - 5_000
        self.play(
            lambda: not any(wrong_candles(self.market, exchange, s, settled) for s in PRICES),
            f"candles to equal those of {exchange.dialect.name}",
        )

    def minutes(self) -> int:
        """How many of them every symbol has."""
        return min(len(self.market.closed_candles(symbol)) for symbol in PRICES)

    def sources(self) -> set[str]:
        return {quote.source for quote in self.market.quotes().values()}

    def pass_time(self, seconds: float, *others: str) -> None:
        """In steps that are no silence: in each the one that leads is heard, and `others` are."""
        for _ in range(int(seconds / 2)):
            self.clock.advance(2)
            for name in (self.market.feed_state.name, *others):
                before = self.heard[name]
                self.play(lambda name=name, before=before: self.heard[name] > before, name)


@pytest.fixture
def binance() -> Iterator[ExchangeServer]:
    with ExchangeServer(sample_frames(20.0, dialect=BINANCE)) as exchange:
        yield exchange


@pytest.fixture
def kraken() -> Iterator[ExchangeServer]:
    frames = sample_frames(20.0, dialect=DEAR_KRAKEN)
    with ExchangeServer(frames, dialect=DEAR_KRAKEN) as exchange:
        yield exchange


def test_the_first_leads_and_no_other_is_asked(
    binance: ExchangeServer, kraken: ExchangeServer
) -> None:
    with Stage(binance, kraken) as stage:
        stage.led_by("binance")
        stage.pass_time(30)
        assert stage.sources() == {"binance"}
        assert kraken.upgrades == [] and kraken.rest_queries == []
        assert stage.market.feed_state.state is FeedState.LIVE


def test_where_the_first_is_not_served_the_next_leads_at_once(
    binance: ExchangeServer, kraken: ExchangeServer
) -> None:
    binance.refusals = [451] * 100_000
    with Stage(binance, kraken) as stage:
        stage.led_by("kraken")
        assert stage.clock.monotonic() - ShiftedClock().monotonic() < 0.1  # nobody moved it
        stage.play(lambda: stage.market.feed_state.state is FeedState.LIVE, "the state")
        assert "in place of binance" in stage.market.feed_state.detail


def test_while_nobody_can_lead_it_is_said_why(
    binance: ExchangeServer, kraken: ExchangeServer
) -> None:
    binance.refusals, kraken.refusals = [451] * 100_000, [503] * 100_000
    with Stage(binance, kraken) as stage:
        for problem in ("binance: HTTP 451", "kraken: HTTP 503"):
            wait_until(lambda problem=problem: problem in stage.market.feed_state.detail, problem)
        assert stage.market.feed_state.state is FeedState.CONNECTING
        assert stage.market.quotes() == {}


@pytest.mark.parametrize(
    ("dialect", "next_one"),
    [(BINANCE, DEAR_KRAKEN), (KRAKEN, DearCoinbase()), (COINBASE, DearBinance())],
    ids=lambda dialect: dialect.name,
)
def test_a_silent_leader_gives_way_and_comes_back_when_it_has_proved_itself(
    dialect: Dialect, next_one: Dialect
) -> None:
    with (
        ExchangeServer(sample_frames(20.0, dialect=dialect), dialect=dialect) as first,
        ExchangeServer(sample_frames(20.0, dialect=next_one), dialect=next_one) as second,
        Stage(first, second) as stage,
    ):
        stage.led_by(dialect.name)
        stage.play(lambda: stage.minutes() > (700 if dialect is KRAKEN else 2_800), "history")
        before = {symbol: stage.market.quote(symbol) for symbol in PRICES}
        stage.moves.clear()
        first.refusals = [503] * 100_000
        first.stall()
        silent_since = stage.clock.monotonic()
        stage.play(lambda: stage.sources() == {next_one.name}, "the next to lead", step_s=0.2)
        # Prepared in the meantime, it needs no longer than that.
        assert OUT_AFTER_S - 1 < stage.clock.monotonic() - silent_since < OUT_AFTER_S + 5
        for symbol in PRICES:
            quote = stage.market.quote(symbol)
            assert quote.price / before[symbol].price == pytest.approx(PREMIUM, rel=0.02)
            assert quote.seq > before[symbol].seq
        stage.has_the_candles_of(second)
        first.refusals = []
        returned = len(first.upgrades)
        stage.play(lambda: len(first.upgrades) > returned and first.clients, "the first")
        stage.pass_time(PROVEN_S / 2, dialect.name)
        assert stage.sources() == {next_one.name}
        stage.pass_time(PROVEN_S / 2, dialect.name)
        stage.play(lambda: stage.sources() == {dialect.name}, "the first to be back", step_s=0.2)
        stage.has_the_candles_of(first)
        # Neither change was a move, nor one of the day.
        assert max(map(abs, stage.moves)) < (PREMIUM - 1) / 5
        for changes in stage.changes.values():
            assert max(changes) - min(changes) < 100 * (PREMIUM - 1) / 5


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


def test_an_exchange_that_trades_nothing_gives_way(kraken: ExchangeServer) -> None:
    with (
        ExchangeServer(sample_frames(20.0, dialect=COINBASE), dialect=COINBASE) as coinbase,
        Stage(kraken, coinbase) as stage,
    ):
        stage.led_by("kraken")
        status = {"channel": "status", "type": "update", "data": [{"system": "maintenance"}]}
        kraken.send(json.dumps(status))
        stage.play(lambda: "maintenance" in stage.market.feed_state.detail, "the news")
        stage.play(lambda: stage.sources() == {"coinbase"}, "coinbase to lead", step_s=0.2)


def test_one_that_was_prepared_in_vain_is_let_go(
    binance: ExchangeServer, kraken: ExchangeServer
) -> None:
    with Stage(binance, kraken) as stage:
        stage.led_by("binance")
        binance.stall()
        for _ in range(35):  # seven seconds: more than a moment, less than being out
            stage.clock.advance(0.2)
            threading.Event().wait(0.01)
        wait_until(lambda: kraken.clients, "kraken to be prepared")
        binance.stall(False)
        stage.pass_time(10)
        assert kraken.clients and stage.sources() == {"binance"}
        stage.pass_time(60)
        wait_until(lambda: not kraken.clients, "kraken to be let go")
        assert stage.sources() == {"binance"}


def test_the_third_leads_where_the_first_two_are_out(binance: ExchangeServer) -> None:
    with (
        ExchangeServer(sample_frames(20.0, dialect=KRAKEN), dialect=KRAKEN) as kraken,
        ExchangeServer(sample_frames(20.0, dialect=COINBASE), dialect=COINBASE) as coinbase,
    ):
        binance.refusals, kraken.refusals = [451] * 100_000, [451] * 100_000
        with Stage(binance, kraken, coinbase) as stage:
            stage.led_by("coinbase")
            assert "in place of binance and kraken" in stage.market.feed_state.detail


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
