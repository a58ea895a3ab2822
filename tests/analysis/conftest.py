"""Candles to analyse: made up from a seed, and real ones where they are at hand."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from backend.analysis.averages import Window, through, unknown
from backend.analysis.indicators import Readings, read
from backend.analysis.rows import KEPT_COLUMNS, windows_of
from backend.clock import DAY_MS, MINUTE_MS
from backend.market.candles import row_candle
from backend.market.models import Candle, CandleArray

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "data" / "candles"
FIRST_MINUTE = 19_000 * DAY_MS

MakeCandles = Callable[..., CandleArray]


def make_candles(
    seed: int = 1, count: int = 400, price: float = 100.0, step: float = 1e-3
) -> CandleArray:
    """A random walk of `count` minutes from the start of a UTC day, shape (count, 7)."""
    rng = np.random.default_rng(seed)
    closes = price * np.exp(np.cumsum(rng.normal(0, step, count)))
    opens = np.concatenate(([price], closes[:-1]))
    spread = np.exp(np.abs(rng.normal(0, step / 2, (2, count))))
    volumes = rng.exponential(5, count)
    return np.column_stack(
        [
            FIRST_MINUTE + MINUTE_MS * np.arange(count),
            opens,
            np.maximum(opens, closes) * spread[0],
            np.minimum(opens, closes) / spread[1],
            closes,
            volumes,
            volumes * closes,
        ]
    )


def make_flat(count: int = 400, price: float = 0.1, volume: float = 0.0) -> CandleArray:
    """Minutes in which nothing moves."""
    row = [0, price, price, price, price, volume, volume * price]
    candles = np.tile(np.array(row, dtype=np.float64), (count, 1))
    candles[:, 0] = FIRST_MINUTE + MINUTE_MS * np.arange(count)
    return candles


def as_candles(rows: CandleArray) -> list[Candle]:
    return [row_candle(row) for row in rows.tolist()]


def read_recording(name: str) -> CandleArray:
    path = RECORDINGS / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"the recording {name} is not at hand")
    with gzip.open(path, "rt") as file:
        table = np.loadtxt(file, delimiter=",", skiprows=1)
    return np.column_stack([table, table[:, 5] * table[:, 4]])


@pytest.fixture
def candles() -> MakeCandles:
    return make_candles


@pytest.fixture
def flat() -> MakeCandles:
    return make_flat


@pytest.fixture
def each() -> Callable[[CandleArray], list[Candle]]:
    return as_candles


@pytest.fixture
def recording() -> Callable[[str], CandleArray]:
    return read_recording


def readings_through(closed: CandleArray) -> Readings:
    """The readings at each closed candle (n, 7) of one row: a row a candle."""
    columns = closed[:, KEPT_COLUMNS].T.copy()
    now = through(*columns[:3])
    before = unknown(len(closed))
    before.put(slice(1, None), now.take(slice(None, -1)))
    return read(Window(*windows_of(columns)), before, now)
