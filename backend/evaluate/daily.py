"""How near the daily index is to the published one."""

import csv
import gzip
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from backend.analysis.averages import Floats
from backend.analysis.daily_index import COMPONENTS, daily_readings
from backend.clock import DAY_MS
from backend.evaluate.tables import table
from backend.market.candles import roll_up
from backend.market.models import CandleArray


def daily_table(histories: Mapping[str, CandleArray], published: Path) -> str:
    """Rank correlations with a published index, a CSV of `date,value`, for the index and for each
    component, in each half of the common days. A value dated a day is read at its start."""
    values = _read(published)
    lines = []
    for name, candles in histories.items():
        readings = [
            one for one in daily_readings(roll_up(candles, DAY_MS)) if one.time_ms in values
        ]
        theirs = np.array([values[one.time_ms] for one in readings])
        ours = {"index": np.array([one.value for one in readings])}
        ours |= {each: np.array([one.components[each] for one in readings]) for each in COMPONENTS}
        half = len(readings) // 2
        lines += [
            [
                name,
                each,
                *(
                    f"{rank_correlation(mine[part], theirs[part]):.2f}"
                    for part in (slice(None, half), slice(half, None), slice(None))
                ),
                str(len(mine)),
            ]
            for each, mine in ours.items()
        ]
    return table(["candles", "", "first half", "second half", "all", "days"], lines)


def rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's."""
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: Floats) -> Floats:
    """From 1; equal values share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Floats = (last - (counts - 1) / 2)[places]
    return ranks


def _read(path: Path) -> dict[int, float]:
    """Values by the instant, in ms, at which they were published."""
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return {
        _midnight(row["date"]): float(row["value"])
        for row in csv.DictReader(text.decode().splitlines())
    }


def _midnight(date: str) -> int:
    return int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp() * 1000)
