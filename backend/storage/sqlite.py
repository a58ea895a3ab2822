"""An engine on an SQLite file that is there, and stays the same file."""

import os
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import StaticPool

from backend.storage.faults import Fault, StorageUnavailable

# How long a transaction waits for another process's. Those take milliseconds; who waits behind
# this one waits as long.
LOCK_TIMEOUT_S = 2
# The switch of the journal mode may fail at once however long the lock timeout: one in 800 did
# where eight connections made it on a fresh file together.
WAL_ATTEMPTS = 100
WAL_RETRY_S = 0.05
# What is checked page by page at a start, at some 300 MB a second; of larger files the header only.
CHECKED_MAX_BYTES = 64 * 1024 * 1024


def in_memory(url: URL) -> bool:
    """Whether the database has no file."""
    return url.database in (None, "", ":memory:")


def sqlite_engine(url: URL, durable: bool = False) -> Engine:
    """An engine whose transactions begin where they are told to, and that notices when its file is
    gone or another one has taken its place: SQLite itself goes on with one that has no name.

    `durable` waits for the disk at each commit, where else the last ones may be lost with the
    power."""
    options: dict[str, Any] = {"creator": lambda: _connect(_path(url))}
    if in_memory(url):
        # A database in memory lives in its connection, so there can only be one.
        options = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    engine = create_engine(url, hide_parameters=True, **options)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: Any) -> None:
        # The driver is kept from beginning transactions by its own rules; `begun` does it.
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        if not in_memory(url):
            record.info["file"] = _identity(_path(url))

    @event.listens_for(engine, "checkout")
    def checked_out(_connection: Any, record: Any, _proxy: object) -> None:
        if not in_memory(url) and record.info["file"] != _identity(_path(url)):
            raise DisconnectionError("another file has its name now")  # the pool connects anew

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def prepare(engine: Engine, url: URL) -> None:
    """Create the file, readable by its owner only, look whether it is whole, and switch it to
    write-ahead logging."""
    if not in_memory(url):
        path = _path(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    for attempt in range(1, WAL_ATTEMPTS + 1):
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode = WAL")
            if in_memory(url) or _path(url).stat().st_size <= CHECKED_MAX_BYTES:
                _check(cursor)
            return
        except sqlite3.OperationalError:
            if attempt == WAL_ATTEMPTS:
                raise
        finally:
            connection.close()
        time.sleep(WAL_RETRY_S)


def _path(url: URL) -> Path:
    return Path(str(url.database)).absolute()


def _connect(path: Path) -> sqlite3.Connection:
    # Not to be created by whoever opens it: a file that was moved away would come back empty.
    uri = f"file:{quote(str(path))}?mode=rw"
    return sqlite3.connect(uri, LOCK_TIMEOUT_S, uri=True, check_same_thread=False)


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise StorageUnavailable(f"{path.name} is gone", Fault.GONE) from error
    return found.st_dev, found.st_ino


def _check(cursor: Any) -> None:
    (verdict,) = cursor.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise StorageUnavailable(" ".join(str(verdict).split()), Fault.CORRUPT)
