"""A client's candles: what REST answered once it had subscribed, and every `candle` event since."""

import threading
from collections.abc import Iterable
from typing import Any

from backend.market.candles import INTERVALS
from tests.servers import Server
from tests.stream_clients import PythonClient

CANDLE_FIELDS = ("time", "open", "high", "low", "close", "volume", "quote_volume")

# REST's most.
LIMIT = 1500

Candle = dict[str, Any]


class Following:
    """One series. Events that come before REST's answer wait for it, since it may be older."""

    def __init__(self) -> None:
        self._candles: dict[str, Candle] | None = None
        self._waiting: list[Candle] = []
        # What was said of each closed candle, to hold the protocol to its word.
        self._closed: dict[str, Candle] = {}

    def begin(self, answer: list[Candle]) -> None:
        """REST has answered."""
        self._candles = {candle["time"]: candle for candle in answer}
        for event in self._waiting:
            self._take(event)

    def take(self, event: Candle) -> None:
        """A `candle` event has come."""
        before = self._closed.get(event["time"])
        if before is not None:
            assert event["closed"], f"{event} forms again"
            assert event["revision"] > before["revision"], f"{event} after {before}"
        if event["closed"]:
            self._closed[event["time"]] = event
        if self._candles is None:
            self._waiting.append(event)
        else:
            self._take(event)

    def candles(self, since: str = "") -> list[Candle]:
        """What this client takes for the truth, from a time on, oldest first."""
        assert self._candles is not None
        times = sorted(time for time in self._candles if time >= since)
        return [self._candles[time] for time in times]

    def _take(self, event: Candle) -> None:
        assert self._candles is not None
        self._candles[event["time"]] = {field: event[field] for field in CANDLE_FIELDS}


def rest(server: Server, symbol: str, interval: str) -> list[Candle]:
    query = f"symbol={symbol}&interval={interval}&limit={LIMIT}"
    answer = server.get(f"/api/market/candles?{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["candles"])


class Chart:
    """All series of one connection."""

    def __init__(self, server: Server, client: PythonClient, symbols: Iterable[str]) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._series = {(s, i): Following() for s in symbols for i in INTERVALS}
        self.faults: list[AssertionError] = []
        self.events = 0
        client.client.on("candle", self._take)

    def load(self) -> None:
        """Ask REST, as who has just subscribed."""
        for symbol, interval in self._series:
            answer = rest(self._server, symbol, interval)
            with self._lock:
                self._series[symbol, interval].begin(answer)

    def differences(self) -> list[Any]:
        """What of REST's present answers is not what was followed."""
        found = []
        for (symbol, interval), series in self._series.items():
            answer = rest(self._server, symbol, interval)
            with self._lock:
                mine = series.candles(since=answer[0]["time"])
            if mine != answer:
                extra = [candle for candle in mine if candle not in answer]
                found.append((symbol, interval, extra))
        return found

    def _take(self, event: Candle) -> None:
        with self._lock:
            self.events += 1
            try:
                self._series[event["symbol"], event["interval"]].take(event)
            except AssertionError as fault:
                self.faults.append(fault)
