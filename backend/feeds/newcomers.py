"""Symbols that join the simulated market while it runs: each gets a past of its own first."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from backend.clock import DAY_MINUTES, HOUR_MS, MINUTE_MS, Clock
from backend.feeds.base import MarketSink
from backend.feeds.profiles import profile_of
from backend.feeds.simulated_candles import Trading, minutes_of
from backend.feeds.simulation import MarketModel
from backend.market.candles import MINUTES_KEPT
from backend.market.models import CANDLE_COLUMNS, CandleArray, Quote

# As at a start: what ratings of hours and a sentiment that looks back on a week need; a day less
# than the market keeps, so that it has the first minute for as long as the hours before it are to
# end there. It begins with a whole hour.
HISTORY_MINUTES = MINUTES_KEPT - DAY_MINUTES
# Simulated at once, in a third of a millisecond.
MINUTES_AT_ONCE = 120


@dataclass(frozen=True, slots=True, eq=False)
class Newcomer:
    """A symbol with its history up to now, and what it last traded at."""

    symbol: str
    candles: CandleArray
    price: float


class Newcomers:
    """Prepares them in tasks of their own, so that no trade of others waits for that."""

    def __init__(
        self,
        sink: MarketSink,
        clock: Clock,
        random: np.random.Generator,
        sleep: Callable[[float], None],
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._random = random
        self._sleep = sleep
        # Those that were not told to leave.
        self._wanted: set[str] = set()
        self._due: deque[tuple[str, Newcomer | None]] = deque()
        self._stopped = False

    def stop(self) -> None:
        """Prepare no more."""
        self._stopped = True

    def prepare(self, symbol: str) -> None:
        """Have a symbol join, soon."""
        if symbol not in self._wanted:
            self._wanted.add(symbol)
            (random,) = self._random.spawn(1)
            name = f"simulated-{symbol}"
            threading.Thread(
                target=self._prepare, args=(symbol, random), name=name, daemon=True
            ).start()

    def leave(self, symbol: str) -> None:
        """Have a symbol leave, or not join."""
        self._wanted.discard(symbol)
        self._due.append((symbol, None))

    def due(self) -> Iterator[tuple[str, Newcomer | None]]:
        """The symbols that are to join, with what they bring, and to leave (None), in turn."""
        while self._due:
            symbol, newcomer = self._due.popleft()
            if newcomer is None or symbol in self._wanted:
                yield symbol, newcomer

    def _prepare(self, symbol: str, random: np.random.Generator) -> None:
        profiles = [profile_of(symbol)]
        model, trading = MarketModel(profiles, random), Trading(profiles)
        known = self._sink.quote(symbol)
        if known is not None:
            model.move_to(np.array([True]), np.log([known.price]))
        time_ms = self._begin_ms(known)
        parts = [np.empty((0, 1, CANDLE_COLUMNS))]
        while not self._stopped and (left := (self._clock.now_ms() - time_ms) // MINUTE_MS) > 0:
            minutes = min(left, MINUTES_AT_ONCE)
            candles, traded = minutes_of(model, time_ms, minutes, trading, random)
            if known is None and len(parts) == 1:
                traded[0] = True  # so that the past can end there
            parts.append(candles[traded[:, 0]])
            time_ms += minutes * MINUTE_MS
            self._sleep(0)
        price = float(np.exp(model.log_price[0]))
        self._due.append((symbol, Newcomer(symbol, np.concatenate(parts)[:, 0], price)))

    def _begin_ms(self, known: Quote | None) -> int:
        """Where its history is to begin: after what is known of it already."""
        now_ms = self._clock.now_ms()
        if known is None:
            begin_ms = now_ms - HISTORY_MINUTES * MINUTE_MS
            return begin_ms - begin_ms % HOUR_MS
        after_ms = known.time_ms + 1
        after_ms += -after_ms % MINUTE_MS
        oldest_ms = now_ms - now_ms % MINUTE_MS - MINUTES_KEPT * MINUTE_MS
        return max(after_ms, oldest_ms)
