"""What is wrong with a database that can't serve, told from what the driver raised."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError


class Fault(StrEnum):
    """Why a database can't serve, as `/health` says it."""

    LOCKED = "locked"
    READ_ONLY = "read_only"
    FULL = "full"
    GONE = "gone"
    CORRUPT = "corrupt"
    DISK = "disk_error"
    UNREACHABLE = "unreachable"
    # Of a version of this code that is newer than this one.
    NEWER = "newer"


class StorageUnavailable(Exception):
    """The database can't serve; `fault` says why.

    Answer 503 and let the client retry; at start, end with the message.
    """

    def __init__(self, message: str, fault: Fault = Fault.UNREACHABLE) -> None:
        super().__init__(message)
        self.fault = fault


# SQLite's primary result codes; an extended one has its primary in the low byte.
_SQLITE_FAULTS = {
    sqlite3.SQLITE_BUSY: Fault.LOCKED,
    sqlite3.SQLITE_LOCKED: Fault.LOCKED,
    sqlite3.SQLITE_READONLY: Fault.READ_ONLY,
    sqlite3.SQLITE_PERM: Fault.READ_ONLY,
    sqlite3.SQLITE_FULL: Fault.FULL,
    sqlite3.SQLITE_CANTOPEN: Fault.GONE,
    sqlite3.SQLITE_IOERR: Fault.DISK,
    sqlite3.SQLITE_CORRUPT: Fault.CORRUPT,
    sqlite3.SQLITE_NOTADB: Fault.CORRUPT,
}
# PostgreSQL's SQLSTATEs, or the classes that their first two characters name.
_POSTGRESQL_FAULTS = {
    "55P03": Fault.LOCKED,  # lock_not_available
    "57014": Fault.LOCKED,  # query_canceled, by statement_timeout
    "25006": Fault.READ_ONLY,  # read_only_sql_transaction
    "53100": Fault.FULL,  # disk_full
    "58": Fault.DISK,  # system errors, of input and output
    "XX": Fault.CORRUPT,  # data_corrupted, index_corrupted, internal_error
    "3D": Fault.GONE,  # the database does not exist
}


# What to do about each, for whoever starts the server.
_REMEDIES = {
    Fault.LOCKED: "end the program that holds it, and start again",
    Fault.READ_ONLY: "make the file and its folder writable for this user",
    Fault.FULL: "make room on its disk",
    Fault.GONE: "put it back, or correct DATABASE_URL",
    Fault.CORRUPT: "restore it from a backup, or move it away to begin with an empty one",
    Fault.DISK: "look at its disk and at the system's log",
    Fault.UNREACHABLE: "start it, or correct DATABASE_URL",
    Fault.NEWER: "run the version of CRS that made it, or a newer one",
}


def unusable(url: str, error: StorageUnavailable) -> str:
    """One line for whoever starts the server: what is wrong, and what to do."""
    shown = make_url(url).render_as_string(hide_password=True)
    return f"The database {shown} can't be used: {error}; {_REMEDIES[error.fault]}"


@contextmanager
def translated() -> Iterator[None]:
    """Raise `StorageUnavailable` in place of what says that the database can't serve; let mistakes
    of ours (a violated constraint, bad SQL) through."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeoutError, OSError, sqlite3.Error) as error:
        # The driver's own where a connection was being made.
        raise _unavailable(error) from error
    except DatabaseError as error:
        # Corruption is of no kind of its own in Python's interface, and a read-only PostgreSQL of
        # the kind of its internal errors.
        if fault_of(error.orig) is None:
            raise
        raise _unavailable(error) from error


def fault_of(cause: object) -> Fault | None:
    """What a driver's exception says is wrong; None if it says nothing that we know."""
    if isinstance(cause, OSError):
        return Fault.READ_ONLY if isinstance(cause, PermissionError) else None
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return _SQLITE_FAULTS.get(code & 0xFF)
    state = getattr(cause, "pgcode", None) or ""
    return _POSTGRESQL_FAULTS.get(state, _POSTGRESQL_FAULTS.get(state[:2]))


def _unavailable(error: Exception) -> StorageUnavailable:
    # The driver's own text, without SQLAlchemy's statement and parameters: those are private.
    cause = getattr(error, "orig", None) or error
    text = " ".join(str(cause).split()) or type(cause).__name__
    return StorageUnavailable(text, fault_of(cause) or Fault.UNREACHABLE)
