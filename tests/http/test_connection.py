"""A connection's end."""

import gc
import io
import weakref

from backend.clock import SystemClock
from backend.http.activity import Activity
from backend.http.connection import HttpConnection
from backend.http.places import Places
from backend.turns import Turns


class Client:
    """A socket whose client asks once, and leaves."""

    def __init__(self) -> None:
        self._requests = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b""]
        self.answers = b""
        self.closed = False

    def settimeout(self, _seconds: float) -> None:
        pass

    def recv(self, _size: int) -> bytes:
        return self._requests.pop(0)

    def send(self, data: memoryview) -> int:
        self.answers += data
        return len(data)

    def close(self) -> None:
        self.closed = True


def test_what_a_connection_has_taken_is_free_at_once() -> None:
    client, places, activity = Client(), Places(8), Activity()
    place = places.take("192.0.2.1")
    assert place is not None

    def app(_environ: object, start_response: object) -> list[bytes]:
        start_response("200 OK", [])
        return [b"welcome"]

    connection = HttpConnection(
        client,
        ("192.0.2.1", 1),
        ("192.0.2.2", 80),
        place,
        app,
        Turns(SystemClock()),
        io.StringIO(),
        activity,
    )
    gone = weakref.ref(connection)
    gc.disable()
    try:
        connection.run()
        del connection
        assert gone() is None
        assert not activity.busy
    finally:
        gc.enable()
    assert client.answers.endswith(b"welcome")
    assert client.closed
    assert len(places) == 0
