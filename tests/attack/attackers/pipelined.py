"""Asks for `/health` again and again without waiting for an answer."""

from tests.attack.attackers.crowd import Connection, attack, parser

REQUESTS = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 512


class Pipelined(Connection):
    def more(self) -> bytes:
        return REQUESTS


if __name__ == "__main__":
    attack(Pipelined, parser(__doc__))
