"""Recording a feed, and getting the same market back from what was recorded."""

import gzip
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from backend.clock import HOUR_MS, MINUTE_MS
from backend.feeds.recorder import RecordingSink
from backend.feeds.replay import ReplayFeed
from backend.feeds.simulated import HISTORY_MINUTES, SimulatedFeed
from backend.market.candles import INTERVALS
from backend.market.market import Market
from backend.market.models import OPEN_TIME, BookTop, Candle, DayStatistics, FeedState, Trade
from tests.servers import ROOT

SYMBOLS = ("BTC", "ETH", "ADA")
START = 1_700_000_040_000


class Both:
    """A sink that hands everything on to two."""

    def __init__(self, *sinks):
        self._sinks = sinks

    def __getattr__(self, name):
        def hand_on(*args):
            for sink in self._sinks:
                getattr(sink, name)(*args)

        return hand_on


def state_of(market):
    """All that a market knows, but for the age of it."""
    return (
        {
            symbol: quote._replace(stale=False, received_ms=None)
            for symbol, quote in market.quotes().items()
        },
        {
            (symbol, interval): market.candles(symbol, interval, 10_000).tolist()
            for symbol in market.symbols
            for interval in INTERVALS
        },
        market.drops,
    )


def replayed(clock, path, symbols=SYMBOLS):
    market = Market(symbols, clock)
    feed = ReplayFeed(path, market, clock, 1e6, sleep=clock.advance)
    feed.run()
    assert not feed.skipped
    return market


@pytest.mark.parametrize("name", ["recording.txt", "recording.txt.gz"])
def test_a_recorded_simulation_replays_to_the_same_market(clock, tmp_path, name):
    market = Market(SYMBOLS, clock)
    ends = clock.monotonic() + 150

    def sleep(seconds):
        clock.advance(seconds)
        if clock.monotonic() >= ends:
            feed.stop()

    with RecordingSink(
        tmp_path / name, "simulated", SYMBOLS, lambda: clock.now_ms() * 1_000_000
    ) as recording:
        random = np.random.default_rng(5)
        feed = SimulatedFeed(SYMBOLS, Both(market, recording), clock, random, sleep)
        feed.run()
    assert market.quote("BTC").seq > 100
    assert state_of(replayed(clock, tmp_path / name)) == state_of(market)


def test_every_kind_of_event_comes_back_as_it_was_said(clock, tmp_path):
    market = Market(SYMBOLS, clock)
    with RecordingSink(tmp_path / "r.gz", "binance", SYMBOLS) as recording:
        both = Both(market, recording)
        both.set_feed_state(FeedState.LIVE, "any")
        both.load_history("ETH", np.array([[START, 9.0, 12.0, 8.0, 10.0, 1.5, 15.0]]))
        both.apply_candle("ADA", Candle(START, 0.4, 0.5, 0.3, 0.456789, 3.0, 1.2))
        both.apply_trade(Trade("BTC", START + 60_000, 64_000.01, 0.1, 7))
        both.apply_trade(Trade("BTC", START + 60_000, 64_000.01, 0.1, 7))
        both.apply_trade(Trade("BTC", START + 60_001, 64_000.02, 0.1))
        both.apply_statistics(DayStatistics("BTC", START + 60_500, 64_000.02, 60_000.0, 1e9))
        both.apply_book(BookTop("BTC", 64_000.01, 64_000.02))
        both.touch()
        both.touch("BTC")
        both.touch("BTC", START + 125_000)
    assert recording.events == 10
    assert state_of(replayed(clock, tmp_path / "r.gz")) == state_of(market)


def test_what_a_feed_says_of_nan_is_no_line_that_replays(clock, tmp_path):
    with RecordingSink(tmp_path / "r.txt", "any", SYMBOLS) as recording:
        recording.apply_trade(Trade("BTC", START, float("nan"), 1.0))
    market = Market(SYMBOLS, clock)
    feed = ReplayFeed(tmp_path / "r.txt", market, clock, sleep=clock.advance)
    feed.run()
    assert feed.skipped == {"bad_line": 1}
    assert market.quote("BTC") is None


def test_a_file_is_never_written_over(tmp_path):
    (tmp_path / "r.gz").write_text("precious")
    with pytest.raises(FileExistsError):
        RecordingSink(tmp_path / "r.gz", "any", SYMBOLS)
    assert (tmp_path / "r.gz").read_text() == "precious"


@pytest.mark.parametrize("name", ["r.txt", "r.txt.gz"])
def test_what_was_flushed_is_read_though_the_file_was_never_closed(clock, tmp_path, name):
    """As after a crash: at most the last second is lost."""
    with RecordingSink(
        tmp_path / name, "any", SYMBOLS, lambda: clock.now_ms() * 1_000_000
    ) as recording:
        for number in range(5):
            clock.advance(1)
            recording.apply_trade(Trade("BTC", START + number, 10.0 + number, 1.0, number))
        crashed = tmp_path / f"crashed-{name}"
        crashed.write_bytes((tmp_path / name).read_bytes())
    market = Market(SYMBOLS, clock)
    ReplayFeed(crashed, market, clock, 1e6, sleep=clock.advance).run()
    assert market.quote("BTC").price == 14.0


def test_what_is_said_after_the_end_is_not_recorded(tmp_path):
    with RecordingSink(tmp_path / "r.txt", "any", SYMBOLS) as recording:
        pass
    recording.apply_trade(Trade("BTC", START, 10.0, 1.0))
    assert len((tmp_path / "r.txt").read_text().splitlines()) == 1


def command(*arguments):
    return [sys.executable, "-m", "backend.record", *map(str, arguments)]


def run(*arguments, **environ):
    return subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env={**os.environ, "SYMBOLS": "BTC,ETH", **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.served
def test_the_command_records_for_as_long_as_it_is_told(clock, tmp_path):
    began = time.monotonic()
    done = run(tmp_path / "r.gz", "--feed", "simulated", "--symbols", "BTC", "--seconds", "4")
    assert done.returncode == 0, done.stderr
    assert "recorded" in done.stdout and time.monotonic() - began >= 4
    market = replayed(clock, tmp_path / "r.gz", symbols=("BTC",))
    times = market.closed_candles("BTC")[:, OPEN_TIME]
    assert 0 <= times[-1] - times[0] - HISTORY_MINUTES * MINUTE_MS < HOUR_MS
    assert market.quote("BTC").seq > 1


@pytest.mark.served
def test_the_command_ends_with_the_replay_that_it_records(clock, tmp_path):
    (tmp_path / "BTC-USD.csv").write_text(f"{START},10,12,9,11,1\n")
    done = run(tmp_path / "r.txt", "--feed", f"replay:{tmp_path / 'BTC-USD.csv'}")
    assert done.returncode == 0, done.stderr
    assert replayed(clock, tmp_path / "r.txt").quote("BTC").price == 11


def test_what_is_said_after_the_end_is_neither_written_nor_counted(tmp_path):
    with RecordingSink(tmp_path / "r.gz", "test", SYMBOLS) as sink:
        sink.touch()
    sink.touch()
    with gzip.open(tmp_path / "r.gz") as file:
        assert len(file.readlines()) - 1 == sink.events == 1


@pytest.mark.served
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_with_a_whole_file(tmp_path, number):
    path = tmp_path / "r.gz"
    process = subprocess.Popen(
        command(path, "--feed", "simulated", "--symbols", "BTC"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not (path.exists() and path.stat().st_size > 10_000):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    with gzip.open(path, "rt") as file:
        lines = file.readlines()
    assert f"recorded {sum('note' not in line for line in lines) - 1} events" in output


@pytest.mark.served
def test_the_command_names_what_is_wrong(tmp_path):
    bad_feed = run(tmp_path / "r.gz", "--feed", "rumours")
    assert bad_feed.returncode == 2 and "MARKET_FEED" in bad_feed.stderr
    several = run(tmp_path / "r.gz", "--feed", "binance,kraken")
    assert several.returncode == 2 and "of one feed" in several.stderr
    (tmp_path / "there").touch()
    for path in (tmp_path / "there", tmp_path / "no" / "such"):
        done = run(path, "--feed", "simulated")
        assert done.returncode == 1 and str(path) in done.stderr
        assert "Traceback" not in done.stderr
