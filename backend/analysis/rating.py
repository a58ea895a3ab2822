"""TradingView's Technical Rating: 26 indicators vote; the score is the mean of two groups' means.

Version 3 of their Pine library, 2024-11-29, which their indicator of 2026-04-14 imports:
https://www.tradingview.com/script/jDWyb5PG-TechnicalRating/. Each rule gives +1 (buy), -1 (sell)
or 0 for each row, and NaN where the value that the library looks at is not known yet; such an item
is left out of its group. A comparison with a value that is not known is false, as in Pine.

Every rule is a pair of mirror images: prices reflected about a level turn each vote around.
"""

import numpy as np
from numpy.typing import NDArray

from backend.analysis.averages import Floats
from backend.analysis.indicators import SMA_PERIODS, TIE, Readings

# As `TIE`, for an oscillator of 0..100. Rounding must not vote.
OSCILLATOR_TIE = 100 * TIE

# Of the averages that vote, the one that says what the trend is: EMA 50.
_TREND = SMA_PERIODS.index(50)

Truths = NDArray[np.bool_]

MOVING_AVERAGES = (
    *(f"SMA {period}" for period in SMA_PERIODS),
    *(f"EMA {period}" for period in SMA_PERIODS),
    "HMA 9",
    "VWMA 20",
    "Ichimoku 9-26-52",
)
OSCILLATORS = (
    "RSI 14",
    "Stochastic 14-3-3",
    "CCI 20",
    "ADX 14",
    "Awesome oscillator",
    "Momentum 10",
    "MACD 12-26-9",
    "Stochastic RSI 3-3-14-14",
    "Williams %R 14",
    "Bull/bear power 13",
    "Ultimate oscillator 7-14-28",
)


def moving_average(average: Floats, price: Floats) -> Floats:
    """Buy above the average, sell below it."""
    return _vote(average, price - average > TIE * price, average - price > TIE * price)


def ichimoku(now: Readings) -> Floats:
    """Buy: the cloud as drawn is green, and base line, conversion line and price rise above it in
    that order. 9-26-52; the cloud is that of 26 candles ago."""
    tie = TIE * now.close
    buy = (
        (now.lead_a - now.lead_b > tie)
        & (now.base_line - now.lead_a > tie)
        & (now.conversion_line - now.base_line > tie)
        & (now.close - now.conversion_line > tie)
    )
    sell = (
        (now.lead_b - now.lead_a > tie)
        & (now.lead_a - now.base_line > tie)
        & (now.base_line - now.conversion_line > tie)
        & (now.conversion_line - now.close > tie)
    )
    return _vote(now.span_b, buy, sell)


def reversal(now: Floats, before: Floats, low: float, high: float) -> Floats:
    """Buy: below `low` and rising. Sell: above `high` and falling. RSI, CCI and Williams %R."""
    return _vote(
        before,
        _over(low, now) & _over(now, before),
        _over(now, high) & _over(before, now),
    )


def stochastic(k: Floats, d: Floats, known: Floats) -> Floats:
    """Buy: %K above %D with both under 20. Sell: below, with both over 80."""
    return _vote(
        known,
        _over(20, k) & _over(20, d) & _over(k, d),
        _over(k, 80) & _over(d, 80) & _over(d, k),
    )


def stochastic_rsi(now: Readings) -> Floats:
    """The stochastic's rule against the trend: buy below EMA 50 only, sell above it only."""
    trend = moving_average(now.ema[_TREND], now.close)
    vote = stochastic(now.stoch_rsi_k, now.stoch_rsi_d, trend)
    return _vote(trend, (trend < 0) & (vote > 0), (trend > 0) & (vote < 0))


def directional_movement(now: Readings) -> Floats:
    """Buy: ADX over 20 and rising, +DI above -DI. Sell: the same with +DI below."""
    plus, minus = now.plus_di, now.minus_di
    strong = _over(now.adx, 20) & _over(now.adx, now.adx_before)
    return _vote(now.adx, strong & _over(plus, minus), strong & _over(minus, plus))


def awesome_oscillator(now: Readings) -> Floats:
    """Buy: a cross above zero, or a saucer above it (down, then up). Sell: the mirror image.

    A cross from exactly zero counts, as in Pine's `ta.crossover`.
    """
    tie = TIE * now.close

    def turns(ao: Floats, before: Floats, earlier: Floats) -> Truths:
        saucer = (before > tie) & (ao - before > tie) & (earlier - before > tie)
        return (ao > tie) & (~(before > tie) | saucer)

    return _vote(
        now.ao_before,
        turns(now.ao, now.ao_before, now.ao_earlier),
        turns(-now.ao, -now.ao_before, -now.ao_earlier),
    )


def momentum(now: Readings) -> Floats:
    """Buy when it rises, sell when it falls."""
    change, tie = now.momentum - now.momentum_before, TIE * now.close
    return _vote(now.momentum_before, change > tie, change < -tie)


def macd(now: Readings) -> Floats:
    """Buy above the signal line, sell below it."""
    lead, tie = now.macd - now.macd_signal, TIE * now.close
    return _vote(now.macd_signal, lead > tie, lead < -tie)


def bull_bear_power(now: Readings) -> Floats:
    """Buy: above EMA 50, bear power below zero and rising. Sell: the mirror image."""
    trend, tie = moving_average(now.ema[_TREND], now.close), TIE * now.close
    bear, bull = now.bear_power, now.bull_power
    buy = (trend > 0) & (bear < -tie) & (bear - now.bear_power_before > tie)
    return _vote(trend, buy, (trend < 0) & (bull > tie) & (now.bull_power_before - bull > tie))


def ultimate_oscillator(now: Readings) -> Floats:
    """Buy over 70, sell under 30."""
    return _vote(now.ultimate, _over(now.ultimate, 70), _over(30, now.ultimate))


def moving_average_votes(now: Readings) -> Floats:
    """The votes of the moving-average group, (15, rows), in the order of `MOVING_AVERAGES`."""
    averages = np.concatenate((now.sma, now.ema, (now.hma, now.vwma)))
    return np.concatenate((moving_average(averages, now.close), (ichimoku(now),)))


def oscillator_votes(now: Readings) -> Floats:
    """The votes of the oscillator group, (11, rows), in the order of `OSCILLATORS`."""
    return np.array(
        [
            reversal(now.rsi, now.rsi_before, 30, 70),
            stochastic(now.stoch_k, now.stoch_d, now.stoch_d_before),
            reversal(now.cci, now.cci_before, -100, 100),
            directional_movement(now),
            awesome_oscillator(now),
            momentum(now),
            macd(now),
            stochastic_rsi(now),
            reversal(now.williams_r, now.williams_r_before, -80, -20),
            bull_bear_power(now),
            ultimate_oscillator(now),
        ]
    )


def values(now: Readings) -> Floats:
    """The number that each vote is known by, (26, rows): those of `MOVING_AVERAGES`, Ichimoku by
    its base line, then those of `OSCILLATORS`, the stochastics by %K, bull and bear power by their
    sum."""
    return np.concatenate(
        (
            now.sma,
            now.ema,
            (
                now.hma,
                now.vwma,
                now.base_line,
                now.rsi,
                now.stoch_k,
                now.cci,
                now.adx,
                now.ao,
                now.momentum,
                now.macd,
                now.stoch_rsi_k,
                now.williams_r,
                now.bull_power + now.bear_power,
                now.ultimate,
            ),
        )
    )


def scores(now: Readings) -> Floats:
    """The rating of each row, -1..1: the mean of the two groups' means.

    0 where there is nothing to rate: no group has a vote, or the price has not moved through the
    last 20 candles.
    """
    groups = np.array([mean_vote(moving_average_votes(now)), mean_vote(oscillator_votes(now))])
    known = ~np.isnan(groups)
    means = np.where(known, groups, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.where(now.moved, means, 0.0)


def mean_vote(votes: Floats) -> Floats:
    """The mean of the votes that were cast, of (votes, rows); NaN without one."""
    cast = ~np.isnan(votes)
    count = cast.sum(axis=0)
    total = np.where(cast, votes, 0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _over(one: Floats | float, other: Floats | float) -> Truths:
    """Of oscillators: more than by rounding."""
    over: Truths = np.subtract(one, other) > OSCILLATOR_TIE
    return over


def _vote(known: Floats, buy: Truths, sell: Truths) -> Floats:
    """1, -1 or 0; NaN where `known` is."""
    return np.where(np.isnan(known), np.nan, buy.astype(np.float64) - sell)
