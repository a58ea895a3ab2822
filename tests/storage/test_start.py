"""A database that can't be used stops the start, in one line that says what to do."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from backend.storage.database import Database
from tests.servers import ROOT

# Root may write anywhere, unless it gives that up.
UNPRIVILEGED = (
    ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    if os.getuid() == 0
    else []
)


def start(url: str) -> subprocess.CompletedProcess[str]:
    """Start the server, which is expected to end by itself."""
    if UNPRIVILEGED and not shutil.which("setpriv"):
        pytest.skip("tests run as root, and setpriv is not installed")
    return subprocess.run(
        [*UNPRIVILEGED, sys.executable, str(ROOT / "app.py")],
        env={
            "PATH": os.environ["PATH"],
            "PORT": "0",
            "LOG_LEVEL": "warning",
            "DATABASE_URL": url,
            "JWT_SECRET_KEY": "a secret of the tests, and of nothing else",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )


def assert_refused(ran: subprocess.CompletedProcess[str], *words: str) -> None:
    assert ran.returncode == 2, ran.stderr
    assert ran.stdout == ""
    (line,) = ran.stderr.splitlines()
    for word in words:
        assert word in line, line


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with the schema."""
    database = Database(f"sqlite:///{tmp_path}/crs.db")
    database.migrate()
    database.close()
    return tmp_path / "crs.db"


def test_a_file_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "crs.db").write_bytes(b"not a database, but long enough to be one" * 100)
    assert_refused(start(f"sqlite:///{tmp_path}/crs.db"), "crs.db", "backup")


def test_a_file_with_a_page_of_garbage(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        for n in range(500):
            connection.execute("INSERT INTO users VALUES (?, ?, ?, 'h', 1)", (n, f"u{n}", f"u{n}"))
    connection.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - 3 * 4096)
        file.write(b"\xff" * 2 * 4096)
    assert_refused(start(f"sqlite:///{path}"), "backup")


def test_a_file_that_may_only_be_read(path: Path) -> None:
    path.chmod(0o400)
    assert_refused(start(f"sqlite:///{path}"), "writable")


def test_a_folder_in_which_nothing_may_be_made(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o500)
    assert_refused(start(f"sqlite:///{folder}/crs.db"), "writable")
    assert_refused(start(f"sqlite:///{folder}/another/crs.db"), "writable")


def test_a_database_in_a_folder_in_which_nothing_may_be_made(path: Path) -> None:
    path.parent.chmod(0o500)
    assert_refused(start(f"sqlite:///{path}"), "writable")
    path.parent.chmod(0o700)


def test_a_database_of_a_newer_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from_2031'")
    connection.close()
    assert_refused(start(f"sqlite:///{path}"), "from_2031", "newer")


def test_a_postgresql_that_is_not_there_and_its_password_is_not_repeated() -> None:
    ran = start("postgresql://crs:secret-word@127.0.0.1:1/crs")
    assert_refused(ran, "127.0.0.1", "DATABASE_URL")
    assert "secret-word" not in ran.stderr
