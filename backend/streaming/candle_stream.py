"""Candles as they change, for those who asked for them.

A series is followed from its first watcher on until it has none. What changes in the market is
noted at once and said with the next look, so that a feed is never held up by those who listen.
Each process says what its own market has, and so what its REST face answers.
"""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import count, product

from backend.market.models import Candle
from backend.market.state import MarketState
from backend.protocol import CANDLE, Payload, candle_room
from backend.streaming.broadcaster import Emit
from backend.streaming.followed_candles import FIRST_REVISION, FollowedCandles
from backend.streaming.subscriptions import Subscriptions

# How often what has changed is said: the contract's bound of once a second for a forming candle.
LOOK_SECONDS = 1.0
# Series that are looked at or made, and candles said, between two pauses: half a millisecond's
# worth.
SERIES_AT_ONCE = 10
# Looks in a row that find nobody who watches a series, after which it is not followed any more:
# whoever is about to watch it, or comes back at once, needs no new one.
IDLE_LOOKS = 2


class CandleStream:
    """Follows what is watched, and emits what changes."""

    def __init__(
        self,
        market: MarketState,
        subscriptions: Subscriptions,
        emit: Emit,
        pause: Callable[[], None],
    ) -> None:
        """`pause` lets others have their turn."""
        self._market = market
        self._subscriptions = subscriptions
        self._emit = emit
        self._pause = pause
        self._followed: dict[str, dict[str, FollowedCandles]] = {}
        self._idle: dict[tuple[str, str], int] = {}
        # One count for all: a candle's revisions grow, whoever has come and gone in between.
        self._revisions = count(FIRST_REVISION + 1)
        market.on_candle(self._note_candle)
        market.on_history(self._note_history)

    def follow(self, symbols: Iterable[str], intervals: tuple[str, ...]) -> None:
        """Somebody is about to watch these: what changes from here on will be said. May wait."""
        for number, (symbol, interval) in enumerate(product(symbols, intervals), start=1):
            self._series(symbol, interval)
            if number % SERIES_AT_ONCE == 0:
                self._pause()

    def forming(self, symbols: Iterable[str], intervals: tuple[str, ...]) -> list[Payload]:
        """The candles that are forming, of those that are watched from here on."""
        found = (self._series(*each).forming() for each in product(symbols, intervals))
        return [payload for payload in found if payload is not None]

    def look(self) -> None:
        """Say what has changed. To be called every `LOOK_SECONDS`; may wait."""
        newest_ms = self._market.newest_ms
        done = 0
        for symbol, series in list(self._followed.items()):
            for interval, candles in list(series.items()):
                receivers = self._subscriptions.candle_watchers(symbol, interval)
                if not receivers:
                    self._leave(symbol, interval)
                    continue
                self._idle.pop((symbol, interval), None)
                room = candle_room(symbol, interval)
                for payload in candles.changes(newest_ms):
                    self._emit(CANDLE, payload, room, receivers)
                    done += 1
                done += 1
                if done >= SERIES_AT_ONCE:
                    done = 0
                    self._pause()

    def followed(self) -> int:
        """How many series are followed."""
        return sum(map(len, self._followed.values()))

    def _series(self, symbol: str, interval: str) -> FollowedCandles:
        series = self._followed.setdefault(symbol, {})
        candles = series.get(interval)
        if candles is None:
            next_revision = partial(next, self._revisions)
            candles = FollowedCandles(self._market, symbol, interval, next_revision)
            series[interval] = candles
        return candles

    def _leave(self, symbol: str, interval: str) -> None:
        idle = self._idle.get((symbol, interval), 0) + 1
        if idle < IDLE_LOOKS:
            self._idle[symbol, interval] = idle
            return
        self._idle.pop((symbol, interval), None)
        del self._followed[symbol][interval]
        if not self._followed[symbol]:
            del self._followed[symbol]

    def _note_candle(self, symbol: str, _candle: Candle) -> None:
        for candles in self._followed.get(symbol, {}).values():
            candles.note_close()

    def _note_history(self, symbol: str, _since_ms: int) -> None:
        for candles in self._followed.get(symbol, {}).values():
            candles.note_rewrite()
