"""The simulated market: reproducible, the same before the start and after it."""

import numpy as np
import pytest

from backend.feeds.profiles import Profile, profile_of
from backend.feeds.simulated import BRIDGED_MINUTES, HISTORY_MINUTES, SimulatedFeed
from backend.feeds.simulation import MarketModel
from backend.market.market import Market
from backend.market.models import CLOSE, HIGH, LOW, OPEN, OPEN_TIME, QUOTE_VOLUME
from tests.clocks import ManualClock
from tests.feeds.simulated_run import BEGIN_MS, DAY, HISTORY, HOUR, MINUTE, SYMBOLS, Run, split


def test_history_is_six_days_of_every_symbol_up_to_the_running_minute(clock):
    run = Run(clock, 0)
    now_ms = clock.now_ms()
    run.run()
    newest = now_ms - now_ms % MINUTE - MINUTE
    for symbol in SYMBOLS:
        times = run.market.closed_candles(symbol)[:, OPEN_TIME]
        assert times[0] == newest - (HISTORY - 1) * MINUTE
        assert times[-1] == pytest.approx(newest, abs=9 * MINUTE)


def test_every_candle_is_consistent_and_nothing_is_dropped(hour):
    assert not hour.market.drops
    for symbol in SYMBOLS:
        rows = hour.market.closed_candles(symbol)
        assert (rows[:, LOW] <= rows[:, [OPEN, CLOSE]].min(axis=1)).all()
        assert (rows[:, HIGH] >= rows[:, [OPEN, CLOSE]].max(axis=1)).all()
        assert (rows[:, LOW] > 0).all()
        assert (rows[:, QUOTE_VOLUME] > 0).all()


def test_the_same_seed_gives_the_same_market_and_another_one_not():
    one, same, other = (Run(ManualClock(BEGIN_MS), 10, seed).run() for seed in (1, 1, 2))
    assert one.trades == same.trades
    assert one.market.quotes() == same.market.quotes()
    assert one.market.quotes() != other.market.quotes()


def test_trading_goes_on_from_where_history_ended(hour):
    """At the seam a price moves by no more than the time between explains."""
    for symbol in SYMBOLS:
        rows, _ = split(hour, symbol)
        minute_sd = np.diff(np.log(rows[:, CLOSE])).std()
        first = next(trade for trade in hour.trades if trade.symbol == symbol)
        minutes = (first.time_ms - rows[-1, OPEN_TIME]) / MINUTE
        move = abs(np.log(first.price / rows[-1, CLOSE]))
        assert move < 5 * minute_sd * np.sqrt(max(minutes, 1)), symbol


def test_a_quarter_second_and_a_minute_are_steps_of_the_same_market():
    """The mean absolute return over 5 minutes is the same, whichever step it was made with."""
    profiles = [Profile(100.0, 1e8, 0.04)] * 50
    fine, coarse, fine_volume, coarse_volume = [], [], 0.0, 0.0
    for seed in range(400):
        for step_s, count, returns in ((60.0, 5, coarse), (0.25, 1200, fine)):
            model = MarketModel(profiles, np.random.default_rng(seed))
            before = model.log_price
            volume = model.advance(1.7e12, step_s, count).quote_volume.sum()
            returns.append(model.log_price - before)
            if step_s < 1:
                fine_volume += volume
            else:
                coarse_volume += volume
    assert np.abs(fine).mean() == pytest.approx(np.abs(coarse).mean(), rel=0.08)
    assert fine_volume == pytest.approx(coarse_volume, rel=0.12)


def test_live_candles_have_the_shape_of_those_of_history(hour):
    """Mean range over mean absolute body: what ATR and the like would notice at the seam."""

    def shape(rows):
        body = np.abs(np.log(rows[:, CLOSE] / rows[:, OPEN]))
        return np.log(rows[:, HIGH] / rows[:, LOW]).mean() / body.mean()

    before, live = zip(*(split(hour, symbol) for symbol in SYMBOLS), strict=True)
    assert shape(np.vstack(live)) == pytest.approx(shape(np.vstack(before)), rel=0.15)


def test_live_volume_is_that_of_the_history_before(hour):
    """Symbol by symbol, the hour after the seam against the one before."""
    ratios = []
    for symbol in SYMBOLS:
        before, after = split(hour, symbol)
        ratios.append(after[:, QUOTE_VOLUME].sum() / before[-60:, QUOTE_VOLUME].sum())
    assert 0.4 < np.median(ratios) < 2.5


def test_an_unknown_symbol_gets_a_plausible_profile_the_same_each_time():
    assert profile_of("WAGMI") == profile_of("WAGMI") != profile_of("NGMI")
    profile = profile_of("WAGMI")
    assert 0.01 <= profile.price <= 100 and 5e6 <= profile.day_volume <= 2e8


def test_a_symbol_of_tiny_price_trades_with_its_own_precision(clock):
    run = Run(clock, 30, symbols=("SHIB", "WAGMI")).run()
    assert not run.market.drops
    assert len({trade.price for trade in run.trades if trade.symbol == "SHIB"}) > 10


def test_a_pause_of_the_machine_becomes_history_and_no_burst(clock):
    """Asleep for an hour: the monotonic clock stood still, the wall clock went on."""
    run = Run(clock, 60, symbols=("BTC", "ETH"))
    slept = []

    def suspend_once():
        if not slept and clock.monotonic() > run.until - 30:
            clock.wall_ms += 3600_000
            slept.append(len(run.trades))

    run.on_sleep = suspend_once
    run.run()
    after = run.trades[slept[0] :]
    assert len(after) < 30 * 4 * 2
    assert after[-1].time_ms == pytest.approx(clock.now_ms(), abs=500)
    assert not run.market.drops
    times = run.market.candles("BTC", limit=100)[:, OPEN_TIME]
    assert (np.diff(times) == MINUTE).all()


def test_a_pause_of_weeks_is_filled_up_to_the_bound(clock):
    run = Run(clock, 20, symbols=("BTC",))
    run.on_sleep = lambda: setattr(clock, "wall_ms", max(clock.wall_ms, 1_705_000_000_000))
    run.run()
    assert len(run.market.closed_candles("BTC")) == BRIDGED_MINUTES
    assert not run.market.drops
    assert run.market.time_ms("BTC") == pytest.approx(clock.now_ms(), abs=9000)


def test_time_never_runs_backwards_though_the_clock_is_set_back(clock):
    run = Run(clock, 60, symbols=("BTC",))
    set_back = []

    def set_back_once():
        if not set_back and clock.monotonic() > run.until - 30:
            clock.wall_ms -= 10_000
            set_back.append(True)

    run.on_sleep = set_back_once
    run.run()
    times = [trade.time_ms for trade in run.trades]
    assert times == sorted(times)
    assert not run.market.drops
    assert run.trades[-1].time_ms == pytest.approx(clock.now_ms(), abs=9000)


def test_work_and_late_wake_ups_do_not_add_up(clock):
    """Each sleep lasts 40 ms too long, and still there are four steps a second."""
    run = Run(clock, 100, symbols=("BTC",))
    sleeps = []
    run.on_sleep = lambda: (sleeps.append(1), clock.advance(0.04))
    run.run()
    assert len(sleeps) == pytest.approx(400, abs=4)


def test_the_feed_says_what_it_is_and_when_it_stops(clock):
    run = Run(clock, 1, symbols=("BTC",)).run()
    states = [status.state for status in run.market.feed_history]
    assert states == ["connecting", "live", "stopped"]
    assert SimulatedFeed.name == "simulated"
    assert "simulated" in run.market.feed_history[1].detail


def test_a_run_goes_on_from_what_the_market_holds_and_fills_what_was_missed(clock):
    before = Run(clock, 60).run()
    restored = Market(SYMBOLS, clock, "simulated")
    for symbol in SYMBOLS:
        restored.load_history(symbol, before.market.closed_candles(symbol))
    seam = {symbol: restored.quote(symbol) for symbol in SYMBOLS}
    reached_ms = max(quote.time_ms for quote in seam.values()) + 1
    clock.advance(600)
    run = Run(clock, 60, seed=8, market=restored).run()
    assert not restored.drops
    assert (np.diff(restored.closed_candles("BTC")[:, OPEN_TIME]) == MINUTE).all()
    for symbol in SYMBOLS:
        rows = restored.closed_candles(symbol)
        at = int(np.searchsorted(rows[:, OPEN_TIME], reached_ms))
        if rows[at, OPEN_TIME] == reached_ms:
            assert rows[at, OPEN] == seam[symbol].price
        else:
            assert symbol not in ("BTC", "ETH", "SOL")  # a small one was quiet
        assert (rows[:at] == before.market.closed_candles(symbol)[-at:]).all()
    ids = [trade.trade_id for trade in run.trades if trade.symbol == "BTC"]
    assert ids[0] > max(trade.trade_id for trade in before.trades)


def test_a_symbol_that_is_new_to_the_market_gets_a_history_of_its_own(clock):
    before = Run(clock, 5, symbols=("BTC",)).run()
    market = Market(("BTC", "ETH"), clock, "simulated")
    market.load_history("BTC", before.market.closed_candles("BTC"))
    clock.advance(600)
    Run(clock, 5, symbols=("BTC", "ETH"), market=market).run()
    new, old = (market.closed_candles(symbol)[:, OPEN_TIME] for symbol in ("ETH", "BTC"))
    assert len(new) >= HISTORY_MINUTES and new[-1] == old[-1]
    assert (np.diff(new) == MINUTE).all()


def test_a_feed_that_takes_over_in_the_midst_of_a_minute_trades_on_from_its_price(clock):
    """So a follower does, with the market that it has."""
    market = Run(clock, 30, symbols=("BTC",)).run().market
    seq, price, candles = market.seq("BTC"), market.quote("BTC").price, market.candles("BTC")
    run = Run(clock, 5, seed=8, symbols=("BTC",), market=market).run()
    assert not market.drops
    assert market.seq("BTC") > seq
    assert run.trades[0].price == pytest.approx(price, rel=0.005)
    assert market.candles("BTC")[-1, OPEN] == candles[-1, OPEN]


def test_two_years_of_hours_end_where_the_minutes_begin(hour):
    first = {symbol: hour.market.closed_candles(symbol)[0] for symbol in SYMBOLS}
    before_ms = int(first["BTC"][OPEN_TIME])
    moves = []
    for symbol in SYMBOLS:
        rows = hour.feed.past(symbol, "1h", before_ms, 20_000)
        assert (np.diff(rows[:, OPEN_TIME]) == HOUR).all()
        assert rows[-1, OPEN_TIME] == before_ms - HOUR and rows[0, OPEN_TIME] % DAY == 0
        assert 728 < (hour.started_ms - rows[0, OPEN_TIME]) / DAY < 732
        assert rows[-1, CLOSE] == first[symbol][OPEN]
        assert (rows[1:, OPEN] == rows[:-1, CLOSE]).all()
        assert (rows[:, LOW] <= rows[:, [OPEN, CLOSE]].min(axis=1)).all()
        assert (rows[:, HIGH] >= rows[:, [OPEN, CLOSE]].max(axis=1)).all()
        assert (rows[:, LOW] > 0).all()
        days = np.diff(np.log(rows[::24, OPEN]))
        assert days.std() == pytest.approx(profile_of(symbol).day_volatility, rel=0.4)
        moves.append(days)
    assert np.corrcoef(moves)[np.triu_indices(len(SYMBOLS), 1)].mean() > 0.2
    hours = rows[:, OPEN_TIME] // HOUR % 24
    busy, quiet = (rows[np.isin(hours, at), QUOTE_VOLUME].mean() for at in ((14, 15), (2, 3)))
    assert busy > 1.3 * quiet


@pytest.mark.parametrize("days", [3, 30])
def test_the_past_goes_back_as_many_days_as_it_is_told_to(clock, days):
    run = Run(clock, 0, symbols=("BTC",), days=days).run()
    first = run.market.closed_candles("BTC")[0]
    first_ms = int(first[OPEN_TIME])
    assert (run.started_ms - first_ms) // DAY == min(days, 6)
    rows = run.feed.past("BTC", "1h", first_ms, 20_000)
    assert rows[0, OPEN_TIME] == run.started_ms - run.started_ms % DAY - days * DAY
    assert rows[-1, OPEN_TIME] == first_ms - HOUR and rows[-1, CLOSE] == first[OPEN]


def test_there_is_nothing_before_the_two_years_nor_before_a_price_that_is_not_known(hour):
    first_ms = int(hour.market.closed_candles("BTC")[0, OPEN_TIME])
    assert len(hour.feed.past("BTC", "1h", first_ms - 731 * DAY, 1_000)) == 0
    assert len(hour.feed.past("BTC", "1h", first_ms - HOUR, 1_000)) == 0
