"""What waits for a socket without a greenlet has in common."""

from typing import Any

from backend import green


class SocketWatch:
    """Has `_ready` called by the hub each time that its socket can be read, while it is watched."""

    __slots__ = ("_sock", "_watch")

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._watch: green.Watch | None = None

    def _ready(self) -> None:
        """There is something to read, or the end. May not wait."""
        raise NotImplementedError

    def _watch_socket(self) -> None:
        if self._watch is None:
            self._watch = green.when_readable(self._sock.fileno(), self._readable)

    def _unwatch(self) -> bool:
        """Look no more; the socket is still open. Whether it was watched up to now."""
        if self._watch is None:
            return False
        green.unwatch(self._watch)
        self._watch = None
        return True

    def _readable(self, _fileno: int) -> None:
        # Else the hub had gathered this call before the watch was ended.
        if self._watch is not None:
            self._ready()
