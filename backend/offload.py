"""Work that would block the hub, run in native threads while other greenlets go on.

The threads are those of `green`, so there is one `Offload` a process, and it belongs to the thread
that runs the hub. Functions handed over must not touch greenlets, sockets of the hub, or state
that greenlets share; they return what they found and the caller applies it.
"""

import os
from collections.abc import Callable
from typing import TypeVar

from backend import green

T = TypeVar("T")

# A hash takes 20-30 ms of one core. One core stays with the hub, which must never wait for CPU.
HASHING_WORKERS = max(1, (os.cpu_count() or 2) - 1)
# At 25 ms each the last in line waits about 1.6 s; whoever came later would rather be told.
HASHING_WAITING_MAX = 64
# Statements take under 2 ms, so this is half a second of work. It only fills when the database
# hangs, and then bounds what waits for it.
DATABASE_WAITING_MAX = 256


class Overloaded(Exception):
    """Too much work waits already, or the process is ending. Answer 503; the client may retry."""


class _Lane:
    """At most `workers` calls at once in native threads, at most `waiting_max` greenlets behind."""

    def __init__(self, workers: int, waiting_max: int) -> None:
        self._free = green.Semaphore(workers)
        self._waiting_max = waiting_max
        self._waiting = 0

    def run(self, fn: Callable[..., T], *args: object) -> T:
        if self._waiting >= self._waiting_max and self._free.locked():
            raise Overloaded(f"{self._waiting} calls wait already")
        self._waiting += 1
        try:
            self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            return green.in_thread(fn, *args)
        finally:
            self._free.release()


class Offload:
    """Two lanes of native threads: one for hashing, and a single-file one for the database."""

    def __init__(
        self,
        hashing_workers: int = HASHING_WORKERS,
        hashing_waiting_max: int = HASHING_WAITING_MAX,
        database_waiting_max: int = DATABASE_WAITING_MAX,
    ) -> None:
        green.set_threads(hashing_workers + 1)
        self._hashing = _Lane(hashing_workers, hashing_waiting_max)
        self._database = _Lane(1, database_waiting_max)
        # A greenlet that is killed leaves its call running in the thread, with its place in the
        # lane free. This lock of the operating system's keeps the next call behind it.
        self._database_lock = green.native("threading").Lock()
        self._closed = False

    def run(self, fn: Callable[..., T], *args: object) -> T:
        """`fn(*args)` in a native thread, for CPU work that releases the GIL.

        Raises what `fn` raises, or `Overloaded` without having called it.
        """
        self._refuse_when_closed()
        return self._hashing.run(fn, *args)

    def run_serial(self, fn: Callable[..., T], *args: object) -> T:
        """`fn(*args)` in a native thread, never two at once: for everything that uses the database.

        Locks inside SQLAlchemy are patched ones, which must not be contended between native
        threads; and a greenlet switch inside an SQLite write transaction would freeze the hub.
        Raises what `fn` raises, or `Overloaded` without having called it.
        """
        self._refuse_when_closed()
        return self._database.run(lambda: self._locked(fn, *args))

    def close(self) -> None:
        """End the threads once their current calls return. Later calls raise `Overloaded`."""
        self._closed = True
        green.end_threads()

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise Overloaded("the process is ending")

    def _locked(self, fn: Callable[..., T], *args: object) -> T:
        with self._database_lock:
            return fn(*args)
