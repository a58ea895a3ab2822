"""Accounts hold over all processes that share a Redis: what ends a session anywhere ends it
everywhere, and limits are counted together."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conftest import Connect, StartServer, start_together
from tests.fanout.raw_clients import WebSocket
from tests.redis_server import Redis
from tests.servers import ATTENTIVE, PASSWORD, Server, adjusted, bearer, wait_until
from tests.storage.conftest import postgresql, postgresql_url
from tests.stream_clients import PythonClient

__all__ = ["postgresql", "postgresql_url"]

Login = dict[str, Any]
Accepted = Callable[..., PythonClient]
StartPair = Callable[..., list[Server]]


def strangers_on(redis: Redis, start: StartServer) -> list[Server]:
    return start_together(start, *[{**ATTENTIVE, "REDIS_URL": redis.url}] * 2)


@pytest.fixture(scope="module")
def strangers_for_all(redis_for_all: Redis, start_for_all: StartServer) -> list[Server]:
    """Two processes that know of each other by Redis alone: each has a database of its own, where
    nothing is to be found of what ended in the other's."""
    return strangers_on(redis_for_all, start_for_all)


@pytest.fixture
def strangers(redis_server: Redis, start_server: StartServer) -> list[Server]:
    """The same for a test that does them harm."""
    return strangers_on(redis_server, start_server)


@pytest.fixture
def accepted(connect: Connect) -> Accepted:
    """Connects a client with an access token, and waits until it is accepted."""

    def start(server: Server, token: str, **options: Any) -> PythonClient:
        client = connect(auth={"token": token}, to=server, **options)
        client.wait("connection_status")
        return client

    return start


def log_out(server: Server, login: Login) -> None:
    assert server.post("/api/auth/logout", headers=bearer(login["access_token"])).status_code == 200


def end_from_elsewhere(server: Server, login: Login) -> None:
    headers = bearer(server.log_in_again(login)["access_token"])
    listed = server.get("/api/auth/sessions", headers=headers).json()["sessions"]
    (found,) = [session["id"] for session in listed if not session["current"]]
    path = f"/api/auth/sessions/{found}"
    assert server.delete(path, headers=headers).status_code == 200


def log_out_everywhere(server: Server, login: Login) -> None:
    headers = bearer(server.log_in_again(login)["access_token"])
    assert server.post("/api/auth/logout-all", headers=headers).status_code == 200


def use_twice(server: Server, login: Login) -> None:
    body = {"refresh_token": login["refresh_token"]}
    assert [server.post("/api/auth/refresh", body).status_code for _ in range(2)] == [200, 401]


def change_password(server: Server, login: Login) -> None:
    headers = bearer(server.log_in_again(login)["access_token"])
    body = {"current_password": PASSWORD, "new_password": f"new {PASSWORD}"}
    assert server.post("/api/auth/password", body, headers=headers).status_code == 200


SENT = 'crs_orders_total{fate="sent"}'
WAYS = (log_out, end_from_elsewhere, log_out_everywhere, use_twice, change_password)


@pytest.mark.parametrize("end", WAYS, ids=lambda way: way.__name__)
def test_what_ends_a_session_closes_its_connections_on_every_process_by_an_order(
    end: Callable[[Server, Login], None],
    strangers_for_all: list[Server],
    accepted: Accepted,
    connect: Connect,
) -> None:
    here, there = strangers_for_all
    ending, staying = here.new_login(), here.new_login()
    clients = [accepted(server, ending["access_token"]) for server in strangers_for_all]
    other = accepted(there, staying["access_token"])
    end(here, ending)
    for client in clients:
        assert client.wait("auth_error")["error"] == "Token revoked"
        client.wait("disconnect")
    again = connect(auth={"token": ending["access_token"]}, to=there)
    assert again.wait("auth_error")["error"] == "Token revoked"
    assert other.ack("heartbeat")["server_time"]
    assert other.all("auth_error") == []


@pytest.fixture(params=["sqlite", "postgresql"])
def three(
    request: pytest.FixtureRequest, redis_server: Redis, start_server: StartServer, tmp_path: Path
) -> list[Server]:
    """Three processes with one database."""
    database = f"sqlite:///{tmp_path}/crs.db"
    if request.param == "postgresql":
        database = request.getfixturevalue("postgresql_url")
    options = {"REDIS_URL": redis_server.url, "DATABASE_URL": database}
    return start_together(start_server, *[options] * 3)


def test_a_session_can_be_opened_refreshed_and_ended_on_any_of_several_processes(
    three: list[Server], accepted: Accepted
) -> None:
    first, second, third = three
    login = first.new_login()
    body = {"refresh_token": login["refresh_token"]}
    fresh = second.post("/api/auth/refresh", body).json()
    clients = [accepted(server, fresh["access_token"]) for server in three]
    # The token that was used on the second is known to have been on the third.
    assert third.post("/api/auth/refresh", body).status_code == 401
    for client in clients:
        assert client.wait("auth_error")["error"] == "Token revoked"


@pytest.fixture
def pair(redis_server: Redis, start_server: StartServer, tmp_path: Path) -> StartPair:
    """Starts two processes on one Redis and one database, with options that are given."""
    urls = {"REDIS_URL": redis_server.url, "DATABASE_URL": f"sqlite:///{tmp_path}/crs.db"}
    return lambda **options: start_together(start_server, *[{**urls, **options}] * 2)


@pytest.mark.parametrize("away", ["stopped", "hung"])
def test_while_redis_is_away_the_database_tells_of_ended_sessions_and_logins_go_on(
    away: str, pair: StartPair, redis_server: Redis, accepted: Accepted
) -> None:
    one, two = pair()
    redis_server.stop() if away == "stopped" else redis_server.hang()
    login = one.new_login()
    client = accepted(two, login["access_token"])
    log_out(one, login)
    assert client.wait("auth_error")["error"] == "Token revoked"
    redis_server.resume()  # which the servers would wait for at their end


def test_a_hung_redis_does_not_hold_the_process(
    redis_server: Redis, start_server: StartServer, accepted: Accepted
) -> None:
    server = start_server(REDIS_URL=redis_server.url)
    redis_server.hang()
    answered = 0
    with ThreadPoolExecutor(1) as pool:
        login = pool.submit(server.new_login)
        while not login.done():
            server.get("/health")
            answered += 1
    # The login has waited for the deadlines of its questions to Redis; a process that waited with
    # it would have answered about once for each.
    assert answered > 10
    accepted(server, login.result()["access_token"])
    assert "Traceback" not in server.output()
    redis_server.resume()


@pytest.mark.parametrize("away", ["stopped", "hung"])
def test_orders_that_were_given_while_redis_was_away_are_done_when_it_is_back(
    away: str, strangers: list[Server], redis_server: Redis, accepted: Accepted
) -> None:
    here, there = strangers
    login = here.new_login()
    client = accepted(there, login["access_token"])
    redis_server.stop() if away == "stopped" else redis_server.hang()
    log_out(here, login)
    wait_until(lambda: here.get("/health").status_code == 503, "Redis to be missed")
    assert client.all("auth_error") == []
    redis_server.start() if away == "stopped" else redis_server.resume()
    assert client.wait("auth_error")["error"] == "Token revoked"
    # And from then on as before.
    login = there.new_login()
    client = accepted(here, login["access_token"])
    log_out(there, login)
    assert client.wait("auth_error")["error"] == "Token revoked"


def test_orders_of_before_its_start_are_not_for_a_process(
    redis_server: Redis, start_server: StartServer, accepted: Accepted
) -> None:
    one = start_server(REDIS_URL=redis_server.url)
    log_out(one, one.new_login())
    before = int(wait_until(lambda: one.metric(SENT), "orders to be given"))
    two = start_server(REDIS_URL=redis_server.url)
    login = one.new_login()
    client = accepted(two, login["access_token"])
    log_out(one, login)
    assert client.wait("auth_error")["error"] == "Token revoked"
    # A login is an order, too: its place is a known one from then on.
    assert 1 <= two.metric('crs_orders_total{fate="done"}') <= one.metric(SENT) - before


def takes(server: Server, token: str) -> bool:
    """Whether one more connection with this token is accepted; it is closed again."""
    client = PythonClient(server.url, {"token": token})
    try:
        wait_until(
            lambda: client.all("connection_status") or client.all("error"), "what is said of it"
        )
        return not client.all("error")
    finally:
        client.close()


# What a process says of its connections counts for this long, in place of 5 s.
FRESH = adjusted({"backend.journal.redis_census.FRESH_SECONDS": 2})


def test_connections_of_a_user_are_counted_over_all_processes(
    pair: StartPair, accepted: Accepted
) -> None:
    one, two = pair(CONNECTIONS_PER_USER="2", **FRESH)
    token, another = one.token, one.new_login()["access_token"]
    for _ in range(2):
        accepted(one, token)
    wait_until(lambda: not takes(two, token), "the limit to hold on the other")
    assert takes(two, another)
    # A process that was killed took its connections with it.
    one.process.kill()
    wait_until(lambda: takes(two, token), "the places to be free again")


def status(server: Server) -> int:
    with WebSocket(server.url) as client:
        return client.status


def test_connections_of_an_address_are_counted_over_all_processes(
    pair: StartPair, redis_server: Redis
) -> None:
    one, two = pair(CONNECTIONS_PER_ADDRESS="2", **FRESH)
    with WebSocket(one.url), WebSocket(one.url):
        wait_until(lambda: status(two) == 429, "the limit to hold on the other")
        redis_server.hang()
        wait_until(lambda: status(two) == 101, "the other to count for itself")
        redis_server.resume()
        wait_until(lambda: status(two) == 429, "the limit to hold again")
    wait_until(lambda: status(two) == 101, "the places to be free again")


def test_requests_of_an_address_are_counted_over_all_processes(strangers: list[Server]) -> None:
    with requests.Session() as session:
        body = {"refresh_token": "none"}
        answered = [
            session.post(f"{server.url}/api/auth/refresh", json=body).status_code
            for _ in range(121)
            for server in strangers
        ]
    # 120 a minute; it may end once meanwhile.
    assert 120 <= answered.count(401) <= 240
    assert 429 in answered
