"""Guesses and registrations are limited, and their limits touch nobody else."""

from flask.testing import FlaskClient

from backend.api.counters import BoundedCounters
from backend.auth.attempts import REGISTRATIONS_PER_ADDRESS
from backend.auth.cookies import DEVICE_COOKIE
from tests.auth.accounts_app import AccountsApp
from tests.auth.calls import ALICE, assert_error, cookie_of
from tests.auth.conftest import BuildApp


def login(client: FlaskClient, username: str, password: str, address: str = "10.0.0.1") -> int:
    answer = client.post(
        "/api/auth/login",
        json={"username": username, "password": password},
        environ_base={"REMOTE_ADDR": address},
    )
    if answer.status_code == 429:
        assert_error(answer, 429, "rate_limited")
        assert 1 <= int(answer.headers["Retry-After"]) <= 300
    return answer.status_code


def test_guesses_at_one_name_are_limited_and_touch_nobody_else(accounts_app: AccountsApp) -> None:
    client = accounts_app.app.test_client()
    client.post("/api/auth/register", json=ALICE)
    client.post("/api/auth/register", json={**ALICE, "username": "bob"})
    guesses = [login(client, "alice", f"guess number {n}") for n in range(12)]
    assert guesses == [401] * 10 + [429] * 2
    assert accounts_app.refusals == {"guesses_at_account": 2}
    # Not even in other capitals, or with the right password.
    assert login(client, "ALICE", "correct horse") == 429
    assert login(client, "bob", "correct horse") == 200
    # Nor from elsewhere, unless the owner has been there before.
    assert login(client, "alice", "correct horse", address="10.0.0.2") == 429
    assert login(client, "alice", "correct horse", address="127.0.0.1") == 200


def test_the_owner_logs_in_with_a_browser_that_did_before_while_others_guess(
    accounts_app: AccountsApp,
) -> None:
    laptop, guesser = accounts_app.app.test_client(), accounts_app.app.test_client()
    laptop.post("/api/auth/register", json=ALICE)
    assert login(laptop, "alice", "correct horse", address="10.0.0.1") == 200
    cookie = laptop.get_cookie(DEVICE_COOKIE, path="/api/auth/login")
    assert cookie is not None
    for n in range(30):
        login(guesser, "alice", f"guess number {n}", address=f"10.0.1.{n}")
    assert login(guesser, "alice", "correct horse", address="10.0.2.1") == 429
    assert login(laptop, "alice", "correct horse", address="10.0.2.1") == 200
    # Whoever stole the cookie has ten guesses with it.
    guesses = [login(laptop, "alice", f"guess {n}", address="10.0.2.2") for n in range(11)]
    assert guesses == [401] * 10 + [429]


def test_the_cookie_of_a_device_is_out_of_reach_of_script_and_of_other_sites(
    client: FlaskClient,
) -> None:
    client.post("/api/auth/register", json=ALICE)
    attributes = cookie_of(client.post("/api/auth/login", json=ALICE), DEVICE_COOKIE).split("; ")
    assert {"HttpOnly", "SameSite=Strict", "Path=/api/auth/login"} <= {*attributes}


def test_a_new_account_s_owner_is_known_where_it_was_made(client: FlaskClient) -> None:
    client.post("/api/auth/register", json=ALICE, environ_base={"REMOTE_ADDR": "10.0.0.1"})
    for n in range(12):
        login(client, "alice", f"guess number {n}", address="10.0.0.2")
    client.delete_cookie(DEVICE_COOKIE, path="/api/auth/login")
    assert login(client, "alice", "correct horse", address="10.0.0.1") == 200


def test_an_address_makes_no_more_accounts_than_its_share(build_app: BuildApp) -> None:
    counters = BoundedCounters()
    built = build_app(counters=counters)
    client = built.app.test_client()
    counters.incr("registrations from 127.0.0.1", 3600, REGISTRATIONS_PER_ADDRESS - 1)
    statuses = [
        client.post("/api/auth/register", json={**ALICE, "username": f"user{n}"}).status_code
        for n in range(2)
    ]
    assert statuses == [201, 429]
    assert built.refusals == {"registrations_per_address": 1}
    other = {"REMOTE_ADDR": "10.0.0.2"}
    answer = client.post("/api/auth/register", json=ALICE, environ_base=other)
    assert answer.status_code == 201


def test_one_guess_at_each_of_many_names_is_limited_too(accounts_app: AccountsApp) -> None:
    client = accounts_app.app.test_client()
    guesses = [login(client, f"user{n}", "one password") for n in range(101)]
    assert guesses == [401] * 100 + [429]
    assert accounts_app.refusals == {"failed_logins_per_address": 1}
    assert login(client, "user1", "one password", address="10.0.0.2") == 401


def test_successful_logins_are_not_counted_as_failures(client: FlaskClient) -> None:
    client.post("/api/auth/register", json=ALICE)
    assert {login(client, "alice", "correct horse") for _ in range(150)} == {200}


def test_registrations_and_refreshes_are_limited(client: FlaskClient) -> None:
    statuses = [client.post("/api/auth/register", json={}).status_code for _ in range(301)]
    assert statuses == [400] * 300 + [429]
    statuses = [client.post("/api/auth/refresh").status_code for _ in range(121)]
    assert statuses == [401] * 120 + [429]
