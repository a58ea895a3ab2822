"""The parts of a built application that run beside its requests, from its start to its end."""

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask
from flask_socketio import SocketIO

from backend import green
from backend.api.readiness import Readiness
from backend.http.places import Places
from backend.http.server import HttpServer
from backend.journal.peers import Task
from backend.metrics import Metrics
from backend.offload import Offload
from backend.storage.database import Database
from backend.streaming.keeper import Keeper
from backend.streaming.source import Source
from backend.turns import Turns
from backend.websocket_service import WebSocketService

logger = logging.getLogger(__name__)

# What is given back is a word to Redis, on which nothing depends but how soon others go on.
GIVE_BACK_SECONDS = 2.0
GIVE_BACK_STEP_SECONDS = 0.02


@dataclass
class Runtime:
    """What `create_app` leaves in `app.extensions["crs"]`."""

    socketio: SocketIO
    service: WebSocketService
    source: Source
    background: list[Task]
    intervals: dict[str, float]
    offload: Offload
    databases: list[Database]
    keepers: list[Keeper]
    metrics: Metrics
    turns: Turns
    readiness: Readiness
    # Each gives back something that others wait for, as the source does with its lease. Called
    # once, when nothing is produced here any more; may wait.
    give_back: list[Callable[[], None]] = field(default_factory=list)
    _giving_back: int = 0

    @property
    def feed_name(self) -> str:
        return self.source.market.feed_state.name

    def http_server(self, app: Flask, places: int) -> HttpServer:
        """The server of the application, for at most so many connections at once."""
        refused = self.metrics.refusals.labels
        return HttpServer(
            app, Places(places), self.turns, lambda limit: refused(limit).inc(), sys.stderr
        )

    def start(self) -> None:
        """Start the source and every background task."""
        run = self.socketio.start_background_task
        self.source.start(self.service.tick)
        self.socketio.sleep(0)  # the simulated market's history, so that the first tick is whole
        for keeper in self.keepers:
            keeper.start(run)
        self.service.start(self.intervals)
        for task in self.background:
            run(task.run)
        self.readiness.start()

    def say_farewell(self, seconds: float) -> None:
        """Take no new clients, stop what `start` started, give back what is held, and tell every
        client that the process ends; those that poll fetch it within `seconds`, or later."""
        self.readiness.drain()
        for task in self.background:
            task.stop()
        for keeper in self.keepers:
            keeper.stop()
        self.service.stop()
        last_words = [keeper.save_last for keeper in self.keepers]
        hooks = [*last_words, self.source.stop, *self.give_back]
        self._giving_back = len(hooks)
        for hook in hooks:
            self.socketio.start_background_task(self._give_back, hook)
        self.service.parting.say_farewell(seconds)

    def drain(self, seconds: float) -> None:
        """Close every connection once what waits for it has been written, or after `seconds`."""
        deadline = time.monotonic() + GIVE_BACK_SECONDS
        self.service.parting.drain(seconds)
        while self._giving_back and time.monotonic() < deadline:
            green.sleep(GIVE_BACK_STEP_SECONDS)

    def _give_back(self, hook: Callable[[], None]) -> None:
        try:
            hook()
        except Exception:
            # What is held expires by itself, a little later.
            logger.exception("Something could not be given back")
        finally:
            self._giving_back -= 1

    def close(self) -> None:
        """Let go of threads and files; nothing is served any more."""
        self.offload.close()
        for database in self.databases:
            database.close()
