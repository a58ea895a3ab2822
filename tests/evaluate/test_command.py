"""`python -m backend.evaluate` on files."""

import numpy as np
import pytest

from backend.clock import HOUR_MS, MINUTE_MS, SystemClock
from backend.evaluate.__main__ import main
from backend.evaluate.candle_files import candle_interval, read_candles
from backend.feeds.recording import encode_event, encode_header
from backend.market.models import OPEN_TIME, Trade
from tests.analysis.conftest import make_candles


def write_candles(path, candles):
    lines = ["open_time_ms,open,high,low,close,volume"]
    lines += [",".join(map(str, row[:6])) for row in candles.tolist()]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def candle_file(tmp_path):
    """Five days of BTC as CSV."""
    return write_candles(tmp_path / "BTC-USD-1m.csv", make_candles(count=5 * 1440))


@pytest.fixture
def coarse_file(tmp_path):
    """A year of ETH in candles of four hours, of which a few are missing."""
    candles = make_candles(2, 6 * 365)
    candles[:, OPEN_TIME] = candles[0, OPEN_TIME] + np.arange(len(candles)) * 4 * HOUR_MS
    return write_candles(tmp_path / "ETH-USD.csv", np.delete(candles, [50, 700, 701], axis=0))


def printed(capsys, *arguments):
    assert main(list(map(str, arguments))) == 0
    return capsys.readouterr().out.splitlines()


def test_forecasts_are_compared_at_every_horizon_and_level(candle_file, capsys):
    lines = printed(capsys, "--of", "forecast", candle_file)
    assert {tuple(line.split(" | ")[:2]) for line in lines[2:]} == {
        ("| 1h", "50%"), ("| 1h", "90%"), ("| 24h", "50%"), ("| 24h", "90%"),
    }  # fmt: skip


def test_signals_have_a_record_by_default_and_costs_take_from_it(candle_file, capsys):
    free = [line.split(" | ") for line in printed(capsys, candle_file)[2:]]
    assert {line[1] for line in free} >= {"1m, as rated", "1m", "5m", "15m", "1h"}
    dear = [line.split(" | ") for line in printed(capsys, "--cost-bp", 10, candle_file)[2:]]
    assert len(dear) == len(free)
    for one, other in zip(free, dear, strict=True):
        assert one[:5] == other[:5]
        paid = 0 if one[2] == "HOLD" else 20
        assert float(one[7]) - float(other[7]) == pytest.approx(paid, abs=0.11)


def test_candles_of_hours_have_a_record_of_what_they_can_show(candle_file, coarse_file, capsys):
    """Timeframes and horizons from theirs on, apart from what minutes say."""
    both = printed(capsys, candle_file, coarse_file)
    of_minutes = printed(capsys, candle_file)
    assert both[: len(of_minutes)] == of_minutes
    coarse = [line.split(" | ") for line in both[len(of_minutes) :]]
    assert {line[0] for line in coarse} == {"| 4h"}
    assert {line[1] for line in coarse} == {"4h, as rated", "4h", "1d"}
    assert {line[3] for line in coarse} == {"4h", "24h"}
    held = [int(line[4]) for line in coarse if line[1] == "4h" and line[3] == "4h"]
    assert sum(held) > 100


@pytest.mark.parametrize("of", ["forecast", "levels", "sentiment"])
def test_what_needs_minutes_says_so_of_longer_candles(coarse_file, of, capsys):
    assert main(["--of", of, str(coarse_file)]) == 1
    assert f"candles of 4h have no {of}" in capsys.readouterr().err


def test_candles_are_of_the_longest_interval_that_all_of_them_begin():
    candles = make_candles(count=3000)
    assert candle_interval(candles) == "1m"
    assert candle_interval(candles[::5]) == "5m"
    # From midnight on, and some hours are missing.
    assert candle_interval(candles[[0, 60, 300]]) == "1h"
    candles[:, OPEN_TIME] += MINUTE_MS / 2
    assert candle_interval(candles) == "1m"


def test_levels_are_compared_with_none_held_first(candle_file, capsys):
    lines = printed(capsys, "--of", "levels", candle_file)
    assert lines[2].startswith("| 15m | 0.0 / 0.0 | 1 min |")
    changes = [float(line.split("|")[4]) for line in lines[2:] if line.startswith("| 1h")]
    assert changes[0] == max(changes)


def test_the_sentiment_is_described(candle_file, capsys):
    lines = printed(capsys, "--of", "sentiment", candle_file)
    assert len(lines) == 6
    assert lines[2].startswith("| rank correlation with the past hour |")


def test_a_file_that_is_not_there_is_named(tmp_path, capsys):
    assert main(["--of", "forecast", str(tmp_path / "none.csv")]) == 1
    assert "none.csv" in capsys.readouterr().err


def test_a_daily_index_is_compared_with_something(candle_file):
    with pytest.raises(SystemExit):
        main(["--of", "daily", str(candle_file)])


def test_candles_of_a_file_are_read_as_they_are(candle_file):
    found = read_candles(candle_file, SystemClock())
    np.testing.assert_allclose(found["BTC"][:, :6], make_candles(count=5 * 1440)[:, :6])


def test_trades_of_a_recording_make_candles(tmp_path):
    path = tmp_path / "recording.txt"
    lines = [b"0 " + encode_header("simulated", ("ETH",))]
    for number in range(4):
        trade = Trade("ETH", number * 30_000, 2.5, 1.0, number)
        lines.append(f"{number} ".encode() + encode_event(trade))
    path.write_bytes(b"\n".join(lines))
    found = read_candles(path, SystemClock())
    assert found["ETH"][:, OPEN_TIME].tolist() == [0.0]
