"""What attackers over the stream have in common: the way to an open connection."""

import json

from benchmarks.load.frames import client_frame
from benchmarks.load.handshake import STREAM_PATH, upgrade
from tests.attack.attackers.crowd import Connection

UPGRADED = b"HTTP/1.1 101"
ACCEPTED = b'40{"sid"'


class Stream(Connection):
    """A WebSocket with an accepted client, or, where there are no tokens, one that never says who
    it is. `more` is asked from then on."""

    def prepare(self) -> None:
        self.outgoing = upgrade(STREAM_PATH)
        self.waits = True

    def received(self, data: bytes) -> None:
        if not self.waits:
            self.heard(data)
        elif data.startswith(UPGRADED) and self.options.tokens:
            self.outgoing = client_frame(connect(self.token))
        elif data.startswith(UPGRADED) or ACCEPTED in data:
            self.waits = False

    def heard(self, data: bytes) -> None:
        """Take what the server sends once the connection is open."""


def connect(token: str) -> bytes:
    """The packet that says who a client is."""
    return b"40" + json.dumps({"token": token}).encode()


def event(name: str, payload: object) -> bytes:
    """A frame with a Socket.IO event."""
    return client_frame(b"42" + json.dumps([name, payload]).encode())
