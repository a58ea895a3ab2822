"""Sends what is small and becomes large: deflated zeros, MessagePack and JSON that nest or announce
more than there is, a compressed body. `--kind` says which, or several."""

import gzip

import msgpack

from benchmarks.load.frames import BINARY, FIN, RSV1, TEXT, client_frame
from benchmarks.load.handshake import STREAM_PATH, upgrade
from tests.attack.attackers.crowd import Connection, attack, parser
from tests.attack.attackers.streams import UPGRADED
from tests.attack.corpus import deflated

ZEROS = bytes(15_000_000)
NESTING = 7_500
POST = (
    b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
)
_SQUEEZED = gzip.compress(ZEROS)

# Messages of a WebSocket.
MESSAGES = {
    "deflate": client_frame(deflated(ZEROS), TEXT, FIN | RSV1),
    "deflate in fragments": b"".join(
        (
            client_frame(deflated(ZEROS)[:5_000], TEXT, RSV1),
            *[client_frame(deflated(ZEROS)[:5_000], 0, 0)] * 100,
        )
    ),
    "announced map": client_frame(b"\xdf\xff\xff\xff\xff" + b"\xa4type\x02", BINARY),
    "announced bytes": client_frame(
        msgpack.packb({"type": 2, "nsp": "/"})[:-1] + b"\xc6\xff\xff\xff\xff", BINARY
    ),
    "nested MessagePack": client_frame(b"\x83\xa4type\x02\xa4data" + b"\x91" * NESTING, BINARY),
    "nested lists": client_frame(b"42" + b"[" * NESTING + b"]" * NESTING),
    "nested objects": client_frame(b"42" + b'{"a":' * 2_500 + b"1" + b"}" * 2_500),
    "nested auth": client_frame(b"40" + b'{"token":' * 1_500 + b"1" + b"}" * 1_500),
    "attachments": client_frame(b'459999999-["subscribe",{"_placeholder":true,"num":0}]'),
    "digits": client_frame(b"42" + b"9" * 16_000 + b'["subscribe"]'),
    "number": client_frame(b'42["subscribe",' + b"9" * 16_000 + b"]"),
}
REQUESTS = {
    "gzip": POST % len(_SQUEEZED[:16_000]) + _SQUEEZED[:16_000],
    "nested body": b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: 16000\r\n\r\n" + b"[" * 16_000,
}
KINDS = {**MESSAGES, **REQUESTS}


class Bomb(Connection):
    def prepare(self) -> None:
        kinds = self.options.own.kind.split(",")
        self._kind = kinds[self.number % len(kinds)]
        self.outgoing = REQUESTS.get(self._kind) or upgrade(STREAM_PATH, deflate=True)

    def received(self, data: bytes) -> None:
        if data.startswith(UPGRADED):
            self.outgoing += MESSAGES[self._kind] * 3
        self.over = self._kind in REQUESTS


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--kind", default=",".join(KINDS), help="of " + ", ".join(KINDS))
    attack(Bomb, arguments)
