"""The floor: one loop that writes one prebuilt frame to each accepted socket.

No handshake, no rooms, no queues. Whoever can't take a frame at once is waited for.
"""

import json
import os
import select
import socket
import time

from benchmarks.load.frames import server_frame
from benchmarks.quotes import (
    BASKET_SYMBOLS,
    FLOOD,
    FLOOD_SECONDS_MAX,
    MARKET_UPDATE,
    flood_payload,
    quote,
)


def event_frame(event: str, payload: object) -> bytes:
    return server_frame(b"42" + json.dumps([event, payload], separators=(",", ":")).encode())


def main() -> None:
    interval = float(os.environ["INTERVAL"])
    symbols = os.environ["SYMBOLS"].split(",")[:BASKET_SYMBOLS]
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    sockets: dict[int, socket.socket] = {}
    print(f"ready at http://127.0.0.1:{listener.getsockname()[1]}", flush=True)

    def write_all(frame: bytes) -> None:
        for sock in sockets.values():
            try:
                sock.send(frame)
            except ConnectionError:
                continue  # closed a moment ago; the poll will tell

    tick, due = 0, time.monotonic()
    flood_number = flood_end = flood_pad = 0
    flood_interval = flood_due = 0.0
    while True:
        now = time.monotonic()
        if now >= due:
            due += interval
            tick += 1
            quotes = {symbol: quote(symbol, tick) for symbol in symbols}
            write_all(event_frame(MARKET_UPDATE, quotes))
        flooding = now < flood_end
        if flooding and now >= flood_due:
            flood_due += flood_interval
            write_all(event_frame(FLOOD, flood_payload(flood_number, flood_pad)))
            flood_number += 1
        wake = min(due, flood_due) if flooding else due
        for descriptor, _ in poll.poll(max(0.0, wake - time.monotonic())):
            if descriptor == listener.fileno():
                sock, _ = listener.accept()
                sockets[sock.fileno()] = sock
                poll.register(sock, select.EPOLLIN)
                continue
            try:
                data = sockets[descriptor].recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                poll.unregister(descriptor)
                sockets.pop(descriptor).close()
            elif data.startswith(b'{"flood"'):
                command = json.loads(data)["flood"]
                flood_number, flood_pad = 0, command["pad"]
                flood_interval, flood_due = command["interval"], time.monotonic()
                flood_end = flood_due + min(command["seconds"], FLOOD_SECONDS_MAX)


if __name__ == "__main__":
    main()
