"""Sends a body of terabytes to a route that refuses it."""

from tests.attack.attackers.crowd import Connection, attack, parser

HEAD = (
    b"POST /health HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 9999999999999\r\n\r\n"
)
BODY = bytes(1 << 20)


class EndlessBody(Connection):
    def prepare(self) -> None:
        self.outgoing = HEAD

    def more(self) -> bytes:
        return BODY


if __name__ == "__main__":
    attack(EndlessBody, parser(__doc__))
