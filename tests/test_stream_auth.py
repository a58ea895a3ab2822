"""Tokens on the stream: at connect, and on live connections to their end."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.conftest import Connect, StartServer, start_together
from tests.servers import PASSWORD, Server, adjusted, bearer, wait_until
from tests.stream_clients import RawClient, Recorder


def _refresh_token(server: Server) -> str:
    return str(server.new_login()["refresh_token"])


def _forged(server: Server) -> str:
    claims = jwt.decode(server.token, options={"verify_signature": False})
    return jwt.encode(claims, "another secret, of the same decent length", "HS256")


def _unsigned(server: Server) -> str:
    claims = jwt.decode(server.token, options={"verify_signature": False})
    return jwt.encode(claims, None, "none")


def _changed(server: Server, **changes: Any) -> str:
    """A genuine token but for some claims."""
    claims = jwt.decode(server.token, options={"verify_signature": False})
    return jwt.encode({**claims, **changes}, server.environment["JWT_SECRET_KEY"], "HS256")


def _later(server: Server, claim: str) -> str:
    return _changed(server, **{claim: int(time.time()) + 600})


REFUSALS: dict[str, tuple[Callable[[Server], Any], str]] = {
    "none": (lambda _: None, "Token missing"),
    "empty": (lambda _: {}, "Token missing"),
    "null": (lambda _: {"token": None}, "Token missing"),
    "garbage": (lambda _: {"token": "garbage"}, "Invalid token"),
    "number": (lambda _: {"token": 7}, "Invalid token"),
    "list": (lambda _: {"token": ["x"]}, "Invalid token"),
    "wrong key": (lambda server: {"token": _forged(server)}, "Invalid token"),
    "unsigned": (lambda server: {"token": _unsigned(server)}, "Invalid token"),
    "refresh token": (lambda server: {"token": _refresh_token(server)}, "Invalid token"),
    "of the future": (lambda server: {"token": _later(server, "iat")}, "Invalid token"),
    "not yet in force": (lambda server: {"token": _later(server, "nbf")}, "Invalid token"),
    "of others": (lambda server: {"token": _changed(server, iss="others")}, "Invalid token"),
    "for others": (lambda server: {"token": _changed(server, aud="others")}, "Invalid token"),
    "expired": (lambda server: {"token": _changed(server, exp=1_700_000_000)}, "Token expired"),
}


def _check_refusal(client: Recorder, error: str) -> None:
    refusal = client.wait("auth_error")
    assert refusal["error"] == error
    assert refusal["code"] and refusal["timestamp"].endswith("Z")
    client.wait("disconnect")
    heard = [name for name, _ in client.heard]
    assert not set(heard) & {"connection_status", "sentiment_update", "market_update"}


@pytest.mark.parametrize("case", REFUSALS)
def test_each_bad_token_is_named_in_an_auth_error_that_arrives(
    case: str, connect: Connect, server: Server
) -> None:
    make, error = REFUSALS[case]
    _check_refusal(connect(auth=make(server)), error)


def test_auth_error_arrives_on_every_transport_before_the_server_closes_it(
    way: tuple[str, str], connect: Connect
) -> None:
    stack, transport = way
    _check_refusal(connect(stack, transport, {"token": "garbage"}), "Invalid token")


def test_the_transport_of_a_client_that_stays_is_closed_by_the_server(server: Server) -> None:
    client = RawClient(server.url)
    client.send('40{"token":"garbage"}')
    heard = client.receive_until_closed()
    assert any(message.startswith('42["auth_error"') for message in heard)
    assert "41" in heard


def test_a_client_that_was_refused_cannot_subscribe(server: Server) -> None:
    client = RawClient(server.url)
    client.send('40{"token":"garbage"}')
    for _ in range(5):
        client.send('42["subscribe",{"symbols":["BTC"]}]')
    heard = client.receive_until_closed()
    assert not any("market_update" in message or "confirmed" in message for message in heard)


def test_logout_ends_the_live_connections_of_that_login_only(
    connect: Connect, server: Server
) -> None:
    ending, staying = server.new_login(), server.new_login()
    one = connect(auth={"token": ending["access_token"]})
    two = connect("node", auth={"token": ending["access_token"]})
    other = connect(auth={"token": staying["access_token"]})
    for client in (one, two, other):
        client.wait("connection_status")
    headers = bearer(ending["access_token"])
    assert server.post("/api/auth/logout", headers=headers).status_code in (200, 204)
    for client in (one, two):
        assert client.wait("auth_error")["error"] == "Token revoked"
        client.wait("disconnect")
    _check_refusal(connect(auth={"token": ending["access_token"]}), "Token revoked")
    other.wait("sentiment_update")
    assert other.all("auth_error") == []


@pytest.mark.parametrize("way", ["one session", "all sessions", "the password"])
def test_sessions_that_their_user_ends_elsewhere_lose_their_live_connections(
    way: str, connect: Connect, server: Server
) -> None:
    mine = server.new_login()
    other = server.log_in_again(mine)
    here = connect(auth={"token": mine["access_token"]})
    there = connect(auth={"token": other["access_token"]})
    for client in (here, there):
        client.wait("connection_status")
    headers = bearer(mine["access_token"])
    if way == "one session":
        listed = server.get("/api/auth/sessions", headers=headers).json()["sessions"]
        (found,) = [session["id"] for session in listed if not session["current"]]
        answer = server.delete(f"/api/auth/sessions/{found}", headers=headers)
    elif way == "all sessions":
        answer = server.post("/api/auth/logout-all", headers=headers)
    else:
        body = {"current_password": PASSWORD, "new_password": f"new {PASSWORD}"}
        answer = server.post("/api/auth/password", body, headers=headers)
    assert answer.status_code == 200, answer.text
    for client in (here, there) if way == "all sessions" else (there,):
        assert client.wait("auth_error")["error"] == "Token revoked"
        client.wait("disconnect")
    if way != "all sessions":
        here.wait("sentiment_update")
        assert here.all("auth_error") == []


def test_a_session_that_another_process_ended_loses_its_live_connections(
    start_server: StartServer, connect: Connect, tmp_path: Path
) -> None:
    options = {
        **adjusted({"backend.assembly.accounts.LONE_REVOCATIONS_SECONDS": 0.5}),
        "DATABASE_URL": f"sqlite:///{tmp_path}/crs.db",
    }
    one, two = start_together(start_server, options, options)
    login = one.new_login()
    client = connect(auth={"token": login["access_token"]}, to=two)
    client.wait("connection_status")
    headers = bearer(login["access_token"])
    assert one.post("/api/auth/logout", headers=headers).status_code == 200
    assert client.wait("auth_error")["error"] == "Token revoked"
    client.wait("disconnect")


def test_after_a_change_of_the_key_tokens_of_before_are_good_until_it_is_withdrawn(
    start_server: StartServer, connect: Connect
) -> None:
    first = start_server(JWT_SECRET_KEY="k" * 32)
    login = first.new_login()
    url = first.environment["DATABASE_URL"]
    first.stop()
    second = start_server(
        DATABASE_URL=url, JWT_SECRET_KEY="l" * 32, JWT_PREVIOUS_SECRET_KEYS="k" * 32
    )
    headers = bearer(login["access_token"])
    assert second.get("/api/auth/me", headers=headers).status_code == 200
    connect(auth={"token": login["access_token"]}, to=second).wait("connection_status")
    body = {"refresh_token": login["refresh_token"]}
    fresh = second.post("/api/auth/refresh", body).json()
    second.stop()
    third = start_server(DATABASE_URL=url, JWT_SECRET_KEY="l" * 32)
    assert third.get("/api/auth/me", headers=headers).json()["error"]["code"] == "token_invalid"
    _check_refusal(connect(auth={"token": login["access_token"]}, to=third), "Invalid token")
    connect(auth={"token": fresh["access_token"]}, to=third).wait("connection_status")


def test_a_refused_client_is_in_the_log_with_its_address_and_without_its_token(
    start_server: StartServer, connect: Connect
) -> None:
    server = start_server(TRUSTED_PROXIES="1")
    clients = [RawClient(server.url) for _ in range(100)]
    for client in clients:
        client.send('40{"token":"secret-garbage"}')
    for client in clients:
        client.receive_until_closed()
    wait_until(lambda: "refused a client at 127.0.0.1: token_invalid" in server.output(), "a line")
    assert "secret-garbage" not in server.output()
    assert server.output().count("refused a client") <= 50


def test_a_refresh_token_used_twice_ends_the_live_connections_of_its_family(
    connect: Connect, server: Server
) -> None:
    login = server.new_login()
    client = connect(auth={"token": login["access_token"]})
    client.wait("connection_status")
    body = {"refresh_token": login["refresh_token"]}
    assert server.post("/api/auth/refresh", body).status_code == 200
    assert server.post("/api/auth/refresh", body).status_code == 401
    assert client.wait("auth_error")["error"] == "Token revoked"


def test_a_fresh_token_is_taken_on_the_live_connection(connect: Connect, server: Server) -> None:
    login = server.new_login()
    client = connect(auth={"token": login["access_token"]})
    client.wait("connection_status")
    fresh = server.post("/api/auth/refresh", {"refresh_token": login["refresh_token"]}).json()
    client.emit("authenticate", {"token": fresh["access_token"]})
    status = client.wait("connection_status")
    assert status["status"] == "token_refreshed"
    assert status["user_id"] == login["user"]["id"]
    client.wait("sentiment_update")


@pytest.mark.parametrize("which", ["garbage", "missing", "another user's"])
def test_authenticate_with_a_bad_token_ends_the_connection(
    which: str, connect: Connect, server: Server
) -> None:
    client = connect()
    client.wait("connection_status")
    payload = {
        "garbage": {"token": "garbage"},
        "missing": {},
        "another user's": {"token": server.new_login()["access_token"]},
    }[which]
    client.emit("authenticate", payload)
    expected = "Token missing" if which == "missing" else "Invalid token"
    assert client.wait("auth_error")["error"] == expected
    client.wait("disconnect")


def test_an_access_token_that_expires_is_announced_and_then_ends_the_connection(
    start_server: StartServer, connect: Connect
) -> None:
    server = start_server(ACCESS_TOKEN_MINUTES="0.05")
    client = connect(to=server)
    status = client.wait("connection_status", lambda s: s["status"] == "token_expiring")
    assert status["message"]
    assert client.wait("auth_error")["error"] == "Token expired"
    client.wait("disconnect")


def test_anonymous_clients_stream_where_that_is_allowed(
    start_server: StartServer, connect: Connect
) -> None:
    server = start_server(WEBSOCKET_AUTH_REQUIRED="false")
    client = connect(auth=None, to=server)
    assert "user_id" not in client.wait("connection_status")
    client.emit("subscribe", {"symbols": ["BTC"]})
    assert set(client.wait("market_update")) == {"BTC"}
    known = connect(to=server)
    assert known.wait("connection_status")["user_id"] == server.tokens["user"]["id"]
    _check_refusal(connect(auth={"token": "garbage"}, to=server), "Invalid token")
