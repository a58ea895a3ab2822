"""The process's memory, beyond what Python does by itself: what goes back to the system, and what
the garbage collector need not look at."""

import ctypes
import gc
from collections.abc import Callable
from typing import Any

from backend import green

# From this size on a block of memory is the system's own; an answer of 1,000 candles is one.
LARGE_BLOCK_BYTES = 128 * 1024
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of malloc.h
# When so many connections have ended, there is enough to give back: a few hundred bytes of each ...
MANY_CONNECTIONS = 1_000
# ... and when so much of what small blocks have taken is free again: what a few clients have sent
# or left unread can be more than thousands of connections take.
MUCH_BYTES = 8_000_000
EBB_SECONDS = 2.0
# By then a process has loaded its past: half a minute.
START_LOOKS = 15


def tame_malloc() -> None:
    """Have large blocks of memory returned to the system when they are freed, and all threads take
    theirs from one heap.

    glibc raises the size from which it does so with each block that is freed; after a while of
    large answers to slow readers the process would keep hundreds of megabytes that it does not
    use. And it gives each thread a heap of its own, so that those of hashing and of the database
    keep 6 MB, where hardly two of them allocate at once. Other C libraries have no such things, and
    no such function.
    """
    mallopt = _of_libc("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)
        mallopt(_M_ARENA_MAX, 1)


def settle() -> None:
    """Leave out of every garbage collection what the process has loaded and built up to now.

    These 140,000 objects live as long as the process. To look at them all, in vain, would block the
    hub for 30 ms each time that a few thousand clients have come.
    """
    gc.collect()
    gc.freeze()


def trim() -> None:
    """Return to the system what is free between small blocks of memory. Takes some milliseconds,
    so it is run in a thread."""
    malloc_trim = _of_libc("malloc_trim")
    if malloc_trim is not None:
        malloc_trim(0)


def unused() -> int:
    """How many bytes are free between small blocks of memory; 0 where the C library doesn't say.
    Takes 0.2 ms at most."""
    mallinfo = _of_libc("mallinfo2")
    if mallinfo is None:
        return 0
    mallinfo.restype = _MallInfo
    return int(mallinfo().fordblks)


class Ebb:
    """Trims once many connections have ended, or much memory is free again, and no more of it comes
    free; and once the start is over, which leaves some megabytes between what stays."""

    def __init__(
        self,
        connections: Callable[[], int],
        unused: Callable[[], int] = unused,
        trim: Callable[[], None] = lambda: green.in_thread(trim),
    ) -> None:
        """`connections`: how many there are now; `unused`: how many bytes."""
        self._connections = connections
        self._unused = unused
        self._trim = trim
        self._highest = self._last_connections = 0
        self._lowest = self._last_unused = unused()
        self._looks = 0

    def look(self) -> None:
        """To be called every `EBB_SECONDS`."""
        connections, unused = self._connections(), self._unused()
        self._highest = max(self._highest, connections)
        self._lowest = min(self._lowest, unused)
        self._looks += 1
        left = connections >= self._last_connections and (
            self._highest - connections >= MANY_CONNECTIONS
        )
        # What has been given back once is unused still, and given back again only after use.
        freed = unused <= self._last_unused and unused - self._lowest >= MUCH_BYTES
        self._last_connections, self._last_unused = connections, unused
        if left or freed or self._looks == START_LOOKS:
            self._highest, self._lowest = connections, unused
            self._trim()


class _MallInfo(ctypes.Structure):
    """`struct mallinfo2` of malloc.h."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def _of_libc(name: str) -> Any:
    """A function of the C library; None where it has no such."""
    return getattr(ctypes.CDLL(None), name, None)
