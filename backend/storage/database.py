"""The database: connections, transactions and the schema's revision.

SQLite and PostgreSQL behind one `Database`. All of it blocks, so a server calls it through
`Offload.run_serial`.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import StaticPool

# The newest migration. Known here too, so that a start on an up-to-date database need not import
# alembic (0.2 s and 11 MB).
SCHEMA_REVISION = "0001"
MIGRATIONS = Path(__file__).resolve().parent / "migrations"

# How long a writer waits for another process's transaction. Those take milliseconds.
LOCK_TIMEOUT_S = 5
# PostgreSQL counts as out of reach when a connection takes longer, or a statement hangs.
CONNECT_TIMEOUT_S = 2
STATEMENT_TIMEOUT_S = 5
# Any number will do, as long as nobody else uses it in the same database.
MIGRATION_LOCK = 4_207_849_484
# The switch of the journal mode may fail at once however long the lock timeout: one in 800 did
# where eight connections made it on a fresh file together.
WAL_ATTEMPTS = 100
WAL_RETRY_S = 0.05

UNREACHABLE = (OperationalError, InterfaceError, PoolTimeoutError, OSError)


class StorageUnavailable(Exception):
    """The database can't serve: out of reach, locked, full, or newer than this code.

    Answer 503 and let the client retry; at start, end with the message.
    """


class Database:
    """Transactions on one database, by SQLAlchemy URL. Connects when it is first used."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._engine = _sqlite(self._url) if self._sqlite else _postgresql(self._url)

    @property
    def _sqlite(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads. Raises `StorageUnavailable`."""
        with _translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed at the end, rolled back when the block raises.

        Raises `StorageUnavailable`.
        """
        # SQLite's writer takes its lock at the start: a reader that becomes a writer midway fails
        # at once when another process wrote in between, and no timeout helps it.
        with _translated(), self._engine.connect() as connection:
            connection = connection.execution_options(writes=True)
            with connection.begin():
                yield connection

    def ping(self) -> None:
        """A round trip to the database, bounded by its timeouts. Raises `StorageUnavailable`."""
        with self.read() as connection:
            connection.execute(text("SELECT 1"))

    def migrate(self) -> None:
        """Create the schema or bring it up to date; several processes may do so at once."""
        with _translated():
            if self._sqlite:
                _prepare_sqlite(self._engine, self._url)
        with self.read() as connection:
            if _revision(connection) == SCHEMA_REVISION:
                return
        with self.write() as connection:
            if not self._sqlite:
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:id)"), {"id": MIGRATION_LOCK}
                )
            if _revision(connection) != SCHEMA_REVISION:
                _upgrade(connection)

    def close(self) -> None:
        """Close the connections. The next use opens new ones."""
        self._engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except UNREACHABLE as error:
        # The driver's own text, without SQLAlchemy's statement and parameters: those are private.
        cause = getattr(error, "orig", None) or error
        raise StorageUnavailable(str(cause).strip() or type(cause).__name__) from error


def _sqlite(url: URL) -> Engine:
    options: dict[str, Any] = {"connect_args": {"timeout": LOCK_TIMEOUT_S}}
    if url.database in (None, "", ":memory:"):
        # A database in memory lives in its connection, so there can only be one.
        options["poolclass"] = StaticPool
        options["connect_args"]["check_same_thread"] = False
    engine = create_engine(url, hide_parameters=True, **options)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        # The driver is kept from beginning transactions by its own rules; `begun` does it.
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: URL) -> Engine:
    return create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": (
                f"-c statement_timeout={STATEMENT_TIMEOUT_S}s -c lock_timeout={LOCK_TIMEOUT_S}s"
            ),
            # A dead peer is noticed even while an answer is awaited.
            "tcp_user_timeout": STATEMENT_TIMEOUT_S * 1000,
            "keepalives_idle": STATEMENT_TIMEOUT_S,
            "keepalives_interval": 1,
            "keepalives_count": 3,
        },
    )


def _prepare_sqlite(engine: Engine, url: URL) -> None:
    """Create the file, readable by its owner only, and switch it to write-ahead logging."""
    if url.database and url.database != ":memory:":
        path = Path(url.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    for attempt in range(1, WAL_ATTEMPTS + 1):
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode = WAL")
            return
        except engine.dialect.loaded_dbapi.OperationalError:
            if attempt == WAL_ATTEMPTS:
                raise
        finally:
            connection.close()
        time.sleep(WAL_RETRY_S)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StorageUnavailable(
            f"the schema's revision {_revision(connection)!r} is unknown to this version: {error}"
        ) from error
