"""A process that was stopped for a while: a laptop that slept, a container that was moved."""

import signal
import time

import pytest

from tests.fanout.conftest import StartEcho
from tests.fanout.raw_clients import Closed, WebSocket

# In the proportion of the application's own.
PING_INTERVAL_SECONDS, PING_TIMEOUT_SECONDS = 1.25, 1.0
# Several intervals and timeouts: all that was due in them is due at once.
PAUSE_SECONDS = 3.0
CLIENTS = 50


def test_clients_that_answer_outlive_it(start_echo: StartEcho) -> None:
    echo = start_echo(ping_interval=PING_INTERVAL_SECONDS, ping_timeout=PING_TIMEOUT_SECONDS)
    clients = [WebSocket(echo.url) for _ in range(CLIENTS)]
    try:
        for client in clients:
            client.connect()
        echo.process.send_signal(signal.SIGSTOP)
        time.sleep(PAUSE_SECONDS)
        echo.process.send_signal(signal.SIGCONT)
        for _ in range(2):
            for client in clients:
                client.receive_until("2")
                client.send("3")
    except Closed as closed:
        pytest.fail(f"a client that answers was closed: {closed}")
    finally:
        for client in clients:
            client.sock.close()
