"""What may be replayed: files of several forms, or a folder of them, merged on time."""

import gzip
from pathlib import Path

import orjson
import pytest

from backend.feeds.replay_files import (
    SPAN_MAX_BYTES,
    recording_span,
    symbol_of_file,
)
from backend.market.market import Market
from tests.feeds.replayed import (
    FRAMES,
    HEADER,
    MINUTE,
    START,
    Played,
    candle_lines,
    frame,
    write,
)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTC-USDT-1m-2021-02-19-week.csv.gz", "BTC"),
        ("ETH-USD-1m-2018-04-04.csv.gz", "ETH"),
        ("BTCUSDT-1m-2024.csv", "BTC"),
        ("solusdc_1m.csv", "SOL"),
        ("ADA.csv", "ADA"),
        ("USDT-USD-1m.csv", "USDT"),
        ("BUSD-USDT-1m.csv", "BUSD"),
    ],
)
def test_the_symbol_leads_the_files_name(name, symbol):
    assert symbol_of_file(Path(name)) == symbol


def test_a_directory_is_merged_on_time(clock, tmp_path):
    write(tmp_path / "BTC-1m-a.csv", candle_lines(30))
    write(tmp_path / "BTC-1m-b.csv.gz", [HEADER, *candle_lines(30, first=30)])
    write(tmp_path / "ETH-USD-1m.csv", candle_lines(60, seed=1))
    (tmp_path / ".hidden").write_text("nothing")
    (tmp_path / "sub").mkdir()
    market = Market(["BTC", "ETH"], clock)
    seen = []
    market.on_candle(lambda symbol, candle: seen.append((candle.open_time_ms, symbol)))
    played = Played(clock, tmp_path, market=market)
    assert seen == [
        (START + minute * MINUTE, symbol) for minute in range(60) for symbol in ("BTC", "ETH")
    ]
    assert not played.feed.skipped


def test_a_directory_is_merged_whatever_its_files_are_called(clock, tmp_path):
    for index, first in enumerate((60, 30, 0, 90)):
        write(tmp_path / f"BTC-1m-{index}.csv", [HEADER, *candle_lines(30, first=first)])
    market = Played(clock, tmp_path).market
    assert len(market.closed_candles("BTC")) == 120
    assert not market.drops


def test_candles_are_played_at_their_close_beside_frames(clock, tmp_path):
    depth = f'{START * 1_000_000} {{"stream":"btcusdt@depth","data":{{"e":"depthUpdate"}}}}'
    write(tmp_path / "a.txt", [depth] * 300 + [frame(1, 59_900, "10.0"), frame(2, 60_100, "11.0")])
    write(tmp_path / "ETH-USD.csv", candle_lines(1))
    market = Market(["BTC", "ETH"], clock)
    seen = []
    market.on_price(lambda symbol: seen.append((symbol, market.quote(symbol).time_ms - START)))
    played = Played(clock, tmp_path, market=market)
    assert seen == [("BTC", 59_900), ("ETH", 59_999), ("BTC", 60_100)]
    assert not played.feed.skipped


def test_raw_frames_give_the_frames_own_prices(clock, tmp_path):
    depth = f'{START * 1_000_000} {{"stream":"btcusdt@depth","data":{{"e":"depthUpdate"}}}}'
    lines = [depth, frame(1, 0, "61837.63"), depth, frame(2, 900, "61837.64", "0.5")]
    played = Played(clock, write(tmp_path / "frames.txt.gz", lines))
    assert played.market.quote("BTC").price == 61837.64
    assert played.market.forming("BTC").volume == 1.5
    assert not played.feed.skipped


def test_the_shared_frames_are_played_to_the_last_trade(clock):
    if not FRAMES.exists():
        pytest.skip(f"the shared frames are absent: {FRAMES.name}")
    trades = []
    with gzip.open(FRAMES, "rt") as file:
        for line in file:
            data = orjson.loads(line.partition(" ")[2]).get("data", {})
            if data.get("e") == "trade":
                trades.append((float(data["p"]), float(data["q"])))
    played = Played(clock, FRAMES)
    market = played.market
    assert market.quote("BTC").seq == len(trades)
    assert market.quote("BTC").price == trades[-1][0]
    rows = market.candles("BTC")
    assert rows[:, 5].sum() == pytest.approx(sum(quantity for _, quantity in trades))
    assert rows[:, 2].max() == max(price for price, _ in trades)
    assert not market.drops and not played.feed.skipped


def test_a_recordings_first_and_last_instant_are_known_before_it_is_played(tmp_path):
    write(tmp_path / "BTC-USD-1m.csv.gz", [HEADER, *candle_lines(300)])
    write(tmp_path / "ETHUSDT.txt", [frame(1, -5_000, "10"), frame(2, 90_000, "11")])
    turns = []
    span = recording_span(tmp_path, lambda: turns.append(1))
    assert span == (START - 5_000, START + 300 * MINUTE)
    assert len(turns) == 303


def test_what_is_no_recording_or_too_large_has_no_known_span(tmp_path):
    assert recording_span(tmp_path / "missing.csv", lambda: None) is None
    assert recording_span(write(tmp_path / "BTC.csv", ["nonsense"]), lambda: None) is None
    large = tmp_path / "ETH.csv"
    with large.open("wb") as file:
        file.truncate(SPAN_MAX_BYTES + 1)
    assert recording_span(large, lambda: pytest.fail("it was read")) is None
