"""The load itself, against a server that writes exactly what a test says."""

import socket
import threading
import zlib
from collections.abc import Callable, Iterator

import pytest

from benchmarks.load import dialects
from benchmarks.load.dialects import Dialect
from benchmarks.load.frames import RSV1, server_frame
from benchmarks.load.recording import Recording
from benchmarks.load.swarm import LoadFailed, Swarm

SECRET = "s" * 32
OPEN = server_frame(b'0{"sid":"a"}')
CONNECTED = server_frame(b'40{"sid":"b"}')
CONFIRMED = server_frame(b'42["subscription_confirmed",{}]')
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"

Play = Callable[[socket.socket], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Play], int]]:
    """Starts a server that plays to one client, and returns its port."""
    threads: list[threading.Thread] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def start(play: Play) -> int:
        def run() -> None:
            with listener.accept()[0] as client:
                play(client)
                client.recv(65_536)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return int(listener.getsockname()[1])

    yield start
    for thread in threads:
        thread.join(10)
    listener.close()


def answer(*messages: bytes) -> Play:
    """Answers the upgrade, then each of the client's messages with the next of these."""

    def play(client: socket.socket) -> None:
        for message in messages:
            client.recv(65_536)
            client.sendall(message)

    return play


def one() -> Dialect:
    return dialects.socketio(SECRET)(0, ("BTC",))


def test_a_client_is_led_through_its_script(serve: Callable[[Play], int]) -> None:
    port = serve(answer(UPGRADED + OPEN, CONNECTED, CONFIRMED))
    with Swarm(port) as swarm:
        swarm.connect([one()])
        assert all(client.ready for client in swarm.clients.values())


def test_a_long_frame_behind_a_short_one_is_not_searched_with_it(
    serve: Callable[[Play], int],
) -> None:
    # The short one's marker would otherwise be found in the long one, and counted twice.
    tail = server_frame(b'42["market_update",{"pad":"' + b"x" * 300 + b'"}]')
    port = serve(answer(UPGRADED + OPEN, CONNECTED, CONFIRMED + server_frame(b"6") + tail))
    recording = Recording(b"market_update", detail=False)
    with Swarm(port) as swarm:
        swarm.connect([one()], recording)
        swarm.listen(0.1, recording)
    assert recording.messages == 1


def test_frames_are_read_whole_however_they_arrive(serve: Callable[[Play], int]) -> None:
    updates = b"".join(
        server_frame(b'42["flood",{"n":%d,"pad":"%s"}]' % (10_000_000 + number, b"x" * size))
        for number, size in enumerate((0, 200, 70_000, 10))
    )
    step = threading.Event()

    def play(client: socket.socket) -> None:
        answer(UPGRADED + OPEN, CONNECTED, CONFIRMED)(client)
        step.wait(10)
        for position in range(0, len(updates), 4_999):
            client.sendall(updates[position : position + 4_999])

    recording = Recording(b'"flood"', numbered=True)
    with Swarm(serve(play)) as swarm:
        swarm.connect([one()])
        step.set()
        swarm.listen(0.5, recording)
    assert (recording.messages, recording.broken) == (4, 0)


def test_a_number_that_does_not_follow_is_counted(serve: Callable[[Play], int]) -> None:
    flood = b"".join(server_frame(b'42["flood",{"n":%d}]' % n) for n in (10_000_001, 10_000_003))
    port = serve(answer(UPGRADED + OPEN, CONNECTED, CONFIRMED + flood))
    recording = Recording(b'"flood"', numbered=True)
    with Swarm(port) as swarm:
        swarm.connect([one()], recording)
        swarm.listen(0.1, recording)
    assert recording.broken == 1


def test_deflated_messages_are_inflated_and_weighed_as_they_came(
    serve: Callable[[Play], int],
) -> None:
    text = b'42["market_update",{' + b'"price":1,' * 50 + b"}]"
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = (deflater.compress(text) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]
    frame = bytearray(server_frame(deflated))
    frame[0] |= RSV1
    head = UPGRADED.replace(
        b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    )
    port = serve(answer(head + OPEN, CONNECTED, CONFIRMED + bytes(frame)))
    recording = Recording(b"market_update")
    with Swarm(port) as swarm:
        swarm.connect([dialects.socketio(SECRET, deflate=True)(0, ("BTC",))], recording)
        swarm.listen(0.1, recording)
        assert swarm.deflates
    assert (recording.payload_bytes, recording.deflated_bytes) == (len(text), len(deflated))
    assert recording.quotes == 50


def test_a_refused_client_ends_the_measurement(serve: Callable[[Play], int]) -> None:
    port = serve(answer(b"HTTP/1.1 503 Service Unavailable\r\n\r\n"))
    with Swarm(port) as swarm, pytest.raises(LoadFailed, match="503"):
        swarm.connect([one()])


def test_clients_come_from_the_addresses_that_they_are_given() -> None:
    sources = ("127.0.0.7", "127.0.0.8")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with Swarm(listener.getsockname()[1], sources=sources) as swarm:
            swarm.connect([Dialect(None, ())] * 4)
            peers = [listener.accept() for _ in range(4)]
        for connection, _ in peers:
            connection.close()
    assert sorted(address for _, (address, _) in peers) == sorted(sources * 2)


def test_payloads_are_kept_where_they_are_asked_for(serve: Callable[[Play], int]) -> None:
    tick = b'42["market_update",{"BTC":1}]'
    port = serve(answer(UPGRADED + OPEN, CONNECTED, CONFIRMED + server_frame(tick)))
    recording = Recording(b"market_update", payloads=[])
    with Swarm(port) as swarm:
        swarm.connect([one()], recording)
        swarm.listen(0.2, recording)
    assert recording.payloads == [tick]
