"""The track record for whoever asks, in every process, from what the database has."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from backend import green
from backend.analysis.outcomes import NO_OUTCOMES, SymbolOutcomes
from backend.analysis.record_table import FOREVER, RecordRow, record_table
from backend.analysis.track_record import NOTE, timeframe_code
from backend.clock import DAY_MINUTES
from backend.history.record_store import RecordStore
from backend.market.state import MarketState
from backend.offload import Offload, Overloaded

# How long something may have been known before it is answered.
REFRESH_SECONDS = 10.0
# Minutes by the name of a window; `all` is as far back as anything is kept.
WINDOWS = {"24h": DAY_MINUTES, "7d": 7 * DAY_MINUTES, "30d": 30 * DAY_MINUTES, "all": FOREVER}


class _Known(NamedTuple):
    """What was read of a symbol: of which source, the version of each day, and the notes."""

    source: str
    versions: dict[int, int]
    outcomes: SymbolOutcomes


class RecordReader:
    """Holds the outcomes of every symbol's present source in compact columns, 22 bytes each, and
    reads only what has changed. Methods wait for the database or for their turn to compute, off the
    hub, and may raise `StorageUnavailable` or `Overloaded`.

    A million signals are read at first in half a second, and later in the time that a day takes.
    """

    def __init__(self, market: MarketState, store: RecordStore, offload: Offload) -> None:
        self._market = market
        self._store = store
        self._offload = offload
        # Another one each time that there is something new, since threads look at it.
        self._known: Mapping[str, _Known] = {}
        # Of what is known now; at most one for each symbol, timeframe and window.
        self._answers: dict[tuple[str | None, str, str], list[RecordRow]] = {}
        self._begun = False
        # Many who ask for the same at once have it read, or computed, once.
        self._reading, self._computing = green.Semaphore(1), green.Semaphore(1)

    def refresh(self) -> None:
        """Read what has been written since."""
        with self._reading:
            sources = {symbol: self._market.source(symbol) for symbol in self._market.symbols}
            before = self._known
            known = self._offload.read_candles(self._read_new, sources, before)
            if [*map(id, known.values())] != [*map(id, before.values())]:
                self._known, self._answers = known, {}
            self._begun = True

    def record(self, symbol: str | None, timeframe: str, window: str) -> list[RecordRow]:
        """The record of one symbol or of all together, of what ended in a window before the newest
        that is known. Raises KeyError for an unknown timeframe or window. Where the database has
        too much to do at a start, it is that of nothing yet."""
        asked = symbol, timeframe, window
        code, minutes = timeframe_code(timeframe), WINDOWS[window]
        if not self._begun:
            self._begin()
        with self._computing:
            answers, known = self._answers, self._known
            if asked not in answers:
                outcomes = [one.outcomes for name, one in known.items() if symbol in (None, name)]
                answers[asked] = self._offload.compute(_table, outcomes, code, minutes)
            return answers[asked]

    # --- within -----------------------------------------------------------------------------------

    def _begin(self) -> None:
        if self._reading.locked():
            with self._reading:
                return  # somebody else has read, or has tried to
        # It is read again soon; until then nothing is known, and that is said.
        with contextlib.suppress(Overloaded):
            self.refresh()

    def _read_new(
        self, sources: Mapping[str, str], before: Mapping[str, _Known]
    ) -> dict[str, _Known]:
        """What there is now of each symbol; the same where that has not changed."""
        stored: dict[str, dict[int, int]] = {symbol: {} for symbol in sources}
        for source in set(sources.values()):
            for (symbol, day), version in self._store.versions(source).items():
                if sources.get(symbol) == source:
                    stored[symbol][day] = version
        found = {}
        for symbol, source in sources.items():
            versions, known = stored[symbol], before.get(symbol)
            if known is None or known.source != source:
                known = _Known(source, {}, NO_OUTCOMES)
            if versions != known.versions:
                # What is too old to be kept goes at the front, and changes nothing behind it.
                first = min(versions, default=0)
                other = [day for day, _ in versions.items() ^ known.versions.items()]
                since = min((day for day in other if day >= first), default=FOREVER)
                known = self._read_days(symbol, known, first, since, versions)
            found[symbol] = known
        return found

    def _read_days(
        self, symbol: str, known: _Known, first: int, since: int, days: Iterable[int]
    ) -> _Known:
        """What is known of days from `first` on, with those of `days` read from `since` on."""
        read = self._store.read(known.source, symbol, [day for day in days if day >= since])
        notes = [notes for _, (_, notes) in sorted(read.items(), key=lambda each: each[0])]
        fresh = SymbolOutcomes.of_notes(np.concatenate([np.empty(0, NOTE), *notes]))
        end = min(since, FOREVER // DAY_MINUTES) * DAY_MINUTES
        outcomes = known.outcomes.followed_by(first * DAY_MINUTES, end, fresh)
        versions = {day: each for day, each in known.versions.items() if first <= day < since}
        versions |= {day: version for day, (version, _) in read.items()}
        return _Known(known.source, versions, outcomes)


def _table(outcomes: Sequence[SymbolOutcomes], code: int, minutes: int) -> list[RecordRow]:
    newest = max((each.newest for each in outcomes), default=0)
    return record_table(outcomes, code, max(0, newest - minutes))
