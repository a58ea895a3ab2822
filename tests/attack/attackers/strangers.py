"""Comes in and does nothing. `--kind` says how far: `silent` connects and says nothing,
`websocket` opens one and never says who it is, `polling` asks for a session and never polls."""

from benchmarks.load.handshake import STREAM_PATH, upgrade
from tests.attack.attackers.crowd import Connection, attack, parser

POLLING = (
    b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Connection: close\r\n\r\n"
)
BEGINNINGS = {"silent": b"", "websocket": upgrade(STREAM_PATH), "polling": POLLING}


class Stranger(Connection):
    def prepare(self) -> None:
        self.outgoing = BEGINNINGS[self.options.own.kind]


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--kind", choices=BEGINNINGS, default="silent")
    attack(Stranger, arguments)
