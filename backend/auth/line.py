"""Whose password is hashed next.

A hash takes 25 ms of a core, so that anybody could keep the server busy with them. Those who wait
are taken by what they have asked for lately: known devices before strangers, logins before new
accounts, then the address that has used least, within an address the account. A storm waits for
itself then, and who comes for the first time goes ahead of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from backend import green
from backend.auth.attempts import WAITING, Caller, Counters, TooManyAttempts
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


# Known or not, patient or not, the loads of network and account, and since when.
Rank = tuple[bool, bool, int, int, float]


class Turn:
    """A place in the line for hashing, and then the right to hash."""

    def __init__(self, load: Counters, caller: Caller, since: float, patient: bool) -> None:
        self.caller = caller
        self.patient = patient
        self.since = since
        # Its end is the turn, or an exception.
        self.granted = green.Event()
        self._load = load
        self._network, self._account = f"network {caller.network}", f"account {caller.account}"
        self._charge(1)

    @property
    def rank(self) -> Rank:
        """Who goes first has the lowest."""
        account_load = self._load.get(self._account)
        known = self.caller.known
        return (not known, self.patient, self.network_load, account_load, self.since)

    @property
    def network_load(self) -> int:
        return self._load.get(self._network)

    def proved_honest(self) -> None:
        """The password was right: nothing of this counts against address and account."""
        self._charge(-1)

    def _charge(self, amount: int) -> None:
        for key in (self._network, self._account):
            self._load.incr(key, LOAD_WINDOW_S, amount)


class Line:
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
        self._waiting: list[Turn] = []
        self._accounts: set[str] = set()

    @contextmanager
    def take(self, caller: Caller, patient: bool = False) -> Iterator[Turn]:
        """Wait for a turn, and have it for as long as the block lasts. The `patient` let others go
        first: an account is made once, and its owner logs in again and again.

        Raises `TooManyAttempts` for those who have used their share, `Overloaded` for others.
        """
        turn = Turn(self._load, caller, self._clock.monotonic(), patient)
        self._waiting.append(turn)
        self._grant()
        if len(self._waiting) > self._waiting_max:
            self._refuse(max(reversed(self._waiting), key=_rank))
        try:
            turn.granted.wait()
        except BaseException:
            # Turned away; or this greenlet was killed, perhaps between its turn and knowing of it.
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif turn.granted.has_result():
                self._end(turn)
            raise
        try:
            yield turn
        finally:
            self._end(turn)

    def _end(self, turn: Turn) -> None:
        self._accounts.discard(turn.caller.account)
        self._grant()

    def _grant(self) -> None:
        for turn in self._overdue():
            self._refuse(turn)
        while len(self._accounts) < self._at_once:
            ready = [t for t in self._waiting if t.caller.account not in self._accounts]
            if not ready:
                return
            first = min(ready, key=_rank)
            self._waiting.remove(first)
            self._accounts.add(first.caller.account)
            first.granted.send(None)

    def _overdue(self) -> list[Turn]:
        latest = self._clock.monotonic() - self._wait_max_s
        return [turn for turn in self._waiting if turn.since < latest and not turn.caller.known]

    def _refuse(self, turn: Turn) -> None:
        self._waiting.remove(turn)
        modest = turn.caller.known or turn.network_load <= 1
        turn.granted.send_exception(
            Overloaded("too many passwords wait already")
            if modest
            else TooManyAttempts(WAITING, RETRY_S)
        )


def _rank(turn: Turn) -> Rank:
    return turn.rank
