"""The one door to the hub: all that the project takes from eventlet, in its own words.

Nothing else names eventlet, but for `app.py`, which has to patch the standard library before
anything is imported. `docs/eventlet.md` says what ends when, and what a move would take.
"""

import errno
import socket
import sys
import warnings
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

# eventlet was chosen with it known that it is in bug-fix mode. app.py has imported it before this
# module; other entry points (`python -m backend.record`, the self-check) have not.
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

import eventlet
from eventlet import patcher, tpool
from eventlet.event import Event as Event
from eventlet.greenio import GreenSocket
from eventlet.hubs import get_hub, notify_opened, trampoline
from eventlet.semaphore import Semaphore as Semaphore
from eventlet.wsgi import WSGI_LOCAL

T = TypeVar("T")

# What Flask-SocketIO and the Engine.IO driver call this way of being asynchronous.
ASYNC_MODE = "eventlet"
# What has to be patched for blocking calls of the standard library to yield.
PATCHED_MODULES = ("os", "select", "socket", "thread", "time")
# For how long a native thread keeps Python to itself while the hub wants it. With Python's own 5 ms
# a thread that computes holds a tick up for half a second: each send to a client lets it in.
SWITCH_SECONDS = 0.0005
# Where the driver's own WebSocket looks for the connection of its request.
WEBSOCKET_KEY = "eventlet.input"


class Timer(Protocol):
    """A call that is still to come."""

    def cancel(self) -> None: ...


class Watch(Protocol):
    """A descriptor that the hub looks at; `unwatch` ends it."""

    fileno: int


# --- greenlets ------------------------------------------------------------------------------------


def spawn(function: Callable[..., Any], *args: Any) -> None:
    """Run a function in a greenlet of its own, for which nobody waits."""
    eventlet.spawn_n(function, *args)


def sleep(seconds: float) -> None:
    """Let others run for this long, at least."""
    eventlet.sleep(seconds)


def pause() -> None:
    """Let all others that are ready run once."""
    eventlet.sleep(0)


def in_hub() -> bool:
    """Whether this is the hub's own greenlet, which must not wait for anything."""
    return eventlet.getcurrent() is get_hub().greenlet


# --- the hub's timers and descriptors -------------------------------------------------------------


def call_soon(function: Callable[..., Any], *args: Any) -> None:
    """Have the hub call a function, which must not wait, as soon as it runs."""
    get_hub().schedule_call_global(0, function, *args)


def call_later(seconds: float, function: Callable[..., Any], *args: Any) -> Timer:
    """Have the hub call a function, which must not wait, after `seconds`."""
    return cast(Timer, get_hub().schedule_call_global(seconds, function, *args))


def when_readable(fileno: int, call: Callable[[int], Any]) -> Watch:
    """Have the hub call `call(fileno)` each time that there is something to read.

    A call that the hub had gathered before `unwatch` may still come.
    """
    hub = get_hub()
    return _of_hub(hub, hub.add(hub.READ, fileno, call, _gone, None))


def when_writable(fileno: int, call: Callable[[int], Any]) -> Watch:
    """The same for writing."""
    hub = get_hub()
    return _of_hub(hub, hub.add(hub.WRITE, fileno, call, _gone, None))


def _of_hub(hub: Any, listener: Any) -> Watch:
    """A listener keeps the greenlet that has added it, with its stack: let that be the hub's."""
    listener.greenlet = hub.greenlet
    return cast(Watch, listener)


def unwatch(watch: Watch) -> None:
    """End a watch; its descriptor is still open."""
    get_hub().remove(watch)


def readable(fileno: int) -> bool:
    """Whether there is something to read now."""
    poll = native("select").poll()
    poll.register(fileno, native("select").POLLIN)
    return bool(poll.poll(0))


def wait_readable(fileno: int) -> None:
    """Block this greenlet until there is something to read."""
    trampoline(fileno, read=True)


def _gone(_error: object) -> None:
    """The hub's word for a descriptor that was closed under it; ours are unwatched before."""


# --- native threads -------------------------------------------------------------------------------


def set_threads(count: int) -> None:
    """How many native threads there are for `in_thread`; before its first call."""
    tpool.set_num_threads(count)
    sys.setswitchinterval(SWITCH_SECONDS)


def in_thread(function: Callable[..., T], *args: object) -> T:
    """`function(*args)` in a native thread, while other greenlets go on."""
    return cast(T, tpool.execute(function, *args))


def end_threads() -> None:
    """End the native threads once their current calls return."""
    tpool.killall()


def native(module: str) -> Any:
    """A module of the standard library that is not patched: for what native threads do by
    themselves, or share."""
    return patcher.original(module)


def unpatched() -> list[str]:
    """Which of `PATCHED_MODULES` would block the hub."""
    return [name for name in PATCHED_MODULES if not patcher.is_monkey_patched(name)]


# --- serving --------------------------------------------------------------------------------------


def listen(host: str, port: int, backlog: int) -> Any:
    """A listening socket that shares its port with nobody; raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return eventlet.listen((host, port), family, backlog=backlog, reuse_port=False)


def accept(listener: Any) -> tuple[Any, Any]:
    """A connection, as a socket that waits, and its address; blocks this greenlet until there is
    one, and raises OSError. As the listener's own `accept`, with fewer system calls."""
    while True:
        try:
            sock, address = listener.fd.accept()
        except BlockingIOError:
            trampoline(listener.fd, read=True)
            continue
        sock.setblocking(False)
        notify_opened(sock.fileno())
        return GreenSocket(sock, set_nonblocking=False), address


def raw_socket(sock: Any) -> socket.socket:
    """The raw non-blocking socket within one that waits; still that one's."""
    return cast(socket.socket, sock.fd)


def detach(sock: Any) -> socket.socket:
    """The raw non-blocking socket, taken away from the one that waits; raises OSError where it
    has been closed."""
    raw = cast(socket.socket, sock.fd)
    if raw.fileno() < 0:
        raise OSError(errno.EBADF, "the socket is closed")
    sock.close = _nothing  # its end is not that of the raw one any more
    return raw


def _nothing() -> None:
    pass


def websocket_served() -> bool:
    """Whether the driver's own WebSocket has taken the request of this greenlet over since the
    last call."""
    served = bool(getattr(WSGI_LOCAL, "already_handled", False))
    WSGI_LOCAL.already_handled = False
    return served
