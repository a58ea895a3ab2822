"""Access and refresh tokens: issuing, reading, and the sessions whose tokens are void.

Tokens are HS256 JWTs with the claims of flask-jwt-extended (`sub`, `jti`, `type`, `fresh`, `iat`,
`exp`) and one of ours: `sid`, the session that a login opened. All tokens of a session die with
it. Nothing here touches the disk or Flask, so a Socket.IO connect costs microseconds.
"""

import heapq
import logging
import math
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import jwt

from backend import protocol
from backend.clock import Clock

log = logging.getLogger(__name__)

ALGORITHM = "HS256"
ACCESS = "access"
REFRESH = "refresh"

# Ours have about 380. JSON that nests as deep as fits in here stays within the interpreter's
# recursion limit, so no token can make a parser raise `RecursionError`.
TOKEN_MAX_CHARS = 1024
# Beyond this `exp` is no date any more (year 9999, in seconds).
EXPIRY_MAX = 253_402_300_799
# Ids are signed 64-bit integers in the database.
USER_ID_PATTERN = re.compile(r"[1-9][0-9]{0,17}")
ID_PATTERN = re.compile(r"[0-9a-f]{32}")

SECOND_MS = 1000


class TokenRejected(Exception):
    """A token that can't be used; `failure` says why, in the words that the client is sent."""

    def __init__(self, failure: protocol.AuthFailure) -> None:
        super().__init__(failure.error)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Claims:
    """What a genuine token says. `expires_at_ms` is UTC milliseconds since the epoch."""

    user_id: int
    session_id: str
    token_id: str
    expires_at_ms: int


class AccessClaims(Claims):
    """The claims of an access token: may read what the user may."""

    __slots__ = ()


class RefreshClaims(Claims):
    """The claims of a refresh token: may be exchanged once."""

    __slots__ = ()


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
        self, secret: str, access_lifetime: float, refresh_lifetime: float, clock: Clock
    ) -> None:
        self.access_lifetime = math.ceil(access_lifetime)
        self.refresh_lifetime = math.ceil(refresh_lifetime)
        self._secret = secret
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
            "iat": now,
            "exp": now + lifetime,
        }
        encoded = jwt.encode(claims, self._secret, ALGORITHM)
        return Token(encoded, token_id, (now + lifetime) * SECOND_MS)


class Revocations:
    """The sessions whose tokens are void although their signatures are good, in memory.

    A session is kept until every access token of it has expired by itself, which bounds the size
    by the logouts of one access lifetime. Lives on the hub's thread.
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
        if session_id in self._until or access_expires_at_ms <= self._clock.now_ms():
            return
        self._until[session_id] = access_expires_at_ms
        heapq.heappush(self._expiries, (access_expires_at_ms, session_id))
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

    def __init__(self, secret: str, revocations: Revocations, clock: Clock) -> None:
        self._secret = secret
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
        if not isinstance(token, str) or len(token) > TOKEN_MAX_CHARS:
            raise TokenRejected(protocol.TOKEN_INVALID)
        try:
            payload = jwt.decode(token, self._secret, [ALGORITHM], options=_SIGNATURE_ONLY)
        except (jwt.InvalidTokenError, ValueError) as error:
            raise TokenRejected(protocol.TOKEN_INVALID) from error
        claims = read_claims(payload)
        if claims is None:
            raise TokenRejected(protocol.TOKEN_INVALID)
        if claims.expires_at_ms <= self._clock.now_ms():
            raise TokenRejected(protocol.TOKEN_EXPIRED)
        if claims.session_id in self._revocations:
            raise TokenRejected(protocol.TOKEN_REVOKED)
        return claims


# The library judges the signature; claims are judged here, by our clock and types.
_SIGNATURE_ONLY: Any = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


_KINDS: dict[str, type[AccessClaims] | type[RefreshClaims]] = {
    ACCESS: AccessClaims,
    REFRESH: RefreshClaims,
}


def read_claims(payload: dict[str, Any]) -> AccessClaims | RefreshClaims | None:
    """The claims of a payload, or None where one is missing or has no meaning."""
    kind = _KINDS.get(str(payload.get("type")))
    expiry = payload.get("exp")
    if kind is None or type(expiry) is not int or not 0 < expiry <= EXPIRY_MAX:
        return None
    subject, session_id, token_id = (payload.get(name) for name in ("sub", "sid", "jti"))
    if not isinstance(subject, str) or not USER_ID_PATTERN.fullmatch(subject):
        return None
    if not isinstance(session_id, str) or not ID_PATTERN.fullmatch(session_id):
        return None
    if not isinstance(token_id, str) or not ID_PATTERN.fullmatch(token_id):
        return None
    return kind(int(subject), session_id, token_id, expiry * SECOND_MS)
