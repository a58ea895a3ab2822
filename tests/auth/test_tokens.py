import base64
import json
from typing import Any

import jwt
import pytest

from backend import protocol
from backend.auth.tokens import (
    TOKEN_MAX_CHARS,
    AccessClaims,
    Authenticator,
    Revocations,
    TokenIssuer,
    TokenRejected,
    new_id,
)
from tests.auth.accounts_app import SECRET, ManualClock

NOW_MS = 1_800_000_000_500
SESSION = new_id()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_MS)


@pytest.fixture
def revocations(clock: ManualClock) -> Revocations:
    return Revocations(clock)


@pytest.fixture
def authenticator(revocations: Revocations, clock: ManualClock) -> Authenticator:
    return Authenticator(SECRET, revocations, clock)


@pytest.fixture
def issuer(clock: ManualClock) -> TokenIssuer:
    return TokenIssuer(SECRET, access_lifetime=60, refresh_lifetime=600, clock=clock)


def signed(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    """A token like ours, but for `changes`; None leaves a claim out."""
    claims = {
        "sub": "7",
        "sid": SESSION,
        "jti": new_id(),
        "type": "access",
        "fresh": False,
        "iat": NOW_MS // 1000,
        "exp": NOW_MS // 1000 + 60,
        **changes,
    }
    present = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(present, secret, algorithm)


def handmade(header: object, payload: object) -> str:
    """A token of any JSON, with a signature that is not one."""
    parts = [
        part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)
    ]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + ".AAAA"


def refusal(authenticator: Authenticator, token: object) -> protocol.AuthFailure:
    with pytest.raises(TokenRejected) as caught:
        authenticator.authenticate(token)
    return caught.value.failure


def test_an_issued_access_token_says_who_and_until_when(
    authenticator: Authenticator, issuer: TokenIssuer
) -> None:
    token = issuer.access(7, SESSION)
    claims = authenticator.authenticate(token.encoded)
    assert claims == AccessClaims(7, SESSION, token.token_id, token.expires_at_ms)
    # Whole seconds, as the claim has them.
    assert claims.expires_at_ms == 1_800_000_060_000


def test_tokens_carry_the_claims_of_flask_jwt_extended(issuer: TokenIssuer) -> None:
    payload = jwt.decode(
        issuer.access(7, SESSION).encoded, SECRET, ["HS256"], options={"verify_iat": False}
    )
    assert payload == {
        "sub": "7",
        "sid": SESSION,
        "jti": payload["jti"],
        "type": "access",
        "fresh": False,
        "iat": 1_800_000_000,
        "exp": 1_800_000_060,
    }


def test_each_type_is_accepted_where_it_belongs_only(
    authenticator: Authenticator, issuer: TokenIssuer
) -> None:
    access, refresh = issuer.access(7, SESSION).encoded, issuer.refresh(7, SESSION).encoded
    assert authenticator.authenticate_refresh(refresh).user_id == 7
    assert refusal(authenticator, refresh) == protocol.TOKEN_INVALID
    with pytest.raises(TokenRejected):
        authenticator.authenticate_refresh(access)
    assert authenticator.identify(access).session_id == SESSION
    assert authenticator.identify(refresh).session_id == SESSION


def test_a_token_is_good_to_the_last_millisecond(
    authenticator: Authenticator, issuer: TokenIssuer, clock: ManualClock
) -> None:
    token = issuer.access(7, SESSION)
    clock.set_ms(token.expires_at_ms - 1)
    authenticator.authenticate(token.encoded)
    clock.set_ms(token.expires_at_ms)
    assert refusal(authenticator, token.encoded) == protocol.TOKEN_EXPIRED


def test_lifetimes_under_a_second_still_give_a_usable_token(
    authenticator: Authenticator, clock: ManualClock
) -> None:
    issuer = TokenIssuer(SECRET, access_lifetime=0.6, refresh_lifetime=0.6, clock=clock)
    assert issuer.access_lifetime == 1
    authenticator.authenticate(issuer.access(7, SESSION).encoded)


@pytest.mark.parametrize("token", [None, ""])
def test_no_token_is_missing(authenticator: Authenticator, token: object) -> None:
    assert refusal(authenticator, token) == protocol.TOKEN_MISSING


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
}


@pytest.mark.parametrize("token", INVALID.values(), ids=INVALID.keys())
def test_whatever_else_is_presented_is_invalid(authenticator: Authenticator, token: object) -> None:
    assert refusal(authenticator, token) == protocol.TOKEN_INVALID


def test_changing_one_character_anywhere_invalidates_a_token(
    authenticator: Authenticator, issuer: TokenIssuer
) -> None:
    good = issuer.access(7, SESSION).encoded
    # The last character also holds padding bits, which decoders may ignore.
    for position in range(len(good) - 1):
        changed = "A" if good[position] != "A" else "B"
        token = good[:position] + changed + good[position + 1 :]
        assert refusal(authenticator, token) == protocol.TOKEN_INVALID, position


def test_tokens_of_a_revoked_session_are_refused_and_of_others_are_not(
    authenticator: Authenticator, issuer: TokenIssuer, revocations: Revocations
) -> None:
    token, other = issuer.access(7, SESSION), issuer.access(7, new_id())
    revocations.add(SESSION, token.expires_at_ms)
    assert refusal(authenticator, token.encoded) == protocol.TOKEN_REVOKED
    with pytest.raises(TokenRejected) as caught:
        authenticator.authenticate_refresh(issuer.refresh(7, SESSION).encoded)
    assert caught.value.failure == protocol.TOKEN_REVOKED
    authenticator.authenticate(other.encoded)


def test_an_expired_token_of_a_revoked_session_is_expired(
    authenticator: Authenticator, issuer: TokenIssuer, revocations: Revocations, clock: ManualClock
) -> None:
    token = issuer.access(7, SESSION)
    revocations.add(SESSION, token.expires_at_ms + 10_000)
    clock.set_ms(token.expires_at_ms)
    assert refusal(authenticator, token.encoded) == protocol.TOKEN_EXPIRED


def test_revocations_are_kept_until_no_token_needs_them(
    revocations: Revocations, clock: ManualClock
) -> None:
    ids = [new_id() for _ in range(3)]
    for n, session_id in enumerate(ids, start=1):
        revocations.add(session_id, NOW_MS + n * 1000)
    clock.set_ms(NOW_MS + 1999)
    revocations.add(new_id(), NOW_MS + 9000)
    assert [session_id in revocations for session_id in ids] == [False, True, True]
    assert len(revocations) == 3
    revocations.add(new_id(), NOW_MS)
    assert len(revocations) == 3


def test_listeners_hear_of_each_revoked_session_once_until_they_leave(
    revocations: Revocations,
) -> None:
    heard: list[str] = []
    unsubscribe = revocations.subscribe(heard.append)
    first, second, third = new_id(), new_id(), new_id()
    revocations.load([(first, NOW_MS + 1000), (second, NOW_MS + 1000)])
    revocations.load([(first, NOW_MS + 1000), (second, NOW_MS + 1000)])
    unsubscribe()
    unsubscribe()
    revocations.add(third, NOW_MS + 1000)
    assert heard == [first, second]
    assert third in revocations


def test_a_listener_that_fails_is_logged_and_stops_no_other(
    revocations: Revocations, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    def fail(session_id: str) -> None:
        raise RuntimeError("a broken listener")

    revocations.subscribe(fail)
    revocations.subscribe(heard.append)
    revocations.add(SESSION, NOW_MS + 1000)
    assert heard == [SESSION]
    assert SESSION in revocations
    assert "a broken listener" in caplog.text


def test_a_revoked_session_is_known_to_listeners_as_revoked(
    authenticator: Authenticator, issuer: TokenIssuer, revocations: Revocations
) -> None:
    token = issuer.access(7, SESSION)
    seen: list[protocol.AuthFailure] = []
    revocations.subscribe(lambda _: seen.append(refusal(authenticator, token.encoded)))
    revocations.add(SESSION, token.expires_at_ms)
    assert seen == [protocol.TOKEN_REVOKED]
