"""The keys that tokens are signed with, and what a signature proves.

The first key signs. The others are of before a rotation: what was signed with them is read until
it expires by itself, so that nobody has to log in again because the key was changed.
"""

import hmac
from collections.abc import Sequence
from typing import Any

import jwt

ALGORITHM = "HS256"

# Ours have about 520. JSON that nests as deep as fits in here stays within the interpreter's
# recursion limit, so no token can make a parser raise `RecursionError`.
TOKEN_MAX_CHARS = 1024
# Enough to tell a handful of keys apart; the rest of the digest would only lengthen each token.
KEY_ID_CHARS = 16


class BadSignature(jwt.InvalidTokenError):
    """No token of ours: not of our form, or not signed with any of our keys."""


def key_id(secret: str) -> str:
    """What the header of a token calls the key: one-way, and the same in every process."""
    return hmac.digest(secret.encode(), b"CRS key id", "sha256").hex()[:KEY_ID_CHARS]


class Keyring:
    """The current key and those of before."""

    def __init__(self, current: str, previous: Sequence[str] = ()) -> None:
        self._current = key_id(current)
        self._secrets = {key_id(secret): secret for secret in (current, *previous)}

    def sign(self, claims: dict[str, Any]) -> str:
        """A token of these claims, under the current key."""
        secret = self._secrets[self._current]
        return jwt.encode(claims, secret, ALGORITHM, headers={"kid": self._current})

    def payload(self, token: str) -> dict[str, Any]:
        """The claims of a token of ours, not judged any further. Raises `BadSignature`."""
        if len(token) > TOKEN_MAX_CHARS:
            raise BadSignature("too long")
        try:
            secret = self.secret(jwt.get_unverified_header(token))
            return jwt.decode(token, secret, [ALGORITHM], options=_SIGNATURE_ONLY)
        except (jwt.InvalidTokenError, ValueError) as error:
            raise BadSignature("not of any of our keys") from error

    def secret(self, header: dict[str, Any]) -> str:
        """The key that a token with this header says it was signed with; one that names none, as
        before keys had names, means the current one. Raises `BadSignature`."""
        named = header.get("kid", self._current)
        if not isinstance(named, str) or named not in self._secrets:
            raise BadSignature("of a key that is not ours, or not any more")
        return self._secrets[named]


# The library judges the signature; claims are judged in `claims`, by our clock and types.
_SIGNATURE_ONLY: Any = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
