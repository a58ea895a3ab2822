"""Accounts: register, log in, change the password. What the routes mean, without HTTP."""

import re
from dataclasses import dataclass, field, replace

from backend.auth.attempts import Caller
from backend.auth.claims import Claims
from backend.auth.gate import Gate, InvalidCredentials
from backend.auth.passwords import Passwords
from backend.auth.sessions import Grant, LoginSessions
from backend.clock import Clock
from backend.offload import Offload
from backend.storage.sessions import Origin
from backend.storage.users import User, UserStore

USERNAME_PATTERN = re.compile(r"[A-Za-z0-9._@+-]{3,64}")
# NIST SP 800-63B asks for length, and against rules on which characters to mix. The upper bound
# keeps hashing time constant.
PASSWORD_MIN_CHARS, PASSWORD_MAX_CHARS = 8, 128


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: the network that it counts as, the device cookie that it holds (not in `repr`),
    and what is kept of where a session is used."""

    network: str
    device_cookie: str | None = field(default=None, repr=False)
    origin: Origin = Origin()


def credential_problems(username: str, password: str) -> dict[str, str]:
    """What keeps these from becoming an account, by field; empty if nothing does."""
    problems = {}
    if not USERNAME_PATTERN.fullmatch(username):
        problems["username"] = "must be 3 to 64 characters of A-Z a-z 0-9 . _ - @ +"
    if problem := password_problem(password, username):
        problems["password"] = problem
    return problems


def password_problem(password: str, username: str) -> str | None:
    """What keeps this from being the password of that user; None if nothing does."""
    if not PASSWORD_MIN_CHARS <= len(password) <= PASSWORD_MAX_CHARS:
        return f"must be {PASSWORD_MIN_CHARS} to {PASSWORD_MAX_CHARS} characters"
    if "\0" in password:
        return "must not contain NUL"
    if password.lower() == username.lower():
        return "must not be the username"
    return None


class Accounts:
    """The accounts of this server. Methods may raise `Overloaded` and `StorageUnavailable`.

    Lives on the hub's thread; hashing and the database run in the offload.
    """

    def __init__(
        self,
        users: UserStore,
        sessions: LoginSessions,
        passwords: Passwords,
        gate: Gate,
        offload: Offload,
        clock: Clock,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._passwords = passwords
        self._gate = gate
        self._offload = offload
        self._clock = clock

    def register(self, username: str, password: str, client: Client) -> User:
        """Create an account of credentials without problems. Raises `UsernameTaken`, and
        `TooManyAttempts` where the client has made its share of accounts."""
        caller = self._gate.caller(username, client.network, client.device_cookie)
        with self._gate.registration(caller):
            password_hash = self._offload.run(self._passwords.hash, password)
        user = self._offload.run_write(
            self._users.add, username, password_hash, self._clock.now_ms()
        )
        self._gate.welcome(caller)
        return user

    def log_in(self, username: str, password: str, client: Client) -> tuple[Grant, str]:
        """Open a session; returns the cookie by which the device is known from now on, too.

        Raises `InvalidCredentials`, after the same work for either cause, and `TooManyAttempts`.
        """
        caller = self._gate.caller(username, client.network, client.device_cookie)
        with self._gate.guess(caller):
            user = self._verified(self._by_name(username), password)
        grant = self._sessions.open(user, client.origin)
        if grant is None:
            raise InvalidCredentials
        return grant, self._gate.welcome(caller)

    def change_password(self, claims: Claims, current: str, new: str, client: Client) -> None:
        """Take a new password, without problems, and end every session but that of the token.

        Raises `InvalidCredentials` where the current one is wrong, `TooManyAttempts` where it was
        guessed at too often, and `TokenRejected`.
        """
        user = self._sessions.user(claims)
        # Whoever got hold of a token has a few guesses with it, and no others are charged for them.
        caller = Caller(f"user {user.id}", client.network, f"session {claims.session_id}")
        if len(current) > PASSWORD_MAX_CHARS:
            raise InvalidCredentials
        with self._gate.guess(caller):
            user = self._verified(user, current)
            new_hash = self._offload.run(self._passwords.hash, new)
        if not self._sessions.change_password(user, new_hash, claims.session_id):
            raise InvalidCredentials

    def _by_name(self, username: str) -> User | None:
        if not USERNAME_PATTERN.fullmatch(username):
            return None
        return self._offload.run_read(self._users.by_name, username)

    def _verified(self, user: User | None, password: str) -> User:
        """The user, with today's kind of hash, if that is the password."""
        stored = None if user is None else user.password_hash
        genuine = self._offload.run(self._passwords.verify, stored, password)
        if user is None or not genuine:
            raise InvalidCredentials
        if not self._passwords.outdated(user.password_hash):
            return user
        fresh = self._offload.run(self._passwords.hash, password)
        self._offload.run_write(self._users.change_hash, user.id, user.password_hash, fresh)
        return replace(user, password_hash=fresh)
