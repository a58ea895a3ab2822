"""The example client and the self-check, run as a user runs them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cable import Cable
from tests.conftest import StartServer
from tests.servers import PASSWORD, PATIENCE, ROOT, Server, lasting_port, wait_until

pytestmark = pytest.mark.served

EXAMPLE = ROOT / "examples" / "python_client.py"


def run(arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "100", **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def example(server: Server, *arguments: str, password: str = PASSWORD) -> str:
    result = run(
        [str(EXAMPLE), "--url", server.url, "--user", "an-example", *arguments],
        CRS_PASSWORD=password,
    )
    return result.stdout + result.stderr


def test_the_example_shows_quotes_sentiment_and_signals(server: Server) -> None:
    shown = example(server, "--symbols", "BTC,ADA,btc", "--seconds", "3")
    assert "feed: simulated" in shown
    assert "Fear & greed" in shown
    assert "BTC" in shown and "ADA" in shown and "%" in shown
    assert any(level in shown for level in ("BUY", "SELL", "HOLD"))
    assert "Traceback" not in shown


def test_the_example_says_what_is_wrong_with_a_login(server: Server) -> None:
    example(server, "--seconds", "0.1")
    shown = example(server, "--seconds", "0.1", password="not the password of it")
    assert "Login failed" in shown and "Traceback" not in shown


def test_the_example_keeps_its_login_fresh(start_server: StartServer) -> None:
    server = start_server(ACCESS_TOKEN_MINUTES="0.05", MARKET_INTERVAL="0.5")
    shown = example(server, "--seconds", "5")
    assert "The fresh token is in use" in shown
    assert server.metric('crs_auth_failures_total{reason="token_expired"}') == 0


def test_the_example_comes_back_to_a_server_that_was_restarted(
    start_server: StartServer, tmp_path: Path
) -> None:
    first = start_server(PORT=str(lasting_port()), MARKET_INTERVAL="0.5")
    with lasting_example(first.url, tmp_path) as shown:
        connected(first)
        first.stop()
        second = start_server(**first.environment)
        connected(second)
        wait_until(
            lambda: "Back; some may be missing" in shown.read_text(), "the example to say so"
        )
    assert "BTC" in shown.read_text()


def test_the_example_has_what_it_missed_when_its_line_was_cut(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server(SENTIMENT_INTERVAL="0.2", SIGNAL_INTERVAL="0.2")
    cable = Cable(int(server.url.rsplit(":", 1)[1]))
    try:
        with lasting_example(cable.url, tmp_path) as shown:
            connected(server)
            # By now it surely knows its place.
            heard = 'crs_deliveries_total{event="sentiment_update"}'
            wait_until(lambda: server.metric(heard) > 10, "the example to hear something")
            for times in (1, 2):
                cable.cut()
                says(shown, "Back, with all that was missed", times)
        assert "some may be missing" not in shown.read_text()
    finally:
        cable.close()


@contextmanager
def lasting_example(url: str, folder: Path) -> Iterator[Path]:
    """The example while it runs until it is interrupted, and what it has shown so far."""
    shown = folder / "shown"
    with shown.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(EXAMPLE), "--url", url, "--user", "an-example"],
            env={**os.environ, "CRS_PASSWORD": PASSWORD, "COLUMNS": "100"},
            stdout=output,
            text=True,
        )
    try:
        yield shown
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0


def says(shown: Path, line: str, times: int) -> None:
    wait_until(lambda: shown.read_text().count(line) >= times, f"the example to say {line!r}")


def connected(server: Server) -> None:
    wait_until(lambda: server.metric("crs_subscriptions") > 0, "the example to subscribe")


def test_the_self_check_passes_here(tmp_path: Path) -> None:
    result = run(
        ["-m", "backend.test_websocket_setup"],
        PORT="0",
        DATABASE_URL=f"sqlite:///{tmp_path}/check.db",
    )
    assert result.returncode == 0, result.stdout + result.stderr
    lines = [line for line in result.stdout.splitlines() if line.startswith("ok ")]
    checks = ["Python", "Packages", "Patching", "Port", "Database", "Round trip"]
    assert [check for check in checks if any(check in line for line in lines)] == checks


def test_the_self_check_says_what_is_wrong(server: Server) -> None:
    result = run(
        ["-m", "backend.test_websocket_setup"],
        PORT=server.url.rsplit(":", 1)[1],
        DATABASE_URL="sqlite:////proc/no/such/folder/crs.db",
    )
    assert result.returncode == 1
    failed = [line for line in result.stdout.splitlines() if line.startswith("FAILED")]
    assert ["Port" in failed[0], "Database" in failed[1]] == [True, True]
    assert "Traceback" not in result.stdout + result.stderr
