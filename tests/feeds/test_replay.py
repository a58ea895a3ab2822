"""Replay: what is in a recording, in its own time, at the speed asked for, and nothing else."""

import numpy as np
import pytest

from backend.feeds.replay import ReplayFeed
from backend.market.market import Market
from tests.feeds.replayed import HEADER, START, WEEK, Played, candle_lines, write


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
        clock.advance(seconds)
        stale.append(market.feed_stale() or market.stale("BTC"))

    ReplayFeed(path, market, clock, 1.0, sleep=sleep).run()
    assert len(stale) > 100 and not any(stale)
    assert market.feed_state.state == "ended"
    clock.advance(15.1)
    assert market.feed_stale() and market.quote("BTC").stale


def test_others_get_their_turn_at_any_speed(clock, tmp_path):
    """Each look at the clock takes 0.1 ms here; a turn may last one millisecond."""
    path = write(tmp_path / "BTC.csv", [HEADER, "bad line"] + candle_lines(200) + ["bad"] * 200)
    steady = clock.monotonic
    clock.monotonic = lambda: (clock.advance(0.0001), steady())[1]
    turns = []
    market = Market(["BTC"], clock)
    feed = ReplayFeed(path, market, clock, 1e6, sleep=lambda s: turns.append(steady()))
    feed.run()
    assert len(turns) > 40
    assert np.diff(turns).max() < 0.002


def test_a_hole_is_waited_out_for_an_hour_of_its_time_at_most(clock, tmp_path):
    lines = [*candle_lines(1), *candle_lines(1, first=3 * 1440)]
    before = clock.monotonic()
    Played(clock, write(tmp_path / "BTC.csv", lines), speed=3600)
    assert clock.monotonic() - before == pytest.approx(1, abs=0.05)
