"""The minutes of a run before, for whoever goes on from there."""

import logging
from collections.abc import Iterable, Iterator

from backend.history.archive import Archive
from backend.market.candles import BASE_INTERVAL, MINUTES_KEPT
from backend.market.models import CandleArray
from backend.metrics import Metrics
from backend.offload import Offload, Overloaded
from backend.storage.faults import StorageUnavailable

logger = logging.getLogger(__name__)


class Remembered:
    """Reads what is stored, as much as a market keeps."""

    def __init__(self, archive: Archive, offload: Offload, metrics: Metrics) -> None:
        self._archive = archive
        self._offload = offload
        self._metrics = metrics

    def minutes(self, source: str, symbols: Iterable[str]) -> Iterator[tuple[str, CandleArray]]:
        """Each symbol and its newest minutes, of which there may be none, read when they are asked
        for. They end where the database can't be read: then it is gone on without."""
        for symbol in symbols:
            try:
                stored = self._offload.read_candles(
                    self._archive.read, source, symbol, BASE_INTERVAL, MINUTES_KEPT
                )
            except (StorageUnavailable, Overloaded) as error:
                logger.warning(
                    "The candles of before of %s can't be read: %s; going on without", source, error
                )
                self._metrics.history_failures.labels("restoring").inc()
                return
            yield symbol, stored
