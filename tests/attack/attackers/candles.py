"""Asks for the largest answer that there is, as often as it is answered."""

from tests.attack.attackers.crowd import Connection, attack, parser

REQUEST = (
    b"GET /api/market/candles?symbol=BTC&interval=1m&limit=1500 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
)
# The last bytes of an answer, whether it has the candles or refuses them.
END = (b"}\n", b"}")


class Candles(Connection):
    def more(self) -> bytes:
        self.waits = True
        return REQUEST

    def received(self, data: bytes) -> None:
        if data.endswith(END):
            self.waits = False


if __name__ == "__main__":
    attack(Candles, parser(__doc__))
