"""Symbols that users have added: which, whose, and when somebody last watched them."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, text, update

from backend.storage.database import Database
from backend.storage.schema import added_symbols


class TooManySymbols(Exception):
    """No more can be added: `limit` is `PER_USER` or `PER_SERVER`. Answer 429."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit


# What refusals are counted under.
PER_USER, PER_SERVER = "symbols_per_user", "symbols_per_server"


@dataclass(frozen=True, slots=True)
class AddedSymbol:
    """One of them; instants are UTC milliseconds."""

    symbol: str
    user_id: int
    watched_at_ms: int


class SymbolStore:
    """Added symbols in the database. Blocks; every method may raise `StorageUnavailable`.

    `all` only reads, the others write. Of two processes that write at once one waits, so that no
    bound is passed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[AddedSymbol]:
        """All of them, those that were added first before later ones."""
        columns = added_symbols.c
        with self._database.read() as connection:
            rows = connection.execute(
                select(columns.symbol, columns.user_id, columns.watched_at_ms).order_by(
                    columns.added_at_ms, columns.symbol
                )
            ).all()
        return [AddedSymbol(*row) for row in rows]

    def add(self, symbol: str, user_id: int, now_ms: int, per_user: int, in_all: int) -> bool:
        """Add a symbol; whether it was not there before. Raises `TooManySymbols` where the user
        has as many as `per_user`, or all users together have `in_all`."""
        columns = added_symbols.c
        with self._database.write() as connection:
            if not self._database.is_sqlite:  # which lets one write at a time in any case
                connection.execute(text("LOCK TABLE added_symbols IN SHARE ROW EXCLUSIVE MODE"))
            if connection.execute(select(columns.symbol).where(columns.symbol == symbol)).first():
                return False
            counted = select(func.count()).select_from(added_symbols)
            if connection.execute(counted).scalar_one() >= in_all:
                raise TooManySymbols(PER_SERVER)
            own = counted.where(columns.user_id == user_id)
            if connection.execute(own).scalar_one() >= per_user:
                raise TooManySymbols(PER_USER)
            connection.execute(
                insert(added_symbols).values(
                    symbol=symbol, user_id=user_id, added_at_ms=now_ms, watched_at_ms=now_ms
                )
            )
        return True

    def watched(self, symbols: Iterable[str], now_ms: int) -> None:
        """Somebody watches these now."""
        with self._database.write() as connection:
            connection.execute(
                update(added_symbols)
                .where(added_symbols.c.symbol.in_(tuple(symbols)))
                .values(watched_at_ms=now_ms)
            )

    def remove_unwatched(self, since_ms: int) -> list[str]:
        """Remove those that nobody has watched since then; which."""
        with self._database.write() as connection:
            removed = connection.execute(
                delete(added_symbols)
                .where(added_symbols.c.watched_at_ms < since_ms)
                .returning(added_symbols.c.symbol)
            )
            return list(removed.scalars())
