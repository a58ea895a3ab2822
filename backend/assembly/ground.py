"""What the parts of a process stand on, whatever they are for."""

from collections.abc import Callable
from functools import partial

from flask import Flask

from backend.assembly.socket_server import create_socketio
from backend.clock import Clock
from backend.config import Settings
from backend.http.connection import REQUEST_COST_SECONDS
from backend.journal.peers import Task
from backend.metrics import Metrics
from backend.offload import Offload
from backend.streaming.periodic import Periodic
from backend.turns import Turns


class Ground:
    """Settings, time, threads, figures and background tasks of one process. For those who put parts
    together; each part is handed only what it needs of this."""

    def __init__(self, app: Flask, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.metrics = Metrics()
        self.turns = Turns(clock)
        self.offload = Offload(again=partial(self.turns.again, REQUEST_COST_SECONDS))
        self.socketio = create_socketio(app, settings, self.turns)
        self.sleep: Callable[[float], None] = self.socketio.sleep
        # (function, *arguments): runs it as a background task.
        self.spawn = self.socketio.start_background_task
        # To be run from the start of the process to its end.
        self.tasks: list[Task] = []

    def every(self, seconds: float, name: str, action: Callable[[], object]) -> None:
        """Have something done over and over; `name` is what its errors are counted under."""
        self.tasks.append(Periodic(name, seconds, action, self.sleep, self.clock, self.metrics))

    def pause(self) -> None:
        """Let all others have their turn."""
        self.sleep(0)

    def count_refusal(self, limit: str) -> None:
        """Somebody ran into the limit of that name."""
        self.metrics.refusals.labels(limit).inc()
