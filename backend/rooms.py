"""The rooms of the stream in Socket.IO's terms: who is in them, and what is put into them."""

from flask_socketio import SocketIO

from backend.fanout.transport import Transports
from backend.fanout.wire.pieces import Pieces, Sent
from backend.protocol import Payload, user_room
from backend.streaming.sessions import Session
from backend.streaming.subscriptions import Basket, RoomChange

NAMESPACE = "/"


class Rooms:
    """Moves connections, and sends events, by rooms of one namespace."""

    def __init__(self, socketio: SocketIO, transports: Transports, user_rooms: bool) -> None:
        """With `user_rooms` each user's connections are in a room, for programs outside to emit
        to."""
        self._socketio = socketio
        self._transports = transports
        self._user_rooms = user_rooms

    def put(self, event: str, payload: Payload, room: str, place: str | None) -> None:
        """Send an event, with its place, to a room."""
        # The client manager's own, which both `emit`s above it end in at several times its cost.
        self._socketio.server.manager.emit(event, payload, NAMESPACE, room=room, place=place)

    def put_joined(self, event: str, pieces: Pieces, baskets: list[Basket]) -> Sent:
        """Send each basket's room its own part of the pieces. May yield."""
        return self._transports.emit_joined(event, pieces, baskets, NAMESPACE)

    def enter(self, sid: str, room: str) -> None:
        """Put a connection into a room."""
        self._socketio.server.enter_room(sid, room, namespace=NAMESPACE)

    def move(self, session: Session, change: RoomChange) -> None:
        """Take a connection out of rooms and put it into others."""
        for room in change.leave:
            self._socketio.server.leave_room(session.sid, room, namespace=NAMESPACE)
        for room in change.enter:
            self.enter(session.sid, room)

    def recognise(self, session: Session) -> None:
        """Put a connection that has shown whose it is into its user's room."""
        if self._user_rooms and session.user_id is not None:
            self.enter(session.sid, user_room(session.user_id))
