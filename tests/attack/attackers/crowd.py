"""What attackers share: many connections in one process, and no more thinking than harm needs."""

import argparse
import errno
import json
import os
import select
import signal
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benchmarks.machine import raise_file_limit

RECEIVE_BYTES = 65_536
EVENTS_AT_ONCE = 1024
# Connections that are being made at once.
OPENING_AT_ONCE = 256
# What the server has closed comes back after this, and all of them together so many times at most.
REOPEN_SECONDS = 0.2
OPENS_MAX = 200_000
# The attack begins when all have connected, or after this.
OPENING_SECONDS = 2.0
# How often `Connection.tick` is called.
TICK_SECONDS = 0.1
# Attackers come from other machines: here, they must not take the processor from the server.
NICENESS = 15
# An attacker that is still there so long after its end, ends.
OVERTIME_SECONDS = 60

STATUS_AT = len("HTTP/1.1 ")


@dataclass
class Options:
    """What an attacker is told. `tokens` are access tokens that the server takes, `own` has the
    arguments of its own."""

    port: int
    connections: int
    seconds: float
    sources: list[str]
    tokens: list[str]
    own: argparse.Namespace


@dataclass
class Done:
    """What an attacker has done: connections made, those closed by the server, and those that are
    of an accepted client at the end; damaged inputs, bytes sent and received, and how often each
    HTTP status was the answer."""

    opened: int = 0
    accepted: int = 0
    inputs: int = 0
    closed: int = 0
    sent: int = 0
    received: int = 0
    statuses: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Done") -> None:
        """What several have done, together."""
        self.opened += other.opened
        self.accepted += other.accepted
        self.inputs += other.inputs
        self.closed += other.closed
        self.sent += other.sent
        self.received += other.received
        self.statuses.update(other.statuses)


class Connection:
    """One connection of an attack. What it does is for subclasses to say."""

    # Whether it reads what it is sent, and comes back when it is closed.
    reads = True
    returns = True

    def __init__(self, number: int, options: Options) -> None:
        self.number = number
        self.options = options
        # What is to be sent first; then `more` is asked.
        self.outgoing = b""
        # Whether the server's answer to something is still to come, so that `more` must wait.
        self.waits = False
        # Whether it has done what it came for, and is to be closed from here.
        self.over = False
        # Whether it is of a client that the server has accepted.
        self.accepted = False
        # Damaged inputs that it was given to send.
        self.inputs = 0
        self.prepare()

    def prepare(self) -> None:
        """Put what a fresh connection begins with into `outgoing`."""

    def more(self) -> bytes:
        """What to send next; nothing for now where it is empty."""
        return b""

    def received(self, data: bytes) -> None:
        """Take what the server has sent."""

    def tick(self) -> bytes:
        """What to send every now and then, beside `more`."""
        return b""

    @property
    def token(self) -> str:
        """A token of this connection's user."""
        return self.options.tokens[self.number % len(self.options.tokens)]


@dataclass(eq=False)
class _Line:
    """A connection with its socket, while it has one."""

    number: int
    sock: socket.socket
    connection: Connection
    open: bool = False
    events: int = select.EPOLLOUT


class Crowd:
    """Runs an attack: `make` gives each connection its behaviour, again when it comes back."""

    def __init__(self, options: Options, make: Callable[[int, Options], Connection]) -> None:
        self.done = Done()
        self._options = options
        self._make = make
        self._epoll = select.epoll()
        self._lines: dict[int, _Line] = {}
        self._opening = 0
        # Numbers of connections to be made, and when.
        self._due = deque((0.0, number) for number in range(options.connections))

    def run(self) -> Iterator[str]:
        """Attack; yields "attacking" once all are there, and ends when the time is over."""
        began = time.monotonic()
        while self._due or self._opening:
            if time.monotonic() - began > OPENING_SECONDS:
                break
            self._step()
        yield "attacking"
        end = time.monotonic() + self._options.seconds
        while time.monotonic() < end:
            self._step()
        self.done.accepted = sum(line.connection.accepted for line in self._lines.values())

    def _step(self) -> None:
        now = time.monotonic()
        while (
            self._due
            and self._due[0][0] <= now
            and self._opening < OPENING_AT_ONCE
            and self.done.opened < OPENS_MAX
        ):
            self._open(self._due.popleft()[1])
        deadline = now + TICK_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            for descriptor, events in self._epoll.poll(left, EVENTS_AT_ONCE):
                line = self._lines[descriptor]
                if events & select.EPOLLIN or events & (select.EPOLLHUP | select.EPOLLERR):
                    self._read(line)
                if events & select.EPOLLOUT and descriptor in self._lines:
                    self._write(line)
            if self._due and self._opening < OPENING_AT_ONCE and self._due[0][0] <= now:
                break
        for line in list(self._lines.values()):
            if not line.open:
                continue
            if data := line.connection.tick():
                line.connection.outgoing += data
                self._watch(line)
            if line.connection.over:
                self._drop(line)

    def _open(self, number: int) -> None:
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
        connection = self._make(number, self._options)
        if not connection.reads:
            # The least that the kernel takes for one that does not read.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sources = self._options.sources
        sock.bind((sources[number % len(sources)], 0))
        status = sock.connect_ex(("127.0.0.1", self._options.port))
        if status not in (0, errno.EINPROGRESS):
            sock.close()
            self._later(number)
            return
        line = _Line(number, sock, connection)
        self._lines[sock.fileno()] = line
        self._opening += 1
        self._epoll.register(sock, select.EPOLLOUT)

    def _later(self, number: int) -> None:
        self._due.append((time.monotonic() + REOPEN_SECONDS, number))

    def _write(self, line: _Line) -> None:
        if not line.open:
            if line.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._drop(line)
                return
            line.open = True
            self._opening -= 1
            self.done.opened += 1
        connection = line.connection
        if not connection.outgoing and not connection.waits:
            connection.outgoing = connection.more()
        if connection.outgoing:
            try:
                sent = line.sock.send(connection.outgoing)
            except BlockingIOError:
                return
            except OSError:
                self._closed(line)
                return
            self.done.sent += sent
            connection.outgoing = connection.outgoing[sent:]
        self._watch(line)

    def _read(self, line: _Line) -> None:
        if not line.open:
            self._drop(line)
            return
        try:
            data = line.sock.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._closed(line)
            return
        self.done.received += len(data)
        if data.startswith(b"HTTP/1.1 "):
            self.done.statuses[data[STATUS_AT : STATUS_AT + 3].decode()] += 1
        line.connection.received(data)
        self._watch(line)

    def _watch(self, line: _Line) -> None:
        connection = line.connection
        if not connection.outgoing and not connection.waits:
            connection.outgoing = connection.more()
        events = select.EPOLLIN if connection.reads else 0
        if connection.outgoing:
            events |= select.EPOLLOUT
        if events != line.events:
            line.events = events
            self._epoll.modify(line.sock, events)

    def _closed(self, line: _Line) -> None:
        self.done.closed += 1
        self._drop(line)

    def _drop(self, line: _Line) -> None:
        if not line.open:
            self._opening -= 1
        self.done.inputs += line.connection.inputs
        del self._lines[line.sock.fileno()]
        self._epoll.unregister(line.sock)
        line.sock.close()
        if line.connection.returns:
            self._later(line.number)


def sources(network: int, count: int) -> list[str]:
    """`count` addresses of 127.`network`.0.0/16."""
    return [f"127.{network}.{n // 250}.{n % 250 + 1}" for n in range(count)]


def attack(make: Callable[[int, Options], Connection], parser: argparse.ArgumentParser) -> None:
    """The main function of an attacker: reads the arguments, says `attacking` when it does, and
    prints `Done` at its end. Tokens are lines of standard input."""
    options = options_of(parser)
    crowd = Crowd(options, make)
    for word in crowd.run():
        print(word, flush=True)
    report(crowd.done)


def parser(text: str | None) -> argparse.ArgumentParser:
    """The arguments that all attackers take."""
    made = argparse.ArgumentParser(description=text)
    made.add_argument("port", type=int)
    made.add_argument("--connections", type=int, default=1)
    made.add_argument("--seconds", type=float, default=5.0)
    made.add_argument("--network", type=int, default=66, help="attack from 127.<network>.0.0/16")
    made.add_argument("--addresses", type=int, default=1, help="from so many addresses of it")
    made.add_argument("--tokens", action="store_true", help="standard input has a token a line")
    return made


def options_of(parser: argparse.ArgumentParser) -> Options:
    """The arguments; makes this process one that harms nobody but the server."""
    given = parser.parse_args()
    os.nice(NICENESS)
    raise_file_limit()
    signal.alarm(int(given.seconds) + OVERTIME_SECONDS)
    tokens = sys.stdin.read().split() if given.tokens else []
    addresses = sources(given.network, given.addresses)
    return Options(given.port, given.connections, given.seconds, addresses, tokens, given)


def report(done: Done) -> None:
    print(json.dumps(vars(done)), flush=True)
