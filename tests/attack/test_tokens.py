"""No token that the server has not made, or that is not for this, opens anything."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from benchmarks.load.frames import client_frame
from benchmarks.load.handshake import STREAM_PATH, upgrade
from tests.attack.attackers.crowd import sources
from tests.attack.raw import answers, exchange
from tests.attack.siege import port_of
from tests.conftest import StartServer
from tests.servers import Server

pytestmark = pytest.mark.served

HOUR = 3_600
ACCEPTED = b'"connected"'
# Attempts at once, each from an address of its own.
AT_ONCE = 16

Token = str | bytes | object


def encoded(part: object) -> str:
    """A part of a token: JSON, or these bytes."""
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Forge:
    """Makes tokens like a genuine one, but for what a trick changes."""

    def __init__(self, genuine: str, key: str) -> None:
        self.genuine = genuine
        self.key = key.encode()
        self.header, self.claims = (
            json.loads(base64.urlsafe_b64decode(part + "==")) for part in genuine.split(".")[:2]
        )

    def sign(
        self,
        header: dict[str, Any] | None = None,
        claims: dict[str, Any] | None = None,
        key: bytes | None = None,
        digest: str = "sha256",
    ) -> str:
        """With changes to the header and to the claims; a value of None leaves one out."""
        parts = [
            {
                name: value
                for name, value in {**whole, **(changes or {})}.items()
                if value is not None
            }
            for whole, changes in ((self.header, header), (self.claims, claims))
        ]
        signed = ".".join(map(encoded, parts))
        signature = hmac.new(self.key if key is None else key, signed.encode(), digest).digest()
        return f"{signed}.{encoded(signature)}"


def tricks(forge: Forge, refresh_token: str) -> dict[str, Token]:
    """Tokens that must not be taken, by what is tried."""
    now = int(time.time())
    head, body, signature = forge.genuine.split(".")
    other = forge.sign(claims={"sub": "1"}).split(".")
    header = {
        "alg none": {"alg": "none"},
        "alg None": {"alg": "None"},
        "alg NONE": {"alg": "NONE"},
        "alg nOnE": {"alg": "nOnE"},
        "alg empty": {"alg": ""},
        "alg absent": {"alg": None},
        "alg in small letters": {"alg": "hs256"},
        "alg as a list": {"alg": ["HS256"]},
        "alg as a number": {"alg": 256},
        "alg RS256 over HMAC": {"alg": "RS256"},
        "alg ES256 over HMAC": {"alg": "ES256"},
        "alg PS256 over HMAC": {"alg": "PS256"},
        "alg EdDSA over HMAC": {"alg": "EdDSA"},
        "alg HS384 over SHA-256": {"alg": "HS384"},
        "critical extension": {"crit": ["exp"]},
        "unencoded payload": {"b64": False, "crit": ["b64"]},
        "encrypted": {"enc": "A128GCM", "alg": "dir"},
    }
    injected = {
        "kid of a file": "../../../../dev/null",
        "kid of a process": "/proc/sys/kernel/randomize_va_space",
        "kid of SQL": "x' UNION SELECT 'key' --",
        "kid of a command": "key; sleep 5 |",
        "kid as a list": ["x"],
        "kid that is long": "x" * 500,
        "kid with NUL": "x\0",
        "kid that nobody has": "0123456789abcdef",
    }
    claims = {
        "nbf in the future": {"nbf": now + HOUR},
        "iat in the future": {"iat": now + HOUR},
        "expired": {"exp": now - 10, "iat": now - HOUR},
        "exp absent": {"exp": None},
        "exp as text": {"exp": str(now + HOUR)},
        "exp beyond all clocks": {"exp": 10**30},
        "exp below zero": {"exp": -1},
        "exp as a list": {"exp": [now + HOUR]},
        "nbf as text": {"nbf": "tomorrow"},
        "another audience": {"aud": "another-service"},
        "several audiences": {"aud": ["another-service", "a-third"]},
        "another issuer": {"iss": "https://evil.example"},
        "type refresh": {"type": "refresh"},
        "type absent": {"type": None},
        "type as a list": {"type": ["access"]},
        "subject absent": {"sub": None},
        "subject as a number": {"sub": 1},
        "subject as an object": {"sub": {"$ne": 1}},
        "subject of SQL": {"sub": "1 OR 1=1"},
        "subject below zero": {"sub": "-1"},
        "session absent": {"sid": None},
        "session of SQL": {"sid": "' OR ''='"},
        "session as a list": {"sid": [forge.claims["sid"]]},
        "id absent": {"jti": None},
    }
    keys = {
        "no key": b"",
        "a well-known key": b"secret",
        "a key of zeros": bytes(32),
        "another key": secrets.token_bytes(32),
        "the key, hashed": hashlib.sha256(forge.key).digest(),
        "the public key of nobody": b"-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n",
    }
    jwk = {"kty": "oct", "k": encoded(b"attacker"), "kid": "attacker"}
    return {
        **{name: forge.sign(header=changes) for name, changes in header.items()},
        **{name: forge.sign({"kid": kid}, key=b"") for name, kid in injected.items()},
        **{name: forge.sign(claims=changes) for name, changes in claims.items()},
        **{name: forge.sign(key=key) for name, key in keys.items()},
        "key in the header": forge.sign({"jwk": jwk}, key=b"attacker"),
        "key at an address": forge.sign({"jku": "http://127.0.0.1:1/keys"}, key=b"attacker"),
        "certificate at an address": forge.sign({"x5u": "http://127.0.0.1:1/x"}, key=b"attacker"),
        "HS512 with the key": forge.sign({"alg": "HS512"}, digest="sha512"),
        "a refresh token": refresh_token,
        "no signature": f"{head}.{body}.",
        "no third part": f"{head}.{body}",
        "half a signature": f"{head}.{body}.{signature[:20]}",
        "none, and no signature": f"{encoded({'alg': 'none'})}.{body}.",
        "another's claims": f"{head}.{other[1]}.{signature}",
        "another's signature": f"{head}.{body}.{other[2]}",
        "a fourth part": f"{forge.genuine}.{signature}",
        "twice": f"{forge.genuine}.{forge.genuine}",
        "a token in a token": encoded(forge.genuine.encode()),
        "a token signed in a token": ".".join(
            (encoded({"alg": "HS256", "cty": "JWT"}), encoded(forge.genuine.encode()), signature)
        ),
        "JSON form": json.dumps({"protected": head, "payload": body, "signature": signature}),
        "a NUL behind": forge.genuine + "\0",
        "a word before": f"Bearer {forge.genuine}",
        "huge": "a" * 15_000,
        "huge and dotted": "." * 15_000,
        "header nested": f"{encoded(b'[' * 500)}.{body}.{signature}",
        "payload nested": f"{head}.{encoded(b'{' * 500)}.{signature}",
        "header not UTF-8": f"{encoded(bytes(range(128, 200)))}.{body}.{signature}",
        "empty parts": "..",
        "blanks": "   ",
        "JavaScript's": "undefined",
    }


# What only JSON can carry.
SHAPES: dict[str, Token] = {
    "a list": ["x"],
    "an object": {"$gt": ""},
    "a number": 1,
    "true": True,
    "null": None,
    "empty": "",
}


@pytest.fixture(scope="module")
def guarded(_start: StartServer) -> Server:
    return _start()


@pytest.fixture(scope="module")
def forge(guarded: Server) -> Forge:
    return Forge(guarded.token, guarded.environment["JWT_SECRET_KEY"])


def over_rest(server: Server, token: str, source: str) -> int:
    """The status of asking for the user."""
    head = f"GET /api/auth/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    request = f"{head}Connection: close\r\n\r\n".encode()
    return answers(exchange(port_of(server), request, source=source))[0].status


def over_refresh(server: Server, token: Token, source: str) -> int:
    """The status of asking for a fresh access token."""
    body = json.dumps({"refresh_token": token}).encode()
    head = (
        "POST /api/auth/refresh HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return answers(exchange(port_of(server), head.encode() + body, source=source))[0].status


def over_the_stream(server: Server, token: Token, source: str) -> bytes:
    """All that is heard of the server, until it closes, by one who connects with the token."""
    packet = client_frame(b"40" + json.dumps({"token": token}).encode())
    return exchange(port_of(server), upgrade(STREAM_PATH), packet, source=source, until=ACCEPTED)


def test_what_the_forge_makes_is_taken_if_nothing_is_changed(forge: Forge, guarded: Server) -> None:
    assert over_rest(guarded, forge.sign(), "127.0.0.1") == 200
    assert ACCEPTED in over_the_stream(guarded, forge.sign(), "127.0.0.1")


def test_no_trick_gets_in(forge: Forge, guarded: Server) -> None:
    forged = tricks(forge, guarded.tokens["refresh_token"])
    assert len(forged) > 75
    everything = forged | SHAPES
    homes = dict(zip(everything, sources(40, len(everything)), strict=True))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        heard = dict(
            zip(
                everything,
                pool.map(
                    lambda name: over_the_stream(guarded, everything[name], homes[name]), everything
                ),
                strict=True,
            )
        )
        asked = dict(
            zip(
                forged,
                pool.map(lambda name: over_rest(guarded, str(forged[name]), homes[name]), forged),
                strict=True,
            )
        )
        # A genuine refresh token is what this is for.
        others = [name for name in everything if name != "a refresh token"]
        refreshed = dict(
            zip(
                others,
                pool.map(lambda name: over_refresh(guarded, everything[name], homes[name]), others),
                strict=True,
            )
        )
    assert [name for name, data in heard.items() if b'"auth_error"' not in data] == []
    assert [name for name, data in heard.items() if ACCEPTED in data] == []
    assert {name: status for name, status in asked.items() if status not in (401, 400, 431)} == {}
    assert {name: status for name, status in refreshed.items() if status not in (401, 400)} == {}
    assert "Traceback" not in guarded.output()
