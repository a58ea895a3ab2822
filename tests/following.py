"""A client's candles: what REST answered once it had subscribed, and every `candle` event since."""

from typing import Any

CANDLE_FIELDS = ("time", "open", "high", "low", "close", "volume", "quote_volume")

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
