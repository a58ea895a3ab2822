"""The simulated market: reproducible, believable, the same before the start and after it."""

import numpy as np
import pytest

from backend.analysis import topics
from backend.config import DEFAULT_SYMBOLS
from backend.evaluate.daily import rank_correlation
from backend.feeds.profiles import Profile, profile_of
from backend.feeds.simulated import BRIDGED_MINUTES, HISTORY_MINUTES, SimulatedFeed
from backend.feeds.simulation import MarketModel
from backend.market.market import Market
from backend.market.models import CLOSE, HIGH, LOW, OPEN, OPEN_TIME, QUOTE_VOLUME, Trade

SYMBOLS = tuple(DEFAULT_SYMBOLS.split(","))
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
# The clock begins 13 minutes past an hour, and history with a whole one.
HISTORY = HISTORY_MINUTES + 13


class Run:
    """A feed on a market, whose sleep moves the clock, and stops the feed in time."""

    def __init__(self, clock, seconds, seed=7, symbols=SYMBOLS, market=None):
        self.clock = clock
        self.market = market or Market(symbols, clock, "simulated")
        self.trades: list[Trade] = []
        self.until = clock.monotonic() + seconds
        self.started_ms = clock.now_ms()
        self.on_sleep = lambda: None
        self.feed = SimulatedFeed(symbols, self, clock, np.random.default_rng(seed), self.sleep)

    def __getattr__(self, name):
        return getattr(self.market, name)

    def apply_trade(self, trade):
        self.trades.append(trade)
        self.market.apply_trade(trade)

    def sleep(self, seconds):
        self.clock.sleep(seconds)
        self.on_sleep()
        if self.clock.monotonic() >= self.until:
            self.feed.stop()

    def run(self):
        self.feed.run()
        return self


@pytest.fixture(scope="module")
def hour(manual_clock):
    """An hour of live trading after six days of history."""
    return Run(manual_clock(), 3600).run()


def split(hour, symbol):
    """A symbol's candles of before the start, and of after it."""
    rows = hour.market.closed_candles(symbol)
    start = np.searchsorted(rows[:, OPEN_TIME], hour.started_ms - hour.started_ms % MINUTE)
    return rows[:start], rows[start:]


def aligned(rows, start_ms, count):
    """Log closes, and volumes, of `count` minutes: a quiet one has the close before it."""
    times = start_ms + MINUTE * np.arange(count)
    places = np.searchsorted(rows[:, OPEN_TIME], times, side="right") - 1
    there = rows[np.maximum(places, 0)]
    volumes = np.where(there[:, OPEN_TIME] == times, there[:, QUOTE_VOLUME], 0)
    return np.log(there[:, CLOSE]), volumes


@pytest.fixture(scope="module")
def history(hour):
    """Log returns, and volumes, of each minute before the start."""
    start_ms = hour.started_ms - hour.started_ms % MINUTE - HISTORY * MINUTE
    found = [aligned(split(hour, symbol)[0], start_ms, HISTORY) for symbol in SYMBOLS]
    closes, volumes = (np.column_stack(each) for each in zip(*found, strict=True))
    return np.diff(closes, axis=0), volumes[1:]


def standardised_autocorrelation(series, lag):
    series = series - series.mean(axis=0)
    return ((series[lag:] * series[:-lag]).mean(axis=0) / series.var(axis=0)).mean()


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


def test_small_symbols_have_quiet_minutes_and_large_ones_none(hour):
    missing = {symbol: HISTORY - len(split(hour, symbol)[0]) for symbol in SYMBOLS}
    assert missing["BTC"] == missing["ETH"] == 0
    assert 0.005 < missing["ALGO"] / HISTORY < 0.2
    assert len(split(hour, "ALGO")[1]) < 60
    assert len(split(hour, "BTC")[1]) == 60


def test_a_symbol_without_trades_is_still_there(hour):
    assert not any(quote.stale for quote in hour.market.quotes().values())


def test_most_trades_are_at_the_last_price_or_a_tick_beside_it(hour):
    for symbol, tick in (("BTC", 0.01), ("LINK", 0.0001), ("ADA", 0.000001)):
        prices = np.array([trade.price for trade in hour.trades if trade.symbol == symbol])
        steps = np.abs(np.diff(prices)) / tick
        assert (steps < 1.5).mean() > 0.6, symbol
        assert (steps < 0.5).mean() > 0.3, symbol
        assert (steps > 1.5).mean() > 0.1, symbol


def test_trades_are_from_a_few_dollars_to_large(hour):
    for symbol in ("BTC", "ADA"):
        usd = np.array([one.price * one.quantity for one in hour.trades if one.symbol == symbol])
        assert np.quantile(usd, 0.1) < 50 < np.quantile(usd, 0.9)
        assert usd.min() >= 4.9
        assert np.quantile(usd, 0.99) > 100 * np.median(usd)


def test_the_same_seed_gives_the_same_market_and_another_one_not(manual_clock):
    one, same, other = (Run(manual_clock(), 10, seed).run() for seed in (1, 1, 2))
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


def test_returns_have_fat_tails(history):
    returns, _ = history
    z = (returns - returns.mean(axis=0)) / returns.std(axis=0)
    assert np.median((z**4).mean(axis=0)) > 4


def test_volatility_clusters(history):
    returns, _ = history
    assert standardised_autocorrelation(np.abs(returns), 1) > 0.1
    assert standardised_autocorrelation(np.abs(returns), 30) > 0.03
    assert abs(standardised_autocorrelation(returns, 1)) < 0.1


def correlation(returns, minutes):
    """The mean correlation of two symbols' returns over so many minutes."""
    sums = np.cumsum(returns, axis=0)[::minutes]
    return np.corrcoef(np.diff(sums, axis=0).T)[np.triu_indices(len(SYMBOLS), 1)].mean()


def test_the_longer_one_looks_the_more_symbols_move_together(history):
    returns, _ = history
    assert correlation(returns, 1) == pytest.approx(0.45, abs=0.1)
    assert correlation(returns, 5) == pytest.approx(0.7, abs=0.1)
    assert correlation(returns, 60) == pytest.approx(0.85, abs=0.1)


def test_a_coin_that_is_pegged_follows_nobody():
    profiles = [profile_of(symbol) for symbol in ("BTC", "USDC")]
    model = MarketModel(profiles, np.random.default_rng(4))
    returns = np.diff(model.advance(0, 60.0, 5000).log_price, axis=0)
    assert abs(np.corrcoef(returns.T)[0, 1]) < 0.1


def test_volume_follows_volatility(history):
    """By ranks, so that it isn't the few jumps alone."""
    returns, volumes = history
    pairs = [rank_correlation(np.abs(returns[:, i]), volumes[:, i]) for i in range(len(SYMBOLS))]
    assert np.mean(pairs) > 0.42


def test_volume_is_rough(history):
    """From minute to minute it changes by a half or more, as real volume does."""
    _, volumes = history
    large = np.log(volumes[:, :2])
    assert np.diff(large, axis=0).std(axis=0).mean() > 0.5


def test_there_is_something_to_say_of_topics(history):
    returns, volumes = history
    prices, said = np.cumsum(returns, axis=0), []
    for end in range(2881, len(prices), 101):
        heats = topics.heats(prices[end - 2881 : end].T, volumes[end - 2881 : end].T)
        said.append(bool(topics.trending(SYMBOLS, heats)))
    assert 0.2 < np.mean(said) < 0.9


def test_live_volume_is_that_of_the_history_before(hour):
    """Symbol by symbol, the hour after the seam against the one before."""
    ratios = []
    for symbol in SYMBOLS:
        before, after = split(hour, symbol)
        ratios.append(after[:, QUOTE_VOLUME].sum() / before[-60:, QUOTE_VOLUME].sum())
    assert 0.4 < np.median(ratios) < 2.5


def test_volatility_lives_on_from_one_step_to_the_next():
    """It wanders in small steps, though each minute is simulated by a call of its own."""
    model = MarketModel([profile_of(symbol) for symbol in SYMBOLS], np.random.default_rng(1))
    levels = np.log([model.advance(0, 60.0).volatility[0] for _ in range(300)])
    assert levels.std(axis=0).mean() > 1.1 * np.diff(levels, axis=0).std(axis=0).mean()


def test_the_day_has_a_cycle():
    """Over many days, the afternoon is livelier than the small hours (UTC)."""
    model = MarketModel([profile_of("BTC")] * 10, np.random.default_rng(3))
    path = model.advance(0, 60.0, 40 * 1440)
    by_minute = path.quote_volume.reshape(40, 1440, 10).mean(axis=(0, 2))
    moves = np.abs(np.diff(path.log_price, axis=0, prepend=path.log_price[:1]))
    moves_by_minute = moves.reshape(40, 1440, 10).mean(axis=(0, 2))
    for series in (by_minute, moves_by_minute):
        assert series[13 * 60 : 17 * 60].mean() > 1.3 * series[1 * 60 : 5 * 60].mean()


def test_day_volatility_and_volume_are_those_of_the_profile():
    profile = profile_of("ETH")
    ratios, volumes = [], []
    for seed in range(150):
        model = MarketModel([profile] * 3, np.random.default_rng(seed))
        path = model.advance(0, 60.0, 1440)
        # By the hour, since within minutes prices stray and return.
        ratios.append((np.diff(path.log_price[::60], axis=0) ** 2).sum(axis=0))
        volumes.append(path.quote_volume.sum(axis=0))
    assert np.sqrt(np.mean(ratios)) == pytest.approx(profile.day_volatility, rel=0.25)
    assert np.mean(volumes) == pytest.approx(profile.day_volume, rel=0.25)


def test_large_symbols_trade_several_times_in_two_seconds_and_small_ones_within_minutes(hour):
    gaps = {}
    for symbol in SYMBOLS:
        times = [trade.time_ms for trade in hour.trades if trade.symbol == symbol]
        gaps[symbol] = np.diff(times)
    assert np.median(gaps["BTC"]) < 1000
    assert all(np.quantile(some, 0.95) < 120_000 for some in gaps.values())
    assert gaps["BTC"].mean() < gaps["SOL"].mean() < gaps["ALGO"].mean()


def test_prices_keep_the_precision_of_their_magnitude(hour):
    for symbol, decimals in (("BTC", 2), ("ETH", 2), ("ADA", 6), ("LINK", 4)):
        prices = [trade.price for trade in hour.trades if trade.symbol == symbol]
        assert all(price == round(price, decimals) for price in prices)
        assert any(price != round(price, decimals - 1) for price in prices)


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
    run.on_sleep = lambda: (sleeps.append(1), clock.sleep(0.04))
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
    clock.sleep(600)
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
    clock.sleep(600)
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


def test_there_is_nothing_before_the_two_years_nor_before_a_price_that_is_not_known(hour):
    first_ms = int(hour.market.closed_candles("BTC")[0, OPEN_TIME])
    assert len(hour.feed.past("BTC", "1h", first_ms - 731 * DAY, 1_000)) == 0
    assert len(hour.feed.past("BTC", "1h", first_ms - HOUR, 1_000)) == 0
