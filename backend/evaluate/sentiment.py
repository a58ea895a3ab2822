"""What the sentiment index says that the last hour's move does not, and how often it turns."""

from collections.abc import Mapping

import numpy as np

from backend.analysis.sentiment import MIN_MINUTES, SentimentEngine, overall_of
from backend.clock import DAY_MS, HOUR_MS, MINUTE_MS
from backend.evaluate.daily import rank_correlation
from backend.evaluate.tables import table
from backend.market.models import CLOSE, OPEN_TIME, CandleArray

# A day, so that there is something to rank among.
FIRST_HOURS = 24
CRASH_HOURS = 4
LATER_HOURS = (0, 1, 4, 12)


def sentiment_table(histories: Mapping[str, CandleArray]) -> str:
    """For all histories (by name) as one market: the index's rank correlation with the past hour's
    return, changes of its band a day, and what it says from the steepest fall of four hours on."""
    engine = SentimentEngine(tuple(histories))
    engine.rebuild(histories)
    newest = engine.read()
    if newest is None:
        return f"under {MIN_MINUTES} minutes"
    begin = min(float(candles[0, OPEN_TIME]) for candles in histories.values())
    count = int((newest.time_ms - begin) // MINUTE_MS) - FIRST_HOURS * 60
    readings = [engine.past(ago) for ago in range(count - 1, -1, -1)]
    index = np.array([one.index for one in readings if one is not None])
    times = np.array([one.time_ms for one in readings if one is not None])
    level = _level(histories, times)
    past_hour = level - _level(histories, times - HOUR_MS)
    bands = [overall_of(value) for value in index.tolist()]
    changes = sum(one != other for one, other in zip(bands, bands[1:], strict=False))
    falls = level - _level(histories, times - CRASH_HOURS * HOUR_MS)
    bottom = int(falls.argmin())
    later = [min(bottom + hours * 60, len(index) - 1) for hours in LATER_HOURS]
    return table(
        ["", "value"],
        [
            ["rank correlation with the past hour", f"{rank_correlation(index, past_hour):.2f}"],
            ["changes of the band a day", f"{changes / (len(index) * MINUTE_MS / DAY_MS):.1f}"],
            [f"steepest fall of {CRASH_HOURS} h", f"{np.expm1(falls[bottom]):.1%}"],
            [
                f"index then and {', '.join(map(str, LATER_HOURS[1:]))} h later",
                ", ".join(f"{index[place]:.0f}" for place in later),
            ],
        ],
    )


def _level(histories: Mapping[str, CandleArray], times: np.ndarray) -> np.ndarray:
    """The market's mean log price at the end of the minutes that end at `times`."""
    found = np.zeros(len(times))
    for candles in histories.values():
        places = np.searchsorted(candles[:, OPEN_TIME] + MINUTE_MS, times, side="right") - 1
        found += np.log(candles[np.maximum(places, 0), CLOSE])
    return found / len(histories)
