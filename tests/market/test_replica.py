"""A market that is told of another one is the same market."""

import math
import random
from collections.abc import Iterator

import msgpack
import numpy as np
import pytest

from backend.clock import MINUTE_MS
from backend.market.candles import INTERVALS, row_candle
from backend.market.market import Market
from backend.market.models import BookTop, FeedFacts, FeedState, Playback, Trade
from backend.market.replica import SILENT_AFTER_S, Replica
from backend.market.report import CLOSED, CLOSED_WAITING_OF_ALL, NAMES, QUOTES, REWRITTEN, Reporter
from tests.clocks import ManualClock

SYMBOLS = ("BTC", "ETH", "ADA")
START_MS = 1_700_000_040_000


class Pair:
    """A market, and one that is told of it as over a wire, with the candles that the wire keeps
    beside its reports."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.market = Market(SYMBOLS, clock, "test")
        self.reporter = Reporter(self.market)
        self.replica = Replica(SYMBOLS, clock)

    def tell(self, full: bool = False, lost: bool = False) -> None:
        report = self.reporter.report(full, self.reporter.take_rewritten())
        if lost:
            self.reporter.untold(report[REWRITTEN], report[CLOSED])
            return
        for symbol, since_ms in report[REWRITTEN].items():
            closed = self.market.closed_candles(symbol)
            if since_ms:
                self.replica.load_history(symbol, closed[closed[:, 0] >= since_ms])
            else:
                self.replica.replace_history(symbol, self.market.source(symbol), closed)
        self.replica.apply(msgpack.unpackb(msgpack.packb(report)))
        self.reporter.told(report)

    def assert_same(self) -> None:
        assert self.replica.quotes() == self.market.quotes()
        for symbol in SYMBOLS:
            for interval in INTERVALS:
                np.testing.assert_array_equal(
                    self.replica.candles(symbol, interval, 2_000),
                    self.market.candles(symbol, interval, 2_000),
                )
            if self.market.quote(symbol):
                assert self.replica.day_span_s(symbol) == self.market.day_span_s(symbol)


@pytest.fixture
def pair(clock: ManualClock) -> Pair:
    return Pair(clock)


def trades(seed: int, count: int) -> Iterator[Trade]:
    rng = random.Random(seed)
    time_ms = START_MS
    for number in range(count):
        time_ms += rng.choice((0, 10, 900, 5_000, 70_000))
        symbol = rng.choice(SYMBOLS[:2])
        yield Trade(symbol, time_ms, round(rng.uniform(90, 110), 2), rng.random(), number)


def history(seed: int, minutes: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    closes = rng.uniform(90, 110, minutes).round(2)
    times = START_MS - START_MS % MINUTE_MS - MINUTE_MS * np.arange(minutes, 0, -1)
    volumes = rng.random(minutes)
    rows = [times, closes, closes + 1, closes - 1, closes, volumes, closes * volumes]
    return np.column_stack(rows)


@pytest.mark.parametrize("seed", range(5))
def test_it_has_every_quote_and_candle_though_reports_are_lost(seed: int, pair: Pair) -> None:
    rng = random.Random(seed)
    pair.market.load_history("BTC", history(seed, 300))
    for trade in trades(seed, 400):
        pair.market.apply_trade(trade)
        if rng.random() < 0.5:
            pair.market.apply_book(BookTop(rng.choice(SYMBOLS), 90.0 + rng.random(), 110.0))
        if rng.random() < 0.02:
            # A repair of the recent past.
            pair.market.load_history(trade.symbol, history(seed + 100, 40))
        if rng.random() < 0.3:
            pair.tell(full=rng.random() < 0.1, lost=rng.random() < 0.3)
    pair.tell()
    pair.assert_same()


def test_a_report_holds_what_has_changed_and_a_full_one_everything(pair: Pair) -> None:
    for trade in trades(1, 50):
        pair.market.apply_trade(trade)
    pair.tell()
    assert not pair.reporter.changed()
    last = max(pair.market.time_ms(symbol) for symbol in SYMBOLS)
    pair.market.apply_trade(Trade("BTC", last + 1, 105.0, 1.0))
    assert pair.reporter.changed()
    assert set(pair.reporter.report(False, pair.reporter.take_rewritten())[QUOTES]) == {"BTC"}
    assert set(pair.reporter.report(True, {})[QUOTES]) == {"BTC", "ETH"}


def minutes_after(candles: np.ndarray, count: int) -> Iterator[list[float]]:
    for number in range(count):
        open_ms = candles[-1, 0] + (number + 1) * MINUTE_MS
        yield [open_ms, 100.0, 110.0, 99.0, 100.0 + number % 7, 1.0, 100.0]


def test_minutes_that_close_in_a_burst_are_heard_to_close(pair: Pair) -> None:
    """As while a recording is played at thousands of times its pace, and a report comes late."""
    first = history(1, 2)
    pair.market.load_history("BTC", first)
    pair.tell()
    closed: list[int] = []
    pair.replica.on_candle(lambda _symbol, candle: closed.append(candle.open_time_ms))
    burst = list(minutes_after(first, 300))
    for row in burst:
        pair.market.apply_candle("BTC", row_candle(row))
    pair.tell()
    assert closed == [row[0] for row in burst]


def test_minutes_that_could_not_be_told_for_long_are_told_as_history(pair: Pair) -> None:
    first = history(1, 2)
    pair.market.load_history("BTC", first)
    pair.tell()
    for row in minutes_after(first, CLOSED_WAITING_OF_ALL + 5):
        pair.market.apply_candle("BTC", row_candle(row))
    report = pair.reporter.report(False, pair.reporter.take_rewritten())
    assert report[REWRITTEN] == {"BTC": first[-1, 0] + MINUTE_MS}
    assert len(report[CLOSED]) < CLOSED_WAITING_OF_ALL
    pair.reporter.untold(report[REWRITTEN], report[CLOSED])
    pair.tell()
    pair.assert_same()


def test_listeners_hear_what_they_would_hear_of_a_feed(pair: Pair) -> None:
    prices: list[str] = []
    closed: list[tuple[str, float]] = []
    pair.replica.on_price(prices.append)
    pair.replica.on_candle(lambda symbol, candle: closed.append((symbol, candle.close)))
    minute = START_MS - START_MS % MINUTE_MS
    pair.market.apply_trade(Trade("BTC", minute, 100.0, 1.0))
    pair.tell()
    pair.market.apply_trade(Trade("BTC", minute + 1, 100.0, 1.0))
    pair.tell()
    pair.market.apply_trade(Trade("BTC", minute + MINUTE_MS, 101.0, 1.0))
    pair.tell()
    assert prices == ["BTC", "BTC"]
    assert closed == [("BTC", 100.0)]


def test_it_knows_how_long_ago_it_was_told_last(pair: Pair) -> None:
    assert pair.replica.unheard_s == math.inf
    pair.tell()
    assert pair.replica.unheard_s == 0
    pair.clock.advance(0.4)
    assert pair.replica.unheard_s == pytest.approx(0.4)


def test_silence_makes_everything_stale(pair: Pair) -> None:
    assert pair.replica.silent and pair.replica.feed_stale()
    pair.market.apply_trade(Trade("BTC", START_MS, 100.0, 1.0))
    pair.market.set_feed_state(FeedState.LIVE)
    pair.tell()
    quote = pair.replica.quote("BTC")
    assert quote is not None and not quote.stale
    assert not pair.replica.feed_stale()
    pair.clock.advance(SILENT_AFTER_S + 0.1)
    quote = pair.replica.quote("BTC")
    assert quote is not None and quote.stale
    assert pair.replica.feed_stale()
    pair.tell()
    quote = pair.replica.quote("BTC")
    assert quote is not None and not quote.stale


def test_a_symbol_that_the_feed_is_silent_of_is_stale_though_it_does_not_change(
    pair: Pair,
) -> None:
    pair.market.apply_trade(Trade("BTC", START_MS, 100.0, 1.0))
    pair.tell()
    pair.clock.advance(20)
    pair.tell()
    quote = pair.replica.quote("BTC")
    assert quote is not None and quote.stale
    assert pair.replica.feed_stale()


def test_the_feed_is_described_as_it_is(pair: Pair) -> None:
    facts = FeedFacts(("XYZ",), Playback(2.0, True, 1, 2))
    pair.market.describe_feed(facts)
    pair.market.set_feed_state(FeedState.RECONNECTING, "after a cut")
    pair.tell()
    assert pair.replica.feed_state == pair.market.feed_state
    assert pair.replica.feed_state_since_ms == pair.market.feed_state_since_ms
    assert pair.replica.feed_facts == facts


def test_whoever_takes_over_goes_on_where_it_ended(pair: Pair) -> None:
    pair.market.load_history("BTC", history(1, 300))
    everything = list(trades(2, 300))
    for trade in everything[:200]:
        pair.market.apply_trade(trade)
    pair.tell()
    pauses: list[None] = []
    heir = Market(SYMBOLS, pair.clock, "test")
    pair.replica.succeed(heir, lambda: pauses.append(None))
    assert len(pauses) == len(SYMBOLS)
    for trade in everything[200:]:
        pair.market.apply_trade(trade)
        heir.apply_trade(trade)
    assert heir.quotes() == pair.market.quotes()
    for symbol in SYMBOLS:
        np.testing.assert_array_equal(heir.candles(symbol), pair.market.candles(symbol))
    pair.tell()
    pair.assert_same()


def test_a_process_of_another_version_is_understood(pair: Pair) -> None:
    pair.market.apply_trade(Trade("BTC", START_MS, 100.0, 1.0))
    report = pair.reporter.report(True, {})
    report[NAMES] = ("to come", *report[NAMES])
    report[QUOTES]["BTC"] = (7, *report[QUOTES]["BTC"])
    pair.replica.apply(report)
    assert pair.replica.quote("BTC") == pair.market.quote("BTC")
