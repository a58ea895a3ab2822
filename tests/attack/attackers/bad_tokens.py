"""Connects with tokens that are not good, over and over."""

from benchmarks.load.frames import client_frame
from tests.attack.attackers.crowd import attack, parser
from tests.attack.attackers.streams import UPGRADED, Stream

CONNECT = client_frame(b'40{"token":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"}')


class BadToken(Stream):
    def received(self, data: bytes) -> None:
        if data.startswith(UPGRADED):
            self.outgoing = CONNECT


if __name__ == "__main__":
    attack(BadToken, parser(__doc__))
