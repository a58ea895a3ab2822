"""Several exchanges, one of which leads: who does, and from when on."""

import json
import threading

import pytest

from backend.feeds import failover
from backend.feeds.understudy import OUT_AFTER_S
from backend.market.models import FeedState
from tests.feeds.exchange_binance import BINANCE
from tests.feeds.exchange_coinbase import COINBASE
from tests.feeds.exchange_dialect import Dialect
from tests.feeds.exchange_kraken import KRAKEN
from tests.feeds.exchange_server import ExchangeServer
from tests.feeds.failover_stage import DEAR_KRAKEN, PREMIUM, DearBinance, DearCoinbase, Stage
from tests.feeds.feed_harness import ShiftedClock
from tests.feeds.sample_frames import PRICES, sample_frames
from tests.servers import wait_until

# In place of five minutes, of which every two seconds have to be played.
PROVEN_S = 80.0

pytestmark = [pytest.mark.served, pytest.mark.usefixtures("nothing_left_behind")]


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
    dialect: Dialect, next_one: Dialect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failover, "PROVEN_S", PROVEN_S)
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
