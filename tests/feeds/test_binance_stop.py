"""The binance feed ends when it is told to, whatever it is doing, and leaves nothing behind."""

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from backend.market.models import FeedState
from tests.feeds.exchange_server import ExchangeServer
from tests.feeds.feed_harness import RunningFeed, keys_of
from tests.feeds.sample_frames import sample_frames
from tests.servers import wait_until

pytestmark = pytest.mark.served


@pytest.fixture
def exchange() -> Iterator[ExchangeServer]:
    with ExchangeServer(sample_frames(1.0)) as server:
        yield server


def assert_stops(running: RunningFeed) -> None:
    """Within a second by contract; a loaded machine gets more, though less than any timeout."""
    began = time.monotonic()
    running.feed.stop()
    running.feed.stop()
    running.thread.join(3)
    assert not running.thread.is_alive(), f"still running {time.monotonic() - began:.1f} s after"
    assert running.state is FeedState.STOPPED
    own = [t.name for t in threading.enumerate() if t.name.startswith(("feed", "backfill"))]
    assert own == []


def sockets_to(port: int) -> list[object]:
    connections = psutil.Process().net_connections()
    return [c for c in connections if c.raddr and c.raddr.port == port]


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1])


def test_while_it_reads(exchange: ExchangeServer) -> None:
    with RunningFeed(exchange) as running:
        running.connected()
        running.play(100)
        assert_stops(running)
        assert sockets_to(port_of(exchange.ws_url)) == []
        assert sockets_to(port_of(exchange.rest_url)) == []


def test_while_it_waits_for_the_upgrade(exchange: ExchangeServer) -> None:
    exchange.hang_upgrades = True
    with RunningFeed(exchange) as running:
        wait_until(lambda: exchange.upgrades, "the upgrade")
        assert_stops(running)
        assert sockets_to(port_of(exchange.ws_url)) == []


def test_while_it_connects(exchange: ExchangeServer) -> None:
    with ExitStack() as sockets:
        full = sockets.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # with its backlog full, a connection is neither taken nor refused
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"ws://127.0.0.1:{full.getsockname()[1]}"
        with RunningFeed(exchange, ws_url=url) as running:
            wait_until(lambda: len(sockets_to(port_of(url))) == 5, "the feed to try")
            assert_stops(running)


def test_while_it_pauses_before_another_try(exchange: ExchangeServer) -> None:
    exchange.refusals = [429] * 100  # says to come back after 2 s
    with RunningFeed(exchange) as running:
        # The feed's own way to sleep, not the test's.
        running.feed._sleep = running.feed._stopping.wait
        wait_until(lambda: running.market.feed_state.detail == "HTTP 429", "the refusal")
        assert_stops(running)


def test_while_the_history_hangs(exchange: ExchangeServer) -> None:
    exchange.rest_faults = ["hang"] * 100
    with RunningFeed(exchange) as running:
        wait_until(lambda: len(exchange.rest_queries) >= 3, "all workers to be busy")
        assert_stops(running)
        assert sockets_to(port_of(exchange.rest_url)) == []


def test_while_it_renews(exchange: ExchangeServer) -> None:
    with RunningFeed(exchange) as running:
        running.connected()
        running.play(50)
        for _ in range(3):  # well below the silence after which it would call the stream frozen
            running.clock.advance(4)
            running.play(10)
        exchange.hang_upgrades = True
        exchange.announce_shutdown()
        wait_until(lambda: len(exchange.upgrades) == 2, "the renewal")
        assert_stops(running)
        assert sockets_to(port_of(exchange.ws_url)) == []


def test_before_it_has_begun(exchange: ExchangeServer) -> None:
    running = RunningFeed(exchange)
    running.feed.stop()
    running.feed.run()
    assert exchange.upgrades == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that nobody trusts by itself, and its key."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        + ["-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    return certificate, key


def test_over_tls_it_streams_and_stops(certificate: tuple[Path, Path]) -> None:
    with ExchangeServer(sample_frames(1.0), certificate=certificate) as exchange:
        tls = ssl.create_default_context(cafile=str(certificate[0]))
        with RunningFeed(exchange, tls=tls) as running:
            running.connected()
            running.play(300)
            assert running.market.trades == keys_of(exchange.frames[:300])
            wait_until(lambda: len(running.market.closed_candles("BTC")) >= 2_880, "the history")
            assert_stops(running)


def test_a_certificate_that_is_not_trusted_is_refused(certificate: tuple[Path, Path]) -> None:
    with (
        ExchangeServer(sample_frames(1.0), certificate=certificate) as exchange,
        RunningFeed(exchange) as running,
    ):
        wait_until(lambda: "CERTIFICATE_VERIFY_FAILED" in running.detail, "the refusal")
        exchange.play(100)
        wait_until(lambda: len(running.pauses) >= 3, "further tries")
        assert running.market.trades == [] and exchange.upgrades == []
        assert len(running.market.closed_candles("BTC")) == 0
        assert_stops(running)


def test_a_server_without_tls_is_survived(exchange: ExchangeServer) -> None:
    with RunningFeed(exchange, ws_url=exchange.ws_url.replace("ws://", "wss://")) as running:
        wait_until(lambda: len(running.pauses) >= 3, "further tries")
        assert "SSL" in running.detail
        assert_stops(running)
