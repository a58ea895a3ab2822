import jwt
import pytest

from backend import protocol
from backend.auth.tokens import (
    AccessClaims,
    Authenticator,
    Revocations,
    TokenIssuer,
    TokenRejected,
    new_id,
)
from tests.auth.accounts_app import SECRET, ManualClock
from tests.auth.bad_tokens import INVALID, NOW_MS, SESSION


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
