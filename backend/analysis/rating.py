"""TradingView's Technical Rating: 26 indicators vote; the score is the mean of two groups' means.

Source: https://www.tradingview.com/support/solutions/43000614331-technical-ratings/ and the Pine
library that the same page names. Each rule returns +1 (buy), -1 (sell) or 0, and None where an
indicator has not enough data; such an item is left out of its group, as in the original.
Throughout, `now` is the current candle, `before` the one before it, `earlier` the one before that.

Every rule is a pair of mirror images: prices reflected about a level turn each vote around.
"""

from backend.analysis.indicators import Readings

# Rounding in running sums is some 1e-14 of the price. What differs by less than this share of the
# price (in an oscillator of 0..100: of its range) is equal, so that a price that does not move
# gets no votes.
TIE = 1e-9
OSCILLATOR_TIE = 100 * TIE

STRONG = 0.5
WEAK = 0.1

Vote = int | None


def moving_average(average: float, price: float) -> Vote:
    """Buy above the average, sell below it."""
    if average != average:
        return None
    return _sign(price - average, TIE * price)


def ichimoku(now: Readings, before: Readings) -> Vote:
    """Buy: cloud green, price above it and below the base line, crossing up the conversion line.

    9-26-52; the leading lines are taken where they are computed, not where they are drawn.
    """
    lead_1 = (now.conversion_line + now.base_line) / 2
    if _missing(lead_1, now.span_b, before.conversion_line):
        return None
    price, line, base = now.close, now.conversion_line, now.base_line
    if lead_1 > now.span_b and lead_1 < price < base and before.close < line < price:
        return 1
    if lead_1 < now.span_b and base < price < lead_1 and before.close > line > price:
        return -1
    return 0


def reversal(now: float, before: float, low: float, high: float) -> Vote:
    """Buy: below `low` and rising. Sell: above `high` and falling. RSI, CCI and Williams %R."""
    if _missing(now, before):
        return None
    change = _sign(now - before, OSCILLATOR_TIE)
    if now < low and change > 0:
        return 1
    if now > high and change < 0:
        return -1
    return 0


def stochastic(k: float, d: float, k_before: float, d_before: float) -> Vote:
    """Buy: %K crosses above %D with both under 20. Sell: below, with both over 80."""
    if _missing(k, d, k_before, d_before):
        return None
    lead, lead_before = _sign(k - d, OSCILLATOR_TIE), _sign(k_before - d_before, OSCILLATOR_TIE)
    if k < 20 and d < 20 and lead > 0 > lead_before:
        return 1
    if k > 80 and d > 80 and lead < 0 < lead_before:
        return -1
    return 0


def stochastic_rsi(now: Readings, before: Readings) -> Vote:
    """The stochastic's rule against the trend: buy below EMA 50 only, sell above it only."""
    trend = _trend(now)
    vote = stochastic(now.stoch_rsi_k, now.stoch_rsi_d, before.stoch_rsi_k, before.stoch_rsi_d)
    if trend is None or vote is None:
        return None
    return vote if vote == -trend else 0


def directional_movement(now: Readings, before: Readings) -> Vote:
    """Buy: +DI crosses above -DI while ADX is over 20. Sell: below."""
    if _missing(now.adx, now.plus_di, before.plus_di):
        return None
    lead = _sign(now.plus_di - now.minus_di, OSCILLATOR_TIE)
    lead_before = _sign(before.plus_di - before.minus_di, OSCILLATOR_TIE)
    return lead if now.adx > 20 and lead * lead_before < 0 else 0


def awesome_oscillator(ao: float, before: float, earlier: float, price: float) -> Vote:
    """Buy: a cross above zero, or a saucer above it (down, then up). Sell: the mirror image."""
    if _missing(ao, before):
        return None
    tie = TIE * price
    side, side_before = _sign(ao, tie), _sign(before, tie)
    if side and side != side_before:
        # A cross from exactly zero counts, as in Pine's `ta.crossover`.
        return side
    if _missing(earlier):
        return 0
    turns = _sign(ao - before, tie) == side and _sign(earlier - before, tie) == side
    return side if turns else 0


def momentum(now: float, before: float, price: float) -> Vote:
    """Buy when it rises, sell when it falls."""
    if _missing(now, before):
        return None
    return _sign(now - before, TIE * price)


def macd(line: float, signal: float, price: float) -> Vote:
    """Buy above the signal line, sell below it."""
    if _missing(line, signal):
        return None
    return _sign(line - signal, TIE * price)


def bull_bear_power(now: Readings, before: Readings) -> Vote:
    """Buy: above EMA 50, bear power below zero and rising. Sell: the mirror image."""
    trend = _trend(now)
    if trend is None or _missing(now.bear_power, before.bear_power):
        return None
    tie = TIE * now.close
    if trend > 0 and now.bear_power < -tie and now.bear_power - before.bear_power > tie:
        return 1
    if trend < 0 and now.bull_power > tie and before.bull_power - now.bull_power > tie:
        return -1
    return 0


def ultimate_oscillator(now: Readings) -> Vote:
    """Buy over 70, sell under 30. Left out when nothing moved through its shortest period."""
    if _missing(now.ultimate) or not now.range_8 > TIE * now.close:
        return None
    return 1 if now.ultimate > 70 else -1 if now.ultimate < 30 else 0


def moving_average_votes(now: Readings, before: Readings) -> list[Vote]:
    """The 15 votes of the moving-average group."""
    price = now.close
    votes = [moving_average(average, price) for average in now[1:14]]  # sma_10 .. hma_9
    votes.append(moving_average(_volume_weighted(now), price))
    votes.append(ichimoku(now, before))
    return votes


def oscillator_votes(now: Readings, before: Readings, earlier: Readings) -> list[Vote]:
    """The 11 votes of the oscillator group."""
    price = now.close
    return [
        reversal(now.rsi, before.rsi, 30, 70),
        stochastic(now.stoch_k, now.stoch_d, before.stoch_k, before.stoch_d),
        reversal(now.cci, before.cci, -100, 100),
        directional_movement(now, before),
        awesome_oscillator(now.ao, before.ao, earlier.ao, price),
        momentum(now.momentum, before.momentum, price),
        macd(now.macd, now.macd_signal, price),
        stochastic_rsi(now, before),
        reversal(now.williams_r, before.williams_r, -80, -20),
        bull_bear_power(now, before),
        ultimate_oscillator(now),
    ]


def score(now: Readings, before: Readings, earlier: Readings) -> float:
    """The rating, -1..1: the mean of the two groups' means.

    0 where there is nothing to rate: no group has data, or the price has not moved through the
    last 20 candles.
    """
    if not now.high_20 - now.low_20 > TIE * now.close:
        return 0.0
    groups = (moving_average_votes(now, before), oscillator_votes(now, before, earlier))
    means = [mean for mean in map(_mean, groups) if mean is not None]
    return sum(means) / len(means) if means else 0.0


def _mean(votes: list[Vote]) -> float | None:
    cast = [vote for vote in votes if vote is not None]
    return sum(cast) / len(cast) if cast else None


def _volume_weighted(now: Readings) -> float:
    """VWMA 20, NaN unless it lies among the prices that it averages.

    Without volume there is none, and what rounding leaves of past volume gives nonsense.
    """
    slack = TIE * now.close
    inside = now.low_20 - slack <= now.vwma_20 <= now.high_20 + slack
    return now.vwma_20 if inside else float("nan")


def _trend(now: Readings) -> Vote:
    return moving_average(now.ema_50, now.close)


def _sign(difference: float, tie: float) -> int:
    return (difference > tie) - (difference < -tie)


def _missing(*values: float) -> bool:
    return any(value != value for value in values)
