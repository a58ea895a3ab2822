"""The parts of a built application that run beside its requests, from its start to its end."""

import sys
from dataclasses import dataclass

from flask import Flask
from flask_socketio import SocketIO

from backend.assembly import Source
from backend.http.places import Places
from backend.http.server import HttpServer
from backend.journal.peers import Task
from backend.metrics import Metrics
from backend.offload import Offload
from backend.storage.database import Database
from backend.turns import Turns
from backend.websocket_service import WebSocketService


@dataclass
class Runtime:
    """What `create_app` leaves in `app.extensions["crs"]`."""

    socketio: SocketIO
    service: WebSocketService
    source: Source
    background: list[Task]
    intervals: dict[str, float]
    offload: Offload
    database: Database
    metrics: Metrics
    turns: Turns

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
        self.source.start(run, self.service.tick)
        self.socketio.sleep(0)  # the simulated market's history, so that the first tick is whole
        self.service.start(self.intervals)
        for task in self.background:
            run(task.run)

    def drain(self) -> None:
        """Say farewell to clients and stop what `start` started."""
        self.source.stop()
        for task in self.background:
            task.stop()
        self.service.drain()

    def close(self) -> None:
        """Let go of threads and files; nothing is served any more."""
        self.offload.close()
        self.database.close()
