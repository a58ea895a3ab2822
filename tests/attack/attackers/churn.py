"""Subscribes to everything and unsubscribes, as fast as it is let; with `--reconnect` it comes
anew every now and then."""

from benchmarks.load.frames import CLOSE, client_frame
from tests.attack.attackers.crowd import attack, parser
from tests.attack.attackers.streams import Stream, event

SYMBOLS = ["BTC", "ETH", "SOL", "XRP", "BNB", "ADA", "DOGE", "AVAX", "DOT", "LINK"]
ROUND = event("subscribe", {"symbols": SYMBOLS, "realtime": True}) + event("unsubscribe", None)
ROUNDS = ROUND * 50
# A WebSocket's end, which the server answers by closing.
END = client_frame((1000).to_bytes(2, "big"), CLOSE)


class Churn(Stream):
    def more(self) -> bytes:
        if not self.options.own.reconnect:
            return ROUNDS
        self.waits = True
        return ROUNDS + END


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--reconnect", action="store_true")
    attack(Churn, arguments)
