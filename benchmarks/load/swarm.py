"""Thousands of clients in one thread: sockets, epoll, and no more parsing than counting needs."""

import errno
import json
import select
import socket
import time
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.load.dialects import Dialect
from benchmarks.load.frames import CLOSE, PING, PONG, RSV1, client_frame
from benchmarks.load.recording import Recording

RECEIVE_BYTES = 65_536
EVENTS_AT_ONCE = 1024
# Where in a message its event's name is looked for: behind "42[", or MessagePack's map heads.
NAME_WITHIN = 48
# Handshakes under way at once, as in a reconnect storm.
CONNECTING_AT_ONCE = 100
CONNECT_SECONDS_MAX = 120.0

HANDSHAKE = -1
# No message holds these bytes: they are not UTF-8, nor a head of MessagePack's.
NOTHING = b"\xc1\xff"
ENGINE_PING = b"2"
ENGINE_PONG = client_frame(b"3")
NUMBER_KEY = b'"n":'
NUMBER_DIGITS = 8
# What RFC 7692 takes off the end of each message.
DEFLATE_TAIL = b"\x00\x00\xff\xff"


class LoadFailed(Exception):
    """The clients could not do what was asked; the measurement means nothing."""


@dataclass(slots=True, eq=False)
class Client:
    """One connection. `step` is None until connected, then `HANDSHAKE`, then the dialect's."""

    number: int
    dialect: Dialect
    sock: socket.socket
    step: int | None = None
    pending: bytes = b""
    last_number: int = 0
    # Present where permessage-deflate was agreed on.
    inflater: Any = None

    @property
    def ready(self) -> bool:
        return self.step == len(self.dialect.steps)


class Swarm:
    """Clients of one server on 127.0.0.1.

    A small `receive_buffer` (bytes) bounds what the kernel takes for a client that does not read.
    They come from the addresses in `sources`, in turn; all of 127.0.0.0/8 is this machine.
    """

    def __init__(
        self,
        port: int,
        receive_buffer: int | None = None,
        sources: Sequence[str] = ("127.0.0.1",),
    ) -> None:
        self.clients: dict[int, Client] = {}
        self._port = port
        self._receive_buffer = receive_buffer
        self._sources = sources
        self._epoll = select.epoll()
        self._deaf = False
        self._lost = 0
        self._recording = Recording(NOTHING, detail=False)

    def __enter__(self) -> "Swarm":
        return self

    def __exit__(self, *_: object) -> None:
        self.keep(0)
        self._epoll.close()

    def connect(
        self,
        dialects: Iterable[Dialect],
        recording: Recording | None = None,
        limit_seconds: float = CONNECT_SECONDS_MAX,
    ) -> float:
        """Bring all to the end of their scripts; returns the seconds that it took."""
        self._recording = recording or Recording(NOTHING, detail=False)
        started = time.perf_counter()
        lost_before = self._lost
        waiting = iter(dialects)
        under_way: set[Client] = set()
        while True:
            while len(under_way) < CONNECTING_AT_ONCE:
                dialect = next(waiting, None)
                if dialect is None:
                    break
                under_way.add(self._open(dialect))
            if not under_way:
                return time.perf_counter() - started
            self._poll(1.0)
            under_way = {client for client in under_way if not client.ready}
            if self._lost > lost_before:
                raise LoadFailed("the server closed a connection that was being made")
            if time.perf_counter() - started > limit_seconds:
                raise LoadFailed(f"{len(under_way)} connections were not made in time")

    def listen(self, seconds: float, recording: Recording | None = None, pace: float = 0.0) -> None:
        """Read for so long. With `pace`, rest that many seconds between rounds, so that one call
        reads many messages: for floods, where arrival times don't matter."""
        self._recording = recording or Recording(NOTHING, detail=False)
        lost_before = self._lost
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self._poll(left)
            if pace:
                time.sleep(max(0.0, min(pace, end - time.perf_counter())))
        self._recording.lost_clients += self._lost - lost_before

    def command(self, event: str, payload: dict[str, Any]) -> None:
        """Have one client send an event."""
        client = next(iter(self.clients.values()))
        if client.dialect.upgrade is None:
            client.sock.send(json.dumps({event: payload}).encode() + b"\n")
        elif client.dialect.socketio:
            client.sock.send(client_frame(b"42" + json.dumps([event, payload]).encode()))
        else:
            client.sock.send(client_frame(json.dumps({event: payload}).encode()))

    def deafen(self) -> None:
        """Read nothing any more, with the sockets left open."""
        self._deaf = True
        for descriptor in self.clients:
            self._epoll.unregister(descriptor)

    @property
    def deflates(self) -> bool:
        """Whether permessage-deflate was agreed on."""
        return any(client.inflater is not None for client in self.clients.values())

    def forget_numbers(self) -> None:
        """The next numbered message may have any number."""
        for client in self.clients.values():
            client.last_number = 0

    def closed_by_server(self) -> int:
        """How many of a deaf swarm's connections have ended; reads what they never read."""
        closed = 0
        for client in self.clients.values():
            try:
                while client.sock.recv(RECEIVE_BYTES):
                    pass
                closed += 1
            except BlockingIOError:
                continue
            except ConnectionError:
                closed += 1
        return closed

    def keep(self, count: int) -> None:
        """Close all clients but the first `count`."""
        for client in list(self.clients.values())[count:]:
            self._drop(client)

    def _open(self, dialect: Dialect) -> Client:
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        # The kernel picks the port when it connects: one of an address may serve several servers.
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((self._sources[len(self.clients) % len(self._sources)], 0))
        status = sock.connect_ex(("127.0.0.1", self._port))
        if status not in (0, errno.EINPROGRESS):
            sock.close()
            raise LoadFailed(f"connect: {errno.errorcode[status]}")
        client = Client(len(self.clients), dialect, sock)
        self.clients[sock.fileno()] = client
        self._epoll.register(sock, select.EPOLLOUT)
        return client

    def _poll(self, timeout: float) -> None:
        clients = self.clients
        for descriptor, _ in self._epoll.poll(timeout, EVENTS_AT_ONCE):
            client = clients[descriptor]
            if client.step is None:
                self._opened(client)
                continue
            try:
                data = client.sock.recv(RECEIVE_BYTES)
            except OSError:
                data = b""
            if not data:
                self._lost += 1
                self._drop(client)
            elif client.step == HANDSHAKE:
                self._handshake(client, data)
            else:
                self._feed(client, data)

    def _opened(self, client: Client) -> None:
        if error := client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise LoadFailed(f"connect: {errno.errorcode[error]}")
        self._epoll.modify(client.sock, select.EPOLLIN)
        if client.dialect.upgrade is None:
            client.step = 0
        else:
            client.step = HANDSHAKE
            client.sock.send(client.dialect.upgrade)

    def _handshake(self, client: Client, data: bytes) -> None:
        head, separator, rest = (client.pending + data).partition(b"\r\n\r\n")
        if not separator:
            client.pending = head
            return
        if b" 101 " not in head[:16]:
            raise LoadFailed(f"no upgrade: {head[:80]!r}")
        if b"permessage-deflate" in head:
            client.inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        client.pending = b""
        client.step = 0
        if rest:
            self._feed(client, rest)

    def _feed(self, client: Client, data: bytes) -> None:
        if client.pending:
            data = client.pending + data
        now = time.perf_counter()
        position, end = 0, len(data)
        while end - position >= 2:
            # Servers don't mask.
            length, start = data[position + 1], position + 2
            if length > 125:
                start += 2 if length == 126 else 8
                length = int.from_bytes(data[position + 2 : start], "big")
            stop = start + length
            if stop > end:
                break
            self._frame(client, data[position], data, start, stop, now)
            position = stop
        client.pending = data[position:] if position < end else b""

    def _frame(
        self, client: Client, head: int, data: bytes, start: int, stop: int, now: float
    ) -> None:
        if head & RSV1:
            self._recording.deflated_bytes += stop - start
            data = client.inflater.decompress(data[start:stop] + DEFLATE_TAIL)
            start, stop = 0, len(data)
        recording = self._recording
        if data.find(recording.marker, start, min(stop, start + NAME_WITHIN)) >= 0:
            self._count(client, data, start, stop, now)
        elif not client.ready:
            expected, answer = client.dialect.steps[client.step or 0]
            if data.find(expected, start, stop) >= 0:
                client.step = (client.step or 0) + 1
                if answer is not None:
                    client.sock.send(answer)
        elif data[start:stop] == ENGINE_PING:
            client.sock.send(ENGINE_PONG)
        elif head & 0x0F == PING:
            client.sock.send(client_frame(data[start:stop], PONG))
        elif head & 0x0F == CLOSE:
            recording.closes.append(data[start:stop])

    def _count(self, client: Client, data: bytes, start: int, stop: int, now: float) -> None:
        recording = self._recording
        recording.messages += 1
        recording.payload_bytes += stop - start
        if recording.numbered:
            digits = data.find(NUMBER_KEY, start, stop) + len(NUMBER_KEY)
            number = int(data[digits : digits + NUMBER_DIGITS])
            if client.last_number and number != client.last_number + 1:
                recording.broken += 1
            client.last_number = number
            if recording.detail:
                recording.numbers.append(number)
        if recording.detail:
            recording.quotes += data.count(b'"price"', start, stop)
            recording.arrivals.append(now)
            recording.owners.append(client.number)
        if recording.payloads is not None:
            recording.payloads.append(data[start:stop])

    def _drop(self, client: Client) -> None:
        del self.clients[client.sock.fileno()]
        if not self._deaf:
            self._epoll.unregister(client.sock)
        client.sock.close()
