"""Who a connection is: decided by the application, before the client is told.

Socket.IO tells a client its id when it answers CONNECT, and with it, where the client's state can
be recovered, a private one: `pid`. The stock client shows that in its next CONNECT, and takes
itself for recovered where the answer has it again. python-socketio has no word for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from socketio.packet import CONNECT

# The one namespace whose connections have identities of the application's.
_NAMESPACE = "/"


@dataclass(frozen=True, slots=True)
class Identity:
    """`sid` is the connection's id, `pid` what the client shows when it comes back. `grounds` is
    what the application's `connect` handler is given after the client's credentials: nothing that
    a client sends can take its place, since it is no JSON."""

    sid: str
    pid: str
    grounds: object


# Called with the Engine.IO id and the client's credentials, and may wait; None for a connection
# like any other.
Decide = Callable[[str, Any], Identity | None]


def install(server: Any, decide: Decide) -> None:
    """Have `decide` asked before `server` answers a CONNECT to its default namespace. The server
    has a `RoomManager`, and `always_connect`."""
    manager, answer = server.manager, server._handle_connect

    def connect(eio_sid: str, namespace: str | None, auth: Any) -> None:
        known = manager.sid_from_eio_sid(eio_sid, _NAMESPACE) is not None
        own = (namespace or _NAMESPACE) == _NAMESPACE
        identity = decide(eio_sid, auth) if own and not known else None
        if identity is None:
            answer(eio_sid, namespace, auth)
            return
        connection = server.eio.sockets.get(eio_sid)
        if connection is None:
            return  # the client left while that was being decided
        sid = manager.pre_connect(eio_sid, _NAMESPACE, identity.sid)
        connection.take_places()
        told = {"sid": sid, "pid": identity.pid}
        server._send_packet(eio_sid, server.packet_class(CONNECT, told, namespace=_NAMESPACE))
        manager.connect(sid, _NAMESPACE)
        environ = server.environ[eio_sid]
        server._trigger_event("connect", _NAMESPACE, sid, environ, auth, identity.grounds)

    server._handle_connect = connect
