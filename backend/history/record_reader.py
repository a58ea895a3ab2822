"""The track record for whoever asks, in every process, from what the database has."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from backend.analysis.record_table import (
    FOREVER,
    NOTHING,
    Kinds,
    Outcomes,
    RecordRow,
    by_kind,
    record_table,
)
from backend.analysis.track_record import NOTE, timeframe_code
from backend.clock import DAY_MINUTES
from backend.history.record_store import RecordStore
from backend.market.state import MarketState
from backend.offload import Offload

# How long something may have been known before it is answered.
REFRESH_SECONDS = 10.0
# Minutes by the name of a window; `all` is as far back as anything is kept.
WINDOWS = {"24h": DAY_MINUTES, "7d": 7 * DAY_MINUTES, "30d": 30 * DAY_MINUTES, "all": FOREVER}


class _Known(NamedTuple):
    """What was read of a symbol: of which source, the version of each day, and the notes."""

    source: str
    versions: dict[int, int]
    kinds: Kinds


class RecordReader:
    """Holds the outcomes of every symbol's present source in compact columns, 20 bytes each, and
    reads only what has changed. Methods wait for the database, off the hub, and may raise
    `StorageUnavailable` or `Overloaded`.

    A million signals are read at first in half a second, and later in the time that a day takes.
    """

    def __init__(self, market: MarketState, store: RecordStore, offload: Offload) -> None:
        self._market = market
        self._store = store
        self._offload = offload
        # Touched in the lane that reads only, where nothing runs beside it.
        self._known: dict[str, _Known] = {}
        # At most one for each symbol, timeframe and window.
        self._answers: dict[tuple[str | None, str, str], list[RecordRow]] = {}
        self._begun = False

    def refresh(self) -> None:
        """Read what has been written since."""
        sources = {symbol: self._market.source(symbol) for symbol in self._market.symbols}
        if self._offload.read_candles(self._refresh, sources):
            self._answers.clear()
        self._begun = True

    def record(self, symbol: str | None, timeframe: str, window: str) -> list[RecordRow]:
        """The record of one symbol or of all together, of what ended in a window before the newest
        that is known. Raises KeyError for an unknown timeframe or window."""
        asked = symbol, timeframe, window
        code, minutes = timeframe_code(timeframe), WINDOWS[window]
        if not self._begun:
            self.refresh()
        if asked not in self._answers:
            self._answers[asked] = self._offload.read_candles(self._table, symbol, code, minutes)
        return self._answers[asked]

    # --- within, in the lane ----------------------------------------------------------------------

    def _table(self, symbol: str | None, code: int, minutes: int) -> list[RecordRow]:
        kinds = [
            known.kinds for name, known in self._known.items() if symbol is None or name == symbol
        ]
        newest = max((int(one.minutes[-1]) for each in kinds for one in each.values()), default=0)
        return record_table(kinds, code, max(0, newest - minutes))

    def _refresh(self, sources: Mapping[str, str]) -> bool:
        """Whether there was anything new."""
        stored: dict[str, dict[int, int]] = {symbol: {} for symbol in sources}
        for source in set(sources.values()):
            for (symbol, day), version in self._store.versions(source).items():
                if sources.get(symbol) == source:
                    stored[symbol][day] = version
        anything = False
        for symbol, source in sources.items():
            versions, known = stored[symbol], self._of(symbol, source).versions
            if versions != known:
                # What is too old to be kept goes at the front, and changes nothing behind it.
                first = min(versions, default=0)
                other = [day for day, _ in versions.items() ^ known.items() if day >= first]
                self._take(symbol, source, first, min(other, default=FOREVER), versions)
                anything = True
        return anything

    def _take(self, symbol: str, source: str, first: int, since: int, days: Iterable[int]) -> None:
        """Keep what is known of days from `first` on, and read those of `days` from `since` on."""
        read = self._store.read(source, symbol, [day for day in days if day >= since])
        known = self._of(symbol, source)
        notes = [notes for _, (_, notes) in sorted(read.items(), key=lambda each: each[0])]
        fresh = by_kind(np.concatenate([np.empty(0, NOTE), *notes]))
        kinds = {}
        for kind in known.kinds.keys() | fresh.keys():
            old, new = known.kinds.get(kind, NOTHING), fresh.get(kind, NOTHING)
            ends = np.array([first, min(since, FOREVER // DAY_MINUTES)]) * DAY_MINUTES
            kept = slice(*np.searchsorted(old.minutes, ends).tolist())
            joined = Outcomes(
                np.concatenate((old.minutes[kept], new.minutes)),
                np.concatenate((old.returns[:, kept], new.returns), axis=1),
            )
            if len(joined.minutes):
                kinds[kind] = joined
        versions = {day: each for day, each in known.versions.items() if first <= day < since}
        versions |= {day: version for day, (version, _) in read.items()}
        self._known[symbol] = _Known(source, versions, kinds)

    def _of(self, symbol: str, source: str) -> _Known:
        known = self._known.get(symbol)
        return known if known is not None and known.source == source else _Known(source, {}, {})
