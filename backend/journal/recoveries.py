"""What connections were, for those who come back: by the private id that each was given.

It is written ahead, while a connection is there, since a process may end without a word.
"""

from collections import OrderedDict
from dataclasses import asdict, dataclass
from typing import Any, Protocol, cast

import msgpack

from backend.clock import Clock
from backend.protocol import Place

# Connections that are there, and those that left within two minutes; some 700 bytes each with 20
# symbols, 14 MB at worst. Beyond it the one that was written longest ago is forgotten: it is new
# when it comes back, or is written anew while it is there.
KEPT_MAX = 20_000
# Expired ones that are forgotten with each that is written: more than one, so that they get fewer.
_SWEPT = 2


@dataclass(frozen=True, slots=True)
class Recoverable:
    """What a connection was. `place` is where it stood at its last answer of `answers` that brought
    what had been said: who has not heard that one lacks more than was said after it. `returns`
    counts how often the connection has been taken up again."""

    sid: str
    user_id: int | None
    place: Place
    answers: int
    symbols: tuple[str, ...]
    fields: tuple[str, ...] | None
    realtime: bool
    returns: int

    def packed(self) -> bytes:
        """As it is kept outside of this process."""
        return cast(bytes, msgpack.packb(asdict(self)))

    @classmethod
    def unpack(cls, packed: bytes) -> "Recoverable":
        """What `packed` returned; raises ValueError for what another version has kept."""
        try:
            told: dict[str, Any] = msgpack.unpackb(packed, use_list=False)
            return cls(**{**told, "place": Place(**told["place"])})
        except (TypeError, KeyError, msgpack.exceptions.UnpackException) as error:
            raise ValueError("not what this version keeps") from error


class Recoveries(Protocol):
    """One of `MemoryRecoveries` and `redis_recoveries.RedisRecoveries`.

    A process that has not noticed that a connection was taken up elsewhere holds an old state: what
    it says, which is of fewer `returns`, changes nothing.
    """

    def keep(self, pid: str, state: Recoverable, seconds: float) -> None:
        """Keep in place of what was kept, for so long; never waits."""

    def forget(self, pid: str, returns: int) -> None:
        """Keep nothing any more of what has returned so often; never waits."""

    def take(self, pid: str) -> Recoverable | None:
        """What was kept, which nobody is given twice; None where nothing is. May wait."""


class MemoryRecoveries:
    """Those of one process, which end with it."""

    def __init__(self, clock: Clock, kept_max: int = KEPT_MAX) -> None:
        self._clock = clock
        self._kept_max = kept_max
        # In the order in which they were written, which is nearly that in which they expire.
        self._kept: OrderedDict[str, tuple[Recoverable, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, pid: str, state: Recoverable, seconds: float) -> None:
        now = self._clock.monotonic()
        if self._has_returned(pid, state.returns):
            return
        self._kept[pid] = state, now + seconds
        self._kept.move_to_end(pid)
        self._make_room(now)

    def forget(self, pid: str, returns: int) -> None:
        if not self._has_returned(pid, returns):
            self._kept.pop(pid, None)

    def take(self, pid: str) -> Recoverable | None:
        state, until = self._kept.pop(pid, (None, 0.0))
        return state if until > self._clock.monotonic() else None

    def _has_returned(self, pid: str, returns: int) -> bool:
        """Whether what is kept has done so more often."""
        return pid in self._kept and self._kept[pid][0].returns > returns

    def _make_room(self, now: float) -> None:
        for _ in range(_SWEPT):
            _, until = next(iter(self._kept.values()))
            if until > now and len(self._kept) <= self._kept_max:
                return
            self._kept.popitem(last=False)
