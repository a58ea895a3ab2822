"""Self-check of an installation: `python -m backend.test_websocket_setup`.

Looks at versions, settings, the port and the database of this installation, then starts the
server on a free port with a database of its own and watches a real client log in, subscribe and
get its data. Prints a line for each check and ends with status 0 if all is well, 1 if not.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import requests
import socketio
from dotenv import load_dotenv
from rich.console import Console

from backend.config import ConfigError, Settings, load_settings
from backend.config_values import PROJECT_ROOT
from backend.storage.database import Database, StorageUnavailable

PYTHON_NEEDED = (3, 11)
# A slow machine starts in a few seconds; this is for a very slow one.
START_SECONDS = 30
# The first update comes at once, the next within the market interval.
ANSWER_SECONDS = 10
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)==([^\s#]+)")


class CheckFailed(Exception):
    """What is wrong, and what to do about it."""


def check_python(_settings: Settings) -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON_NEEDED:
        raise CheckFailed(f"Python {version} is too old; 3.11 or newer is needed")
    return version


def check_packages(_settings: Settings) -> str:
    wanted = REQUIREMENT.findall((PROJECT_ROOT / "requirements.txt").read_text())
    wrong = []
    for name, version in wanted:
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if installed != version:
            wrong.append(f"{name} is {installed}, not {version}")
    if wrong:
        raise CheckFailed(f"{'; '.join(wrong)}. Install with: pip install -r requirements.txt")
    return f"{len(wanted)} packages as pinned"


def check_patched(_settings: Settings) -> str:
    """In a process of its own, since patching this one would not show what app.py does."""
    code = "import app; from backend import green; print(green.unpatched())"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    if result.returncode or result.stdout.strip() != "[]":
        raise CheckFailed(f"app.py leaves unpatched: {result.stdout or result.stderr}".strip())
    return "before anything else is imported"


def check_port(settings: Settings) -> str:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise CheckFailed(
                f"{settings.host}:{settings.port}: {error.strerror}. "
                "Stop what listens there (a running CRS, perhaps), or set PORT"
            ) from error
    return f"{settings.host}:{settings.port} is free"


def check_database(settings: Settings) -> str:
    database = Database(settings.database_url)
    try:
        database.migrate()
        with database.write():
            pass  # takes the writer's lock and lets it go
    except StorageUnavailable as error:
        raise CheckFailed(f"{error}. See DATABASE_URL") from error
    finally:
        database.close()
    return "writable, schema up to date"


def check_round_trip(_settings: Settings) -> str:
    with tempfile.TemporaryDirectory() as folder, _server(Path(folder)) as url:
        account = {"username": "self-check", "password": os.urandom(16).hex()}
        _answered(requests.post(f"{url}/api/auth/register", json=account, timeout=ANSWER_SECONDS))
        login = requests.post(f"{url}/api/auth/login", json=account, timeout=ANSWER_SECONDS)
        token = _answered(login)["access_token"]
        return _stream(url, token)


def _stream(url: str, token: str) -> str:
    updates: list[dict[str, Any]] = []
    second = threading.Event()
    client = socketio.Client(reconnection=False)

    def on_update(update: dict[str, Any]) -> None:
        updates.append(update)
        if len(updates) == 2:
            second.set()

    client.on("market_update", on_update)
    started = time.monotonic()
    client.connect(url, auth={"token": token}, transports=["websocket"])
    try:
        client.emit("subscribe", {"symbols": ["BTC", "ETH"]})
        if not second.wait(ANSWER_SECONDS):
            raise CheckFailed(f"{len(updates)} market updates within {ANSWER_SECONDS} s, not 2")
    finally:
        client.disconnect()
    if any(set(update) != {"BTC", "ETH"} for update in updates):
        raise CheckFailed("a market update did not hold exactly the symbols subscribed to")
    price = updates[-1]["BTC"]["price"]
    return f"two updates in {time.monotonic() - started:.1f} s, BTC at {price:,} (simulated)"


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """The URL of a server that was started for this check and ends with it."""
    environment = {
        **os.environ,
        "PORT": "0",
        "APP_ENV": "development",
        "DATABASE_URL": f"sqlite:///{folder}/check.db",
        "REDIS_URL": "",
        "SYMBOLS": "BTC,ETH",
        "MARKET_FEED": "simulated",
        "MARKET_INTERVAL": "0.5",
        "WEBSOCKET_AUTH_REQUIRED": "true",
    }
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(PROJECT_ROOT / "app.py")],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while "is ready at " not in log.read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                raise CheckFailed(f"the server did not start:\n{log.read_text()}")
            time.sleep(0.05)
        yield log.read_text().split("is ready at ")[1].split()[0]
    finally:
        process.terminate()
        process.wait()


def _answered(response: requests.Response) -> dict[str, Any]:
    if not response.ok:
        raise CheckFailed(f"{response.url} answered {response.status_code}: {response.text}")
    body: dict[str, Any] = response.json()
    return body


CHECKS: dict[str, Callable[[Settings], str]] = {
    "Python": check_python,
    "Packages": check_packages,
    "Patching": check_patched,
    "Port": check_port,
    "Database": check_database,
    "Round trip": check_round_trip,
}


def main() -> int:
    """Run every check; returns the exit status."""
    console = Console(highlight=False)
    load_dotenv(PROJECT_ROOT / ".env")
    try:
        settings = load_settings()
    except ConfigError as error:
        console.print(f"[red]FAILED[/red]  Settings    {error}")
        return 1
    failures = 0
    for name, check in CHECKS.items():
        try:
            found, mark = check(settings), "[green]ok    [/green]"
        except Exception as error:
            # Whatever it is, it is what this program is here to find.
            failures += 1
            found, mark = f"{error}", "[red]FAILED[/red]"
        console.print(f"{mark}  {name:<10}  ", end="")
        console.print(found, markup=False)
    verdict = "This installation works." if not failures else f"{failures} of {len(CHECKS)} failed."
    console.print(f"\n{verdict}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
