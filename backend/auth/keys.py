"""The keys that tokens are signed with, and what a signature proves.

The library judges the signature; claims are judged in `claims`, by our clock and types.

The first key signs. The others are of before a rotation: what was signed with them is read until
it expires by itself, so that nobody has to log in again because the key was changed.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

import jwt
from jwt.algorithms import HMACAlgorithm

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


class _Hmac(HMACAlgorithm):
    """The library's, but for what it makes sure of with each token: that a secret is no public
    key. It is sure of ours after the first."""

    def __init__(self) -> None:
        super().__init__(hashlib.sha256)
        self._prepared: dict[str | bytes, bytes] = {}

    def prepare_key(self, key: str | bytes) -> bytes:
        prepared = self._prepared.get(key)
        if prepared is None:
            prepared = self._prepared[key] = super().prepare_key(key)
        return prepared


class Keyring:
    """The current key and those of before."""

    def __init__(self, current: str, previous: Sequence[str] = ()) -> None:
        self._current = key_id(current)
        self._secrets = {key_id(secret): secret for secret in (current, *previous)}
        self._jws = jwt.PyJWS()
        self._jws.unregister_algorithm(ALGORITHM)
        self._jws.register_algorithm(ALGORITHM, _Hmac())
        # By the header as we write it, which is the same in all tokens of a key and need not be
        # read in each.
        self._by_header = {
            self._encode({}, named).partition(".")[0]: secret
            for named, secret in self._secrets.items()
        }

    def sign(self, claims: dict[str, Any]) -> str:
        """A token of these claims, under the current key."""
        return self._encode(claims, self._current)

    def _encode(self, claims: dict[str, Any], named: str) -> str:
        return jwt.encode(claims, self._secrets[named], ALGORITHM, headers={"kid": named})

    def payload(self, token: str) -> dict[str, Any]:
        """The claims of a token of ours, not judged any further. Raises `BadSignature`."""
        if len(token) > TOKEN_MAX_CHARS:
            raise BadSignature("too long")
        try:
            secret = self._by_header.get(token.partition(".")[0])
            if secret is None:
                secret = self.secret(jwt.get_unverified_header(token))
            payload = json.loads(self._jws.decode(token, secret, [ALGORITHM]))
        except (jwt.InvalidTokenError, ValueError) as error:
            raise BadSignature("not of any of our keys") from error
        if not isinstance(payload, dict):
            raise BadSignature("no claims")
        return payload

    def secret(self, header: dict[str, Any]) -> str:
        """The key that a token with this header says it was signed with; one that names none, as
        before keys had names, means the current one. Raises `BadSignature`."""
        named = header.get("kid", self._current)
        if not isinstance(named, str) or named not in self._secrets:
            raise BadSignature("of a key that is not ours, or not any more")
        return self._secrets[named]
