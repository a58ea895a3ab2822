"""Clients of other kinds beside plain ones: MessagePack, permessage-deflate, stock libraries."""

import base64
import json
import zlib
from contextlib import ExitStack
from typing import Any

import msgpack
import pytest
import socketio

from tests.conftest import StartServer
from tests.fanout.conftest import Echo
from tests.fanout.raw_clients import Poller, WebSocket, client_frame
from tests.stream_clients import NodeClient, PythonClient

BROWSER = "permessage-deflate; client_max_window_bits"


def packed(**fields: Any) -> bytes:
    data: bytes = msgpack.packb(fields)
    return data


# --- MessagePack ----------------------------------------------------------------------------------


def test_a_messagepack_client_is_known_by_its_first_packet(ours: Echo) -> None:
    with WebSocket(ours.url) as client, WebSocket(ours.url) as plain:
        client.receive_until("0")
        client.send(packed(type=0, nsp="/", data={"token": "x"}))
        answer = msgpack.unpackb(client.receive())
        assert (answer["type"], answer["nsp"], set(answer["data"])) == (0, "/", {"sid"})
        assert msgpack.unpackb(client.receive())["data"] == ["auth", {"token": "x"}]
        client.send(packed(type=2, nsp="/", data=["message-with-ack", b"\x01", 2.5], id=3))
        assert msgpack.unpackb(client.receive()) == {
            "type": 3,
            "nsp": "/",
            "id": 3,
            "data": [b"\x01", 2.5],
        }
        client.send(packed(type=2, nsp="/", data=["join", "mixed"], id=4))
        client.receive()
        plain.connect()
        plain.ask("join", "mixed")
        plain.send('42["emit","mixed",5]')
        event = {"room": "mixed", "number": 1, "pad": "xxxxx"}
        assert json.loads(plain.receive_until('42["kept"')[2:]) == ["kept", event]
        assert msgpack.unpackb(client.receive())["data"] == ["kept", event]
        assert msgpack.unpackb(client.receive())["data"] == ["latest", event]


def test_a_messagepack_client_may_poll_and_upgrade(ours: Echo) -> None:
    client = socketio.Client(serializer="msgpack", reconnection=False)
    heard: list[Any] = []
    client.on("message-back", heard.append)
    client.connect(ours.url)
    assert client.transport() == "websocket"
    assert client.call("message-with-ack", {"a": [1.5, None]}) == {"a": [1.5, None]}
    client.disconnect()
    client.shutdown()


@pytest.mark.parametrize("first", ["42", "msgpack"])
def test_parsers_are_not_mixed(first: str, ours: Echo) -> None:
    with WebSocket(ours.url) as client:
        client.receive_until("0")
        client.send(packed(type=0, nsp="/") if first == "msgpack" else "40")
        client.receive()
        client.send("40" if first == "msgpack" else packed(type=2, nsp="/", data=["message"]))
        assert client.closed().code == 1002


def test_broken_messagepack_closes(ours: Echo) -> None:
    with WebSocket(ours.url) as client:
        client.receive_until("0")
        client.send(b"\xc1\xff")
        assert client.closed().code == 1002


# --- permessage-deflate ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offer", "taken"),
    [
        (BROWSER, True),
        ("permessage-deflate", True),
        ("permessage-deflate; client_max_window_bits=10", True),
        ("permessage-deflate; server_max_window_bits=15", True),
        ('permessage-deflate; server_max_window_bits="15"', True),
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", True),
        ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", True),
        ("permessage-deflate; server_max_window_bits=10", False),
        ("x-webkit-deflate-frame", False),
        ("", False),
    ],
)
def test_offers_are_taken_where_they_can_be_kept(offer: str, taken: bool, ours: Echo) -> None:
    with WebSocket(ours.url, extensions=offer) as client:
        answer = client.headers.get("sec-websocket-extensions")
        if taken:
            assert answer == (
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
            )
        else:
            assert answer is None
        client.connect()


def test_large_messages_to_many_are_deflated_for_those_who_agreed(ours: Echo) -> None:
    with ExitStack() as stack:
        clients = [
            stack.enter_context(WebSocket(ours.url, extensions=offer))
            for offer in [BROWSER] * 5 + [""] * 5
        ]
        for client in clients:
            client.connect()
            client.ask("join", "deflated")
        clients[0].send('42["emit","deflated",5000]')
        heard = {client.receive_until('42["kept"') for client in clients}
        assert len(heard) == 1
        assert [client.compressed for client in clients] == [1] * 5 + [0] * 5
        assert clients[0].sizes[-1] < clients[-1].sizes[-1] / 10


def test_what_a_client_deflates_is_read(ours: Echo) -> None:
    with WebSocket(ours.url, extensions=BROWSER) as client:
        client.connect()
        for number in range(3):
            compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
            text = f'42["message",{number}]'.encode()
            data = compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH)
            client.sock.sendall(client_frame(1, data[:-4], rsv=4))
            assert client.receive_until("42") == f'42["message-back",{number}]'


def test_broken_deflate_data_closes(ours: Echo) -> None:
    with WebSocket(ours.url, extensions=BROWSER) as client:
        client.connect()
        client.sock.sendall(client_frame(1, b"\xff\xff\xff\xff", rsv=4))
        assert client.closed().code == 1007


def test_deflate_can_be_switched_off(start_echo: Any) -> None:
    echo = start_echo(deflate=False)
    with WebSocket(echo.url, extensions=BROWSER) as client:
        assert "sec-websocket-extensions" not in client.headers


# --- the whole application, with stock clients ----------------------------------------------------


def test_json_messagepack_and_deflating_clients_hear_the_same(start_server: StartServer) -> None:
    server = start_server(
        FANOUT_ENGINE="crs", MARKET_INTERVAL="0.3", SENTIMENT_INTERVAL="1", SIGNAL_INTERVAL="1"
    )
    auth = {"token": server.token}
    clients: list[Any] = [
        PythonClient(server.url, auth),
        PythonClient(server.url, auth, serializer="msgpack"),
        PythonClient(server.url, auth, "polling", serializer="msgpack"),
        PythonClient(server.url, auth, "upgrade", serializer="msgpack"),
        NodeClient(server.url, auth, perMessageDeflate={"threshold": 0}),
        NodeClient(server.url, auth, msgpack=True),
        NodeClient(server.url, auth, "polling", msgpack=True),
        NodeClient(server.url, auth, "upgrade", msgpack=True, perMessageDeflate={"threshold": 0}),
    ]
    try:
        for client in clients:
            client.wait("connection_status")
            client.emit("subscribe", {"symbols": ["BTC", "ETH"]})
            client.wait("subscription_confirmed")
        for client in clients:
            for _ in range(4):
                client.wait("market_update")
        ticks = [
            {u["BTC"]["seq"]: u["BTC"] for u in client.all("market_update")} for client in clients
        ]
        common = set.intersection(*(set(one) for one in ticks))
        assert common
        for seq in common:
            assert all(one[seq] == ticks[0][seq] for one in ticks)
    finally:
        for client in clients:
            client.close()


def test_a_messagepack_poll_is_base64(ours: Echo) -> None:
    with Poller(ours.url) as poller:
        poller.post("b" + base64.b64encode(packed(type=0, nsp="/")).decode())
        heard = poller.poll()
        assert msgpack.unpackb(base64.b64decode(heard[0][1:]))["type"] == 0
