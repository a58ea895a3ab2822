"""The way to a password hash, for logins and new accounts: how often, and in whose turn."""

from collections.abc import Iterator
from contextlib import contextmanager

from backend.auth.attempts import Attempts, Caller, Registrations, account_digest
from backend.auth.devices import Devices
from backend.auth.line import Line


class InvalidCredentials(Exception):
    """The name or the password is wrong; which one is not said. Answer 401."""


class Gate:
    """Lets through who may hash now. Methods may raise `TooManyAttempts` and `Overloaded`."""

    def __init__(
        self, attempts: Attempts, registrations: Registrations, line: Line, devices: Devices
    ) -> None:
        self._attempts = attempts
        self._registrations = registrations
        self._line = line
        self._devices = devices

    def caller(self, username: str, network: str, cookie: str | None) -> Caller:
        """Who wants to log in, as far as that is known before the password is looked at."""
        account = account_digest(username)
        return Caller(account, network, self._devices.recognise(account, network, cookie))

    @contextmanager
    def guess(self, caller: Caller) -> Iterator[None]:
        """A turn to look at a password. The block raises `InvalidCredentials` for a wrong one;
        whatever else ends it is not held against the caller."""
        # Before the line, and once more at its end: others may have guessed meanwhile.
        self._attempts.check(caller)
        with self._line.take(caller) as turn:
            self._attempts.reserve(caller)
            try:
                yield
            except InvalidCredentials:
                raise
            except BaseException:
                self._attempts.give_back(caller)
                raise
            self._attempts.give_back(caller)
            turn.proved_honest()

    @contextmanager
    def registration(self, caller: Caller) -> Iterator[None]:
        """A turn to hash the password of a new account."""
        self._registrations.check(caller.network)
        with self._line.take(caller, patient=True):
            self._registrations.reserve(caller.network)
            yield

    def welcome(self, caller: Caller) -> str:
        """The caller is the account's owner; the cookie by which the device is known from now."""
        return self._devices.remember(caller.account, caller.network)
