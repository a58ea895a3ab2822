"""The real `app.py`, which notes how long each greenlet keeps the hub, and who it was.

At its end it writes what took over `NOTED_MS` to the file that `HOLDS_FILE` names: a JSON list of
`{"at_s", "cpu_ms", "wall_ms", "who", "full_collection"}`. CPU time is what the code takes, wall
time also what other processes took of the core meanwhile; of the hub itself, which waits, there is
CPU time alone. `full_collection`: Python has looked at all objects for garbage meanwhile.
"""

# Before anything else: it patches the standard library.
import app as entry

# isort: split
import gc
import json
import os
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import greenlet
from eventlet.hubs import get_hub

NOTED_MS = 1.0
# Some minutes of the worst that there could be.
NOTES_MAX = 50_000
DEPTH = 12


class Holds:
    """Called at each switch of greenlets; 1.5 us each."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._wall, self._cpu = self._began, time.thread_time()
        self.notes: list[dict[str, Any]] = []
        self._collected = False
        gc.callbacks.append(self._note_collection)

    def switched(self, _event: str, greenlets: tuple[Any, Any]) -> None:
        wall, cpu = time.perf_counter(), time.thread_time()
        cpu_ms, wall_ms = 1e3 * (cpu - self._cpu), 1e3 * (wall - self._wall)
        self._wall, self._cpu = wall, cpu
        is_hub = greenlets[0] is get_hub().greenlet
        held_ms = cpu_ms if is_hub else wall_ms
        if held_ms > NOTED_MS and len(self.notes) < NOTES_MAX:
            self.notes.append(
                {
                    "at_s": round(wall - self._began, 2),
                    "cpu_ms": round(cpu_ms, 2),
                    "wall_ms": round(held_ms, 2),
                    "who": "the hub's own calls" if is_hub else _who(greenlets[0].gr_frame),
                    "full_collection": self._collected,
                }
            )
        self._collected = False

    def _note_collection(self, phase: str, info: dict[str, int]) -> None:
        self._collected = self._collected or (phase == "stop" and info["generation"] == 2)


def _who(frame: FrameType | None) -> str:
    """The project's functions that a greenlet stands in, the innermost first."""
    found: list[str] = []
    while frame is not None and len(found) < DEPTH:
        path = Path(frame.f_code.co_filename)
        if "backend" in path.parts:
            found.append(f"{path.stem}.{frame.f_code.co_qualname}")
        frame = frame.f_back
    return " < ".join(found[:DEPTH]) or "ended or not ours"


def main() -> int:
    holds = Holds()
    greenlet.settrace(holds.switched)
    try:
        return entry.main()
    finally:
        greenlet.settrace(None)
        Path(os.environ["HOLDS_FILE"]).write_text(json.dumps(holds.notes))


if __name__ == "__main__":
    sys.exit(main())
