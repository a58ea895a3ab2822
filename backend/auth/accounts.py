"""Accounts: register, log in, refresh, log out. What the routes mean, without HTTP."""

import logging
import re
from dataclasses import dataclass, field

from backend.auth.passwords import Passwords
from backend.auth.tokens import (
    Authenticator,
    Claims,
    Revocations,
    Token,
    TokenIssuer,
    TokenRejected,
    new_id,
)
from backend.clock import Clock
from backend.offload import Offload
from backend.protocol import TOKEN_REVOKED
from backend.storage.sessions import Revoked, Session, SessionStore
from backend.storage.users import User, UserStore

log = logging.getLogger(__name__)

USERNAME_PATTERN = re.compile(r"[A-Za-z0-9._@+-]{3,64}")
# NIST SP 800-63B asks for length, and against rules on which characters to mix. The upper bound
# keeps hashing time constant.
PASSWORD_MIN_CHARS, PASSWORD_MAX_CHARS = 8, 128

# By how much another process's clock may be behind, and its transaction slow, without its logouts
# being missed here.
PEER_DELAY_MS = 60_000


class InvalidCredentials(Exception):
    """The name or the password is wrong; which one is not said. Answer 401."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a login or a refresh hands out; lifetimes in seconds. Tokens are kept out of `repr`."""

    user: User
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    refresh_expires_in: int


def credential_problems(username: str, password: str) -> dict[str, str]:
    """What keeps these from becoming an account, by field; empty if nothing does."""
    problems = {}
    if not USERNAME_PATTERN.fullmatch(username):
        problems["username"] = "must be 3 to 64 characters of A-Z a-z 0-9 . _ - @ +"
    if not PASSWORD_MIN_CHARS <= len(password) <= PASSWORD_MAX_CHARS:
        problems["password"] = f"must be {PASSWORD_MIN_CHARS} to {PASSWORD_MAX_CHARS} characters"
    elif "\0" in password:
        problems["password"] = "must not contain NUL"
    elif password.lower() == username.lower():
        problems["password"] = "must not be the username"
    return problems


class Accounts:
    """The accounts of this server. Methods may raise `Overloaded` and `StorageUnavailable`.

    Lives on the hub's thread; hashing and the database run in the offload.
    """

    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        passwords: Passwords,
        issuer: TokenIssuer,
        authenticator: Authenticator,
        revocations: Revocations,
        offload: Offload,
        clock: Clock,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._passwords = passwords
        self._issuer = issuer
        self._authenticator = authenticator
        self._revocations = revocations
        self._offload = offload
        self._clock = clock
        self._revocations_read_ms = 0

    def register(self, username: str, password: str) -> User:
        """Create an account of credentials without problems. Raises `UsernameTaken`."""
        password_hash = self._offload.run(self._passwords.hash, password)
        return self._offload.run_serial(
            self._users.add, username, password_hash, self._clock.now_ms()
        )

    def log_in(self, username: str, password: str) -> Grant:
        """Open a session. Raises `InvalidCredentials`, after the same work for either cause."""
        user = None
        if USERNAME_PATTERN.fullmatch(username):
            user = self._offload.run_serial(self._users.by_name, username)
        stored = None if user is None else user.password_hash
        genuine = self._offload.run(self._passwords.verify, stored, password)
        if user is None or not genuine:
            raise InvalidCredentials
        if self._passwords.outdated(user.password_hash):
            fresh = self._offload.run(self._passwords.hash, password)
            self._offload.run_serial(self._users.change_hash, user.id, user.password_hash, fresh)
        session, access, refresh = self._issue(user.id, new_id())
        displaced = self._offload.run_serial(self._sessions.open, session, self._clock.now_ms())
        self._void(displaced)
        return self._grant(user, access, refresh)

    def refresh(self, token: object) -> Grant:
        """Exchange a refresh token, once; the second time ends the session for both holders.

        Raises `TokenRejected`.
        """
        claims = self._authenticator.authenticate_refresh(token)
        session, access, refresh = self._issue(claims.user_id, claims.session_id)
        outcome = self._offload.run_serial(
            self._sessions.rotate, session, claims.token_id, self._clock.now_ms()
        )
        if isinstance(outcome, User):
            return self._grant(outcome, access, refresh)
        if isinstance(outcome, Revoked):
            log.warning("User %d: a refresh token was used twice; session ended", claims.user_id)
            self._void([outcome])
        raise TokenRejected(TOKEN_REVOKED)

    def log_out(self, token: object) -> None:
        """End the session of an access or refresh token. Raises `TokenRejected`."""
        claims = self._authenticator.identify(token)
        ended = self._offload.run_serial(
            self._sessions.revoke, claims.session_id, self._clock.now_ms()
        )
        if ended is not None:
            self._void([ended])

    def user(self, claims: Claims) -> User:
        """The user of a token. Raises `TokenRejected` if its session is gone from the database."""
        user = self._offload.run_serial(self._sessions.user, claims.session_id, claims.user_id)
        if user is None:
            raise TokenRejected(TOKEN_REVOKED)
        return user

    def load_revocations(self) -> None:
        """Learn which sessions have ended: at start, and now and then where processes share the
        database, since another one may have ended them."""
        now = self._clock.now_ms()
        since = self._revocations_read_ms - PEER_DELAY_MS
        self._void(self._offload.run_serial(self._sessions.revoked, now, since))
        self._revocations_read_ms = now

    def _void(self, ended: list[Revoked]) -> None:
        self._revocations.load((each.session_id, each.access_expires_at_ms) for each in ended)

    def _issue(self, user_id: int, session_id: str) -> tuple[Session, Token, Token]:
        access = self._issuer.access(user_id, session_id)
        refresh = self._issuer.refresh(user_id, session_id)
        session = Session(
            session_id, user_id, refresh.token_id, access.expires_at_ms, refresh.expires_at_ms
        )
        return session, access, refresh

    def _grant(self, user: User, access: Token, refresh: Token) -> Grant:
        return Grant(
            user=user,
            access_token=access.encoded,
            refresh_token=refresh.encoded,
            expires_in=self._issuer.access_lifetime,
            refresh_expires_in=self._issuer.refresh_lifetime,
        )
