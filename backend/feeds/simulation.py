"""The model behind the simulated feed: log prices that move like a crypto market's.

A symbol's value moves by a share of the common factor and by its own, both normal with a stochastic
volatility, plus rare jumps. Its price follows the common factor with a short delay, and wanders
about its value for some seconds at a time: so symbols seem to part within a minute and move as one
within an hour (Epps 1979). The logarithms of the volatilities, and of the volumes' own ups and
downs, are Ornstein-Uhlenbeck processes, whose discretisation is exact for every step length: so
history made in minutes and ticks made in quarter seconds are the same market. (Taylor 1986 for the
log-AR(1) volatility, Merton 1976 for the jumps.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from backend.clock import DAY_MS, HOUR_MS, MINUTE_MS
from backend.feeds.profiles import Profile

Array = NDArray[np.float64]

DAY_S = DAY_MS / 1000
MINUTE_S = MINUTE_MS / 1000

# How long prices take to follow the common factor, and for how long one strays from its value, by
# how much: the variance of that, in units of the common variance of a minute. With the profiles'
# common share they make the mean correlation of symbols 0.45 in a minute, 0.7 in five and 0.85 in
# an hour, while returns of a minute hardly correlate with those before.
DELAY_S = 24.0
STRAY_S, STRAY_VARIANCE = 42.0, 0.37

# Log-volatility: time constant in seconds and standard deviation of each process. The first three
# belong to the market, the next two to each symbol; the last moves a symbol's volume alone.
MARKET_LEVELS = ((8 * 3600.0, 0.35), (20 * 60.0, 0.25), (90.0, 0.40))
SYMBOL_LEVELS = ((3600.0, 0.35), (60.0, 0.45))
VOLUME_S, VOLUME_SD = 60.0, 0.30
# How much of the market's log-volatility a symbol's own volatility, and its volume, take over.
MARKET_SHARE = 0.9
# Volume grows with this power of volatility.
VOLUME_POWER = 1.2

# Jumps a day, and their standard deviation in units of a minute's volatility.
COMMON_JUMPS, COMMON_JUMP_SD = 3.0, 6.0
OWN_JUMPS, OWN_JUMP_SD = 4.0, 5.0
# A jump stirs: the log-volatility that it adds, to decay with that process's time constant.
JUMP_STIRS = 0.6

# The day's cycle: volatility and volume peak when Europe and America both trade.
CYCLE_PEAK_MS = 15 * HOUR_MS
CYCLE_VOLATILITY, CYCLE_VOLUME = 0.35, 0.45

# Prices are drawn back to where they started, so that a server that runs for months stays
# plausible; over days nothing is seen of it.
REVERSION_S = 60 * DAY_S


@dataclass(frozen=True, slots=True)
class Path:
    """What a simulation of `count` steps gave, each array (count, symbols).

    `log_price` and `quote_volume` (USD) at and over each step; `volatility` is the standard
    deviation of the step's log return without jumps.
    """

    log_price: Array
    volatility: Array
    quote_volume: Array


class MarketModel:
    """The state of all symbols at one instant; `advance` moves it on."""

    def __init__(self, profiles: list[Profile], random: np.random.Generator) -> None:
        count = len(profiles)
        self._random = random
        total = np.array([profile.day_volatility for profile in profiles])
        share = np.array([profile.common_share for profile in profiles])
        self._common_volatility = total * np.sqrt(share)
        self._own_volatility = total * np.sqrt(1 - share)
        self._volume_per_s = np.array([profile.day_volume for profile in profiles]) / DAY_S
        self._base = np.log([profile.price for profile in profiles])
        each = np.repeat([*SYMBOL_LEVELS, (VOLUME_S, VOLUME_SD)], count, axis=0)
        self._time_constants, self._level_sd = np.concatenate((MARKET_LEVELS, each)).T
        self._levels = self._level_sd * random.standard_normal(len(self._level_sd))
        self._value: Array = self._base + total * random.standard_normal(count)
        # How far the price is behind the common factor, in its units, and astray, of each symbol.
        self._behind = 0.0
        self._astray: Array = np.zeros(count)

    @property
    def log_price(self) -> Array:
        """The price of each symbol now."""
        price: Array = self._value - self._common_volatility * self._behind + self._astray
        return price

    def move_to(self, symbols: NDArray[np.bool_], log_price: Array) -> None:
        """Go on from these prices of those symbols, as far behind and astray as they were."""
        self._value[symbols] += log_price - self.log_price[symbols]

    def succeed(self, former: "MarketModel", places: Sequence[int | None]) -> None:
        """Go on from another model, of whose symbols these are those at `places`; None: a new one,
        which stays as it is."""
        known = np.array([place is not None for place in places])
        were = np.array([place for place in places if place is not None], dtype=np.intp)
        self._behind = former._behind
        self._value[known] = former._value[were]
        self._astray[known] = former._astray[were]
        market = len(MARKET_LEVELS)
        self._levels[:market] = former._levels[:market]
        own = self._levels[market:].reshape(-1, len(places))  # in place
        own[:, known] = former._levels[market:].reshape(-1, len(former._base))[:, were]

    def advance(self, time_ms: float, step_s: float, count: int = 1) -> Path:
        """Simulate `count` steps of `step_s` from `time_ms` on."""
        symbols = len(self._base)
        common_jump = self._jumps(COMMON_JUMPS, COMMON_JUMP_SD, step_s, (count, 1))
        own_jump = self._jumps(OWN_JUMPS, OWN_JUMP_SD, step_s, (count, symbols))
        levels = self._advance_levels(step_s, common_jump, own_jump)
        common, own, volume = _activity(levels)
        middles: Array = (np.arange(count, dtype=float)[:, np.newaxis] + 0.5) * 1000 * step_s
        cycle = _cycle(time_ms + middles)
        normalised = _normalised(cycle, CYCLE_VOLATILITY)
        common, own = common * normalised, own * normalised

        day_share, minute_share = sqrt(step_s / DAY_S), sqrt(MINUTE_S / DAY_S)
        normal = self._random.standard_normal((count, 2 + 2 * symbols))
        # In units of a symbol's common volatility of a day.
        moved = common * (day_share * normal[:, :1] + minute_share * common_jump)
        own_move = own * (day_share * normal[:, 2 : 2 + symbols] + minute_share * own_jump)
        behind = self._fall_behind(step_s, moved[:, 0], common[:, 0] * normal[:, 1])
        astray = self._go_astray(step_s, own * normal[:, 2 + symbols :])
        pull = (self._base - self._value) * (step_s / REVERSION_S)
        moves = self._common_volatility * moved + self._own_volatility * own_move + pull
        value = self._value + np.cumsum(moves, axis=0)
        self._value = value[-1]

        # A jump trades, at once, what minutes would.
        trading_s = step_s + MINUTE_S * (np.abs(own_jump) + np.abs(common_jump)) / 2
        return Path(
            log_price=value - self._common_volatility * behind + astray,
            volatility=self._step_volatility(step_s, common, own),
            quote_volume=self._volume_per_s * volume * (1 + CYCLE_VOLUME * cycle) * trading_s,
        )

    def _fall_behind(self, step_s: float, moved: Array, noise: Array) -> Array:
        """What of the common factor prices have not followed yet after each step, (count, 1).

        Exact for what moves evenly through a step; `noise` is how unevenly it did.
        """
        left, part, rest = _delay(step_s)
        found = part * moved + rest * noise
        behind = self._behind
        for place, new in enumerate(found.tolist()):
            behind = found[place] = left * behind + new
        self._behind = float(behind)
        return found[:, np.newaxis]

    def _go_astray(self, step_s: float, noise: Array) -> Array:
        """How far each price is from where its value would have it after each step."""
        kept = exp(-step_s / STRAY_S)
        found = noise * self._stray_deviation() * sqrt(1 - kept**2)
        astray = self._astray
        for row in found:
            astray = row[:] = kept * astray + row
        self._astray = astray.copy()
        return found

    def _stray_deviation(self) -> Array:
        deviation: Array = self._common_volatility * sqrt(STRAY_VARIANCE * MINUTE_S / DAY_S)
        return deviation

    def _step_volatility(self, step_s: float, common: Array, own: Array) -> Array:
        """The standard deviation of the log return over a step, without jumps."""
        followed = 1 - _delay_share(step_s)
        strayed = 2 * self._stray_deviation() ** 2 * (1 - exp(-step_s / STRAY_S))
        variance = (self._common_volatility * common) ** 2 * followed
        variance = (variance + (self._own_volatility * own) ** 2) * (step_s / DAY_S)
        deviation: Array = np.sqrt(variance + strayed * own**2)
        return deviation

    def _jumps(self, per_day: float, sd: float, step_s: float, shape: tuple[int, int]) -> Array:
        """Sizes in units of a minute's volatility, most of them zero."""
        sizes = np.zeros(shape)
        happens = self._random.random(shape) < per_day * step_s / DAY_S
        if happens.any():
            sizes[happens] = sd * self._random.standard_normal(int(happens.sum()))
        return sizes

    def _advance_levels(self, step_s: float, common_jump: Array, own_jump: Array) -> Array:
        """The log-volatility and log-volume processes after each step, (count, 3 + 3 symbols)."""
        decay = np.exp(-step_s / self._time_constants)
        shocks = self._random.standard_normal((len(own_jump), len(decay)))
        shocks *= self._level_sd * np.sqrt(1 - decay**2)
        symbols = own_jump.shape[1]
        market = len(MARKET_LEVELS)
        # Of what a jump stirs, a long step has the mean of what is left of it on the way.
        stirs = JUMP_STIRS * (1 - decay) * self._time_constants / step_s
        shocks[:, 1:2] += stirs[1] * (common_jump != 0)
        shocks[:, market : market + symbols] += stirs[market] * (own_jump != 0)
        levels = self._levels
        for shock in shocks:
            levels = shock[:] = decay * levels + shock
        self._levels = levels.copy()
        return shocks


def _activity(levels: Array) -> tuple[Array, Array, Array]:
    """Multiples of the ordinary: common volatility (count, 1), own volatility and volume.

    Scaled so that the volatilities' mean square, and the volume's mean, is 1.
    """
    markets = len(MARKET_LEVELS)
    market = levels[:, :markets].sum(axis=1, keepdims=True)
    slow, quick, volume = np.split(levels[:, markets:], len(SYMBOL_LEVELS) + 1, axis=1)
    own = MARKET_SHARE * market + slow + quick
    market_variance = sum(sd**2 for _, sd in MARKET_LEVELS)
    own_variance = MARKET_SHARE**2 * market_variance + sum(sd**2 for _, sd in SYMBOL_LEVELS)
    volume_variance = VOLUME_POWER**2 * own_variance + VOLUME_SD**2
    return (
        np.exp(market - market_variance),
        np.exp(own - own_variance),
        np.exp(VOLUME_POWER * own + volume - volume_variance / 2),
    )


def _delay(step_s: float) -> tuple[float, float, float]:
    """Of what prices are behind: the share left after a step; of a move within the step, the share
    that is not followed yet; and the deviation of that, by when in the step it moved, in days'."""
    steps = step_s / DELAY_S
    left = exp(-steps)
    part = (1 - left) / steps
    # Of the variance of what is left, what the move itself does not tell.
    variance = (1 - left**2) / 2 - (1 - left) * part
    return left, part, sqrt(max(variance, 0.0) * DELAY_S / DAY_S)


def _delay_share(step_s: float) -> float:
    """By how much the variance of a step is less than that of what it follows with a delay."""
    steps = step_s / DELAY_S
    return (1 - exp(-steps)) / steps


def _cycle(time_ms: Array) -> Array:
    """-1 to 1 over a day, 1 at its busiest."""
    return np.cos(2 * pi * (time_ms - CYCLE_PEAK_MS) / DAY_MS)


def _normalised(cycle: Array, amplitude: float) -> Array:
    """A multiple of volatility whose mean square over a day is 1."""
    return (1 + amplitude * cycle) / sqrt(1 + amplitude**2 / 2)
