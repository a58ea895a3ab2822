"""What a token says: read from a payload whose signature is genuine, and judged by our clock.

The claims are those of flask-jwt-extended (`sub`, `jti`, `type`, `fresh`, `iat`, `exp`), `iss` and
`aud`, and one of ours: `sid`, the session that a login opened.
"""

import re
from dataclasses import dataclass
from typing import Any

from backend import protocol

ACCESS = "access"
REFRESH = "refresh"
# The same in every installation: a key is not to be shared, and this tells our tokens from those
# of a service with which somebody shares it all the same.
ISSUER = "crs"
AUDIENCE = "crs"

# By how much the clock of the process that issued a token may be ahead of ours. RFC 7519 speaks of
# "no more than a few minutes"; machines with NTP differ by milliseconds.
LEEWAY_S = 10
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


_KINDS: dict[str, type[AccessClaims] | type[RefreshClaims]] = {
    ACCESS: AccessClaims,
    REFRESH: RefreshClaims,
}


def read_claims(payload: dict[str, Any], now_ms: int) -> AccessClaims | RefreshClaims:
    """The claims of a payload. Raises `TokenRejected`: invalid where one is missing or has no
    meaning, or the token is of another issuer, for another audience or not yet in force; expired
    where its time is over."""
    claims = _well_formed(payload)
    of_before = "iss" not in payload and "aud" not in payload
    if claims is None or not (of_before or _ours(payload)):
        raise TokenRejected(protocol.TOKEN_INVALID)
    if isinstance(claims, AccessClaims):
        # A refresh token needs neither of these: the database has to know its id, too, and so
        # clients get over an update, or a clock that was set back, by a refresh.
        if not _in_force(payload, now_ms):
            raise TokenRejected(protocol.TOKEN_INVALID)
        if of_before:
            raise TokenRejected(protocol.TOKEN_EXPIRED)
    if claims.expires_at_ms <= now_ms:
        raise TokenRejected(protocol.TOKEN_EXPIRED)
    return claims


def _well_formed(payload: dict[str, Any]) -> AccessClaims | RefreshClaims | None:
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


def _ours(payload: dict[str, Any]) -> bool:
    return payload.get("iss") == ISSUER and payload.get("aud") == AUDIENCE


def _in_force(payload: dict[str, Any], now_ms: int) -> bool:
    begins = [payload[name] for name in ("iat", "nbf") if name in payload]
    latest = now_ms // SECOND_MS + LEEWAY_S
    return all(type(instant) is int and instant <= latest for instant in begins)
