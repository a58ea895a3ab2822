import jwt
import pytest

from backend.auth.keys import BadSignature, Keyring, key_id
from tests.auth.accounts_app import SECRET

OLD = "the secret of before, as long as one must be"
CLAIMS = {"sub": "7"}


def test_tokens_name_the_key_and_it_is_not_to_be_had_from_the_name() -> None:
    token = Keyring(SECRET).sign(CLAIMS)
    kid = jwt.get_unverified_header(token)["kid"]
    assert kid == key_id(SECRET) != key_id(OLD)
    assert kid not in SECRET
    assert Keyring(SECRET).payload(token) == CLAIMS


def test_after_a_rotation_old_tokens_are_read_and_new_ones_signed_with_the_new_key() -> None:
    old = Keyring(OLD).sign(CLAIMS)
    rotated = Keyring(SECRET, (OLD,))
    assert rotated.payload(old) == CLAIMS
    assert jwt.get_unverified_header(rotated.sign(CLAIMS))["kid"] == key_id(SECRET)
    with pytest.raises(BadSignature):
        Keyring(SECRET).payload(old)


def test_a_token_that_names_no_key_is_of_the_current_one() -> None:
    rotated = Keyring(SECRET, (OLD,))
    assert rotated.payload(jwt.encode(CLAIMS, SECRET, "HS256")) == CLAIMS
    with pytest.raises(BadSignature):
        rotated.payload(jwt.encode(CLAIMS, OLD, "HS256"))


def test_a_key_serves_for_tokens_that_name_it_only() -> None:
    rotated = Keyring(SECRET, (OLD,))
    for named, signed_with in ((OLD, SECRET), (SECRET, OLD)):
        token = jwt.encode(CLAIMS, signed_with, "HS256", headers={"kid": key_id(named)})
        with pytest.raises(BadSignature):
            rotated.payload(token)
