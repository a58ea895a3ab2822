"""What is wrong with a database that can't serve, told from what the driver raised."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError


class Fault(StrEnum):
    """Why a database can't serve, as `/health` says it."""

    LOCKED = "locked"
    READ_ONLY = "read_only"
    FULL = "full"
    GONE = "gone"
    CORRUPT = "corrupt"
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
    sqlite3.SQLITE_CORRUPT: Fault.CORRUPT,
    sqlite3.SQLITE_NOTADB: Fault.CORRUPT,
}
# PostgreSQL's SQLSTATEs, or the classes that their first two characters name.
_POSTGRESQL_FAULTS = {
    "55P03": Fault.LOCKED,  # lock_not_available
    "57014": Fault.LOCKED,  # query_canceled, by statement_timeout
    "25006": Fault.READ_ONLY,  # read_only_sql_transaction
    "53100": Fault.FULL,  # disk_full
    "XX": Fault.CORRUPT,  # data_corrupted, index_corrupted, internal_error
    "3D": Fault.GONE,  # the database does not exist
}


@contextmanager
def translated() -> Iterator[None]:
    """Raise `StorageUnavailable` in place of what says that the database can't serve; let mistakes
    of ours (a violated constraint, bad SQL) through."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeoutError, OSError) as error:
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
