"""No attackers: clients that connect, subscribe, read and answer pings. With `--polling` every
other one polls; with `--stay` each leaves after so many seconds, and another one comes."""

import json
import re

from benchmarks.load.frames import client_frame
from tests.attack.attackers.crowd import TICK_SECONDS, Connection, Options, attack, parser
from tests.attack.attackers.streams import Stream, connect, event
from tests.attack.attackers.unpolled import PATH, SEPARATOR, request

SUBSCRIPTION = {"symbols": ["BTC", "ETH"]}
CONFIRMED = b'["subscription_confirmed"'
ENGINE_PING, ENGINE_PONG = b"\x81\x012", client_frame(b"3")
CLOSE = client_frame(b"1")
ANSWER = re.compile(rb"HTTP/1\.1 (\d+) .*?content-length: (\d+)\r\n.*?\r\n\r\n", re.S | re.I)
SID = re.compile(rb'\{"sid":"([^"]+)"')


class Visit:
    """How long a client stays, in ticks. The first ones of all leave one by one."""

    _come: set[int] = set()

    def __init__(self, number: int, options: Options) -> None:
        first = number not in Visit._come
        Visit._come.add(number)
        share = (number + 1) / options.connections if first else 1.0
        self._left = round(options.own.stay * share / TICK_SECONDS)

    def ends(self) -> bool:
        """Count a tick; whether it was the last one."""
        self._left -= 1
        return self._left == 0


class Regular(Stream):
    def __init__(self, number: int, options: Options) -> None:
        self._visit = Visit(number, options)
        super().__init__(number, options)

    def more(self) -> bytes:
        self.waits = True
        return event("subscribe", SUBSCRIPTION)

    def received(self, data: bytes) -> None:
        if ENGINE_PING in data:
            self.outgoing += ENGINE_PONG
        self.accepted = self.accepted or CONFIRMED in data
        if not self.accepted:
            super().received(data)

    def tick(self) -> bytes:
        # Half of them say good-bye; the others are cut off.
        if self._visit.ends():
            if self.number % 4 < 2:
                return CLOSE
            self.over = True
        return b""


class Poller(Connection):
    """One that asks for what there is, again and again, over one connection."""

    def __init__(self, number: int, options: Options) -> None:
        self._visit = Visit(number, options)
        self._sid = ""
        self._data = b""
        super().__init__(number, options)

    def prepare(self) -> None:
        self.outgoing = request("GET", PATH)

    def received(self, data: bytes) -> None:
        self._data += data
        while (head := ANSWER.match(self._data)) and len(self._data) >= head.end() + int(head[2]):
            end = head.end() + int(head[2])
            body, self._data = self._data[head.end() : end], self._data[end:]
            self._take(int(head[1]), body)

    def _take(self, status: int, body: bytes) -> None:
        if status != 200:
            self.over = True
        elif found := SID.match(body[1:]):
            self._sid = f"{PATH}&sid={found[1].decode()}"
            subscribe = b"42" + json.dumps(["subscribe", SUBSCRIPTION]).encode()
            packets = SEPARATOR.join((connect(self.token), subscribe))
            self.outgoing += request("POST", self._sid, packets)
        elif not self.over:
            self.accepted = self.accepted or CONFIRMED in body
            if b"2" in body.split(SEPARATOR):
                self.outgoing += request("POST", self._sid, b"3")
            else:
                self.outgoing += request("GET", self._sid)

    def tick(self) -> bytes:
        # It goes without a word, as a closed tab does.
        self.over = self.over or self._visit.ends()
        return b""


def regular(number: int, options: Options) -> Connection:
    return (Poller if options.own.polling and number % 2 else Regular)(number, options)


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--polling", action="store_true")
    arguments.add_argument("--stay", type=float, default=0.0)
    attack(regular, arguments)
