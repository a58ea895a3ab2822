"""The database: connections, transactions and the schema's revision.

SQLite and PostgreSQL behind one `Database`. All of it blocks, so a server calls it through
`Offload`. Reading and writing have an engine each: locks inside SQLAlchemy are patched ones, which
must not be contended between native threads, and these are two.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, insert, inspect, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url

from backend import green
from backend.storage.faults import Fault, translated
from backend.storage.faults import StorageUnavailable as StorageUnavailable
from backend.storage.schema import alembic_version, metadata, probe
from backend.storage.sqlite import LOCK_TIMEOUT_S, in_memory, prepare, sqlite_engine

# The newest migration. Known here too, so that a start on an empty database, or one that is up to
# date, need not import alembic (0.2 s, and 11 MB for as long as the process lives).
SCHEMA_REVISION = "0006"
MIGRATIONS = Path(__file__).resolve().parent / "migrations"

# PostgreSQL counts as out of reach when a connection takes longer, or a statement hangs.
CONNECT_TIMEOUT_S = 2
STATEMENT_TIMEOUT_S = 5
# Any number will do, as long as nobody else uses it in the same database.
MIGRATION_LOCK = 4_207_849_484


class Database:
    """Transactions on one database, by SQLAlchemy URL. Connects when it is first used.

    One native thread may read while another writes; never two of a kind at once.
    """

    def __init__(self, url: str, durable: bool = False) -> None:
        """`durable`: on SQLite too, what is committed outlives a loss of power, for the price of
        waiting for the disk at each commit. It never damages anything, in either case."""
        self._url = make_url(url)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        engine = partial(sqlite_engine, durable=durable) if self.is_sqlite else _postgresql
        self._writer = engine(self._url)
        self.in_memory = self.is_sqlite and in_memory(self._url)
        self._reader = self._writer if self.in_memory else engine(self._url)
        # One in memory has one connection, for reading and writing.
        self._alone: AbstractContextManager[object] = (
            green.native("threading").Lock() if self.in_memory else nullcontext()
        )

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads. Raises `StorageUnavailable`."""
        with translated(), self._alone, self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed at the end, rolled back when the block raises.

        Raises `StorageUnavailable`.
        """
        # SQLite's writer takes its lock at the start: a reader that becomes a writer midway fails
        # at once when another process wrote in between, and no timeout helps it.
        with translated(), self._alone, self._writer.connect() as connection:
            connection = connection.execution_options(writes=True)
            with connection.begin():
                yield connection

    def try_reading(self) -> None:
        """A round trip to the database, bounded by its timeouts. Raises `StorageUnavailable`."""
        with self.read() as connection:
            connection.execute(text("SELECT 1"))

    def try_writing(self, now_ms: int) -> None:
        """Write a row and commit it. Raises `StorageUnavailable`."""
        with self.write() as connection:
            connection.execute(update(probe).values(written_at_ms=now_ms))

    def migrate(self) -> None:
        """Create the schema or bring it up to date; several processes may do so at once."""
        with translated():
            if self.is_sqlite:
                prepare(self._writer, self._url)
        with self.read() as connection:
            if _revision(connection) == SCHEMA_REVISION:
                return
        with self.write() as connection:
            if not self.is_sqlite:
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:id)"), {"id": MIGRATION_LOCK}
                )
            if not inspect(connection).get_table_names():
                _create(connection)
            elif _revision(connection) != SCHEMA_REVISION:
                _upgrade(connection)

    def close(self) -> None:
        """Close the connections. The next use opens new ones."""
        self._reader.dispose()
        self._writer.dispose()


def inserting(connection: Connection, table: Table) -> Any:
    """An INSERT that has a clause for what is there already, which both databases write alike."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)


def put(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert whole rows, each in place of the one with its primary key, if there is one."""
    statement = inserting(connection, table)
    keys = [column.name for column in table.primary_key]
    others = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if not column.primary_key
    }
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=others), rows)


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


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _create(connection: Connection) -> None:
    """What all migrations together make of an empty database."""
    metadata.create_all(connection)
    connection.execute(insert(probe).values(id=1, written_at_ms=0))
    alembic_version.create(connection)
    connection.execute(insert(alembic_version).values(version_num=SCHEMA_REVISION))


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
            f"the schema's revision {_revision(connection)!r} is unknown to this version: {error}",
            Fault.NEWER,
        ) from error
