"""The reports of several processes, in Redis. One small command every two seconds, and one more
where somebody asks."""

import logging
from collections.abc import Callable
from typing import cast

import msgpack

from backend.journal.board import Board
from backend.journal.connection import RedisFailed
from backend.journal.processes import ProcessReport
from backend.metrics import Metrics

logger = logging.getLogger(__name__)

KEY = "crs:processes"
EVERY_SECONDS = 2.0
# Four reports that did not come, and the process is taken to have ended.
FRESH_SECONDS = 10.0


class RedisProcesses:
    """`report` is for a background task, and may raise `RedisFailed`."""

    def __init__(self, url: str, me: str, sleep: Callable[[float], None], metrics: Metrics) -> None:
        """`me` is a name that no other process has."""
        self._board = Board(url, KEY, me, FRESH_SECONDS)
        self._sleep = sleep
        self._metrics = metrics
        self._read: Callable[[], ProcessReport] = dict
        self._left = False

    def tell(self, report: Callable[[], ProcessReport]) -> None:
        """Let the others know of this process by what `report()` returns."""
        self._read = report

    def report(self) -> None:
        """Tell, and wait a little."""
        if not self._left:
            self._board.put(msgpack.packb(self._read()))
        self._sleep(EVERY_SECONDS)

    def others(self) -> list[ProcessReport] | None:
        """What all other processes told last; None where Redis can't be asked."""
        try:
            return [cast(ProcessReport, msgpack.unpackb(note)) for note in self._board.read()]
        except RedisFailed:
            self._metrics.redis_failures.labels("processes").inc()
            return None

    def leave(self) -> None:
        """Take this process out, which others would else take for running for some seconds."""
        self._left = True
        self._board.take_down()
