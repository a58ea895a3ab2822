"""Notices silence: of a whole connection, which has then frozen, and of single symbols."""

from collections.abc import Iterable

from backend.feeds.connection import Connection

# A busy stream is frozen after the shortest of these without data, one that brings something now
# and then after the longest; in between it is `FROZEN_INTERVALS` of its own mean intervals.
FROZEN_MIN_S = 10.0
FROZEN_MAX_S = 60.0
FROZEN_INTERVALS = 20
# For the first data of a connection.
FIRST_DATA_S = 15.0

# A symbol is asked for anew when it is silent for this long while others are not. Each time that
# does not help its patience doubles: it may just be quiet, or not listed.
SYMBOL_SILENT_S = 60.0
SYMBOL_SILENT_MAX_S = 3_600.0


class Vigil:
    """When something was last heard of each symbol. All times are monotonic seconds."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self._heard_at = dict.fromkeys(symbols, 0.0)
        self._patience_s = dict.fromkeys(self._heard_at, SYMBOL_SILENT_S)
        self._next_look = 0.0

    def connected(self, now: float) -> None:
        """A connection begins: until now nothing could be heard."""
        self._heard_at = dict.fromkeys(self._heard_at, now)

    def follow(self, symbol: str, now: float) -> None:
        """A symbol is to be heard of from now on."""
        self._heard_at[symbol], self._patience_s[symbol] = now, SYMBOL_SILENT_S

    def unfollow(self, symbol: str) -> None:
        """Nobody listens for a symbol any more."""
        del self._heard_at[symbol], self._patience_s[symbol]

    def heard(self, symbol: str, now: float) -> None:
        """There was data of the symbol."""
        self._heard_at[symbol] = now
        self._patience_s[symbol] = SYMBOL_SILENT_S

    def frozen(self, connection: Connection, now: float) -> float:
        """For how many seconds the connection has been silent, if that is too long; else 0."""
        if connection.last_data_at is None:
            silent_s, allowed_s = now - connection.opened_at, FIRST_DATA_S
        else:
            silent_s = now - connection.last_data_at
            mean_s = (connection.last_data_at - connection.opened_at) / connection.data_count
            allowed_s = min(max(FROZEN_INTERVALS * mean_s, FROZEN_MIN_S), FROZEN_MAX_S)
        return silent_s if silent_s > allowed_s else 0.0

    def silent_symbols(self, now: float) -> list[str]:
        """The symbols whose silence has just outlasted their patience, which doubles with that."""
        if now < self._next_look:
            return []
        self._next_look = now + 1
        silent = [s for s, at in self._heard_at.items() if now - at > self._patience_s[s]]
        for symbol in silent:
            self._patience_s[symbol] = min(2 * self._patience_s[symbol], SYMBOL_SILENT_MAX_S)
        return silent
