"""The track record in the database: the notes of each source and symbol, a day a row.

All of it blocks, as the archive of candles does, and goes through the same lanes of `Offload`. Each
method is one transaction, and may raise `StorageUnavailable`.
"""

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from sqlalchemy import and_, delete, func, select

from backend.analysis.track_record import MOMENT, NOTE, Notes
from backend.storage.database import Database, put
from backend.storage.schema import signal_days

# (symbol, days since 1970).
SymbolDay = tuple[str, int]
# Days read in one statement, of which each is a parameter.
DAYS_AT_ONCE = 500
# Higher ones win 5 % and take three times as long.
_COMPRESSION = 1


def pack(notes: Notes) -> bytes:
    """Notes as bytes: column by column, which compresses better."""
    return zlib.compress(b"".join(notes[name].tobytes() for name in NOTE.names or ()), _COMPRESSION)


def unpack(packed: bytes) -> Notes:
    """The notes of `pack`. Raises zlib.error or ValueError where it is none."""
    columns = zlib.decompress(packed)
    count, rest = divmod(len(columns), NOTE.itemsize)
    if rest:
        raise ValueError(f"{len(columns)} bytes are no notes")
    notes = np.empty(count, NOTE)
    begin = 0
    for name in NOTE.names or ():
        width, shape = NOTE[name].base, (count, *NOTE[name].shape)
        notes[name] = np.frombuffer(columns, width, notes[name].size, begin).reshape(shape)
        begin += count * NOTE[name].itemsize
    return notes


class RecordStore:
    """Notes by source: the name of a feed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def versions(self, source: str) -> dict[SymbolDay, int]:
        """The days that there are."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(signal_days.c.symbol, signal_days.c.day, signal_days.c.version).where(
                    signal_days.c.source == source
                )
            )
            return {(row.symbol, row.day): row.version for row in rows}

    def read(self, source: str, symbol: str, days: Sequence[int]) -> dict[int, tuple[int, Notes]]:
        """Each of these days of a symbol that there is: its version and its notes."""
        found: dict[int, tuple[int, Notes]] = {}
        with self._database.read() as connection:
            for begin in range(0, len(days), DAYS_AT_ONCE):
                rows = connection.execute(
                    select(signal_days).where(
                        signal_days.c.source == source,
                        signal_days.c.symbol == symbol,
                        signal_days.c.day.in_(days[begin : begin + DAYS_AT_ONCE]),
                    )
                )
                found |= {row.day: (row.version, unpack(row.notes)) for row in rows}
        return found

    def newest(self, source: str, symbol: str, days: int) -> Notes:
        """A symbol's notes of its newest days, in order of time."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(signal_days.c.notes)
                .where(signal_days.c.source == source, signal_days.c.symbol == symbol)
                .order_by(signal_days.c.day.desc())
                .limit(days)
            ).all()
        return np.concatenate([np.empty(0, NOTE), *(unpack(row.notes) for row in reversed(rows))])

    def write(self, source: str, days: Mapping[SymbolDay, Notes], version: int) -> None:
        """Have these notes in place of those of the same days."""
        rows = [
            {
                "source": source,
                "symbol": symbol,
                "day": day,
                "version": version,
                "signals": int(np.count_nonzero(notes["timeframe"] != MOMENT)),
                "notes": pack(notes),
            }
            for (symbol, day), notes in days.items()
        ]
        with self._database.write() as connection:
            put(connection, signal_days, rows)

    def forget(self, source: str, days: int, signals: int) -> None:
        """Delete what is older than the newest so many days, or than those in which so many signals
        were said."""
        with self._database.write() as connection:
            each = connection.execute(
                select(signal_days.c.day, func.sum(signal_days.c.signals).label("signals"))
                .where(signal_days.c.source == source)
                .group_by(signal_days.c.day)
                .order_by(signal_days.c.day.desc())
            ).all()
            if not each:
                return
            said = np.cumsum([row.signals for row in each])
            before = each[0].day - days + 1
            if said[-1] > signals:
                before = max(before, each[int(np.argmax(said > signals))].day + 1)
            connection.execute(
                delete(signal_days).where(
                    and_(signal_days.c.source == source, signal_days.c.day < before)
                )
            )

    def clear(self, source: str) -> None:
        """Delete all of a source."""
        with self._database.write() as connection:
            connection.execute(delete(signal_days).where(signal_days.c.source == source))
