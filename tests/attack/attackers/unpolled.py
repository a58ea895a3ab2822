"""Connects and subscribes over polling, and never polls for what it is sent."""

import json

from tests.attack.attackers.churn import SYMBOLS
from tests.attack.attackers.crowd import Connection, attack, parser
from tests.attack.attackers.streams import connect

PATH = "/socket.io/?EIO=4&transport=polling"
SEPARATOR = b"\x1e"


def request(method: str, path: str, body: bytes = b"") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Unpolled(Connection):
    returns = False

    def prepare(self) -> None:
        self.outgoing = request("GET", PATH)

    def received(self, data: bytes) -> None:
        _, found, rest = data.partition(b'{"sid":"')
        if found:
            sid = rest.partition(b'"')[0].decode()
            subscribe = b"42" + json.dumps(["subscribe", {"symbols": SYMBOLS}]).encode()
            packets = SEPARATOR.join((connect(self.token), subscribe))
            self.outgoing = request("POST", f"{PATH}&sid={sid}", packets)


if __name__ == "__main__":
    attack(Unpolled, parser(__doc__))
