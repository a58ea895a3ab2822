"""`python -m benchmarks.record`: how long the record of a million signals takes to be answered.

Twenty symbols with 400 days of moments each and a million signals between them, of one timeframe,
which is the most there is to count for one answer; in an SQLite file that is deleted at the end.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from backend.analysis.track_record import DAY_MINUTES, MOMENT, NOTE, Notes
from backend.clock import SystemClock
from backend.history.record_reader import WINDOWS, RecordReader
from backend.history.record_store import RecordStore
from backend.market.market import Market
from backend.offload import Offload
from backend.storage.database import Database

SYMBOLS = tuple(f"S{number}" for number in range(20))
SIGNALS, DAYS, FIRST_DAY = 1_000_000, 400, 20_000
ROUNDS = 9


def made_up(day: int, signals: int, random: np.random.Generator) -> Notes:
    """A day of a symbol, in order of time."""
    notes = np.zeros(96 + signals, NOTE)
    notes["minute"][:96] = day * DAY_MINUTES + 15 * np.arange(96)
    notes["minute"][96:] = day * DAY_MINUTES + random.integers(0, DAY_MINUTES, signals)
    notes["timeframe"][:96], notes["timeframe"][96:] = MOMENT, 60
    notes["level"][96:] = random.integers(0, 5, signals)
    notes["price"] = random.uniform(1, 100, len(notes))
    notes["returns"] = random.normal(0, 0.01, (len(notes), 4))
    return notes[np.lexsort((notes["timeframe"], notes["minute"]))]


def milliseconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return (time.perf_counter() - begin) * 1000


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "crs.db"
        database = Database(f"sqlite:///{path}")
        database.migrate()
        store = RecordStore(database)
        random = np.random.default_rng(1)
        a_day = SIGNALS // len(SYMBOLS) // DAYS
        for name in SYMBOLS:
            days = range(FIRST_DAY, FIRST_DAY + DAYS)
            store.write("x", {(name, day): made_up(day, a_day, random) for day in days}, 1)
        print(f"{SIGNALS:,} signals, {path.stat().st_size / 1e6:.0f} MB on disk")
        market = Market(SYMBOLS, SystemClock(), "x")

        one = RecordReader(market, store, Offload())
        print(f"read at a start: {milliseconds(one.refresh):.0f} ms")
        today = {
            (name, FIRST_DAY + DAYS): made_up(FIRST_DAY + DAYS, a_day, random) for name in SYMBOLS
        }
        store.write("x", today, 2)
        print(f"a day of each symbol read: {milliseconds(one.refresh):.0f} ms")
        for symbol in (None, SYMBOLS[0]):
            for window in WINDOWS:
                answer = partial(one.record, symbol, "1h", window)
                times = []
                for round_ in range(ROUNDS):
                    store.write("x", today, 3 + round_)  # so that it is worked out anew
                    one.refresh()
                    times.append(milliseconds(answer))
                print(
                    f"{symbol or 'all symbols'}, {window}: "
                    f"median {statistics.median(times):.0f} ms, longest {max(times):.0f} ms; "
                    f"asked again {milliseconds(answer):.3f} ms"
                )
        database.close()


if __name__ == "__main__":
    main()
