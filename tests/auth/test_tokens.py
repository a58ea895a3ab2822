import jwt
import pytest

from backend import protocol
from backend.auth.claims import LEEWAY_S, AccessClaims, TokenRejected
from backend.auth.keys import TOKEN_MAX_CHARS, Keyring
from backend.auth.tokens import (
    REVOCATION_GRACE_MS,
    Authenticator,
    Revocations,
    TokenIssuer,
    new_id,
)
from tests.auth.accounts_app import SECRET
from tests.auth.bad_tokens import INVALID, NOW_MS, SESSION, signed
from tests.clocks import ManualClock

KEYS = Keyring(SECRET)
NOW_S = NOW_MS // 1000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_MS)


@pytest.fixture
def revocations(clock: ManualClock) -> Revocations:
    return Revocations(clock)


@pytest.fixture
def authenticator(revocations: Revocations, clock: ManualClock) -> Authenticator:
    return Authenticator(KEYS, revocations, clock)


@pytest.fixture
def issuer(clock: ManualClock) -> TokenIssuer:
    return TokenIssuer(KEYS, access_lifetime=60, refresh_lifetime=600, clock=clock)


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
        issuer.access(7, SESSION).encoded,
        SECRET,
        ["HS256"],
        audience="crs",
        issuer="crs",
        options={"verify_iat": False},
    )
    assert payload == {
        "sub": "7",
        "sid": SESSION,
        "jti": payload["jti"],
        "type": "access",
        "fresh": False,
        "iss": "crs",
        "aud": "crs",
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
    issuer = TokenIssuer(KEYS, access_lifetime=0.6, refresh_lifetime=0.6, clock=clock)
    assert issuer.access_lifetime == 1
    authenticator.authenticate(issuer.access(7, SESSION).encoded)


@pytest.mark.parametrize("token", [None, ""])
def test_no_token_is_missing(authenticator: Authenticator, token: object) -> None:
    assert refusal(authenticator, token) == protocol.TOKEN_MISSING


@pytest.mark.parametrize("token", INVALID.values(), ids=INVALID.keys())
def test_whatever_else_is_presented_is_invalid(authenticator: Authenticator, token: object) -> None:
    assert refusal(authenticator, token) == protocol.TOKEN_INVALID


def test_ours_stay_well_within_what_is_read(issuer: TokenIssuer) -> None:
    assert len(issuer.refresh(10**17, SESSION).encoded) < TOKEN_MAX_CHARS * 0.7


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_the_clock_of_who_issued_a_token_may_be_a_little_ahead(
    authenticator: Authenticator, claim: str
) -> None:
    authenticator.authenticate(signed(**{claim: NOW_S + LEEWAY_S}))
    assert refusal(authenticator, signed(**{claim: NOW_S + LEEWAY_S + 1})).code == "token_invalid"


def test_a_refresh_gets_over_a_clock_that_was_set_back(authenticator: Authenticator) -> None:
    ahead = {"iat": NOW_S + 3600, "exp": NOW_S + 7200}
    assert refusal(authenticator, signed(**ahead)) == protocol.TOKEN_INVALID
    authenticator.authenticate_refresh(signed(type="refresh", **ahead))


def test_a_refresh_gets_over_an_update_from_before_issuer_and_audience(
    authenticator: Authenticator,
) -> None:
    # What an expired access token wants, too: clients know what to do.
    assert refusal(authenticator, signed(iss=None, aud=None)) == protocol.TOKEN_EXPIRED
    authenticator.authenticate_refresh(signed(type="refresh", iss=None, aud=None))


def test_tokens_of_before_a_rotation_are_good_until_they_expire(
    revocations: Revocations, clock: ManualClock
) -> None:
    old = Keyring("the secret of before, as long as one must be")
    token = TokenIssuer(old, 60, 600, clock).access(7, SESSION)
    rotated = Keyring(SECRET, ("the secret of before, as long as one must be",))
    authenticator = Authenticator(rotated, revocations, clock)
    assert authenticator.authenticate(token.encoded).user_id == 7
    clock.set_ms(token.expires_at_ms)
    assert refusal(authenticator, token.encoded) == protocol.TOKEN_EXPIRED
    assert refusal(Authenticator(KEYS, revocations, clock), token.encoded).code == "token_invalid"


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
    clock.set_ms(NOW_MS + REVOCATION_GRACE_MS + 1999)
    revocations.add(new_id(), NOW_MS + REVOCATION_GRACE_MS + 9000)
    assert [session_id in revocations for session_id in ids] == [False, True, True]
    assert len(revocations) == 3
    revocations.add(new_id(), NOW_MS)
    assert len(revocations) == 3


def test_a_clock_that_is_set_back_brings_no_revoked_token_back(
    authenticator: Authenticator,
    issuer: TokenIssuer,
    revocations: Revocations,
    clock: ManualClock,
) -> None:
    clock.set_ms(NOW_MS + 3_600_000)
    token = issuer.access(7, SESSION)
    revocations.add(SESSION, token.expires_at_ms)
    clock.set_ms(token.expires_at_ms + 3_600_000)
    revocations.add(new_id(), token.expires_at_ms + 7_200_000)
    clock.set_ms(token.expires_at_ms - 1000)
    assert refusal(authenticator, token.encoded) == protocol.TOKEN_REVOKED


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
