"""Sends frames that mean nothing, as fast as the line takes them. `--kind` says which."""

from benchmarks.load.frames import CONTINUATION, FIN, PING, PONG, RSV1, TEXT, client_frame
from tests.attack.attackers.crowd import attack, parser
from tests.attack.attackers.streams import Stream
from tests.attack.corpus import deflated

NOOP = b"6"


# A message in a thousand empty fragments is just allowed.
FRAGMENTS = (
    client_frame(NOOP, TEXT, 0)
    + client_frame(b"", CONTINUATION, 0) * 1_000
    + client_frame(b"", CONTINUATION, FIN)
)
FLOODS = {
    "ping": client_frame(b"", PING) * 10_000,
    "pong": client_frame(b"", PONG) * 10_000,
    "noop": client_frame(NOOP) * 8_000,
    "fragments": FRAGMENTS * 8,
    "deflated": client_frame(deflated(NOOP), TEXT, FIN | RSV1) * 5_000,
    "engine-pong": client_frame(b"3") * 8_000,
}


class FrameFlood(Stream):
    def prepare(self) -> None:
        super().prepare()
        kinds = self.options.own.kind.split(",")
        self._kind = kinds[self.number % len(kinds)]
        if self._kind == "deflated":
            self.outgoing = (
                self.outgoing[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
            )

    def more(self) -> bytes:
        return FLOODS[self._kind]


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--kind", default="ping", help=f"of {','.join(FLOODS)}, or several")
    attack(FrameFlood, arguments)
