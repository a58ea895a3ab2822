"""Sends a body that never ends in chunks of one byte."""

from tests.attack.attackers.crowd import Connection, attack, parser

HEAD = (
    b"POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
)
CHUNKS = b"1\r\nx\r\n" * 10_000


class TinyChunks(Connection):
    def prepare(self) -> None:
        self.outgoing = HEAD

    def more(self) -> bytes:
        return CHUNKS


if __name__ == "__main__":
    attack(TinyChunks, parser(__doc__))
