"""How often a password may be guessed, and an account made.

Everything is counted before the answer is known, and given back where it turns out to be good: of
guesses that are made at once no more get through than of those made one after another.
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol

# A person mistypes a few times, and ten guesses find nothing.
FREE_FAILURES = 10
# Then each guess makes the next wait for twice as long: 15 s, 30 s, 1, 2, 4 and from then on 5
# minutes, which leaves 300 guesses a day at an account. NIST SP 800-63B 3.2.2 has such delays grow
# to an hour; this is how long the owner waits at most who comes with a device that is not known.
FIRST_DELAY_S = 15
LONGEST_DELAY_S = 300
# The failures of an account are forgotten this long after the first of them.
FAILURES_KEPT_S = 86_400
# Trying one password on many names, from one address.
ADDRESS_FAILURES = 100
ADDRESS_WINDOW_S = 60

# An account is made once. A workshop of 60 behind one address, or a load test that makes its users,
# stays far below; a row takes some 300 bytes, so that the total is 2 MB an hour.
REGISTRATIONS_PER_ADDRESS = 600
REGISTRATIONS_IN_ALL = 6_000
REGISTRATIONS_WINDOW_S = 3_600


# The limits' names, as refusals are counted.
GUESSES = "guesses_at_account"
FAILURES = "failed_logins_per_address"
REGISTRATIONS = "registrations"
REGISTRATIONS_OF_ONE = "registrations_per_address"
WAITING = "waiting_passwords"


class TooManyAttempts(Exception):
    """The client has had its share of a limit. Answer 429; it may come again in `retry_after`
    seconds."""

    def __init__(self, limit: str, retry_after: int) -> None:
        super().__init__(f"{limit}: again in {retry_after} s")
        self.limit = limit
        self.retry_after = retry_after


class Counters(Protocol):
    """Counters of fixed windows, in memory or shared by several processes."""

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count in the key's window, or in a new one of `expiry` seconds; the new count."""

    def get(self, key: str) -> int:
        """The count of the key's window; 0 where it has none."""

    def remaining(self, key: str) -> int:
        """The whole seconds for which the key's window goes on, at least 1; 0 without one."""

    def clear(self, key: str) -> None:
        """End the key's window."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who tries: a digest of the username, the network, and the device's name if it is known."""

    account: str
    network: str
    device: str | None = None

    @property
    def known(self) -> bool:
        return self.device is not None


def account_digest(username: str) -> str:
    """What the name is counted under. A digest, as it may be long, or a password by mistake."""
    return hashlib.sha256(username.lower().encode()).hexdigest()[:32]


class Attempts:
    """Guesses at passwords: by device for those that are known, and for all others by account
    and by address."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def check(self, caller: Caller) -> None:
        """Raises `TooManyAttempts` where no guess may be made now."""
        if wait := self._counters.remaining(_delay(caller)):
            raise TooManyAttempts(GUESSES, wait)
        address = _address(caller)
        if not caller.known and self._counters.get(address) >= ADDRESS_FAILURES:
            raise TooManyAttempts(FAILURES, max(1, self._counters.remaining(address)))

    def reserve(self, caller: Caller) -> None:
        """Count a guess that is about to be made. Raises `TooManyAttempts`."""
        self.check(caller)
        failures = self._counters.incr(_failures(caller), FAILURES_KEPT_S)
        if failures >= FREE_FAILURES:
            doublings = min(failures - FREE_FAILURES, 8)  # beyond that the bound holds anyway
            seconds = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2**doublings)
            if self._counters.incr(_delay(caller), seconds) > 1:
                # Another process was given this guess since we looked.
                self._counters.incr(_failures(caller), FAILURES_KEPT_S, -1)
                raise TooManyAttempts(GUESSES, max(1, self._counters.remaining(_delay(caller))))
        if not caller.known:
            self._counters.incr(_address(caller), ADDRESS_WINDOW_S)

    def give_back(self, caller: Caller) -> None:
        """The guess was right, or was not made after all."""
        self._counters.incr(_failures(caller), FAILURES_KEPT_S, -1)
        self._counters.clear(_delay(caller))
        if not caller.known:
            self._counters.incr(_address(caller), ADDRESS_WINDOW_S, -1)


class Registrations:
    """New accounts: by address, and in all.

    The more of the total is used, the fewer each address may make, so that no number of busy
    addresses leaves nothing to one that comes for its first.
    """

    def __init__(
        self,
        counters: Counters,
        per_address: int = REGISTRATIONS_PER_ADDRESS,
        in_all: int = REGISTRATIONS_IN_ALL,
    ) -> None:
        self._counters = counters
        self._per_address = per_address
        self._in_all = in_all

    def check(self, network: str) -> None:
        """Raises `TooManyAttempts` where this address may make no account now."""
        used = self._counters.get(_ALL_REGISTRATIONS)
        if used >= self._in_all:
            wait = self._counters.remaining(_ALL_REGISTRATIONS)
            raise TooManyAttempts(REGISTRATIONS, max(1, wait))
        share = max(1, self._per_address * (self._in_all - used) // self._in_all)
        if self._counters.get(_registrations(network)) >= share:
            wait = self._counters.remaining(_registrations(network))
            raise TooManyAttempts(REGISTRATIONS_OF_ONE, max(1, wait))

    def reserve(self, network: str) -> None:
        """Count an account that is about to be made. Raises `TooManyAttempts`."""
        self.check(network)
        self._counters.incr(_registrations(network), REGISTRATIONS_WINDOW_S)
        self._counters.incr(_ALL_REGISTRATIONS, REGISTRATIONS_WINDOW_S)


_ALL_REGISTRATIONS = "registrations"


def _registrations(network: str) -> str:
    return f"registrations from {network}"


def _failures(caller: Caller) -> str:
    return f"failures {caller.device or caller.account}"


def _delay(caller: Caller) -> str:
    return f"delay {caller.device or caller.account}"


def _address(caller: Caller) -> str:
    return f"failures from {caller.network}"
