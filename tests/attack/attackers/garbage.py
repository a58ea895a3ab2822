"""Sends damaged input, each connection some of it, and comes again with more. `--level` says of
what: HTTP requests, WebSocket frames, packets, events of an accepted client, or polling bodies."""

import random
from collections.abc import Callable
from itertools import islice

from benchmarks.load.frames import BINARY, client_frame
from benchmarks.load.handshake import STREAM_PATH, upgrade
from tests.attack import corpus
from tests.attack.attackers.crowd import Connection, Options, attack, parser
from tests.attack.attackers.streams import ACCEPTED, UPGRADED, connect
from tests.attack.attackers.unpolled import PATH, request

# What a connection sends before it gives way to the next; most are closed by the server before.
INPUTS = {"requests": 3, "frames": 10, "packets": 20, "events": 80, "bodies": 5}
# Rounds of `tick` that a connection is given to hear of what it has sent.
TICKS = 5


class Garbage(Connection):
    """One connection's worth; the same again for the same seed and number."""

    _round = 0

    def __init__(self, number: int, options: Options) -> None:
        Garbage._round += 1
        self._rng = random.Random(f"{options.own.seed} {number} {Garbage._round}")
        self._ticks = 0
        super().__init__(number, options)

    def prepare(self) -> None:
        self._begin, self._heard = LEVELS[self.options.own.level]
        self.outgoing = self._begin(self)

    def received(self, data: bytes) -> None:
        self.outgoing += self._heard(self, data)

    def tick(self) -> bytes:
        self._ticks += 1
        self.over = self._ticks > TICKS
        return b""

    def some(self, seeds: list[bytes]) -> list[bytes]:
        """So many damaged inputs as a connection sends."""
        count = INPUTS[self.options.own.level]
        self.inputs += count
        return list(islice(corpus.damaged(self._rng, seeds), count))


def _requests(line: Garbage) -> bytes:
    return b"".join(line.some(corpus.REQUESTS))


def _upgrade(line: Garbage) -> bytes:
    return upgrade(STREAM_PATH, deflate=True)


def _frames(line: Garbage, data: bytes) -> bytes:
    return b"".join(line.some(corpus.FRAMES)) if data.startswith(UPGRADED) else b""


def _packets(line: Garbage, data: bytes) -> bytes:
    if not data.startswith(UPGRADED):
        return b""
    # A client is of one kind; which one, its first packet says.
    if line.number % 2:
        return b"".join(client_frame(packet, BINARY) for packet in line.some(corpus.BINARY_PACKETS))
    return b"".join(map(client_frame, line.some(corpus.PACKETS)))


def _events(line: Garbage, data: bytes) -> bytes:
    if data.startswith(UPGRADED):
        return client_frame(connect(line.token))
    if ACCEPTED in data:
        return b"".join(map(client_frame, line.some(corpus.events())))
    return b""


def _open_polling(line: Garbage) -> bytes:
    return request("GET", PATH)


def _bodies(line: Garbage, data: bytes) -> bytes:
    _, found, rest = data.partition(b'{"sid":"')
    if not found:
        return b""
    sid, _, _ = rest.partition(b'"')
    path = f"{PATH}&sid={sid.decode()}"
    posts = [request("POST", path, body) for body in line.some(corpus.BODIES + corpus.PACKETS)]
    return b"".join(posts)


def _nothing(line: Garbage, data: bytes) -> bytes:
    return b""


# By level: what a connection begins with, and what it says to what it hears.
LEVELS: dict[str, tuple[Callable[[Garbage], bytes], Callable[[Garbage, bytes], bytes]]] = {
    "requests": (_requests, _nothing),
    "frames": (_upgrade, _frames),
    "packets": (_upgrade, _packets),
    "events": (_upgrade, _events),
    "bodies": (_open_polling, _bodies),
}


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--level", choices=LEVELS, default="requests")
    arguments.add_argument("--seed", type=int, default=1)
    attack(Garbage, arguments)
