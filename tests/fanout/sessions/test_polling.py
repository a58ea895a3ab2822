"""Long polls whose client goes away, or asks ahead."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.fanout.conftest import Echo
from tests.fanout.raw_clients import Poller, WebSocket
from tests.servers import wait_until


@contextmanager
def poll_of(poller: Poller, requests: int = 1) -> Iterator[socket.socket]:
    """A connection that has sent this many polls at once, and reads nothing."""
    host, port = poller.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as sock:
        request = f"GET /socket.io/?{poller.query} HTTP/1.1\r\nHost: {host}\r\n\r\n"
        sock.sendall(request.encode() * requests)
        yield sock


def test_a_client_that_leaves_while_it_waits_is_noticed_at_once(ours: Echo) -> None:
    with Poller(ours.url) as poller, WebSocket(ours.url) as other:
        poller.connect()
        other.connect()
        sessions, ended = other.ask("sessions"), len(other.ask("events"))
        with poll_of(poller):
            assert other.ask("sessions") == sessions
        # The pings alone would notice it after 45 s.
        wait_until(lambda: other.ask("sessions") == sessions - 1, "the end of its session", 20)
        assert other.ask("events")[ended][1] == "transport error"
        assert poller.request("GET").status_code == 400


def test_a_client_whose_next_request_is_behind_its_poll_has_not_left(ours: Echo) -> None:
    with Poller(ours.url) as poller:
        poller.connect()
        with poll_of(poller, requests=2) as sock:
            wake = threading.Timer(0.3, poller.post, ('42["message",1]',))
            wake.start()
            assert b'42["message-back",1]' in sock.recv(65_536)
            wake.join()
