"""Other programs emit to this server's clients, by the documented way of Flask-SocketIO."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask_socketio import SocketIO

from backend.journal.outside import CHANNEL
from backend.protocol import symbol_room, user_room
from tests.conftest import Connect, StartServer, start_together
from tests.redis_server import Redis
from tests.servers import ATTENTIVE, Server, wait_until

DONE = 'crs_outside_messages_total{fate="done"}'
BROKEN = 'crs_outside_messages_total{fate="broken"}'


def listening(redis: Redis, start: StartServer, folder: Path) -> list[Server]:
    urls = {"REDIS_URL": redis.url, "DATABASE_URL": f"sqlite:///{folder}/crs.db"}
    servers = start_together(start, *[{**ATTENTIVE, **urls}] * 2)
    wait_until_both_listen(redis)
    return servers


def wait_until_both_listen(redis: Redis) -> None:
    with redis.client() as client:
        wait_until(lambda: client.pubsub_numsub(CHANNEL)[0][1] == 2, "both to listen")


@contextmanager
def program(redis: Redis) -> Iterator[SocketIO]:
    """Another program."""
    emitting = SocketIO(message_queue=redis.url, async_mode="threading")
    yield emitting
    manager = emitting.server.manager
    if manager.redis is not None:
        manager.redis.close()


@pytest.fixture(scope="module")
def two(
    redis_for_all: Redis, start_for_all: StartServer, tmp_path_factory: pytest.TempPathFactory
) -> list[Server]:
    """Two processes with one database, which listen to what comes from outside."""
    return listening(redis_for_all, start_for_all, tmp_path_factory.mktemp("two"))


@pytest.fixture
def outside(redis_for_all: Redis) -> Iterator[SocketIO]:
    """Another program, which emits to them."""
    with program(redis_for_all) as emitting:
        yield emitting


@pytest.fixture
def accepted(connect: Connect) -> Callable[..., Any]:
    """Connects a client with a login's token, and waits until it is accepted."""

    def start(server: Server, login: dict[str, Any], stack: str = "python") -> Any:
        client = connect(stack, auth={"token": login["access_token"]}, to=server)
        client.wait("connection_status")
        return client

    return start


def test_an_emit_to_a_user_reaches_all_of_its_connections_and_nobody_else(
    two: list[Server], outside: SocketIO, accepted: Callable[..., Any]
) -> None:
    mine, another = two[0].new_login(), two[0].new_login()
    clients = [accepted(server, mine, stack) for server in two for stack in ("python", "node")]
    other = accepted(two[1], another)
    outside.emit("note", {"text": "for you"}, to=user_room(mine["user"]["id"]))
    outside.emit("note", {"text": "for all"})
    for client in clients:
        client.wait("note", lambda note: note == {"text": "for all"})
        assert client.all("note") == [{"text": "for you"}, {"text": "for all"}]
    other.wait("note")
    assert other.all("note") == [{"text": "for all"}]


def test_an_emit_to_a_symbol_reaches_those_who_are_subscribed_to_it(
    two: list[Server], outside: SocketIO, accepted: Callable[..., Any]
) -> None:
    login = two[0].new_login()
    clients = [accepted(server, login) for server in two]
    for client, symbol in zip(clients, ("BTC", "ETH"), strict=True):
        client.emit("subscribe", {"symbols": [symbol]})
        client.wait("subscription_confirmed")
    outside.emit("halted", b"\0\1", to=symbol_room("BTC"))
    outside.emit("halted", "all", to=[symbol_room("BTC"), symbol_room("ETH")])
    for client in clients:
        client.wait("halted", lambda data: data == "all")
    assert [client.all("halted") for client in clients] == [[b"\0\1", "all"], ["all"]]


def test_a_user_that_is_known_only_later_is_reached_from_then_on(
    redis_server: Redis, start_server: StartServer, connect: Connect
) -> None:
    server = start_server(REDIS_URL=redis_server.url, WEBSOCKET_AUTH_REQUIRED="false")
    login = server.new_login()
    client = connect(auth=None, to=server)
    client.wait("connection_status")
    client.emit("authenticate", {"token": login["access_token"]})
    client.wait("connection_status")
    with program(redis_server) as outside:
        outside.emit("note", 1, to=user_room(login["user"]["id"]))
        assert client.wait("note") == 1


def test_a_connection_is_ended_from_outside_on_whichever_process_it_is(
    two: list[Server], outside: SocketIO, accepted: Callable[..., Any]
) -> None:
    login = two[0].new_login()
    ending, staying = (accepted(server, login) for server in reversed(two))
    outside.server.disconnect(ending.client.get_sid())
    ending.wait("disconnect")
    assert staying.ack("heartbeat")["server_time"]


def test_rooms_of_other_programs_can_be_entered_left_and_closed(
    two: list[Server], outside: SocketIO, accepted: Callable[..., Any]
) -> None:
    login = two[0].new_login()
    clients = [accepted(server, login) for server in two]
    ids = [client.client.get_sid() for client in clients]
    for sid in ids:
        outside.server.enter_room(sid, "vip")
    outside.emit("news", 1, to="vip")
    outside.server.leave_room(ids[0], "vip")
    outside.emit("news", 2, to="vip")
    outside.server.close_room("vip")
    outside.emit("news", 3, to="vip")
    outside.emit("news", 4)
    for client in clients:
        client.wait("news", lambda number: number == 4)
    assert [client.all("news") for client in clients] == [[1, 4], [1, 2, 4]]


def test_broken_messages_are_counted_and_those_after_them_arrive(
    two: list[Server], redis_for_all: Redis, outside: SocketIO, accepted: Callable[..., Any]
) -> None:
    client = accepted(two[0], two[0].new_login())
    broken = [
        b"\x80\x04K\x01.",
        b"{",
        b"x" * 1_000_000,
        json.dumps({"method": "emit", "event": "price_update", "data": [7], "room": "accepted"}),
        json.dumps({"method": "emit", "event": {}, "data": [], "room": "accepted"}),
    ]
    with redis_for_all.client() as publisher:
        for message in broken:
            publisher.publish(CHANNEL, message)
    outside.emit("note", 1)
    assert client.wait("note") == 1
    # To the driver's own engine any payload of a price is as good as another.
    assert two[0].metric(BROKEN) >= len(broken) - 1
    assert "Traceback" not in two[0].output()


@pytest.mark.parametrize("away", ["stopped", "hung"])
def test_after_an_outage_of_redis_what_is_emitted_arrives_again(
    away: str,
    redis_server: Redis,
    start_server: StartServer,
    tmp_path: Path,
    accepted: Callable[..., Any],
) -> None:
    two = listening(redis_server, start_server, tmp_path)
    login = two[0].new_login()
    clients = [accepted(server, login) for server in two]
    with program(redis_server) as outside:
        redis_server.stop() if away == "stopped" else redis_server.hang()
        wait_until(lambda: two[0].get("/health").status_code == 503, "Redis to be missed")
        redis_server.start() if away == "stopped" else redis_server.resume()
        wait_until_both_listen(redis_server)
        outside.emit("note", 1, to=user_room(login["user"]["id"]))
        for client in clients:
            assert client.wait("note") == 1
