"""Replay: what is in a recording, in its own time, at the speed asked for, and nothing else."""

import gzip
import logging
from pathlib import Path

import numpy as np
import orjson
import pytest

from backend.feeds.recording import History, encode_event, encode_header
from backend.feeds.replay import ReplayFeed
from backend.feeds.replay_files import (
    LINE_MAX_BYTES,
    SPAN_MAX_BYTES,
    recording_span,
    symbol_of_file,
)
from backend.market.market import Market
from backend.market.models import Trade

MINUTE = 60_000
START = 1_613_692_800_000
HEADER = "open_time_ms,open,high,low,close,volume"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
WEEK = SHARED / "candles" / "BTC-USDT-1m-2021-02-19-week.csv.gz"
FRAMES = SHARED / "frames" / "binance-spot-btcusdt-2024-08-08.txt.gz"


def candle_lines(count, seed=0, first=0):
    random = np.random.default_rng(seed)
    closes = 100 * np.exp(np.cumsum(random.normal(0, 0.001, count)))
    opens = np.append(100.0, closes[:-1])
    return [
        f"{START + (first + i) * MINUTE},{opens[i]!r},{max(opens[i], closes[i])!r},"
        f"{min(opens[i], closes[i])!r},{closes[i]!r},{random.uniform(1, 10)!r}".replace(
            "np.float64(", ""
        ).replace(")", "")
        for i in range(count)
    ]


def write(path, lines):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt") as file:
        file.write("\n".join(lines) + "\n")
    return path


def frame(number, offset_ms, price, quantity="1.00", arrived_ms=None):
    """A trade as the exchange frames it, behind the local time of its arrival."""
    time_ms = START + offset_ms
    data = {
        "e": "trade",
        "E": time_ms,
        "s": "BTCUSDT",
        "t": number,
        "p": price,
        "q": quantity,
        "T": time_ms,
    }
    stamp = (START + offset_ms if arrived_ms is None else arrived_ms) * 1_000_000
    return f"{stamp} {orjson.dumps({'stream': 'btcusdt@trade', 'data': data}).decode()}"


def recorded(offset_ms, event):
    return f"{(START + offset_ms) * 1_000_000} {encode_event(event).decode()}"


class Played:
    """A market that was fed by a replay to its end, or for some seconds of the manual clock."""

    def __init__(self, clock, path, *, symbols=("BTC",), seconds=None, market=None, **options):
        self.clock = clock
        self.market = market or Market(symbols, clock, "replay")
        self.sleeps: list[float] = []
        self.until = None if seconds is None else clock.monotonic() + seconds
        options.setdefault("speed", 1_000_000)
        self.feed = ReplayFeed(path, self.market, clock, sleep=self.sleep, **options)
        self.feed.run()

    def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.clock.sleep(seconds or 0.0001)
        if self.until is not None and self.clock.monotonic() >= self.until:
            self.feed.stop()


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


def week_of_candles(tmp_path):
    return write(tmp_path / "BTC-USDT-1m.csv.gz", [HEADER, *candle_lines(3 * 1440)])


def real_week(tmp_path):
    if not WEEK.exists():
        pytest.skip(f"the shared week of candles is absent: {WEEK.name}")
    return WEEK


@pytest.mark.parametrize("candles_of", [week_of_candles, real_week])
def test_candles_change_and_volume_equal_what_numpy_computes_from_the_file(
    clock, tmp_path, candles_of
):
    path = candles_of(tmp_path)
    rows = np.loadtxt(path, delimiter=",", skiprows=1)
    seen = []
    market = Market(["BTC"], clock)
    market.on_candle(lambda symbol, candle: seen.append(market.quote("BTC")))
    played = Played(clock, path, market=market)
    assert not market.drops and not played.feed.skipped
    closes, quote_volumes = rows[:, 4], rows[:, 5] * rows[:, 4]
    np.testing.assert_array_equal(market.closed_candles("BTC")[:, :6], rows)
    assert [quote.price for quote in seen] == closes.tolist()
    assert [quote.time_ms for quote in seen] == (rows[:, 0] + 59_999).tolist()
    changes = (closes[1440:] / closes[:-1440] - 1) * 100
    volumes = np.convolve(quote_volumes, np.ones(1440), "valid")
    np.testing.assert_allclose(
        [quote.change_24h for quote in seen[1440:]], changes, rtol=0, atol=5.1e-5
    )
    np.testing.assert_allclose(
        [quote.volume_24h for quote in seen[1439:]], volumes, rtol=1e-12, atol=0.0051
    )


def test_a_replay_cut_at_any_minute_is_the_whole_one_up_to_it(clock, tmp_path):
    lines = candle_lines(2000)

    def states(count):
        market = Market(["BTC"], clock)
        seen = []
        market.on_candle(
            lambda symbol, candle: seen.append(
                (candle, market.quote(symbol), market.candles(symbol, "5m", 5).tolist())
            )
        )
        Played(clock, write(tmp_path / f"BTC-{count}.csv", [HEADER, *lines[:count]]), market=market)
        return seen

    whole = states(2000)
    for count in (1, 777, 1440, 1441):
        assert states(count) == whole[:count]


def test_the_quote_volume_is_the_files_where_it_has_one(clock, tmp_path):
    lines = [HEADER + ",quote_volume", f"{START},10,10,10,10,2,19.5"]
    played = Played(clock, write(tmp_path / "BTC.csv", lines))
    assert played.market.quote("BTC").volume_24h == 19.5


def test_no_price_is_invented_within_a_minute(clock, tmp_path):
    lines = candle_lines(50)
    prices = []
    market = Market(["BTC"], clock)
    market.on_price(lambda symbol: prices.append(market.quote(symbol).price))
    Played(clock, write(tmp_path / "BTC.csv", lines), market=market)
    assert prices == [float(line.split(",")[4]) for line in lines]
    assert market.forming("BTC") is None


@pytest.mark.parametrize("above", [[HEADER], [], [HEADER, "rubbish"]])
def test_the_speed_is_kept(clock, tmp_path, above):
    """Ten candles last nine minutes from the first close to the last, which comes at once."""
    path = write(tmp_path / "BTC.csv", [*above, *candle_lines(10)])
    before = clock.monotonic()
    Played(clock, path, speed=60)
    assert clock.monotonic() - before == pytest.approx(9, abs=0.05)


def test_a_slow_replay_stays_alive_and_goes_stale_at_its_end(clock, tmp_path):
    path = write(tmp_path / "BTC.csv", candle_lines(3))
    market = Market(["BTC"], clock)
    stale = []

    def sleep(seconds):
        clock.sleep(seconds)
        stale.append(market.feed_stale() or market.stale("BTC"))

    ReplayFeed(path, market, clock, 1.0, sleep=sleep).run()
    assert len(stale) > 100 and not any(stale)
    assert market.feed_state.state == "ended"
    clock.sleep(15.1)
    assert market.feed_stale() and market.quote("BTC").stale


def test_others_get_their_turn_at_any_speed(clock, tmp_path):
    """Each look at the clock takes 0.1 ms here; a turn may last one millisecond."""
    path = write(tmp_path / "BTC.csv", [HEADER, "bad line"] + candle_lines(200) + ["bad"] * 200)
    steady = clock.monotonic
    clock.monotonic = lambda: (clock.sleep(0.0001), steady())[1]
    turns = []
    market = Market(["BTC"], clock)
    feed = ReplayFeed(path, market, clock, 1e6, sleep=lambda s: turns.append(steady()))
    feed.run()
    assert len(turns) > 40
    assert np.diff(turns).max() < 0.002


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


def test_a_hole_is_waited_out_for_an_hour_of_its_time_at_most(clock, tmp_path):
    lines = [*candle_lines(1), *candle_lines(1, first=3 * 1440)]
    before = clock.monotonic()
    Played(clock, write(tmp_path / "BTC.csv", lines), speed=3600)
    assert clock.monotonic() - before == pytest.approx(1, abs=0.05)


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
