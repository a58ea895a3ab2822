"""One request and its answer, as the application sees them through WSGI (PEP 3333)."""

import io
import socket
import urllib.parse
from collections.abc import Callable
from typing import Any

import h11

from backend import green
from backend.http.places import Place

# Where the application finds the exchange in the environ of its request.
EXCHANGE = "crs.exchange"
# Events of a body between two looks whether others wait: a chunk of one byte is one, and takes
# about 10 us.
EVENTS_PER_TURN = 32
# Of a body that nobody has asked for yet, or will.
KEPT_BYTES = 16 * 1024

Environ = dict[str, Any]


class BodyFailed(OSError):
    """A request's body can't be read: malformed, cut off, or too slow."""


class Body(io.RawIOBase):
    """A request's body, which ends where it ends. Raises `BodyFailed`."""

    def __init__(
        self,
        parser: h11.Connection,
        receive: Callable[[], bytes],
        send_continue: Callable[[], None],
        rest: Callable[[], None],
    ) -> None:
        """`receive` waits for bytes, empty ones at the end, and raises OSError where it is to wait
        no longer; `rest` lets others have their turn."""
        self._parser = parser
        self._receive = receive
        self._send_continue = send_continue
        self._rest = rest
        self._data = b""
        self._events = 0
        self.complete = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._data and not self.complete:
            self._advance()
        count = min(len(buffer), len(self._data))
        buffer[:count], self._data = self._data[:count], self._data[count:]
        return count

    def finish(self) -> None:
        """Take in what of the body has come already, as far as a turn reaches; wait for nothing."""
        for _ in range(EVENTS_PER_TURN):
            if self.complete or len(self._data) > KEPT_BYTES:
                return
            try:
                event = self._parser.next_event()
            except h11.RemoteProtocolError:
                return  # whoever reads the body meets it again
            if event is h11.NEED_DATA or event is h11.PAUSED:
                return
            self._take_in(event)

    def stream(self) -> io.BufferedIOBase:
        """The body as the application reads it."""
        return io.BytesIO(self._data) if self.complete else io.BufferedReader(self)

    def _advance(self) -> None:
        if self._parser.they_are_waiting_for_100_continue:
            self._send_continue()
        try:
            event = self._parser.next_event()
            if event is h11.NEED_DATA:
                self._parser.receive_data(self._receive())
        except h11.RemoteProtocolError as error:
            raise BodyFailed("the body is malformed") from error
        except OSError as error:
            raise BodyFailed("the body did not come") from error
        self._take_in(event)
        self._events += 1
        if self._events % EVENTS_PER_TURN == 0:
            self._rest()

    def _take_in(self, event: Any) -> None:
        if type(event) is h11.Data:
            self._data += event.data
        elif type(event) is h11.EndOfMessage:
            self.complete = True


class Exchange:
    """What of a request the application may ask for beyond WSGI: its connection."""

    __slots__ = ("place", "taken", "_sock", "_early")

    def __init__(self, sock: Any, place: Place, early: Callable[[], bytes]) -> None:
        self.place = place
        self.taken = False
        self._sock = sock
        self._early = early

    @property
    def raw(self) -> socket.socket:
        """The raw non-blocking socket, to be looked at only."""
        return green.raw_socket(self._sock)

    def get_socket(self) -> Any:
        """The socket that waits in a greenlet: for the driver's own WebSocket."""
        return self._sock

    def take_over(self) -> tuple[socket.socket, Place, bytes]:
        """Take the connection away from the server, with its place. Returns the raw non-blocking
        socket, the place, and what has been read beyond the request."""
        self.taken = True
        return green.detach(self._sock), self.place, self._early()


def environ_of(
    request: h11.Request,
    exchange: Exchange,
    body: Body,
    address: tuple[str, int],
    local: tuple[str, int],
    errors: Any,
) -> Environ:
    """The environ of a request from `address`, by PEP 3333; `errors` is `wsgi.errors`."""
    path, _, query = request.target.decode("latin-1").partition("?")
    if not path.startswith("/") and "://" in path:
        path = "/" + path.split("://", 1)[1].partition("/")[2]  # absolute form
    environ: Environ = {
        "REQUEST_METHOD": request.method.decode("latin-1"),
        "SCRIPT_NAME": "",
        "PATH_INFO": urllib.parse.unquote(path, "latin-1"),
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": "HTTP/" + request.http_version.decode("latin-1"),
        "SERVER_NAME": local[0],
        "SERVER_PORT": str(local[1]),
        "REMOTE_ADDR": address[0],
        "REMOTE_PORT": str(address[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": body.stream(),
        "wsgi.input_terminated": True,
        "wsgi.errors": errors,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        EXCHANGE: exchange,
        green.WEBSOCKET_KEY: exchange,
    }
    for raw_name, raw_value in request.headers.raw_items():
        # A name with an underscore would be taken for the one with a hyphen, which a proxy may
        # have set or taken out.
        if b"_" in raw_name:
            continue
        name = raw_name.decode("latin-1").upper().replace("-", "_")
        value = raw_value.decode("latin-1")
        key = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ
