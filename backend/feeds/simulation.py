"""The model behind the simulated feed: log prices that move like a crypto market's.

A symbol's log return over any step is `beta * common + own`, both normal with a stochastic
volatility, plus rare jumps. The logarithms of the volatilities, and of the volumes' own ups and
downs, are Ornstein-Uhlenbeck processes, whose discretisation is exact for every step length: so
history made in minutes and ticks made in quarter seconds are the same market. (Taylor 1986 for
the log-AR(1) volatility, Merton 1976 for the jumps.)
"""

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

from backend.clock import DAY_MS, HOUR_MS, MINUTE_MS
from backend.feeds.profiles import Profile

Array = NDArray[np.float64]

DAY_S = DAY_MS / 1000
MINUTE_S = MINUTE_MS / 1000

# The common factor: what the market as a whole moves in a day.
COMMON_DAY_VOLATILITY = 0.026
# At least this share of a symbol's volatility is its own.
OWN_SHARE_MIN = 0.3

# Log-volatility: time constant in seconds and standard deviation of each process. The first two
# belong to the market, the third to each symbol; the fourth moves a symbol's volume alone.
SLOW_S, SLOW_SD = 8 * 3600.0, 0.35
FAST_S, FAST_SD = 20 * 60.0, 0.25
OWN_S, OWN_SD = 3600.0, 0.30
VOLUME_S, VOLUME_SD = 180.0, 0.50
# How much of the market's log-volatility a symbol's own volatility takes over.
SLOW_SHARE, FAST_SHARE = 0.8, 0.6
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
        self._beta = np.array([profile.beta for profile in profiles])
        total = np.array([profile.day_volatility for profile in profiles])
        common = self._beta * COMMON_DAY_VOLATILITY
        self._own_volatility = np.maximum(
            np.sqrt(np.maximum(total**2 - common**2, 0)), OWN_SHARE_MIN * total
        )
        self._volume_per_s = np.array([profile.day_volume for profile in profiles]) / DAY_S
        self._base = np.log([profile.price for profile in profiles])
        self._time_constants = np.repeat([SLOW_S, FAST_S, OWN_S, VOLUME_S], [1, 1, count, count])
        self._level_sd = np.repeat([SLOW_SD, FAST_SD, OWN_SD, VOLUME_SD], [1, 1, count, count])
        self._levels = self._level_sd * random.standard_normal(2 + 2 * count)
        self.log_price: Array = self._base + total * random.standard_normal(count)

    def advance(self, time_ms: float, step_s: float, count: int = 1) -> Path:
        """Simulate `count` steps of `step_s` from `time_ms` on."""
        common_jump = self._jumps(COMMON_JUMPS, COMMON_JUMP_SD, step_s, (count, 1))
        own_jump = self._jumps(OWN_JUMPS, OWN_JUMP_SD, step_s, (count, len(self._base)))
        levels = self._advance_levels(step_s, common_jump, own_jump)
        common, own, volume = _activity(levels)
        middles: Array = (np.arange(count, dtype=float)[:, np.newaxis] + 0.5) * 1000 * step_s
        cycle = _cycle(time_ms + middles)

        day_share = sqrt(step_s / DAY_S)
        minute_share = sqrt(MINUTE_S / DAY_S)
        common_vol = COMMON_DAY_VOLATILITY * common * _normalised(cycle, CYCLE_VOLATILITY)
        own_vol = self._own_volatility * own * _normalised(cycle, CYCLE_VOLATILITY)
        normal = self._random.standard_normal((count, 1 + len(self._base)))
        common_move = common_vol * (day_share * normal[:, :1] + minute_share * common_jump)
        own_move = own_vol * (day_share * normal[:, 1:] + minute_share * own_jump)
        pull = (self._base - self.log_price) * (step_s / REVERSION_S)
        path = self.log_price + np.cumsum(self._beta * common_move + own_move + pull, axis=0)
        self.log_price = path[-1]

        # A jump trades, at once, what minutes would.
        trading_s = step_s + MINUTE_S * (np.abs(own_jump) + np.abs(common_jump)) / 2
        return Path(
            log_price=path,
            volatility=day_share * np.hypot(self._beta * common_vol, own_vol),
            quote_volume=self._volume_per_s * volume * (1 + CYCLE_VOLUME * cycle) * trading_s,
        )

    def _jumps(self, per_day: float, sd: float, step_s: float, shape: tuple[int, int]) -> Array:
        """Sizes in units of a minute's volatility, most of them zero."""
        sizes = np.zeros(shape)
        happens = self._random.random(shape) < per_day * step_s / DAY_S
        if happens.any():
            sizes[happens] = sd * self._random.standard_normal(int(happens.sum()))
        return sizes

    def _advance_levels(self, step_s: float, common_jump: Array, own_jump: Array) -> Array:
        """The log-volatility and log-volume processes after each step, (count, 2 + 2 symbols)."""
        decay = np.exp(-step_s / self._time_constants)
        shocks = self._random.standard_normal((len(own_jump), len(decay)))
        shocks *= self._level_sd * np.sqrt(1 - decay**2)
        symbols = own_jump.shape[1]
        # Of what a jump stirs, a long step has the mean of what is left of it on the way.
        stirs = JUMP_STIRS * (1 - decay) * self._time_constants / step_s
        shocks[:, 1:2] += stirs[1] * (common_jump != 0)
        shocks[:, 2 : 2 + symbols] += stirs[2] * (own_jump != 0)
        levels = self._levels
        for shock in shocks:
            levels = shock[:] = decay * levels + shock
        self._levels = levels.copy()
        return shocks


def _activity(levels: Array) -> tuple[Array, Array, Array]:
    """Multiples of the ordinary: common volatility (count, 1), own volatility and volume.

    Scaled so that the volatilities' mean square, and the volume's mean, is 1.
    """
    symbols = (levels.shape[1] - 2) // 2
    slow, fast = levels[:, :1], levels[:, 1:2]
    common = slow + fast
    own = SLOW_SHARE * slow + FAST_SHARE * fast + levels[:, 2 : 2 + symbols]
    volume = VOLUME_POWER * own + levels[:, 2 + symbols :]
    common_variance = SLOW_SD**2 + FAST_SD**2
    own_variance = (SLOW_SHARE * SLOW_SD) ** 2 + (FAST_SHARE * FAST_SD) ** 2 + OWN_SD**2
    volume_variance = VOLUME_POWER**2 * own_variance + VOLUME_SD**2
    return (
        np.exp(common - common_variance),
        np.exp(own - own_variance),
        np.exp(volume - volume_variance / 2),
    )


def _cycle(time_ms: Array) -> Array:
    """-1 to 1 over a day, 1 at its busiest."""
    return np.cos(2 * pi * (time_ms - CYCLE_PEAK_MS) / DAY_MS)


def _normalised(cycle: Array, amplitude: float) -> Array:
    """A multiple of volatility whose mean square over a day is 1."""
    return (1 + amplitude * cycle) / sqrt(1 + amplitude**2 / 2)
