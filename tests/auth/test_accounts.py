import pytest

from backend.auth.accounts import credential_problems
from backend.auth.claims import TokenRejected
from backend.auth.gate import InvalidCredentials
from backend.auth.passwords import Passwords
from backend.auth.tokens import REVOCATION_GRACE_MS
from backend.protocol import TOKEN_EXPIRED, TOKEN_INVALID, TOKEN_REVOKED
from backend.storage.sessions import Origin
from backend.storage.users import UserStore
from tests.auth.accounts_app import SOMEBODY, AccountsApp
from tests.auth.conftest import BuildApp
from tests.clocks import ManualClock

NOW_MS = 1_800_000_000_000
PASSWORD = "correct horse"


class CountingPasswords(Passwords):
    """Notes what was asked of it."""

    def __init__(self, memory_kib: int = 64) -> None:
        super().__init__(memory_kib=memory_kib, passes=1)
        self.asked: list[str] = []

    def hash(self, password: str) -> str:
        self.asked.append("hash")
        return super().hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        self.asked.append("verify")
        return super().verify(stored, password)


@pytest.mark.parametrize(
    "username", ["abc", "A" * 64, "alice@example.com", "a.b_c-d+e", "000", "..."]
)
def test_usernames_of_the_alphabet_are_allowed(username: str) -> None:
    assert credential_problems(username, PASSWORD) == {}


@pytest.mark.parametrize(
    "username",
    ["", "ab", "a" * 65, "a b c", "alice\n", "al\0ce", "ali\u00e7e", "<script>", "a/b/c", "'; --"],
)
def test_other_usernames_are_not(username: str) -> None:
    assert list(credential_problems(username, PASSWORD)) == ["username"]


@pytest.mark.parametrize(
    "password", ["a" * 8, "a" * 128, "        ", "\U0001f511" * 8, "p\u00e4sswort", "password1"]
)
def test_passwords_are_free_within_their_length(password: str) -> None:
    assert credential_problems("alice", password) == {}


@pytest.mark.parametrize("password", ["", "a" * 7, "a" * 129, "a" * 10 + "\0", "ALICE.smith"])
def test_short_long_and_username_passwords_are_not(password: str) -> None:
    assert list(credential_problems("alice.smith", password)) == ["password"]


def test_a_login_works_from_registration_on_and_survives_a_restart(build_app: BuildApp) -> None:
    first = build_app()
    user = first.accounts.register("Alice", PASSWORD, SOMEBODY)
    grant, _ = first.accounts.log_in("alice", PASSWORD, SOMEBODY)
    assert grant.user == user
    claims = first.authenticator.authenticate(grant.access_token)
    assert claims.user_id == user.id
    first.close()
    second = build_app()
    assert second.sessions.user(second.authenticator.authenticate(grant.access_token)) == user
    assert second.sessions.refresh(grant.refresh_token, Origin()).user == user


@pytest.mark.parametrize("username", ["alice", "nobody", "not a name!", "x" * 10_000])
def test_a_refused_login_does_the_same_work_whatever_is_wrong(
    build_app: BuildApp, username: str
) -> None:
    passwords = CountingPasswords()
    built = build_app(passwords=passwords)
    built.accounts.register("alice", PASSWORD, SOMEBODY)
    passwords.asked.clear()
    with pytest.raises(InvalidCredentials):
        built.accounts.log_in(username, "wrong password", SOMEBODY)
    assert passwords.asked == ["verify"]


def test_a_login_renews_a_hash_of_old_parameters_once(build_app: BuildApp) -> None:
    old = build_app()
    old.accounts.register("alice", PASSWORD, SOMEBODY)
    passwords = CountingPasswords(memory_kib=128)
    new = build_app(passwords=passwords)
    with pytest.raises(InvalidCredentials):
        new.accounts.log_in("alice", "wrong password", SOMEBODY)
    assert passwords.asked == ["verify"]
    for _ in range(2):
        new.accounts.log_in("alice", PASSWORD, SOMEBODY)
    assert passwords.asked == ["verify", "verify", "hash", "verify"]
    stored = UserStore(new.database).by_name("alice")
    assert stored is not None
    assert "m=128," in stored.password_hash


def test_a_refresh_keeps_the_session_and_gives_new_tokens(accounts_app: AccountsApp) -> None:
    accounts_app.accounts.register("alice", PASSWORD, SOMEBODY)
    first, _ = accounts_app.accounts.log_in("alice", PASSWORD, SOMEBODY)
    second = accounts_app.sessions.refresh(first.refresh_token, Origin())
    assert second.access_token != first.access_token
    assert second.refresh_token != first.refresh_token
    read = accounts_app.authenticator.authenticate
    assert read(second.access_token).session_id == read(first.access_token).session_id


def test_a_refresh_token_used_twice_voids_all_tokens_and_tells_the_stream(
    accounts_app: AccountsApp,
) -> None:
    accounts_app.accounts.register("alice", PASSWORD, SOMEBODY)
    first, _ = accounts_app.accounts.log_in("alice", PASSWORD, SOMEBODY)
    other, _ = accounts_app.accounts.log_in("alice", PASSWORD, SOMEBODY)
    session_id = accounts_app.authenticator.authenticate(first.access_token).session_id
    told: list[str] = []
    accounts_app.revocations.subscribe(told.append)
    second = accounts_app.sessions.refresh(first.refresh_token, Origin())
    for token in (first.refresh_token, second.refresh_token):
        with pytest.raises(TokenRejected) as caught:
            accounts_app.sessions.refresh(token, Origin())
        assert caught.value.failure == TOKEN_REVOKED
    for token in (first.access_token, second.access_token):
        with pytest.raises(TokenRejected) as caught:
            accounts_app.authenticator.authenticate(token)
        assert caught.value.failure == TOKEN_REVOKED
    assert told == [session_id]
    # The user's other session is not touched.
    accounts_app.sessions.refresh(other.refresh_token, Origin())


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_logout_with_either_token_ends_the_session(accounts_app: AccountsApp, kind: str) -> None:
    accounts_app.accounts.register("alice", PASSWORD, SOMEBODY)
    grant, _ = accounts_app.accounts.log_in("alice", PASSWORD, SOMEBODY)
    told: list[str] = []
    accounts_app.revocations.subscribe(told.append)
    accounts_app.sessions.log_out(getattr(grant, kind))
    assert len(told) == 1
    with pytest.raises(TokenRejected) as caught:
        accounts_app.authenticator.authenticate(grant.access_token)
    assert caught.value.failure == TOKEN_REVOKED
    with pytest.raises(TokenRejected):
        accounts_app.sessions.refresh(grant.refresh_token, Origin())


def test_a_logout_holds_after_a_restart(build_app: BuildApp) -> None:
    first = build_app()
    first.accounts.register("alice", PASSWORD, SOMEBODY)
    grant, _ = first.accounts.log_in("alice", PASSWORD, SOMEBODY)
    first.sessions.log_out(grant.access_token)
    second = build_app()
    with pytest.raises(TokenRejected) as caught:
        second.authenticator.authenticate(grant.access_token)
    assert caught.value.failure == TOKEN_REVOKED


def test_a_logout_in_another_process_is_learnt_of(build_app: BuildApp) -> None:
    here, there = build_app(), build_app()
    here.accounts.register("alice", PASSWORD, SOMEBODY)
    grant, _ = here.accounts.log_in("alice", PASSWORD, SOMEBODY)
    session_id = here.authenticator.authenticate(grant.access_token).session_id
    told: list[str] = []
    here.revocations.subscribe(told.append)
    there.sessions.log_out(grant.access_token)
    here.sessions.load_revocations()
    here.sessions.load_revocations()
    assert told == [session_id]
    with pytest.raises(TokenRejected):
        here.authenticator.authenticate(grant.access_token)


def test_logouts_elsewhere_are_learnt_of_though_the_other_clock_is_behind(
    build_app: BuildApp,
) -> None:
    clock, behind = ManualClock(NOW_MS), ManualClock(NOW_MS - 50_000)
    here, there = build_app(clock=clock), build_app(clock=behind)
    here.accounts.register("alice", PASSWORD, SOMEBODY)
    grant, _ = here.accounts.log_in("alice", PASSWORD, SOMEBODY)
    here.sessions.load_revocations()
    # To the other clock the access token is of the future.
    there.sessions.log_out(grant.refresh_token)
    here.sessions.load_revocations()
    with pytest.raises(TokenRejected):
        here.authenticator.authenticate(grant.access_token)


def test_logouts_elsewhere_are_learnt_of_after_the_clock_was_set_back(
    build_app: BuildApp,
) -> None:
    clock = ManualClock(NOW_MS)
    here, there = build_app(clock=clock), build_app(clock=clock)
    here.accounts.register("alice", PASSWORD, SOMEBODY)
    here.sessions.load_revocations()
    clock.set_ms(NOW_MS - 3_600_000)
    grant, _ = here.accounts.log_in("alice", PASSWORD, SOMEBODY)
    there.sessions.log_out(grant.access_token)
    here.sessions.load_revocations()
    with pytest.raises(TokenRejected):
        here.authenticator.authenticate(grant.access_token)


def test_sessions_that_nobody_can_use_are_removed_whatever_was_done_to_the_clock(
    build_app: BuildApp,
) -> None:
    clock = ManualClock(NOW_MS)
    built = build_app(clock=clock, refresh_token_days=1)
    built.accounts.register("alice", PASSWORD, SOMEBODY)
    built.accounts.log_in("alice", PASSWORD, SOMEBODY)

    def kept() -> int:
        with built.database.read() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM sessions").scalar_one())

    clock.set_ms(NOW_MS + 86_400_000 + 3_600_000)
    built.sessions.purge()
    assert kept() == 1
    clock.set_ms(NOW_MS + 86_400_000 + REVOCATION_GRACE_MS)
    built.sessions.purge()
    assert kept() == 0


def test_the_user_behind_a_token_needs_an_open_session(build_app: BuildApp) -> None:
    here, there = build_app(), build_app()
    here.accounts.register("alice", PASSWORD, SOMEBODY)
    grant, _ = here.accounts.log_in("alice", PASSWORD, SOMEBODY)
    claims = here.authenticator.authenticate(grant.access_token)
    there.sessions.log_out(grant.access_token)
    with pytest.raises(TokenRejected) as caught:
        here.sessions.user(claims)
    assert caught.value.failure == TOKEN_REVOKED


def test_refresh_tokens_end_with_their_time_and_each_refresh_extends_it(
    build_app: BuildApp,
) -> None:
    clock = ManualClock(NOW_MS)
    built = build_app(clock=clock, refresh_token_days=1)
    day = 86_400_000
    built.accounts.register("alice", PASSWORD, SOMEBODY)
    grant, _ = built.accounts.log_in("alice", PASSWORD, SOMEBODY)
    clock.set_ms(NOW_MS + day - 1)
    grant = built.sessions.refresh(grant.refresh_token, Origin())
    clock.set_ms(NOW_MS + 2 * day - 2000)
    grant = built.sessions.refresh(grant.refresh_token, Origin())
    clock.set_ms(NOW_MS + 4 * day)
    with pytest.raises(TokenRejected) as caught:
        built.sessions.refresh(grant.refresh_token, Origin())
    assert caught.value.failure == TOKEN_EXPIRED


def test_an_access_token_does_not_refresh(accounts_app: AccountsApp) -> None:
    accounts_app.accounts.register("alice", PASSWORD, SOMEBODY)
    grant, _ = accounts_app.accounts.log_in("alice", PASSWORD, SOMEBODY)
    with pytest.raises(TokenRejected) as caught:
        accounts_app.sessions.refresh(grant.access_token, Origin())
    assert caught.value.failure == TOKEN_INVALID


def test_tokens_are_not_in_what_a_log_would_show(accounts_app: AccountsApp) -> None:
    accounts_app.accounts.register("alice", PASSWORD, SOMEBODY)
    grant, _ = accounts_app.accounts.log_in("alice", PASSWORD, SOMEBODY)
    assert grant.access_token not in repr(grant)
    assert grant.refresh_token not in repr(grant)
    assert grant.user.password_hash not in repr(grant)
