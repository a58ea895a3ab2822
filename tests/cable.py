"""A line between a client and a server, which a test can cut."""

import socket
import threading
from contextlib import suppress

_CHUNK_BYTES = 65_536


class Cable:
    """Carries bytes both ways between its own port and that of a server, until it is cut; whoever
    connects after that is carried anew."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._ends: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def cut(self) -> None:
        """End every connection, for both sides."""
        for end in tuple(self._ends):
            _shut(end)

    def close(self) -> None:
        """Cut, and carry nobody any more."""
        _shut(self._listener)
        self._threads[0].join()
        self.cut()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        # Shut down, the listener wakes up with an error.
        with self._listener, suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._connect, args=(near,)))
                self._threads[-1].start()

    def _connect(self, near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", self._port)) as far:
            ends = {near, far}
            self._ends |= ends
            back = threading.Thread(target=_carry, args=(far, near))
            back.start()
            _carry(near, far)
            back.join()
            self._ends -= ends


def _carry(source: socket.socket, sink: socket.socket) -> None:
    # Either end may be gone at any time: that is what a cable is cut for.
    with suppress(OSError):
        while chunk := source.recv(_CHUNK_BYTES):
            sink.sendall(chunk)
    _shut(sink)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
