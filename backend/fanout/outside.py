"""What other programs have this server's connections do, in the words of python-socketio.

A program with `SocketIO(message_queue=...)` and no server of its own publishes what it emits, in
JSON, and each server that hears it does it for its own connections. This is the hearing side,
without python-socketio's own, which needs a client manager that publishes every emit.
"""

import base64
import logging
from collections.abc import Callable
from typing import Any, cast

import orjson
from socketio.packet import Packet

logger = logging.getLogger(__name__)

# Larger than any event of this server. To read as much takes 0.3 ms.
MESSAGE_MAX_BYTES = 64 * 1024
EVENT_NAME_MAX_CHARS = 128
ROOM_NAME_MAX_CHARS = 128
# Rooms and connections that one emit may name.
ROOMS_MAX = 100
# Rooms that a connection is in, beyond which it is put into no other.
MEMBERSHIPS_MAX = 500
NAMESPACE = "/"
# What clients take for events of the connection itself.
RESERVED_EVENTS = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)

DONE = "done"
BROKEN = "broken"
UNSUPPORTED = "unsupported"

Message = dict[str, Any]


class Broken(ValueError):
    """A message is not what python-socketio would publish; nothing is done."""


class Unsupported(Exception):
    """A message asks for what this server does not do."""


class OutsideMessages:
    """Does what messages say, for the connections of one server. Neither broken messages nor those
    that can't be done stop anything: they are counted, and the first of a kind is logged."""

    def __init__(
        self,
        manager: Any,
        everybody: str,
        is_own_room: Callable[[str], bool],
        close: Callable[[str], None],
        count: Callable[[str], None],
    ) -> None:
        """`manager` is the server's. An emit to nobody in particular goes to the room `everybody`;
        who is in those for which `is_own_room` is not for others to say. `close` ends a connection
        by its id, if it is here; `count` is told `DONE`, `BROKEN` or `UNSUPPORTED`."""
        self._manager = manager
        self._everybody = everybody
        self._is_own_room = is_own_room
        self._close = close
        self._count = count
        self._logged: set[str] = set()
        self._methods: dict[str, Callable[[Message], None]] = {
            "emit": self._emit,
            "disconnect": self._disconnect,
            "enter_room": self._enter_room,
            "leave_room": self._leave_room,
            "close_room": self._close_room,
        }

    def take(self, text: bytes) -> None:
        """Do what a message says."""
        try:
            message = _parse(text)
            method = self._methods.get(message["method"])
            if method is None:
                raise Unsupported("its method")
            if message.get("namespace") not in (None, NAMESPACE):
                raise Unsupported("its namespace")
            method(message)
            self._count(DONE)
        except Unsupported as error:
            self._count(UNSUPPORTED)
            self._log_first("A message from outside was passed over for %s", str(error))
        except Exception as error:
            # Whatever it is that the manager or an encoder stumbled on was in the message.
            self._count(BROKEN)
            self._log_first("A message from outside was broken: %s", type(error).__name__)

    def _log_first(self, text: str, kind: str) -> None:
        # Kinds are written in this module, or types of exceptions: a bounded set.
        if kind not in self._logged:
            self._logged.add(kind)
            logger.warning(text + "; counted in /metrics from here on", kind)

    # --- methods ----------------------------------------------------------------------------------

    def _emit(self, message: Message) -> None:
        event = _text(message.get("event"), EVENT_NAME_MAX_CHARS)
        if event in RESERVED_EVENTS:
            raise Unsupported("an event's name that clients keep for themselves")
        if message.get("callback") is not None:
            # Of a server, whose client would have to be ours; it is sent no acknowledgement.
            self._count(UNSUPPORTED)
            self._log_first("A message from outside was sent without %s", "its acknowledgement")
        room = _names(message.get("room"))
        skip = _names(message.get("skip_sid"))
        self._manager.emit(
            event, _arguments(message), NAMESPACE, room=room or self._everybody, skip_sid=skip
        )

    def _disconnect(self, message: Message) -> None:
        self._close(_text(message.get("sid")))

    def _enter_room(self, message: Message) -> None:
        sid, room = self._membership(message)
        if self._manager.is_connected(sid, NAMESPACE):
            if len(self._manager.get_rooms(sid, NAMESPACE)) > MEMBERSHIPS_MAX:
                raise Unsupported("the number of rooms of one connection")
            self._manager.enter_room(sid, NAMESPACE, room)

    def _leave_room(self, message: Message) -> None:
        sid, room = self._membership(message)
        if self._manager.is_connected(sid, NAMESPACE):
            self._manager.leave_room(sid, NAMESPACE, room)

    def _close_room(self, message: Message) -> None:
        self._manager.close_room(self._room(message), NAMESPACE)

    def _membership(self, message: Message) -> tuple[str, str]:
        return _text(message.get("sid")), self._room(message)

    def _room(self, message: Message) -> str:
        room = _text(message.get("room"))
        if self._is_own_room(room):
            raise Unsupported("a room whose members this server chooses")
        return room


def _parse(text: bytes) -> Message:
    if len(text) > MESSAGE_MAX_BYTES:
        raise Broken("too large")
    message = orjson.loads(text)
    if not isinstance(message, dict) or not isinstance(message.get("method"), str):
        raise Broken("no message")
    return message


def _text(value: object, most: int = ROOM_NAME_MAX_CHARS) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise Broken("no name")
    return value


def _names(value: object) -> str | list[str] | None:
    """A name, several, or none."""
    if value is None:
        return None
    if not isinstance(value, list):
        return _text(value)
    if len(value) > ROOMS_MAX:
        raise Broken("too many names")
    return [_text(name) for name in value]


def _arguments(message: Message) -> Any:
    """What the event carries: a tuple where it is not one thing. With `binary`, the first item is
    all of it but for its attachments, and the others are these, in base64."""
    data = message.get("data")
    if not isinstance(data, list):
        raise Broken("no arguments")
    if message.get("binary"):
        attachments = [base64.b64decode(each, validate=True) for each in data[1:]]
        data = cast(list[Any], Packet.reconstruct_binary(data[0], attachments))
    return data[0] if len(data) == 1 else tuple(data)
