import re

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError

from backend.auth.passwords import Passwords


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    return Passwords(memory_kib=64, passes=1)


def test_hashes_are_argon2id_with_the_parameters_that_owasp_names() -> None:
    assert re.match(r"\$argon2id\$v=19\$m=19456,t=2,p=1\$", Passwords().hash("correct horse"))


def test_a_password_is_verified_against_its_hash_only(passwords: Passwords) -> None:
    stored = passwords.hash("correct horse")
    assert passwords.verify(stored, "correct horse")
    assert not passwords.verify(stored, "correct horsE")
    assert not passwords.verify(stored, "")


def test_the_same_password_never_hashes_the_same(passwords: Passwords) -> None:
    assert passwords.hash("correct horse") != passwords.hash("correct horse")


@pytest.mark.parametrize("guess", ["correct horse", "of nobody", ""])
def test_nobody_has_a_password(passwords: Passwords, guess: str) -> None:
    assert passwords.verify(None, guess) is False


def test_an_unknown_name_costs_a_verification_like_a_known_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passwords, verified = Passwords(memory_kib=64, passes=1), []
    original = PasswordHasher.verify

    def counted(self: PasswordHasher, stored: str, password: str) -> bool:
        verified.append(stored.split("$")[3])
        return original(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    passwords.verify(passwords.hash("correct horse"), "wrong")
    passwords.verify(None, "wrong")
    assert verified == ["m=64,t=1,p=1"] * 2


def test_a_password_counts_however_its_characters_are_composed(passwords: Passwords) -> None:
    assert passwords.verify(passwords.hash("caf\u00e9 noir"), "cafe\u0301 noir")


def test_a_hash_of_other_parameters_is_outdated_and_still_verifies(passwords: Passwords) -> None:
    stronger = Passwords(memory_kib=128, passes=1)
    stored = passwords.hash("correct horse")
    assert stronger.outdated(stored)
    assert not passwords.outdated(stored)
    assert stronger.verify(stored, "correct horse")


def test_a_damaged_hash_is_an_error_and_no_wrong_password(passwords: Passwords) -> None:
    with pytest.raises(InvalidHashError):
        passwords.verify("not a hash", "correct horse")
