"""Clients that read too little, or nothing, are bounded, conflated, and closed."""

import json
import socket
import time
from pathlib import Path

import requests

from tests.fanout.conftest import Echo, StartEcho
from tests.fanout.raw_clients import TEXT, WebSocket, client_frame
from tests.servers import wait_until

DEAF_CLIENTS = 60
# 4 KB each: in each second several times what a connection may have waiting for it.
MESSAGES_PER_SECOND = 400
SECONDS = 10
# What 60 stuck clients may take of the process; unbounded, this stream is some 900 MB for them.
MEMORY_BYTES = 12_000_000


def resident(echo: Echo) -> int:
    return int(Path(f"/proc/{echo.process.pid}/statm").read_text().split()[1]) * 4096


def deaf(url: str, room: str) -> WebSocket:
    client = WebSocket(url)
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect()
    client.ask("join", room)
    return client


def test_clients_that_never_read_are_closed_and_take_little_memory(start_echo: StartEcho) -> None:
    echo = start_echo()
    with WebSocket(echo.url) as listener:
        listener.connect()
        listener.ask("join", "room")
        clients = [deaf(echo.url, "room") for _ in range(DEAF_CLIENTS)]
        before = resident(echo)
        options = {
            "rooms": ["room"],
            "interval": 1 / MESSAGES_PER_SECOND,
            "seconds": SECONDS,
            "pad": 2_000,
        }
        listener.send("42" + json.dumps(["run", options]))
        numbers, peak = [], before
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            text = str(listener.receive_until("42"))
            if text.startswith('42["kept"'):
                numbers.append(json.loads(text[2:])[1]["number"])
                if len(numbers) % 50 == 0:
                    peak = max(peak, resident(echo))
            elif text.startswith('42["end"'):
                break
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) > 1_000
        assert peak - before < MEMORY_BYTES
        closed = listener.ask("closed")
        assert closed.count("slow_consumer") == DEAF_CLIENTS
        assert listener.ask("sessions") == 1
        for client in clients:
            client.sock.close()


def test_of_quotes_a_slow_client_gets_the_latest(ours: Echo) -> None:
    with WebSocket(ours.url) as slow, WebSocket(ours.url) as other:
        other.connect()
        slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect()
        slow.ask("join", "latest-room")
        # More than the kernel's buffers on both sides take.
        for _ in range(500):
            other.send('42["emit-latest","latest-room",15000]')
        assert other.ask("leave", "latest-room") == 500
        kept, latest = [], []
        while len(kept) < 5:
            name, payload = json.loads(slow.receive_until("42")[2:])
            (kept if name == "kept" else latest).append(payload["number"])
            assert kept == [100, 200, 300, 400, 500][: len(kept)]
        assert latest == sorted(set(latest))
        assert len(latest) < 450
        assert latest[-1] == 500 or json.loads(slow.receive_until("42")[2:])[1]["number"] == 500


def test_a_client_that_floods_is_slowed_down_and_answers_keep_their_order(
    start_echo: StartEcho,
) -> None:
    echo = start_echo()
    with WebSocket(echo.url) as hostile, WebSocket(echo.url) as other:
        hostile.connect()
        other.connect()
        flood = b"".join(
            client_frame(TEXT, f'42["message",{number}]'.encode()) for number in range(3_000)
        )
        hostile.sock.setblocking(False)
        sent = hostile.sock.send(flood)
        hostile.sock.setblocking(True)
        started = time.monotonic()
        assert other.ask("message-with-ack", 1) == 1
        assert time.monotonic() - started < 5
        whole = sent // len(client_frame(TEXT, b'42["message",2999]'))
        for number in range(min(500, whole - 10)):
            assert hostile.receive_until("42") == f'42["message-back",{number}]'


def test_slots_are_given_back(start_echo: StartEcho) -> None:
    echo = start_echo(slots=20)
    for _ in range(60):
        with WebSocket(echo.url) as client:
            client.connect()
            client.send("1")
            client.closed()
    clients = []
    for _ in range(20):
        clients.append(WebSocket(echo.url))
        clients[-1].connect()  # who is not accepted gives way to who comes later
    handshake = f"{echo.url}/socket.io/?EIO=4&transport=polling"
    answer = requests.get(handshake, timeout=30)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    clients[0].sock.close()
    wait_until(lambda: requests.get(handshake, timeout=30).status_code == 200, "a free place")
    for client in clients:
        client.sock.close()
