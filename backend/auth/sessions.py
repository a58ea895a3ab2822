"""The sessions that logins open: their tokens, how they go on, and how they end."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from backend import green
from backend.auth.claims import ID_PATTERN, Claims, TokenRejected
from backend.auth.tokens import (
    REVOCATION_GRACE_MS,
    Authenticator,
    Revocations,
    Token,
    TokenIssuer,
    new_id,
)
from backend.clock import Clock
from backend.journal.orders import REVOKED, Orders
from backend.offload import Offload
from backend.protocol import TOKEN_REVOKED
from backend.storage.sessions import (
    PURGE_BATCH,
    Origin,
    Revoked,
    Session,
    SessionSeen,
    SessionStore,
)
from backend.storage.users import User

log = logging.getLogger(__name__)

# By how much another process's clock may be behind, and its transaction slow, without its logouts
# being missed here.
PEER_DELAY_MS = 60_000
# Sessions that are voided between two rests of the hub: each may close connections.
VOIDED_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Grant:
    """What a login or a refresh hands out; lifetimes in seconds. Tokens are kept out of `repr`."""

    user: User
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    refresh_expires_in: int


class LoginSessions:
    """The sessions of this server's users. Methods may raise `Overloaded` and
    `StorageUnavailable`.

    Lives on the hub's thread; the database is asked in the offload.
    """

    def __init__(
        self,
        store: SessionStore,
        issuer: TokenIssuer,
        authenticator: Authenticator,
        revocations: Revocations,
        orders: Orders,
        offload: Offload,
        clock: Clock,
    ) -> None:
        self._store = store
        self._issuer = issuer
        self._authenticator = authenticator
        self._revocations = revocations
        self._offload = offload
        self._clock = clock
        self._revocations_read_ms = 0
        self._orders = orders
        orders.on(REVOKED, revocations.load)

    def open(self, user: User, origin: Origin) -> Grant | None:
        """Open a session of a user whose password was verified; None where it was changed since."""
        session, access, refresh = self._issue(user.id, new_id(), origin)
        displaced = self._offload.run_write(
            self._store.open, session, user.password_hash, self._clock.now_ms()
        )
        if displaced is None:
            return None
        self._void(displaced)
        return self._grant(user, access, refresh)

    def refresh(self, token: object, origin: Origin) -> Grant:
        """Exchange a refresh token, once; the second time ends the session for both holders.

        Raises `TokenRejected`.
        """
        claims = self._authenticator.authenticate_refresh(token)
        session, access, refresh = self._issue(claims.user_id, claims.session_id, origin)
        outcome = self._offload.run_write(
            self._store.rotate, session, claims.token_id, self._clock.now_ms()
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
        self._end(claims.session_id, claims.user_id)

    def change_password(self, user: User, new_hash: str, kept_id: str) -> bool:
        """Give a user another password and end every session but one; False, with nothing done,
        where it was changed since the user was read."""
        ended = self._offload.run_write(
            self._store.change_password,
            user.id,
            user.password_hash,
            new_hash,
            kept_id,
            self._clock.now_ms(),
        )
        if ended is None:
            return False
        self._void(ended)
        return True

    def end_all(self, claims: Claims) -> None:
        """End every session of a token's user. Raises `TokenRejected`, as `user` does."""
        user = self.user(claims)
        self._void(self._offload.run_write(self._store.revoke_all, user.id, self._clock.now_ms()))

    def list(self, claims: Claims) -> tuple[list[SessionSeen], int]:
        """The open sessions of a token's user, that of the token first, and how many there are.

        Raises `TokenRejected`, as `user` does.
        """
        user = self.user(claims)
        return self._offload.run_read(
            self._store.open_of, user.id, claims.session_id, self._clock.now_ms()
        )

    def end(self, claims: Claims, session_id: str) -> bool:
        """End one session of a token's user; whether there was one. Raises `TokenRejected`."""
        user = self.user(claims)
        return bool(ID_PATTERN.fullmatch(session_id)) and self._end(session_id, user.id)

    def user(self, claims: Claims) -> User:
        """The user of a token. Raises `TokenRejected` if its session is gone from the database."""
        user = self._offload.run_read(self._store.user, claims.session_id, claims.user_id)
        if user is None:
            raise TokenRejected(TOKEN_REVOKED)
        return user

    def load_revocations(self) -> None:
        """Learn which sessions have ended: at start, and now and then where processes share the
        database, since another one may have ended them."""
        now = self._clock.now_ms()
        since = self._revocations_read_ms - PEER_DELAY_MS
        if now < self._revocations_read_ms:
            # The clock was set back, and with it the times of what is ended from now on.
            since = 1
        for ended in _in_parts(self._offload.run_read(self._store.revoked, now, since)):
            self._revocations.load(ended)
        self._revocations_read_ms = now

    def purge(self) -> None:
        """Remove sessions that nobody can use any more; to be called now and then."""
        before = self._clock.now_ms() - REVOCATION_GRACE_MS
        while self._offload.run_write(self._store.purge, before) == PURGE_BATCH:
            green.pause()

    def _void(self, ended: Sequence[Revoked]) -> None:
        """Refuse the tokens of sessions that have just ended, and close their connections: in all
        processes. One that does not hear of it finds them in the database."""
        for part in _in_parts(ended):
            self._orders.give(REVOKED, sessions=part)
            self._revocations.load(part)

    def _end(self, session_id: str, user_id: int) -> bool:
        ended = self._offload.run_write(
            self._store.revoke, session_id, user_id, self._clock.now_ms()
        )
        if ended is not None:
            self._void([ended])
        return ended is not None

    def _issue(self, user_id: int, session_id: str, origin: Origin) -> tuple[Session, Token, Token]:
        access = self._issuer.access(user_id, session_id)
        refresh = self._issuer.refresh(user_id, session_id)
        session = Session(
            session_id,
            user_id,
            refresh.token_id,
            access.expires_at_ms,
            refresh.expires_at_ms,
            origin,
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


def _in_parts(ended: Sequence[Revoked]) -> Iterator[list[tuple[str, int]]]:
    """Sessions (id, last access expiry in ms), a few at a time, and a rest of the hub between."""
    for start in range(0, len(ended), VOIDED_AT_ONCE):
        if start:
            green.pause()
        part = ended[start : start + VOIDED_AT_ONCE]
        yield [(each.session_id, each.access_expires_at_ms) for each in part]
