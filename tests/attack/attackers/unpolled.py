"""Connects and subscribes over polling, and never polls for what it is sent."""

import json

from tests.attack.attackers.churn import SYMBOLS
from tests.attack.attackers.crowd import Connection, attack, parser

PATH = "/socket.io/?EIO=4&transport=polling"
SEPARATOR = "\x1e"


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
            connect = "40" + json.dumps({"token": self.token})
            subscribe = "42" + json.dumps(["subscribe", {"symbols": SYMBOLS, "realtime": True}])
            packets = SEPARATOR.join((connect, subscribe))
            self.outgoing = request("POST", f"{PATH}&sid={sid}", packets.encode())


if __name__ == "__main__":
    attack(Unpolled, parser(__doc__))
