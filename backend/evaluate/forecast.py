"""Are the forecast ranges honest, everywhere, and no wider than they have to be?

Beside the coverage stands the interval score (Winkler, Journal of the American Statistical
Association 1972): the width, and where the range failed, what it missed by times 2 / (1 - level).
The lower the better; only the true quantiles have the lowest. The rival is what RiskMetrics does:
an exponentially weighted variance of one-minute returns and the quantiles of a normal distribution.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from backend.analysis.averages import Floats
from backend.analysis.forecast import MIN_MINUTES, ForecastEngine
from backend.analysis.ranges import HORIZONS, LEVELS
from backend.analysis.record_table import BASIS_POINTS
from backend.clock import MINUTE_MS
from backend.evaluate.tables import table
from backend.market.candles import row_candle
from backend.market.models import CLOSE, OPEN_TIME, CandleArray

NORMAL_WIDTHS = {0.5: 0.6745, 0.9: 1.6449}
HALF_LIVES = {"EWMA, half-life 1 h": 60, "EWMA, half-life 4 h": 240, "EWMA, half-life 24 h": 1440}
OURS = "this"
THIRDS = 3


@dataclass(frozen=True, slots=True)
class Judged:
    """Ranges of one model, horizon and level: half widths and what the price did, in logarithms."""

    half_widths: Floats
    moves: Floats

    def coverage(self) -> float:
        return float((self.moves <= self.half_widths).mean())

    def score(self, level: float) -> float:
        """The mean interval score, in basis points."""
        missed = np.maximum(self.moves - self.half_widths, 0)
        return float((2 * self.half_widths + 2 / (1 - level) * missed).mean()) * BASIS_POINTS

    def thirds(self) -> list[float]:
        """The coverage of the narrowest, the middle and the widest third."""
        held = (self.moves <= self.half_widths)[np.argsort(self.half_widths, kind="stable")]
        return [float(part.mean()) for part in np.array_split(held, THIRDS)]


Models = Mapping[str, Floats]
Results = dict[tuple[str, float, str], list[Judged]]


def forecast_table(histories: Mapping[str, CandleArray]) -> str:
    """Every model at every horizon and level, over all histories (by name) together."""
    results: Results = {}
    for candles in histories.values():
        for key, judged in judge(candles):
            results.setdefault(key, []).append(judged)
    rows = []
    for (horizon, level, model), parts in results.items():
        whole = Judged(
            np.concatenate([part.half_widths for part in parts]),
            np.concatenate([part.moves for part in parts]),
        )
        # Thirds of each history by itself: widths of one asset say nothing about another's.
        counts = np.array([len(part.moves) for part in parts])
        thirds = np.average([part.thirds() for part in parts], axis=0, weights=counts)
        rows.append(
            [
                horizon,
                f"{level:.0%}",
                model,
                f"{whole.coverage():.1%}",
                " / ".join(f"{third:.1%}" for third in thirds),
                f"{whole.score(level):.1f}",
                str(len(whole.moves)),
            ]
        )
    heads = ["horizon", "level", "model", "held", "narrowest / middle / widest third"]
    return table([*heads, "interval score, bp", "ranges"], rows)


def judge(candles: CandleArray) -> Iterator[tuple[tuple[str, float, str], Judged]]:
    """What became of the ranges of each horizon, level and model."""
    minutes = candles[:, OPEN_TIME].astype(np.int64) // MINUTE_MS
    every = np.arange(minutes[0], minutes[-1] + 1)
    prices = np.log(candles[np.searchsorted(minutes, every, side="right") - 1, CLOSE])
    ours = _issued(candles, every)
    rivals = {name: _ewma(prices, half_life) for name, half_life in HALF_LIVES.items()}
    for name, horizon in HORIZONS.items():
        marks = np.flatnonzero((every + 1) % horizon.mark_minutes == 0)
        marks = marks[(marks >= MIN_MINUTES - 1) & (marks + horizon.minutes < len(every))]
        if not len(marks):
            continue
        moves = np.abs(prices[marks + horizon.minutes] - prices[marks])
        for level in LEVELS:
            yield (name, level, OURS), Judged(ours[name, level][marks], moves)
            for rival, variances in rivals.items():
                widths = NORMAL_WIDTHS[level] * np.sqrt(variances[marks] * horizon.minutes)
                yield (name, level, rival), Judged(widths, moves)


def _issued(candles: CandleArray, every: np.ndarray) -> dict[tuple[str, float], Floats]:
    """The half width of each range as of each minute, candle by candle, NaN before the first."""
    engine = ForecastEngine(("",))
    found = {(name, level): np.full(len(every), np.nan) for name in HORIZONS for level in LEVELS}
    for row in candles.tolist():
        candle = row_candle(row)
        minute = candle.open_time_ms // MINUTE_MS
        engine.update("", candle)
        for each in engine.ranges("", 1.0):
            found[each.horizon, each.level][minute - every[0] :] = np.log(each.high)
    return found


def _ewma(prices: Floats, half_life: int) -> Floats:
    """The exponentially weighted mean square of one-minute returns, after each minute."""
    kept = 0.5 ** (1 / half_life)
    squares = np.diff(prices, prepend=prices[0]) ** 2
    total, weight, found = 0.0, 0.0, np.empty(len(prices))
    for place, square in enumerate(squares.tolist()):
        total, weight = kept * total + square, kept * weight + 1
        found[place] = total / weight
    return found
