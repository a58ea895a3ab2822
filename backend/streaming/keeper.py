"""Keeps what the analysis has learnt in the database, and gives it back after a restart."""

import json
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from backend.clock import Clock
from backend.metrics import Metrics
from backend.offload import Offload, Overloaded
from backend.storage.faults import StorageUnavailable
from backend.storage.learnt import LearntStore
from backend.streaming.periodic import Periodic

logger = logging.getLogger(__name__)

# What is lost when the process is killed is learnt again from the candles since.
KEEP_SECONDS = 120.0
# A database that was away at the start is asked again so often.
LOOK_SECONDS = 10.0


class Learner(Protocol):
    """What has something to keep of each symbol."""

    def state(self, symbol: str) -> dict[str, Any]: ...
    def restore(self, symbol: str, state: Mapping[str, Any]) -> None:
        """Raises ValueError, KeyError or TypeError for what is no state."""


class Keeper:
    """One learner's states. Nothing is written before what was there has been read, so that a
    database that comes back late still has it."""

    def __init__(
        self,
        name: str,
        source: str,
        store: LearntStore,
        offload: Offload,
        sleep: Callable[[float], None],
        clock: Clock,
        metrics: Metrics,
        learner: Learner,
        symbols: Collection[str],
        may_write: Callable[[], bool],
    ) -> None:
        """`name` is the learner's, `symbols` those that it follows at any time, none where nothing
        is to be kept. One process of all may write: the one that leads."""
        self._name = name
        self._source = source
        self._store = store
        self._offload = offload
        self._sleep = sleep
        self._clock = clock
        self._learner = learner
        self._symbols = symbols
        self._may_write = may_write
        self._restored = False
        self._due = clock.monotonic() + KEEP_SECONDS
        self._task = Periodic(f"keep {name}", LOOK_SECONDS, self._look, sleep, clock, metrics)

    def start(self, spawn: Callable[..., Any]) -> None:
        """Restore what was kept, before the learner has learnt anything, and begin to keep;
        `spawn(function, *arguments)` runs a background task."""
        try:
            self._restore()
        except (StorageUnavailable, Overloaded) as error:
            logger.warning("What was learnt before can't be read: %s; trying again", error)
        spawn(self._task.run)

    def stop(self) -> None:
        """Keep nothing more by itself."""
        self._task.stop()

    def save_last(self) -> None:
        """Write every state as the process ends; what can't be kept is learnt again."""
        try:
            self._save()
        except (StorageUnavailable, Overloaded) as error:
            logger.warning("What was learnt last can't be kept: %s", error)

    def _save(self) -> None:
        if not self._restored or not self._may_write():
            return
        states = {}
        for symbol in self._symbols:
            if symbol not in self._symbols:
                continue  # it has gone while others had their turn
            states[symbol] = json.dumps(self._learner.state(symbol))
            self._sleep(0)
        if not states:
            return
        now_ms = self._clock.now_ms()
        self._offload.write_candles(self._store.write, self._source, self._name, states, now_ms)

    def _look(self) -> None:
        if not self._restored:
            self._restore()
        elif self._clock.monotonic() >= self._due:
            self._due = self._clock.monotonic() + KEEP_SECONDS
            self._save()

    def _restore(self) -> None:
        kept = self._offload.read_candles(self._store.read, self._source, self._name)
        for symbol in self._symbols:
            if symbol in kept and symbol in self._symbols:
                try:
                    self._learner.restore(symbol, json.loads(kept[symbol]))
                except (ValueError, KeyError, TypeError) as error:
                    logger.warning(
                        "%s: what was kept of %s is no state: %r", self._name, symbol, error
                    )
                self._sleep(0)
        self._restored = True
