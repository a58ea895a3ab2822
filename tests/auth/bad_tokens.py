"""Tokens that must not be accepted, of every kind that a stranger may think of."""

import base64
import json
from typing import Any

import jwt

from backend.auth.claims import AUDIENCE, ISSUER, LEEWAY_S
from backend.auth.keys import TOKEN_MAX_CHARS
from backend.auth.tokens import new_id
from tests.auth.accounts_app import SECRET

NOW_MS = 1_800_000_000_500
SESSION = new_id()


def signed(
    secret: str = SECRET,
    algorithm: str = "HS256",
    headers: dict[str, Any] | None = None,
    **changes: Any,
) -> str:
    """A token like ours, but for `changes`; None leaves a claim out."""
    claims = {
        "sub": "7",
        "sid": SESSION,
        "jti": new_id(),
        "type": "access",
        "fresh": False,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": NOW_MS // 1000,
        "exp": NOW_MS // 1000 + 60,
        **changes,
    }
    present = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(present, secret, algorithm, headers=headers)


def handmade(header: object, payload: object) -> str:
    """A token of any JSON, with a signature that is not one."""
    parts = [
        part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)
    ]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + ".AAAA"


INVALID = {
    "text": "garbage",
    "dots": "a.b.c",
    "only dots": "..",
    "a number": 7,
    "bytes": b"a.b.c",
    "a list": ["a"],
    "an object": {"token": "x"},
    "true": True,
    "not ASCII": "\u00e9.\u00e9.\u00e9",
    "a lone surrogate": "\ud800.a.b",
    "NUL": "\0",
    "long": "a" * (TOKEN_MAX_CHARS + 1),
    "huge": "a" * 10_000_000,
    "another key": signed(secret="another secret, also of the length that is needed"),
    "another algorithm": signed(
        secret=SECRET * 2,
        algorithm="HS512",
    ),
    "the right key, another algorithm": signed(secret=SECRET + "x" * 32, algorithm="HS384"),
    "no algorithm": jwt.encode({"sub": "7"}, None, "none"),
    "none, handmade": handmade({"alg": "none", "typ": "JWT"}, {"sub": "7", "type": "access"}),
    "none, in capitals": handmade({"alg": "NONE"}, {"sub": "7"}),
    "header of nested lists": handmade(b"[" * 740, {}),
    "payload of nested lists": handmade({"alg": "HS256"}, b"[" * 700),
    "payload nested too deeply to parse": handmade({"alg": "HS256"}, b"[" * 3000),
    "header nested too deeply to parse": handmade(b"[" * 3000, {}),
    "header that is a list": handmade([], {}),
    "header without algorithm": handmade({}, {}),
    "algorithm that is an object": handmade({"alg": {"a": 1}}, {}),
    "critical extension": handmade({"alg": "HS256", "crit": ["b64"], "b64": False}, {}),
    "a refresh token": signed(type="refresh"),
    "an unknown type": signed(type="reset"),
    "a type that is a list": signed(type=["access"]),
    "no type": signed(type=None),
    "no subject": signed(sub=None),
    "subject zero": signed(sub="0"),
    "subject that is no number": signed(sub="alice"),
    "subject beyond the database": signed(sub="9" * 30),
    "subject in other digits": signed(sub="\u0667"),
    "no session": signed(sid=None),
    "session of another form": signed(sid="x"),
    "session that is a list": signed(sid=[SESSION]),
    "no id": signed(jti=None),
    "an id that is a number": signed(jti=7),
    "no expiry": signed(exp=None),
    "expiry as text": signed(exp="2099-01-01"),
    "expiry true": signed(exp=True),
    "expiry zero": signed(exp=0),
    "negative expiry": signed(exp=-1),
    "expiry beyond the calendar": signed(exp=10**15),
    "expiry beyond any clock": signed(exp=10**300),
    "infinite expiry": signed(exp=float("inf")),
    "expiry NaN": signed(exp=float("nan")),
    "fractional expiry": signed(exp=1_800_000_060.5),
    "another issuer": signed(iss="crt"),
    "another audience": signed(aud="crs-login"),
    "several audiences": signed(aud=["crs", "crs"]),
    "no issuer": signed(iss=None),
    "no audience": signed(aud=None),
    "of the future": signed(iat=NOW_MS // 1000 + LEEWAY_S + 1),
    "not yet in force": signed(nbf=NOW_MS // 1000 + LEEWAY_S + 1),
    "in force from a text on": signed(nbf="soon"),
    "in force from no number on": signed(nbf=float("nan")),
    "a device's cookie": signed(type="device", aud="crs-login"),
    "a key that is not ours": signed(headers={"kid": "0" * 16}),
    "a key that is a list": handmade({"alg": "HS256", "kid": ["0"]}, {"sub": "7"}),
    "a key that is a path": signed(headers={"kid": "../../../dev/null"}),
}
