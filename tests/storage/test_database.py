import os
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, insert, select, text

from backend.storage.database import MIGRATIONS, SCHEMA_REVISION, Database
from backend.storage.faults import StorageUnavailable
from backend.storage.schema import metadata, probe, sessions, users
from tests.servers import ROOT

pytestmark = pytest.mark.served

ALICE = {"username": "alice", "username_key": "alice", "password_hash": "h", "created_at_ms": 1}

START = """
import sys
from backend.storage.database import Database
database = Database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
database.migrate()
database.try_reading()
database.close()
print("alembic" in sys.modules)
"""


def start_process(url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START, url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def alembic_config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


@pytest.mark.parametrize("first", [None, "0001"])
def test_an_empty_database_and_an_old_one_get_the_tables_that_the_code_reads(
    database_url: str, tmp_path: Path, first: str | None
) -> None:
    if first is not None:
        (tmp_path / "new").mkdir(exist_ok=True)  # of SQLite
        engine = create_engine(database_url)
        with engine.begin() as connection:
            command.upgrade(alembic_config(connection), first)
        engine.dispose()
    database = Database(database_url)
    database.migrate()
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert context.get_current_revision() == SCHEMA_REVISION
        assert compare_metadata(context, metadata) == []
        assert connection.execute(select(probe)).all() == [(1, 0)]
    database.close()


def test_the_revision_known_to_the_code_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == SCHEMA_REVISION


def test_a_start_on_an_empty_database_and_on_one_up_to_date_do_without_alembic(
    database_url: str,
) -> None:
    loaded = []
    for _ in range(2):
        with start_process(database_url) as process:
            output, errors = process.communicate("go\n", timeout=120)
        assert process.returncode == 0, errors
        loaded.append(output.split()[-1])
    assert loaded == ["False", "False"]


def test_processes_that_start_at_once_on_a_fresh_database_all_succeed(database_url: str) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(start_process(database_url)) for _ in range(4)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors


def test_what_was_written_is_there_after_a_restart(database_url: str) -> None:
    for expected in (0, 1):
        database = Database(database_url)
        database.migrate()
        with database.read() as connection:
            assert len(connection.execute(select(users)).all()) == expected
        if not expected:
            with database.write() as connection:
                connection.execute(insert(users).values(ALICE))
        database.close()


def test_a_write_that_fails_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.write() as connection:
            connection.execute(insert(users).values(ALICE))
            raise KeyError("midway")

    with pytest.raises(KeyError):
        fail()
    with database.read() as connection:
        assert connection.execute(select(users)).all() == []


def test_a_schema_of_a_newer_version_is_refused_by_its_revision(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from_2031'"))
    with pytest.raises(StorageUnavailable, match="from_2031"):
        database.migrate()


def test_sqlite_files_are_made_for_their_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        database = Database(f"sqlite:///{tmp_path}/a/b/crs.db")
        database.migrate()
        with database.read() as connection:
            connection.execute(select(users)).all()
            modes = {
                path.name: stat.S_IMODE(path.stat().st_mode)
                for path in (tmp_path / "a/b").iterdir()
            }
        database.close()
    finally:
        os.umask(before)
    assert modes["crs.db"] == 0o600
    assert set(modes.values()) == {0o600}


def test_sqlite_logs_ahead_and_enforces_foreign_keys(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/crs.db")
    database.migrate()
    with database.read() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    database.close()


def test_a_database_in_memory_works() -> None:
    database = Database("sqlite:///:memory:")
    database.migrate()
    with database.write() as connection:
        connection.execute(insert(users).values(ALICE))
    with database.read() as connection:
        assert len(connection.execute(select(users)).all()) == 1
    database.close()


def test_a_reader_goes_on_while_another_process_writes(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/crs.db")
    database.migrate()
    other = sqlite3.connect(tmp_path / "crs.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO users VALUES (1, 'a', 'a', 'h', 1)")
    with database.read() as connection:
        assert connection.execute(select(users)).all() == []
    database.try_reading()
    other.execute("ROLLBACK")
    other.close()
    database.close()


def test_a_write_that_can_be_tried_is_one_that_another_process_sees(database_url: str) -> None:
    first, second = Database(database_url), Database(database_url)
    first.migrate()
    first.try_writing(1_700_000_000_123)
    with second.read() as connection:
        assert connection.execute(select(probe.c.written_at_ms)).scalar_one() == 1_700_000_000_123
    first.close()
    second.close()


def test_sessions_of_before_an_update_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "crs.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
        connection.execute(text("INSERT INTO users VALUES (1, 'alice', 'alice', 'h', 1)"))
        connection.execute(
            text("INSERT INTO sessions VALUES ('s', 1, 'r', 1700000000123, 5, 6, NULL)")
        )
    engine.dispose()
    database = Database(f"sqlite:///{path}")
    database.migrate()
    with database.read() as connection:
        row = connection.execute(select(sessions)).one()
    assert (row.last_used_at_ms, row.user_agent, row.address) == (1_700_000_000_123, "", "")
    database.try_writing(7)
    database.close()


def test_a_file_that_is_no_database_is_reported_as_unavailable(tmp_path: Path) -> None:
    (tmp_path / "crs.db").mkdir()
    database = Database(f"sqlite:///{tmp_path}/crs.db")
    with pytest.raises(StorageUnavailable):
        database.migrate()
    with pytest.raises(StorageUnavailable):
        database.try_reading()
    database.close()


def test_a_postgresql_that_accepts_and_says_nothing_is_given_up_soon() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        database = Database(f"postgresql+psycopg2://crs:secret-word@127.0.0.1:{port}/crs")
        started = time.monotonic()
        with pytest.raises(StorageUnavailable) as caught:
            database.try_reading()
        database.close()
    # The driver's own default is to wait for ever.
    assert time.monotonic() - started < 30
    assert "secret-word" not in str(caught.value)


def test_postgresql_comes_back_without_a_restart(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    database.migrate()
    admin = Database(postgresql_url)
    with admin.read() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    database.try_reading()
    database.close()
    admin.close()
