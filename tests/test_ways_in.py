"""The example client and the self-check, run as a user runs them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

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
    shown = example(server, "--seconds", "8")
    assert "The fresh token is in use" in shown
    assert server.metric('crs_auth_failures_total{reason="token_expired"}') == 0


def test_the_example_comes_back_to_a_server_that_was_restarted(start_server: StartServer) -> None:
    first = start_server(PORT=str(lasting_port()), MARKET_INTERVAL="0.5")
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLE), "--url", first.url, "--user", "an-example"],
        env={**os.environ, "CRS_PASSWORD": PASSWORD},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        connected(first)
        first.stop()
        second = start_server(**first.environment)
        connected(second)
    finally:
        process.send_signal(signal.SIGINT)
        shown, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "BTC" in shown


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
