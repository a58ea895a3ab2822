"""The simulated market is believable: in its moves, its volume and its trades."""

import numpy as np
import pytest

from backend.analysis import topics
from backend.evaluate.daily import rank_correlation
from backend.feeds.profiles import profile_of
from backend.feeds.simulation import MarketModel
from tests.feeds.simulated_run import HISTORY, SYMBOLS, split


def standardised_autocorrelation(series, lag):
    series = series - series.mean(axis=0)
    return ((series[lag:] * series[:-lag]).mean(axis=0) / series.var(axis=0)).mean()


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
