"""A replay in a loop goes on, without a step back and without the past of its next pass."""

import numpy as np

from backend.feeds.recording import History, encode_header
from backend.market.models import Trade
from tests.feeds.replayed import HEADER, MINUTE, START, Played, candle_lines, frame, recorded, write


def test_a_loop_of_nothing_playable_ends(clock, tmp_path):
    played = Played(clock, write(tmp_path / "BTC.csv", [HEADER]), loop=True)
    assert played.market.feed_state.state == "ended"


def test_a_short_loop_leaves_others_their_turn(clock, tmp_path):
    path = write(tmp_path / "BTC.csv", candle_lines(2))
    assert Played(clock, path, loop=True, seconds=0.01).sleeps


def test_looped_candles_go_on_without_a_step_back(clock, tmp_path):
    path = write(tmp_path / "BTC.csv", candle_lines(100))
    played = Played(clock, path, loop=True, speed=6000, seconds=5)
    market = played.market
    times = market.closed_candles("BTC")[:, 0]
    assert len(times) > 300
    assert (np.diff(times) == MINUTE).all()
    assert not market.drops
    assert market.feed_state.state == "stopped"


def test_looped_trades_keep_time_and_ids_rising(clock, tmp_path):
    lines = [frame(7 + n, 10_000 + 9_000 * n, f"{100 + n}.0") for n in range(20)]
    played = Played(clock, write(tmp_path / "frames.txt", lines), loop=True, speed=100, seconds=10)
    assert not played.market.drops
    assert played.market.quote("BTC").seq > 60


def test_a_loop_takes_no_history_from_before_its_begin_again(clock, tmp_path):
    """It would put the past in place of what the last pass has just played."""
    past = np.array([[START + minute * MINUTE, 5, 5, 5, 5, 1, 5] for minute in range(-60, 0)])
    lines = [f"0 {encode_header('simulated', ['BTC']).decode()}", recorded(0, History("BTC", past))]
    lines += [
        recorded(1_000 * second, Trade("BTC", START + 1_000 * second, 10.0, 1.0, second))
        for second in range(0, 600, 5)
    ]
    played = Played(clock, write(tmp_path / "r.txt", lines), loop=True, speed=600, seconds=3.5)
    closes = played.market.closed_candles("BTC")[:, 4]
    assert len(closes) > 60 + 25
    assert (closes[:60] == 5).all() and (closes[60:] == 10).all()
