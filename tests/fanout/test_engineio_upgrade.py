"""Engine.IO: from polling to WebSocket, and what a WebSocket is then."""

import json
import threading
import time

import pytest

from tests.fanout.conftest import Echo
from tests.fanout.raw_clients import (
    BINARY,
    PING,
    PONG,
    TEXT,
    Closed,
    Poller,
    WebSocket,
    client_frame,
)

# --- upgrade --------------------------------------------------------------------------------------


def upgraded(echo: Echo, poller: Poller) -> WebSocket:
    socket = WebSocket(echo.url, f"EIO=4&transport=websocket&sid={poller.sid}")
    assert socket.status == 101
    answers: list[list[str]] = []
    thread = threading.Thread(target=lambda: answers.append(poller.poll()))
    thread.start()
    time.sleep(0.1)
    socket.send("2probe")
    assert socket.receive() == "3probe"
    thread.join()
    assert answers[0] == ["6"]
    socket.send("5")
    return socket


def test_a_polling_session_is_upgraded(echo: Echo) -> None:
    with Poller(echo.url) as poller:
        poller.connect()
        with upgraded(echo, poller) as socket:
            socket.send('42["message",1]')
            assert socket.receive_until("42") == '42["message-back",1]'
            socket.send("4" + '2["message","2"]')
            assert socket.receive_until("42") == '42["message-back","2"]'


def test_an_upgraded_session_takes_no_other_requests(echo: Echo) -> None:
    with Poller(echo.url) as poller:
        poller.connect()
        with upgraded(echo, poller) as socket:
            socket.send('42["message",1]')
            socket.receive_until("42")
            assert poller.post('42["message",2]').status_code == 400
            assert poller.request("GET").status_code == 400
            with WebSocket(echo.url, f"EIO=4&transport=websocket&sid={poller.sid}") as second:
                assert second.status == 400 or isinstance(second.closed(), Closed)
            socket.send('42["message",3]')
            assert socket.receive_until("42") == '42["message-back",3]'


def test_a_failed_probe_leaves_the_session_polling(echo: Echo) -> None:
    with Poller(echo.url) as poller:
        poller.connect()
        with WebSocket(echo.url, f"EIO=4&transport=websocket&sid={poller.sid}") as socket:
            socket.send("2wrong")
            assert isinstance(socket.closed(), Closed)
        with WebSocket(echo.url, f"EIO=4&transport=websocket&sid={poller.sid}") as socket:
            socket.send("2probe")
            assert socket.receive() == "3probe"
        time.sleep(0.2)
        poller.post('42["message",1]')
        assert '42["message-back",1]' in poller.poll_until("42")


def test_what_is_sent_during_an_upgrade_comes_after_it_in_order(echo: Echo) -> None:
    with Poller(echo.url) as poller:
        poller.connect()
        socket = WebSocket(echo.url, f"EIO=4&transport=websocket&sid={poller.sid}")
        socket.send("2probe")
        assert socket.receive() == "3probe"
        for number in range(20):
            assert poller.post(f'42["message",{number}]').status_code == 200
        socket.send("5")
        socket.send('42["message",20]')
        with socket:
            heard = [socket.receive_until("42") for _ in range(21)]
        assert heard == [f'42["message-back",{number}]' for number in range(21)]


# --- WebSocket ------------------------------------------------------------------------------------


def test_a_websocket_ping_is_answered(echo: Echo) -> None:
    with WebSocket(echo.url) as socket:
        socket.connect()
        socket.sock.sendall(client_frame(PING, b"hello"))
        assert socket.receive_frame() == (PONG, b"hello")


def test_a_message_in_fragments_is_one_message(echo: Echo) -> None:
    with WebSocket(echo.url) as socket:
        socket.connect()
        text = '42["message","äöü"]'.encode()
        parts = [text[:12], text[12:15], text[15:]]
        socket.sock.sendall(client_frame(TEXT, parts[0], final=False))
        socket.sock.sendall(client_frame(0, parts[1], final=False))
        socket.sock.sendall(client_frame(PING, b"between"))
        socket.sock.sendall(client_frame(0, parts[2]))
        assert socket.receive_frame() == (PONG, b"between")
        assert json.loads(socket.receive_until("42")[2:]) == ["message-back", "äöü"]


def test_frames_may_come_byte_by_byte_or_all_at_once(echo: Echo) -> None:
    with WebSocket(echo.url) as socket:
        socket.connect()
        frames = b"".join(
            client_frame(TEXT, f'42["message",{number}]'.encode()) for number in range(30)
        )
        for byte in frames[:200]:
            socket.sock.sendall(bytes([byte]))
        socket.sock.sendall(frames[200:])
        heard = [socket.receive_until("42") for _ in range(30)]
        assert heard == [f'42["message-back",{number}]' for number in range(30)]


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([client_frame(TEXT, b"\xff\xfe")], 1007),
        ([client_frame(TEXT, b"4", length=1 << 40)], 1009),
        ([client_frame(TEXT, b"4" + b"x" * 20_000)], 1009),
        ([client_frame(TEXT, b"4" + b"x" * 12_000, final=False)] * 1, None),
        (
            [client_frame(TEXT, b"4" + b"x" * 9_000, final=False)]
            + [client_frame(0, b"x" * 9_000, final=False)],
            1009,
        ),
        ([client_frame(3, b"")], 1002),
        ([client_frame(11, b"")], 1002),
        ([client_frame(0, b"")], 1002),
        ([client_frame(TEXT, b"4", rsv=1)], 1002),
        ([client_frame(TEXT, b"4", rsv=4)], 1002),
        ([client_frame(PING, b"x" * 126)], 1002),
        ([client_frame(PING, b"x", final=False)], 1002),
        ([client_frame(TEXT, b"4", final=False), client_frame(TEXT, b"4")], 1002),
        ([b"\x81\x0142"], 1002),
        ([client_frame(8, b"\x03\xe8bye")], 1000),
        ([client_frame(8, b"")], 1000),
        ([client_frame(8, b"\x00")], 1002),
        ([client_frame(8, b"\x03\xed")], 1002),
        ([client_frame(BINARY, b"\xff\xff")], 1002),
    ],
)
def test_broken_frames_are_answered_with_their_close_code(
    frames: list[bytes], code: int | None, ours: Echo
) -> None:
    with WebSocket(ours.url) as socket:
        socket.receive_until("0")
        for frame in frames:
            socket.sock.sendall(frame)
        if code is None:
            socket.send("ping is still allowed") if not frames else None
            socket.sock.sendall(client_frame(PING, b"?"))
            assert socket.receive_frame() == (PONG, b"?")
        else:
            assert socket.closed().code == code
