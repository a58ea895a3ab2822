"""Subscribes to everything, and then reads nothing any more."""

from tests.attack.attackers.churn import SYMBOLS
from tests.attack.attackers.crowd import Options, attack, parser
from tests.attack.attackers.streams import Stream, event


class Deaf(Stream):
    returns = False

    def __init__(self, number: int, options: Options) -> None:
        super().__init__(number, options)
        self.reads = True

    def more(self) -> bytes:
        self.waits = True
        return event("subscribe", {"symbols": SYMBOLS, "realtime": True})

    def received(self, data: bytes) -> None:
        super().received(data)
        if b"subscription_confirmed" in data:
            self.reads = False


if __name__ == "__main__":
    attack(Deaf, parser(__doc__))
