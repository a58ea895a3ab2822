"""What is wrong with a recording is counted and passed over, and hurts nothing else."""

import logging

import pytest

from backend.feeds.recording import encode_header
from backend.feeds.replay_files import (
    LINE_MAX_BYTES,
)
from backend.market.models import Trade
from tests.feeds.replayed import HEADER, MINUTE, START, Played, candle_lines, recorded, write


def test_bad_lines_are_counted_logged_once_and_passed_over(clock, tmp_path, caplog):
    good = candle_lines(3)
    lines = [HEADER, good[0], "rubbish", "1,2", "x,1,1,1,1,1", good[1], "\ufffd\x00", good[2]]
    with caplog.at_level(logging.WARNING):
        played = Played(clock, write(tmp_path / "BTC.csv", lines))
    assert played.feed.skipped == {"bad_line": 4}
    assert len(played.market.closed_candles("BTC")) == 3
    assert len(caplog.records) == 1


def test_nan_in_a_file_is_for_the_market_to_drop(clock, tmp_path):
    lines = [*candle_lines(1), f"{START + MINUTE},nan,1,1,1,1"]
    played = Played(clock, write(tmp_path / "BTC.csv", lines))
    assert played.market.drops == {"nan": 1}


def test_an_endless_line_is_passed_over_in_bounded_memory(clock, tmp_path):
    good = candle_lines(2)
    lines = [good[0], "9" * (2 * LINE_MAX_BYTES + 5), good[1]]
    played = Played(clock, write(tmp_path / "BTC.csv", lines))
    assert played.feed.skipped == {"long_line": 1}
    assert len(played.market.closed_candles("BTC")) == 2


def test_a_cut_off_gzip_file_plays_up_to_its_cut(clock, tmp_path):
    path = write(tmp_path / "BTC.csv.gz", candle_lines(5000))
    path.write_bytes(path.read_bytes()[:-5000])
    played = Played(clock, path)
    assert 1000 < len(played.market.closed_candles("BTC")) < 5000
    assert played.feed.skipped["unreadable_file"] == 1
    assert played.market.feed_state.state == "ended"


def test_a_lie_about_the_time_neither_stops_nor_hurries_the_replay(clock, tmp_path):
    """301 minutes at 60 a second last 5 s, and the hole that the lie makes one more."""
    good = candle_lines(301)
    lines = [*good[:2], f"{10**15 // MINUTE * MINUTE},1,1,1,1,1", *good[2:]]
    before = clock.monotonic()
    played = Played(clock, write(tmp_path / "BTC.csv", lines), speed=3600)
    assert clock.monotonic() - before == pytest.approx(6, abs=0.1)
    assert len(played.market.closed_candles("BTC")) == 301
    assert sum(played.market.drops.values()) == 1


def test_a_missing_or_empty_recording_ends_with_its_reason(clock, tmp_path):
    gone = Played(clock, tmp_path / "gone.csv").market.feed_state
    assert (gone.state, gone.detail) == (
        "ended",
        "the recording can't be read: No such file or directory",
    )
    (tmp_path / "empty").mkdir()
    assert Played(clock, tmp_path / "empty").market.feed_state.state == "ended"


def test_symbols_that_are_not_carried_are_dropped(clock, tmp_path):
    played = Played(clock, write(tmp_path / "XMR-USD.csv", candle_lines(3)))
    assert played.market.drops == {"unknown_symbol": 3}


def test_recordings_of_an_unknown_version_are_refused(clock, tmp_path):
    path = write(tmp_path / "r.txt", ['1 {"recording":99,"feed":"x","symbols":[]}', "2 {}"])
    assert Played(clock, path).feed.skipped == {"unreadable_file": 1}


@pytest.mark.parametrize(
    "bad",
    [
        "no json",
        "[]",
        '{"type":"trade"}',
        '{"type":"trade","symbol":"BTC","time_ms":null,"price":1,"quantity":1,"trade_id":1}',
        '{"type":"trade","symbol":"BTC","time_ms":1,"price":1,"quantity":1,"trade_id":1,"x":1}',
        '{"type":"candle","symbol":"BTC","candle":[1,2]}',
        '{"type":"history","symbol":"BTC","candles":[[1,2]]}',
        '{"type":"history","symbol":"BTC","candles":[["a"]]}',
        '{"type":"statistics","symbol":"BTC"}',
        '{"type":[]}',
        '{"type":"spell"}',
    ],
)
def test_a_bad_line_of_a_recording_is_one_bad_line(clock, tmp_path, bad):
    good = recorded(1000, Trade("BTC", START, 10.0, 1.0, 1))
    header = f"0 {encode_header('simulated', ['BTC']).decode()}"
    played = Played(clock, write(tmp_path / "r.txt", [header, f"1 {bad}", good]))
    assert played.feed.skipped == {"bad_line": 1}
    assert played.market.quote("BTC").price == 10.0
