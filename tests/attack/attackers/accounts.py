"""Logs in with wrong passwords, or with `--register` makes accounts, as fast as it is answered."""

import json
import secrets

from tests.attack.attackers.crowd import Connection, attack, parser


class Accounts(Connection):
    def more(self) -> bytes:
        self.waits = True
        name, path = self._names()
        body = json.dumps({"username": name, "password": secrets.token_hex(8)}).encode()
        return (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    def received(self, data: bytes) -> None:
        if data.endswith((b"}\n", b"}")):
            self.waits = False

    def _names(self) -> tuple[str, str]:
        if self.options.own.register:
            return f"attacker-{secrets.token_hex(8)}", "/api/auth/register"
        return f"nobody-{secrets.token_hex(8)}", "/api/auth/login"


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--register", action="store_true")
    attack(Accounts, arguments)
