"""Many stock clients, by every transport, in one process of Node."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers import PATIENCE
from tests.stream_clients import TRANSPORTS

PROGRAM = Path(__file__).resolve().parent.parent / "clients" / "crowd.mjs"

# By symbol, its quote's number and price.
Tick = dict[str, list[float]]
# Offset, id and symbol of a signal; of a sentiment the offset.
Said = list[Any]


@dataclass(frozen=True)
class Heard:
    """What one client was sent, in order, and what went wrong with it."""

    transport: str
    symbols: list[str]
    ticks: list[Tick]
    said: list[Said]
    trouble: list[Any]


class Crowd:
    """A client for each basket, by one transport after the other. Ends with `leave`, or the block
    that it is the context of."""

    def __init__(self, url: str, auth: Any, baskets: Sequence[list[str]]) -> None:
        self._baskets = baskets
        self._ways = [list(TRANSPORTS)[n % len(TRANSPORTS)] for n in range(len(baskets))]
        self._process = subprocess.Popen(
            ["node", str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        clients = [
            {"symbols": symbols, "transports": TRANSPORTS[way]}
            for symbols, way in zip(baskets, self._ways, strict=True)
        ]
        self._ask("ready", {"url": url, "auth": auth, "clients": clients})

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def wait_until(self, symbol: str, seq: int, offset: int) -> None:
        """Wait until each has heard this much."""
        self._ask("reached", {"until": {"symbol": symbol, "seq": seq, "offset": offset}})

    def leave(self) -> list[Heard]:
        """End all connections; what each has heard."""
        told, _ = self._process.communicate(timeout=2 * PATIENCE)
        return [
            Heard(way, symbols, **json.loads(line))
            for way, symbols, line in zip(self._ways, self._baskets, told.splitlines(), strict=True)
        ]

    def _ask(self, answer: str, command: Any) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        assert json.loads(self._process.stdout.readline()) == answer
