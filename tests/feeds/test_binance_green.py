"""The binance feed under eventlet's monkey-patching, as the server runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.feeds.exchange_server import ExchangeServer
from tests.feeds.feed_harness import keys_of
from tests.feeds.sample_frames import sample_frames
from tests.servers import ROOT, wait_until

pytestmark = pytest.mark.served


def cut_the_listener(exchange: ExchangeServer) -> None:
    """Each cut has to find the feed connected anew, however long that takes here."""
    wait_until(lambda: exchange.clients, "the feed to be connected")
    exchange.cut()


@pytest.fixture(scope="module")
def outcome() -> dict:
    """What came of a feed among greenlets, cut off three times, in a process of its own."""
    frames = sample_frames(8.0)
    # Early, so that the rising pauses between tries end well before the frames do.
    script = {len(frames) * part // 8: cut_the_listener for part in (1, 2, 3)}
    with ExchangeServer(frames, speed=40, script=script) as exchange:
        process = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("green_feed.py"))]
            + [exchange.ws_url, exchange.rest_url, "BTC", "ETH", "ADA"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            input="",
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert process.returncode == 0, process.stderr
        result = json.loads(process.stdout)
        result["played"] = [list(key) for key in keys_of(frames)]
        rows = {s: exchange.klines.rows(s, exchange.now_ms) for s in ("BTC", "ETH", "ADA")}
        result["klines"] = {
            symbol: {str(row[0]): [float(field) for field in row[1:6]] for row in rows[symbol]}
            for symbol in rows
        }
        return result


def test_it_heals(outcome: dict) -> None:
    played = {tuple(key) for key in outcome["played"]}
    heard = [tuple(key) for key in outcome["trades"]]
    assert len(heard) == len(set(heard))
    assert set(heard) <= played
    assert heard[-1] == tuple(outcome["played"][-1])
    assert outcome["counters"]["connections_lost"] == 3
    for symbol, candles in outcome["candles"].items():
        assert len(candles) > 48 * 60
        for minute, candle in candles.items():
            assert candle == pytest.approx(outcome["klines"][symbol][minute], rel=1e-9)


def test_it_blocks_nobody(outcome: dict) -> None:
    # The margin is for other processes on the machine; the feed itself holds the hub for 1 to 2 ms.
    assert outcome["median_wait_s"] < 0.01
    assert outcome["longest_wait_s"] < 1.0


def test_it_leaves_no_task_behind(outcome: dict) -> None:
    assert outcome["threads"] == ["MainThread"]
