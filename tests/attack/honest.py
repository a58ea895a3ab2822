"""Clients that only listen, in a process of its own: `honest PORT`.

Reads one JSON object from standard input, `{"tokens": [...], "sources": [...]}`, connects a client
for each token, each from its address, and says `ready`. Each further line is answered with what
they have heard since the last one: a JSON object of `Heard`'s fields. The end of the input ends
it.
"""

import json
import select
import sys
import time
from dataclasses import asdict, dataclass

from benchmarks.load.dialects import subscriber
from benchmarks.load.recording import Recording
from benchmarks.load.swarm import Swarm

# Of so many symbols some price has changed between nearly any two ticks: of the simulated market's,
# one in 1,100 is like the one before it (no trade in 0.5 s at 2.8 a second and symbol).
SYMBOLS = ("BTC", "ETH", "SOL", "XRP", "BNB")
FIELDS = ("seq",)
SLICE_SECONDS = 0.1


@dataclass
class Heard:
    """Each tick as it arrived: when (`time.perf_counter`, the same clock in all processes), at
    which client, and its number: the sum of its sequence numbers, which never shrinks. `lost` has
    when the server closed whose connection, `closes` what it said of it."""

    arrivals: list[float]
    owners: list[int]
    ticks: list[int]
    lost: list[tuple[float, int]]
    closes: list[str]


def number_of(payload: bytes) -> int:
    """The number of a tick."""
    _, quotes = json.loads(payload[payload.index(b"[") :])
    return sum(quote["seq"] for quote in quotes.values())


class Listeners:
    """Clients that are connected to `port`, one for each token."""

    def __init__(self, swarm: Swarm, tokens: list[str]) -> None:
        self._swarm = swarm
        subscription = {"symbols": SYMBOLS, "fields": FIELDS}
        swarm.connect([subscriber(token, subscription) for token in tokens])
        self._here = self._numbers()
        self._begin()

    def listen(self) -> None:
        """Hear what comes within `SLICE_SECONDS`."""
        self._swarm.listen(SLICE_SECONDS, self._recording)
        now = self._numbers()
        self._lost += [(time.perf_counter(), number) for number in self._here - now]
        self._here = now

    def report(self) -> Heard:
        """What was heard since the last report."""
        recording, payloads, lost = self._recording, self._payloads, self._lost
        self._begin()
        numbers = {payload: number_of(payload) for payload in set(payloads)}
        ticks = [numbers[payload] for payload in payloads]
        closes = [f"{int.from_bytes(said[:2])} {said[2:].decode()}" for said in recording.closes]
        return Heard(list(recording.arrivals), list(recording.owners), ticks, lost, closes)

    def _begin(self) -> None:
        self._payloads: list[bytes] = []
        self._recording = Recording(b'"market_update"', payloads=self._payloads)
        self._lost: list[tuple[float, int]] = []

    def _numbers(self) -> set[int]:
        return {client.number for client in self._swarm.clients.values()}


def main() -> None:
    asked = json.loads(sys.stdin.readline())
    with Swarm(int(sys.argv[1]), sources=asked["sources"]) as swarm:
        listeners = Listeners(swarm, asked["tokens"])
        print("ready", flush=True)
        while True:
            listeners.listen()
            if select.select([sys.stdin], [], [], 0)[0]:
                if not sys.stdin.readline():
                    return
                print(json.dumps(asdict(listeners.report())), flush=True)


if __name__ == "__main__":
    main()
