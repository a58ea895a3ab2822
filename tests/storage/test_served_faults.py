"""Faults of the database beneath a running server: seen, bounded, and over when they are over."""

import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.conftest import StartServer
from tests.servers import ATTENTIVE, PASSWORD, Server, bearer, wait_until


def fault(server: Server) -> str | None:
    """What `/health` says is wrong with the database."""
    answer = server.get("/health")
    found = answer.json()["faults"].get("database")
    assert answer.status_code == (503 if found else 200)
    return found


def me(server: Server, login: dict[str, Any]) -> int:
    headers = bearer(login["access_token"])
    return server.get("/api/auth/me", headers=headers).status_code


def log_in(server: Server, login: dict[str, Any]) -> int:
    body = {"username": login["user"]["username"], "password": PASSWORD}
    return server.post("/api/auth/login", body).status_code


def database_file(server: Server) -> Path:
    return Path(server.environment["DATABASE_URL"].removeprefix("sqlite:///"))


def test_behind_a_lock_reads_go_on_and_writes_are_refused_until_it_is_gone(
    start_server: StartServer,
) -> None:
    server = start_server(**ATTENTIVE)
    login = server.new_login()
    other = sqlite3.connect(database_file(server), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    wait_until(lambda: fault(server) == "locked", "the lock to be noticed")
    assert log_in(server, login) == 503
    assert me(server, login) == 200
    other.execute("ROLLBACK")
    other.close()
    wait_until(lambda: fault(server) is None, "the end of the lock to be noticed")
    assert log_in(server, login) == 200
    assert "Traceback" not in server.output()


def test_a_file_that_is_moved_away_is_missed_and_found_again(start_server: StartServer) -> None:
    server = start_server(**ATTENTIVE)
    login = server.new_login()
    path = database_file(server)
    # In a folder of its own, with what SQLite keeps beside it.
    path.parent.rename(path.parent.with_name("away"))
    wait_until(lambda: fault(server) == "gone", "the file to be missed")
    assert log_in(server, login) == 503
    assert me(server, login) == 503
    assert not path.exists()
    path.parent.with_name("away").rename(path.parent)
    wait_until(lambda: fault(server) is None, "the file to be found")
    assert (me(server, login), log_in(server, login)) == (200, 200)


def test_another_file_in_its_place_is_the_one_that_is_used(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server(**ATTENTIVE)
    login = server.new_login()
    path = database_file(server)
    with sqlite3.connect(path) as source, sqlite3.connect(tmp_path / "backup") as backup:
        source.backup(backup)
    source.close()
    backup.close()
    later = server.new_login()
    (tmp_path / "backup").replace(path)
    for left in ("-wal", "-shm"):
        path.with_name(path.name + left).unlink()
    assert log_in(server, login) == 200
    assert log_in(server, later) == 401


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB: the candles of a first start take 20."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", tmp_path], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a file system can't be mounted here")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_a_full_disk_is_noticed_and_so_is_room_on_it(
    start_server: StartServer, small_disk: Path
) -> None:
    server = start_server(**ATTENTIVE, DATABASE_URL=f"sqlite:///{small_disk}/crs.db")
    login = server.new_login()
    with (small_disk / "other").open("wb", buffering=0) as other:
        try:
            while True:
                other.write(b"x" * 4096)
        except OSError:
            pass  # full

    def refused() -> bool:
        # Until what is left of SQLite's log is used up.
        return log_in(server, login) == 503

    wait_until(refused, "the disk to be full")
    wait_until(lambda: fault(server) == "full", "that to be noticed")
    assert me(server, login) == 200
    (small_disk / "other").unlink()
    wait_until(lambda: fault(server) is None, "room to be noticed")
    assert log_in(server, login) == 200
    assert "Traceback" not in server.output()


def test_a_postgresql_that_only_reads_is_noticed(
    start_server: StartServer, postgresql_url: str
) -> None:
    server = start_server(**ATTENTIVE, DATABASE_URL=postgresql_url.replace("+psycopg2", ""))
    login = server.new_login()
    folder, name = postgresql_url.split("host=")[1], postgresql_url.split("/")[3].split("?")[0]
    admin = psycopg2.connect(host=folder, user="crs", dbname="postgres")
    admin.autocommit = True
    # As a standby is after a failover; connections have it from their start.
    admin.cursor().execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    admin.cursor().execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    )
    wait_until(lambda: fault(server) == "read_only", "that to be noticed")
    assert (log_in(server, login), me(server, login)) == (503, 200)
    admin.cursor().execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    admin.cursor().execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    )
    wait_until(lambda: fault(server) is None, "the end of it to be noticed")
    assert log_in(server, login) == 200
    admin.close()
