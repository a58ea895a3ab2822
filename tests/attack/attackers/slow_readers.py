"""Asks for large answers, many at once, and reads them a little at a time, or not at all.

With `--path` for another answer, such as the dashboard's script.
"""

from tests.attack.attackers.crowd import Connection, attack, parser

# More than the kernel takes for somebody who does not read.
REQUESTS = 64


class SlowReader(Connection):
    reads = False

    def prepare(self) -> None:
        request = f"GET {self.options.own.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        self.outgoing = request.encode() * REQUESTS


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument(
        "--path", default="/api/market/candles?symbol=BTC&interval=1m&limit=1500"
    )
    attack(SlowReader, arguments)
