"""Work that would block the hub, run in native threads while other greenlets go on.

The threads are those of `green`, so there is one `Offload` a process, and it belongs to the thread
that runs the hub. Functions handed over must not touch greenlets, sockets of the hub, or state
that greenlets share; they return what they found and the caller applies it.
"""

import os
import time
from collections.abc import Callable
from typing import TypeVar

from backend import green

T = TypeVar("T")

# A hash takes 20-30 ms of one core. One core stays with the hub, which must never wait for CPU.
HASHING_WORKERS = max(1, (os.cpu_count() or 2) - 1)
# Hashes are let through one by one by whoever asks for them (`auth.line`); this bounds the rest.
HASHING_WAITING_MAX = 64
# A symbol that is read anew takes 50 ms, a table of the record 100 at most; few ask for either at a
# time, and this bounds them where many do.
COMPUTING_WAITING_MAX = 64
# Statements take under 2 ms, so this is half a second of work. It only fills when the database
# hangs, and then bounds what waits for it.
DATABASE_WAITING_MAX = 256
# Who has waited this long for the database is told so; behind a lock that somebody holds, those in
# line would else wait for the sum of all timeouts before them.
DATABASE_WAIT_MAX_S = 2.0
# Writes of candles that follow each other, as at a first start, let those write in between who wait
# in this process, unless they are stuck ...
OTHERS_WAIT_MAX_S = 0.5
# ... and rest for this share of what each has taken. Of several processes with one SQLite those
# behind its lock look some thirty times whether it is free before they give up.
REST_SHARE = 0.25


class Overloaded(Exception):
    """Too much work waits already, or the process is ending. Answer 503; the client may retry."""


class _Lane:
    """At most `workers` calls at once in native threads, at most `waiting_max` greenlets behind,
    each for `wait_max_s` at most."""

    def __init__(self, workers: int, waiting_max: int, wait_max_s: float | None = None) -> None:
        self._free = green.Semaphore(workers)
        self._waiting_max = waiting_max
        self._wait_max_s = wait_max_s
        self._waiting = 0

    def run(self, fn: Callable[..., T], *args: object) -> T:
        if self._waiting >= self._waiting_max and self._free.locked():
            raise Overloaded(f"{self._waiting} calls wait already")
        self._waiting += 1
        try:
            if not self._free.acquire(timeout=self._wait_max_s):
                raise Overloaded(f"waited {self._wait_max_s} s")
        finally:
            self._waiting -= 1
        try:
            self._let_others()
            return green.in_thread(fn, *args)
        finally:
            self._free.release()

    def pass_by(self, wait_max_s: float) -> None:
        """Wait until those who were in the lane before have come through it, if that takes no
        longer."""
        if self._free.acquire(timeout=wait_max_s):
            self._free.release()

    def _let_others(self) -> None:
        """Called with a place in the lane, right before each call."""


class _SingleFile(_Lane):
    """A lane of which no two calls ever overlap, not even where a greenlet is killed: it leaves its
    call running in the thread, with its place in the lane free. A lock of the operating system's
    keeps the next call behind it."""

    def __init__(self, waiting_max: int, wait_max_s: float) -> None:
        super().__init__(1, waiting_max, wait_max_s)
        self._lock = green.native("threading").Lock()

    def run(self, fn: Callable[..., T], *args: object) -> T:
        return super().run(lambda: self._locked(fn, *args))

    def _locked(self, fn: Callable[..., T], *args: object) -> T:
        with self._lock:
            return fn(*args)


class _Yielding(_SingleFile):
    """One of which each call first lets those through who are in another lane by then, and lets
    other processes have their chance."""

    def __init__(self, waiting_max: int, wait_max_s: float, others: _Lane) -> None:
        super().__init__(waiting_max, wait_max_s)
        self._others = others
        self._resumes_at = 0.0

    def _locked(self, fn: Callable[..., T], *args: object) -> T:
        began = time.monotonic()
        try:
            return super()._locked(fn, *args)
        finally:
            ended = time.monotonic()
            self._resumes_at = ended + REST_SHARE * (ended - began)

    def _let_others(self) -> None:
        green.sleep(max(0.0, self._resumes_at - time.monotonic()))
        self._others.pass_by(OTHERS_WAIT_MAX_S)


class Offload:
    """Lanes of native threads: one for hashing, one for computing, two for the database, of which
    one only reads and so need not wait for whom a writer waits for, and two for candles, which have
    connections of their own, so that no login waits for them.

    Where the database has one writer at a time, as SQLite, a login comes behind one call that
    writes candles at most, however many follow that one.
    """

    def __init__(
        self,
        hashing_workers: int = HASHING_WORKERS,
        hashing_waiting_max: int = HASHING_WAITING_MAX,
        database_waiting_max: int = DATABASE_WAITING_MAX,
        database_wait_max_s: float = DATABASE_WAIT_MAX_S,
        again: Callable[[], None] = lambda: None,
    ) -> None:
        """`again` is called by each caller when its call is done, and may wait: many that are done
        at once are not to go on all at once."""
        green.set_threads(hashing_workers + 5)
        self._hashing = _Lane(hashing_workers, hashing_waiting_max)
        self._computing = _Lane(1, COMPUTING_WAITING_MAX)
        self._reading = _SingleFile(database_waiting_max, database_wait_max_s)
        self._writing = _SingleFile(database_waiting_max, database_wait_max_s)
        self._reading_candles = _SingleFile(database_waiting_max, database_wait_max_s)
        self._writing_candles = _Yielding(
            database_waiting_max, database_wait_max_s, others=self._writing
        )
        self._again = again
        self._closed = False

    def run(self, fn: Callable[..., T], *args: object) -> T:
        """`fn(*args)` in a native thread, for CPU work that releases the GIL.

        Raises what `fn` raises, or `Overloaded` without having called it.
        """
        return self._in(self._hashing, fn, *args)

    def compute(self, fn: Callable[..., T], *args: object) -> T:
        """`fn(*args)` in a native thread, one at a time: for what is mostly numpy, which lets the
        hub go on, and touches nothing that others change.

        Raises what `fn` raises, or `Overloaded` without having called it.
        """
        return self._in(self._computing, fn, *args)

    def run_read(self, fn: Callable[..., T], *args: object) -> T:
        """`fn(*args)` in a native thread, never two at once: for what only reads the database.

        Raises what `fn` raises, or `Overloaded` without having called it.
        """
        return self._in(self._reading, fn, *args)

    def run_write(self, fn: Callable[..., T], *args: object) -> T:
        """`fn(*args)` in a native thread, never two at once: for what writes to the database.

        Locks inside SQLAlchemy are patched ones, which must not be contended between native
        threads; and a greenlet switch inside an SQLite write transaction would freeze the hub.
        Raises what `fn` raises, or `Overloaded` without having called it.
        """
        return self._in(self._writing, fn, *args)

    def read_candles(self, fn: Callable[..., T], *args: object) -> T:
        """`run_read` for what reads the store of candles."""
        return self._in(self._reading_candles, fn, *args)

    def write_candles(self, fn: Callable[..., T], *args: object) -> T:
        """`run_write` for what writes to the store of candles, after those who wait in `run_write`
        by then."""
        return self._in(self._writing_candles, fn, *args)

    def close(self) -> None:
        """End the threads once their current calls return. Later calls raise `Overloaded`."""
        self._closed = True
        green.end_threads()

    def _in(self, lane: _Lane, fn: Callable[..., T], *args: object) -> T:
        if self._closed:
            raise Overloaded("the process is ending")
        try:
            return lane.run(fn, *args)
        finally:
            self._again()
