"""A client that is cut off again and again, comes back anywhere, and keeps account of what it
hears."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
import socketio

from tests.cluster.processes import Truth
from tests.servers import PATIENCE
from tests.stream_clients import keep_order

SAID = ("trading_signal", "sentiment_update")


@dataclass
class Stretch:
    """What a client heard without being told that something may be missing: the offsets after
    `start`, in the order in which they came."""

    epoch: str
    start: int
    offsets: list[int] = field(default_factory=list)

    @property
    def last(self) -> int:
        return self.offsets[-1] if self.offsets else self.start


class Roamer:
    """Runs in a thread of its own. `stays` draws for how many seconds it stays connected; where it
    never comes back by itself, it is None."""

    def __init__(
        self,
        urls: list[str],
        token: str,
        symbols: list[str],
        seed: int,
        stays: Callable[[random.Random], float] | None,
    ) -> None:
        self._urls = urls
        self._token = token
        self.symbols = symbols
        self._rng = random.Random(seed)
        self._stays = stays
        self.stretches: list[Stretch] = []
        self.resumed = {True: 0, False: 0}
        self.market_heard = time.monotonic()
        self.market_gap = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._stopped.set()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._connect_once(self._rng.choice(self._urls))
            except (socketio.exceptions.SocketIOError, requests.RequestException, ValueError):
                self._stopped.wait(0.1)  # that process is not there; another may be

    def _connect_once(self, url: str) -> None:
        ended = threading.Event()
        confirmed = threading.Event()
        left = threading.Event()
        # Both are let go of by the library in silence, once the server has ended a connection.
        http = requests.Session()
        sock: Any = None
        client = socketio.Client(reconnection=False, http_session=http)

        keep_order(client)

        @client.on("subscription_confirmed")
        def _(told: dict[str, Any]) -> None:
            if not left.is_set():
                self._begin(told)
                confirmed.set()

        def said(told: dict[str, Any]) -> None:
            # What comes before the confirmation comes again after it, or was not missed; what the
            # library hands over of a connection that was left was not heard on it.
            if confirmed.is_set() and not left.is_set():
                self._hear(told["offset"])

        for event in SAID:
            client.on(event, said)

        @client.on("market_update")
        def _(_told: Any) -> None:
            now = time.monotonic()
            self.market_gap = max(self.market_gap, now - self.market_heard)
            self.market_heard = now

        client.on("disconnect", lambda *_: ended.set())
        try:
            client.connect(
                url, auth={"token": self._token}, transports=["websocket"], wait_timeout=10
            )
            request: dict[str, Any] = {"symbols": self.symbols}
            sock = client.eio.ws
            if self.stretches:
                last = self.stretches[-1]
                request["resume"] = {"epoch": last.epoch, "offset": last.last}
            self.market_heard = time.monotonic()
            client.emit("subscribe", request)
            stay = PATIENCE * 60 if self._stays is None else self._stays(self._rng)
            deadline = time.monotonic() + stay
            while not ended.wait(0.05) and time.monotonic() < deadline:
                if self._stopped.is_set():
                    break
        finally:
            left.set()
            sock = sock or client.eio.ws  # where it failed in the middle of connecting
            client.disconnect()
            client.shutdown()
            if sock is not None:
                sock.shutdown()
            http.close()

    def _begin(self, told: dict[str, Any]) -> None:
        recovered = told.get("recovered")
        if recovered is not None:
            self.resumed[recovered] += 1
        if not recovered:
            self.stretches.append(Stretch(told["epoch"], told["offset"]))

    def _hear(self, offset: int) -> None:
        stretch = self.stretches[-1]
        # A snapshot says again what was said before the stretch.
        if offset > stretch.start:
            stretch.offsets.append(offset)

    def faults(self, truth: Truth) -> list[str]:
        """What it missed, or heard twice or out of order, by what Redis was told."""
        found = []
        for stretch in self.stretches:
            said = truth.epochs.get(stretch.epoch, {})
            expected = [
                offset
                for offset, (_, topic) in sorted(said.items())
                if stretch.start < offset <= stretch.last and (not topic or topic in self.symbols)
            ]
            if stretch.offsets != expected:
                found.append(
                    f"{stretch.epoch} after {stretch.start}: "
                    f"missing {sorted(set(expected) - set(stretch.offsets))[:5]}, "
                    f"undue {sorted(set(stretch.offsets) - set(expected))[:5]}, "
                    f"heard {len(stretch.offsets)} of {len(expected)}"
                )
        return found
