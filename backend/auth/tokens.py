"""Access and refresh tokens: issuing, reading, and the sessions whose tokens are void.

Tokens are HS256 JWTs; `keys` signs them, `claims` says what is in them. All tokens of a session die
with it. Nothing here touches the disk or Flask, so a Socket.IO connect costs microseconds.
"""

import heapq
import logging
import math
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from backend import protocol
from backend.auth.claims import (
    ACCESS,
    AUDIENCE,
    ISSUER,
    REFRESH,
    SECOND_MS,
    AccessClaims,
    RefreshClaims,
    read_claims,
)
from backend.auth.claims import TokenRejected as TokenRejected
from backend.auth.keys import BadSignature, Keyring
from backend.clock import HOUR_MS, Clock

log = logging.getLogger(__name__)

# A revocation is remembered for this much longer than it is needed: a wall clock that was ahead,
# and is set back, would bring tokens back to life whose revocation was forgotten meanwhile.
REVOCATION_GRACE_MS = 2 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Token:
    """A signed token and the claims that whoever issued it needs to remember."""

    encoded: str
    token_id: str
    expires_at_ms: int


def new_id() -> str:
    """An id that can't be guessed: 122 random bits as 32 hexadecimal digits."""
    return uuid.uuid4().hex


class TokenIssuer:
    """Signs tokens; lifetimes are in seconds and rounded up to whole ones."""

    def __init__(
        self, keys: Keyring, access_lifetime: float, refresh_lifetime: float, clock: Clock
    ) -> None:
        self.access_lifetime = math.ceil(access_lifetime)
        self.refresh_lifetime = math.ceil(refresh_lifetime)
        self._keys = keys
        self._clock = clock

    def access(self, user_id: int, session_id: str) -> Token:
        """An access token of the session, valid from now."""
        return self._issue(ACCESS, user_id, session_id, self.access_lifetime)

    def refresh(self, user_id: int, session_id: str) -> Token:
        """A refresh token of the session, valid from now."""
        return self._issue(REFRESH, user_id, session_id, self.refresh_lifetime)

    def _issue(self, kind: str, user_id: int, session_id: str, lifetime: int) -> Token:
        now = self._clock.now_ms() // SECOND_MS
        token_id = new_id()
        claims = {
            "sub": str(user_id),
            "sid": session_id,
            "jti": token_id,
            "type": kind,
            "fresh": False,
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + lifetime,
        }
        return Token(self._keys.sign(claims), token_id, (now + lifetime) * SECOND_MS)


class Revocations:
    """The sessions whose tokens are void although their signatures are good, in memory.

    A session is kept until every access token of it has expired by itself, and a grace, which
    bounds the size by the logouts of that time. Lives on the hub's thread.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, int] = {}
        self._expiries: list[tuple[int, str]] = []
        self._listeners: list[Callable[[str], None]] = []

    def __contains__(self, session_id: object) -> bool:
        return session_id in self._until

    def __len__(self) -> int:
        return len(self._until)

    def add(self, session_id: str, access_expires_at_ms: int) -> None:
        """Void a session whose last access token expires then; tells the listeners, once."""
        self._forget_expired()
        until = access_expires_at_ms + REVOCATION_GRACE_MS
        if session_id in self._until or until <= self._clock.now_ms():
            return
        self._until[session_id] = until
        heapq.heappush(self._expiries, (until, session_id))
        for listener in tuple(self._listeners):
            try:
                listener(session_id)
            except Exception:
                # The session is void in any case, and the other listeners have to learn of it.
                log.exception("A listener failed on a revoked session")

    def load(self, sessions: Iterable[tuple[str, int]]) -> None:
        """`add` each (session id, last access expiry in ms), as at start or from a peer."""
        for session_id, access_expires_at_ms in sessions:
            self.add(session_id, access_expires_at_ms)

    def subscribe(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener(session_id)` on each revocation, until the returned function is called."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def _forget_expired(self) -> None:
        now = self._clock.now_ms()
        while self._expiries and self._expiries[0][0] <= now:
            _, session_id = heapq.heappop(self._expiries)
            del self._until[session_id]


class Authenticator:
    """Reads tokens that strangers present. Every refusal is a `TokenRejected`."""

    def __init__(self, keys: Keyring, revocations: Revocations, clock: Clock) -> None:
        self._keys = keys
        self._revocations = revocations
        self._clock = clock

    def authenticate(self, token: object) -> AccessClaims:
        """The claims of an access token that is genuine, unexpired and unrevoked."""
        claims = self.identify(token)
        if not isinstance(claims, AccessClaims):
            raise TokenRejected(protocol.TOKEN_INVALID)
        return claims

    def authenticate_refresh(self, token: object) -> RefreshClaims:
        """Likewise for a refresh token; that it was not used before, the database knows."""
        claims = self.identify(token)
        if not isinstance(claims, RefreshClaims):
            raise TokenRejected(protocol.TOKEN_INVALID)
        return claims

    def identify(self, token: object) -> AccessClaims | RefreshClaims:
        """Likewise for a token of either type."""
        if token is None or token == "":
            raise TokenRejected(protocol.TOKEN_MISSING)
        if not isinstance(token, str):
            raise TokenRejected(protocol.TOKEN_INVALID)
        try:
            payload = self._keys.payload(token)
        except BadSignature as error:
            raise TokenRejected(protocol.TOKEN_INVALID) from error
        claims = read_claims(payload, self._clock.now_ms())
        if claims.session_id in self._revocations:
            raise TokenRejected(protocol.TOKEN_REVOKED)
        return claims
