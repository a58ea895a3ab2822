"""The listening socket, its limits, and the way out.

A server of our own rather than `socketio.run`, for what the latter hides: a wall at 1,024
connections, tracebacks sent to clients, a backlog of 50, Nagle's delay, and a port shared silently
with a second server.
"""

import errno
import logging
import os
import resource
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from backend import green
from backend.http.server import HttpServer

logger = logging.getLogger(__name__)

# Files that are not client connections: database, feed, logs, static files. At the limit itself
# accept() fails and would end the process.
RESERVED_FILES = 128
# With room for fewer clients than this it is better not to start.
CONNECTIONS_MIN = 64
# Connections that the kernel holds while the process is busy; a reconnect storm after a restart
# comes in one second.
BACKLOG = 4096
# What the kernel takes in of a connection before it is read, twice which it reserves: two of the
# longest messages. By itself it lets six megabytes in of who sends them, read or not.
UNREAD_BYTES = 32 * 1024
# From the signal to the end of the process. `docker stop` and many supervisors kill after ten
# seconds, and nothing that happens here may wait for longer than this.
END_SECONDS = 9.5
# Clients that poll are between two polls for a round trip, some of them on no connection. So long
# they still find one, to fetch what they are told.
POLLS_SECONDS = 1.0
# A client behind a slow line gets what was written for it, up to its outbox's bound ...
DRAIN_SECONDS = 7.0
# ... and what is still being answered when the stream has drained gets this long.
LAST_REQUESTS_SECONDS = 1.0


class PortInUse(Exception):
    """Another program listens there; choose another PORT, or stop it."""


class TooFewFiles(Exception):
    """The limit of open files leaves no room for clients; raise it (`ulimit -n`)."""


def raise_file_limit() -> int:
    """Lift the soft limit of open files to the hard one; returns how many connections fit.
    Raises `TooFewFiles`."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1_048_576 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if wanted < RESERVED_FILES + CONNECTIONS_MIN:
        raise TooFewFiles(
            f"The limit of open files is {wanted}, and at least {RESERVED_FILES + CONNECTIONS_MIN} "
            "are needed: raise it with ulimit -n"
        )
    return int(wanted) - RESERVED_FILES


def listen(host: str, port: int) -> Any:
    """A listening socket without Nagle's delay, and with a bound on what is unread, which accepted
    sockets inherit; raises `PortInUse`."""
    try:
        listener = green.listen(host, port, BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"{host}:{port}") from error
        raise
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UNREAD_BYTES)
    return listener


def url_of(listener: Any) -> str:
    """Where a browser on this machine finds the listener."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(
    server: HttpServer, say_farewell: Callable[[float], None], drain: Callable[[float], None]
) -> None:
    """Return some time after SIGTERM or SIGINT, within `END_SECONDS`; a second signal ends the
    process at once.

    First `say_farewell`, while those who poll can still come; then nobody is accepted any more, and
    `drain` writes what is left. Both are given the seconds that they may take.
    """
    name = _wait_for_signal()
    started = time.monotonic()
    _end_by(END_SECONDS)
    logger.info("%s: draining", name)
    say_farewell(POLLS_SECONDS)
    server.stop()
    drain(DRAIN_SECONDS)
    server.finish(LAST_REQUESTS_SECONDS)
    logger.info("drained in %.1f s", time.monotonic() - started)


def _end_by(seconds: float) -> None:
    """End the process after so long, whatever it waits for; cleanly, as those who are connected
    have been told."""
    # The hub itself may be what is stuck.
    timer = green.native("threading").Timer(seconds, os._exit, (0,))
    timer.daemon = True
    timer.start()


def _wait_for_signal() -> str:
    """Block this greenlet until a signal to stop; returns the signal's name.

    A Python signal handler runs only when the interpreter does, and nothing wakes the hub from
    its poll; the wakeup descriptor is what it can poll for.
    """
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for expected in (signal.SIGTERM, signal.SIGINT):
        signal.signal(expected, lambda *_: None)
    green.wait_readable(reader)
    number = os.read(reader, 1)[0]
    for again in (signal.SIGTERM, signal.SIGINT):
        signal.signal(again, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    os.close(reader)
    os.close(writer)
    return signal.Signals(number).name
