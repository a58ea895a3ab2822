"""Keeps what the analysis has learnt in the database, and gives it back after a restart."""

import logging
from collections.abc import Callable, Collection, Iterable
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
    """What has something to keep of each symbol, for each source that it is of in turn."""

    def states(self, symbol: str) -> Iterable[tuple[str, str]]:
        """Sources, with what was learnt of each as text."""

    def restore(self, symbol: str, source: str, state: str) -> object:
        """Go on from that, once the symbol is of that source."""


class Keeper:
    """One learner's states. Nothing is written before what was there has been read, so that a
    database that comes back late still has it."""

    def __init__(
        self,
        name: str,
        sources: Collection[str],
        store: LearntStore,
        offload: Offload,
        sleep: Callable[[float], None],
        clock: Clock,
        metrics: Metrics,
        learner: Learner,
        symbols: Collection[str],
        may_write: Callable[[], bool],
    ) -> None:
        """`name` is the learner's, `sources` are the feeds whose states are read, `symbols` those
        that it follows at any time, none where nothing is to be kept. One process of all may write:
        the one that leads."""
        self._name = name
        self._sources = sources
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
        states: dict[str, dict[str, str]] = {}
        for symbol in self._symbols:
            if symbol not in self._symbols:
                continue  # it has gone while others had their turn
            for source, state in self._learner.states(symbol):
                states.setdefault(source, {})[symbol] = state
            self._sleep(0)
        for source, of_source in states.items():
            now_ms = self._clock.now_ms()
            self._offload.write_candles(self._store.write, source, self._name, of_source, now_ms)

    def _look(self) -> None:
        if not self._restored:
            self._restore()
        elif self._clock.monotonic() >= self._due:
            self._due = self._clock.monotonic() + KEEP_SECONDS
            self._save()

    def _restore(self) -> None:
        kept = {
            source: self._offload.read_candles(self._store.read, source, self._name)
            for source in self._sources
        }
        for source, states in kept.items():
            for symbol in self._symbols:
                if symbol in states and symbol in self._symbols:
                    self._learner.restore(symbol, source, states[symbol])
                    self._sleep(0)
        self._restored = True
