"""Rooms, and events to them: what `client_manager=` of a Socket.IO server is for.

Holds the connections themselves, so that an event to a room is a loop over sockets. Installing
it puts the engine beneath the server; the application notices nothing.
"""

import itertools
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from typing import Any

import socketio
from socketio.packet import EVENT

from backend import green
from backend.fanout.engine import Engine
from backend.fanout.fan import Fan
from backend.fanout.sessions.connection import Connection
from backend.fanout.wire.message import MSGPACK, Envelope, Message
from backend.fanout.wire.pieces import Basket, Joined, Pieces, Sent
from backend.turns import Turns

# What an event is the latest of, from its payload: given for events of which only the latest
# matters to a client that lags behind.
ConflationKeys = Mapping[str, Callable[[Any], Hashable]]


class Member:
    """A connection's membership of a namespace, under an id of its own."""

    __slots__ = ("sid", "connection", "rooms", "connected", "leaving", "callbacks", "next_id")

    def __init__(self, sid: str, connection: Connection) -> None:
        self.sid = sid
        self.connection = connection
        self.rooms: set[str] = set()
        self.connected = False
        self.leaving = False
        self.callbacks: dict[int, Callable[..., Any]] | None = None
        self.next_id = 0


class _Namespace:
    """`everybody` and each room: the connections by the ids of their members."""

    __slots__ = ("members", "everybody", "rooms", "by_connection")

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.everybody: dict[str, Connection] = {}
        self.rooms: dict[str, dict[str, Connection]] = {}
        self.by_connection: dict[str, Member] = {}


class RoomManager(socketio.Manager):
    """The rooms of one process. `latest` names the events to conflate."""

    def __init__(self, latest: ConflationKeys, deflate: bool, turns: Turns) -> None:
        super().__init__()
        self._turns = turns
        self._latest = latest
        self._deflate = deflate
        self._namespaces: dict[str, _Namespace] = {}
        self._fan = Fan(Engine.now, green.pause)

    def set_server(self, server: Any) -> None:
        super().set_server(server)
        server.eio = Engine.replacing(server.eio, self._fan, self._deflate, self._turns)

    # --- members ----------------------------------------------------------------------------------

    def get_namespaces(self) -> Collection[str]:
        return self._namespaces.keys()

    def pre_connect(self, eio_sid: str, namespace: str, sid: str | None = None) -> str:
        """Register a connection with a namespace, under an id that it brings or is given; raises
        ValueError where either is there already."""
        space = self._namespaces.setdefault(namespace, _Namespace())
        if eio_sid in space.by_connection:
            raise ValueError("a second CONNECT to the same namespace")
        if sid is None:
            sid = str(self.server.eio.generate_id())
        elif sid in space.members:
            raise ValueError("another connection has this id")
        member = Member(sid, self.server.eio.sockets[eio_sid])
        space.members[sid] = space.by_connection[eio_sid] = member
        space.everybody[sid] = member.connection
        return sid

    def connect(self, sid: str, namespace: str) -> str:
        self._namespaces[namespace].members[sid].connected = True
        return sid

    def is_connected(self, sid: str, namespace: str) -> bool:
        member = self._member(sid, namespace)
        return member is not None and member.connected and not member.leaving

    def sid_from_eio_sid(self, eio_sid: str, namespace: str) -> str | None:
        space = self._namespaces.get(namespace)
        member = space.by_connection.get(eio_sid) if space else None
        return member.sid if member else None

    def eio_sid_from_sid(self, sid: str, namespace: str) -> str | None:
        member = self._member(sid, namespace)
        return member.connection.sid if member else None

    def pre_disconnect(self, sid: str, namespace: str) -> str | None:
        member = self._member(sid, namespace)
        if member is None:
            return None
        member.leaving = True
        return member.connection.sid

    def disconnect(self, sid: str, namespace: str, **_options: Any) -> None:
        space = self._namespaces.get(namespace)
        member = space.members.pop(sid, None) if space else None
        if space is None or member is None:
            return
        del space.everybody[sid], space.by_connection[member.connection.sid]
        for room in member.rooms:
            self._leave(space, sid, room)
        if not space.members:
            del self._namespaces[namespace]

    def taking_part(self, namespace: str) -> Collection[str]:
        """The Engine.IO ids of those that are connected to a namespace."""
        space = self._namespaces.get(namespace)
        return space.by_connection.keys() if space else ()

    def _member(self, sid: str, namespace: str) -> Member | None:
        space = self._namespaces.get(namespace)
        return space.members.get(sid) if space else None

    # --- rooms ------------------------------------------------------------------------------------

    def enter_room(self, sid: str, namespace: str, room: str, eio_sid: Any = None) -> None:
        """Raises ValueError for a connection that is not there, or another's own room."""
        space = self._namespaces.get(namespace)
        member = space.members.get(sid) if space else None
        if space is None or member is None:
            raise ValueError("sid is not connected to requested namespace")
        if room in space.members:
            if room == sid:
                return
            raise ValueError("cannot enter a sid room")
        member.rooms.add(room)
        space.rooms.setdefault(room, {})[sid] = member.connection

    def leave_room(self, sid: str, namespace: str, room: str) -> None:
        member = self._member(sid, namespace)
        if member is not None and room in member.rooms:
            member.rooms.discard(room)
            self._leave(self._namespaces[namespace], sid, room)

    def close_room(self, room: str, namespace: str) -> None:
        space = self._namespaces.get(namespace)
        if space is not None:
            for sid in space.rooms.pop(room, ()):
                space.members[sid].rooms.discard(room)

    def get_rooms(self, sid: str, namespace: str) -> list[str]:
        member = self._member(sid, namespace)
        return [] if member is None else [sid, *member.rooms]

    def get_participants(self, namespace: str, room: Any) -> Iterator[tuple[str, str]]:
        """(sid, Engine.IO sid) of all in a room, or in one of several."""
        members = self._receivers(namespace, room)
        yield from [(sid, connection.sid) for sid, connection in members.items()]

    @staticmethod
    def _leave(space: _Namespace, sid: str, room: str) -> None:
        members = space.rooms.get(room)
        if members is not None:
            members.pop(sid, None)
            if not members:
                del space.rooms[room]

    def _receivers(self, namespace: str, room: Any) -> dict[str, Connection]:
        """Connections by member; a live view of one room, or a copy of several together."""
        space = self._namespaces.get(namespace)
        if space is None:
            return {}
        if room is None:
            return space.everybody
        if isinstance(room, str):
            members = space.rooms.get(room)
            if members is None:
                alone = space.members.get(room)
                return {room: alone.connection} if alone else {}
            return members
        rooms = [self._receivers(namespace, one) for one in room]
        return dict(itertools.chain.from_iterable(members.items() for members in rooms))

    # --- events -----------------------------------------------------------------------------------

    def emit(
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: Callable[..., Any] | None = None,
        to: Any = None,
        place: str | None = None,
        **_options: Any,
    ) -> None:
        """Send an event, encoded once for all who get it. Those among them that are told of places
        get this one as the last argument."""
        receivers = self._receivers(namespace, to or room)
        if not receivers:
            return
        if skip_sid:
            skipped = set(skip_sid) if isinstance(skip_sid, list) else {skip_sid}
            receivers = {sid: c for sid, c in receivers.items() if sid not in skipped}
        arguments = list(data) if isinstance(data, tuple) else [] if data is None else [data]
        content = [event, *arguments]
        if callback is not None:
            # Each receiver acknowledges its own copy.
            for sid, connection in list(receivers.items()):
                ident = self._generate_ack_id(sid, callback, namespace)
                self._fan.send(connection, Message(EVENT, content, namespace, ident))
            return
        key = self._conflation_key(namespace, event, data)
        message = Message(EVENT, content, namespace, None, key, len(receivers), place)
        if len(receivers) == 1:
            for connection in receivers.values():
                self._fan.send(connection, message)
        else:
            self._fan.send_all(receivers.values(), message)

    def emit_joined(
        self, event: str, pieces: Pieces, baskets: Iterable[Basket], namespace: str
    ) -> Sent:
        """Send each basket's room an event whose argument is an object of the basket's own: those
        of `pieces` that its selection names, or no event where there is none. May yield.

        A tick has thousands of baskets, most of them one connection's: to such a one the frame
        is put together and written without a `Message`.
        """
        space = self._namespaces.get(namespace)
        if space is None:
            return Sent(0, 0)
        envelope = Envelope(event, namespace)
        encoded = pieces.json
        events = deliveries = 0
        for basket in self._fan.in_slices(baskets):
            members = space.rooms.get(basket.room)
            parts = basket.selection.of(encoded)
            if not members or not parts:
                continue
            events += 1
            deliveries += len(members)
            if len(members) == 1 and not self._fan.unfinished:
                (connection,) = members.values()
                # Deflate is for what many share.
                if not connection.form & MSGPACK and connection.push(envelope.frame(parts)):
                    continue
            joined = Joined(pieces, basket.selection)
            key = self._conflation_key(namespace, event, joined)
            message = Message(EVENT, [event, joined], namespace, None, key, len(members))
            self._fan.send_all(members.values(), message)
        return Sent(events, deliveries)

    def _conflation_key(self, namespace: str, event: str, data: Any) -> Hashable:
        """What a message is the latest of; None where none gives way to another."""
        key = self._latest.get(event)
        return None if key is None else (namespace, event, key(data))

    def trigger_callback(self, sid: str, id: int, data: list[Any]) -> None:
        for space in self._namespaces.values():
            member = space.members.get(sid)
            if member is not None and member.callbacks is not None:
                callback = member.callbacks.pop(id, None)
                if callback is not None:
                    callback(*data)

    def _generate_ack_id(self, sid: str, callback: Callable[..., Any], namespace: str = "/") -> int:
        member = self._namespaces[namespace].members[sid]
        if member.callbacks is None:
            member.callbacks = {}
        member.next_id += 1
        member.callbacks[member.next_id] = callback
        return member.next_id
