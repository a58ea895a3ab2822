"""Sends a request that never ends, a few bytes at a time: headers, or with `--body` a body."""

from tests.attack.attackers.crowd import Connection, attack, parser

HEAD = b"POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\n"
BODY = HEAD + b"Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n{"
# Each connection sends in one round of so many.
ROUNDS = 20


class Trickle(Connection):
    def prepare(self) -> None:
        self.outgoing = BODY if self.options.own.body else HEAD
        self._round = self.number % ROUNDS

    def tick(self) -> bytes:
        self._round = (self._round + 1) % ROUNDS
        if self._round:
            return b""
        return b" " if self.options.own.body else b"X: y\r\n"


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--body", action="store_true")
    attack(Trickle, arguments)
