"""The candles before a market's minutes, for whoever rates longer timeframes than those reach."""

import logging
from collections.abc import Callable

from backend.clock import Clock
from backend.history.archive import Archive
from backend.history.deep import DeepHistory
from backend.market.candles import INTERVALS
from backend.market.models import OPEN_TIME, CandleArray
from backend.offload import Offload, Overloaded
from backend.storage.faults import StorageUnavailable

logger = logging.getLogger(__name__)

# A database that was away is left alone for so long: each look at it may take seconds.
RETRY_S = 30.0


class EarlierCandles:
    """Reads candles off the hub, from before those that the market has, of the same source."""

    def __init__(
        self,
        source: Callable[[str], str],
        archive: Archive,
        offload: Offload,
        past: DeepHistory,
        clock: Clock,
    ) -> None:
        """`source` says whose candles the market has of a symbol now, `past` is what loads them
        into the archive."""
        self._source = source
        self._archive = archive
        self._offload = offload
        self._past = past
        self._clock = clock
        self._away_until: float | None = None
        self._returns = 0

    def wait(self) -> None:
        """Wait for those that are about to be there, a few seconds at most."""
        self._past.wait_for_what_is_at_hand()

    def version(self, symbol: str) -> int:
        """Grows when there may be more to read of a symbol."""
        if self._away_until is not None and self._clock.monotonic() >= self._away_until:
            self._away_until = None
            self._returns += 1
        return self._past.pages(symbol) + self._returns

    def before(self, symbol: str, minutes: CandleArray, count: int) -> dict[str, CandleArray]:
        """For each timeframe of which `minutes` (n, 7) are less than `count` candles, what it lacks
        of those that open before them, the one that they begin in included. Nothing while the
        database is away."""
        found: dict[str, CandleArray] = {}
        if not len(minutes) or self._away_until is not None:
            return found
        source = self._source(symbol)
        first_ms, last_ms = int(minutes[0, OPEN_TIME]), int(minutes[-1, OPEN_TIME])
        for timeframe, interval_ms in INTERVALS.items():
            missing = count - (last_ms - first_ms) // interval_ms
            if missing > 0:
                try:
                    found[timeframe] = self._offload.read_candles(
                        self._archive.read,
                        source,
                        symbol,
                        timeframe,
                        missing,
                        first_ms + 1,
                    )
                except (StorageUnavailable, Overloaded) as error:
                    logger.warning("Candles of before can't be read for ratings: %s", error)
                    self._away_until = self._clock.monotonic() + RETRY_S
                    break
        return found
