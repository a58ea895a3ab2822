"""What was learnt of symbols, kept so that a restart does not begin anew."""

from collections.abc import Mapping

from sqlalchemy import delete, select

from backend.clock import DAY_MS
from backend.storage.database import Database, put
from backend.storage.schema import learnt

# Of symbols and sources that nobody has followed for so long; there is no other end to these rows.
FORGOTTEN_MS = 90 * DAY_MS


class LearntStore:
    """States, as text, by source (the name of the feed that a symbol was of), learner and symbol.
    Blocks; every method may raise `StorageUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, source: str, learner: str) -> dict[str, str]:
        """All states of a learner, by symbol."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(learnt.c.symbol, learnt.c.state).where(
                    learnt.c.source == source, learnt.c.learner == learner
                )
            )
            return {row.symbol: row.state for row in rows}

    def write(self, source: str, learner: str, states: Mapping[str, str], now_ms: int) -> None:
        """Keep these states in place of those before, and forget those of long ago."""
        rows = [
            {
                "source": source,
                "learner": learner,
                "symbol": symbol,
                "state": state,
                "written_at_ms": now_ms,
            }
            for symbol, state in states.items()
        ]
        with self._database.write() as connection:
            put(connection, learnt, rows)
            connection.execute(delete(learnt).where(learnt.c.written_at_ms < now_ms - FORGOTTEN_MS))
