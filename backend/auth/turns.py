"""Whose password is hashed next.

A hash takes 25 ms of a core, so that anybody could keep the server busy with them. Those who wait
are taken by what they have asked for lately: known devices before strangers, among strangers the
address that has used least, within an address the account. A storm waits for itself then, and who
comes for the first time goes ahead of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from backend import green
from backend.auth.attempts import Caller, Counters, TooManyAttempts
from backend.clock import Clock
from backend.offload import Overloaded

# At 25 ms each, one at a time, the last in line waits about 1.6 s.
WAITING_MAX = 64
# A stranger that others go ahead of is told to come again after this; clients time out later.
WAIT_MAX_S = 5.0
# What an address, or an account, has asked for counts against it for this long.
LOAD_WINDOW_S = 60
# When who was turned away may come again: the line has been worked off twice by then.
RETRY_S = 5


@dataclass(eq=False, slots=True)
class _Place:
    """One place in the line; `granted` carries its end, which is a turn or an exception."""

    caller: Caller
    since: float
    granted: green.Event = field(default_factory=green.Event)


class Turn:
    """The right to hash now."""

    def __init__(self, load: Counters, caller: Caller) -> None:
        self._load = load
        self._caller = caller

    def proved_honest(self) -> None:
        """The password was right: nothing of this counts against address and account."""
        for key in _load_keys(self._caller):
            self._load.incr(key, LOAD_WINDOW_S, -1)


class Turns:
    """The line for the hashing threads, of which there are `at_once`. Lives on the hub's thread.

    One account has one turn at a time, so that of several guesses at it each is judged before the
    next is let through.
    """

    def __init__(
        self,
        load: Counters,
        clock: Clock,
        at_once: int,
        waiting_max: int = WAITING_MAX,
        wait_max_s: float = WAIT_MAX_S,
    ) -> None:
        self._load = load
        self._clock = clock
        self._at_once = at_once
        self._waiting_max = waiting_max
        self._wait_max_s = wait_max_s
        self._waiting: list[_Place] = []
        self._accounts: set[str] = set()

    @contextmanager
    def take(self, caller: Caller) -> Iterator[Turn]:
        """Wait for a turn, and have it for as long as the block lasts.

        Raises `TooManyAttempts` for those who have used their share, `Overloaded` for others.
        """
        for key in _load_keys(caller):
            self._load.incr(key, LOAD_WINDOW_S)
        place = _Place(caller, self._clock.monotonic())
        self._waiting.append(place)
        self._grant()
        if len(self._waiting) > self._waiting_max:
            self._refuse(max(self._waiting, key=self._rank))
        try:
            place.granted.wait()
        except BaseException:
            # Turned away; or this greenlet was killed, perhaps between its turn and knowing of it.
            if place in self._waiting:
                self._waiting.remove(place)
            elif place.granted.has_result():
                self._release(caller)
            raise
        try:
            yield Turn(self._load, caller)
        finally:
            self._release(caller)

    def _release(self, caller: Caller) -> None:
        self._accounts.discard(caller.account)
        self._grant()

    def _grant(self) -> None:
        for place in self._overdue():
            self._refuse(place)
        while len(self._accounts) < self._at_once:
            ready = [p for p in self._waiting if p.caller.account not in self._accounts]
            if not ready:
                return
            first = min(ready, key=self._rank)
            self._waiting.remove(first)
            self._accounts.add(first.caller.account)
            first.granted.send(None)

    def _overdue(self) -> list[_Place]:
        latest = self._clock.monotonic() - self._wait_max_s
        return [p for p in self._waiting if p.since < latest and not p.caller.known]

    def _refuse(self, place: _Place) -> None:
        self._waiting.remove(place)
        network, _ = _load_keys(place.caller)
        modest = place.caller.known or self._load.get(network) <= 1
        place.granted.send_exception(
            Overloaded("too many passwords wait already") if modest else TooManyAttempts(RETRY_S)
        )

    def _rank(self, place: _Place) -> tuple[bool, int, int, float]:
        network, account = _load_keys(place.caller)
        return (
            not place.caller.known,
            self._load.get(network),
            self._load.get(account),
            place.since,
        )


def _load_keys(caller: Caller) -> tuple[str, str]:
    return f"network {caller.network}", f"account {caller.account}"
