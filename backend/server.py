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
import sys
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
# What is still being answered when the stream has drained gets this long.
LAST_REQUESTS_SECONDS = 0.3


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
    """A listening socket without Nagle's delay, which accepted sockets inherit; raises
    `PortInUse`."""
    try:
        listener = green.listen(host, port, BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"{host}:{port}") from error
        raise
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def url_of(listener: Any) -> str:
    """Where a browser on this machine finds the listener."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(listener: Any, server: HttpServer, drain: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT, then `drain` and return. A second signal ends at once."""
    server.start(listener)
    name = _wait_for_signal()
    logger.info("%s: draining", name)
    drain()
    green.sleep(LAST_REQUESTS_SECONDS)
    server.stop()


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
        signal.signal(again, lambda *_: sys.exit(1))
    signal.set_wakeup_fd(-1)
    os.close(reader)
    os.close(writer)
    return signal.Signals(number).name
