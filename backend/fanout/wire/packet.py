"""Socket.IO packets as clients send them, checked against the protocol before anybody sees them."""

from typing import Any

import msgpack
from socketio.packet import (
    ACK,
    BINARY_ACK,
    BINARY_EVENT,
    CONNECT,
    CONNECT_ERROR,
    DISCONNECT,
    EVENT,
    Packet,
)

from backend.fanout.wire.message import Message


class Attachment(bytes):
    """Binary data from a client whose packets are text; a MessagePack client's are all binary."""

    __slots__ = ()


class EnginePacket(Packet):
    """What python-socketio makes and reads its packets with: text is JSON, bytes are MessagePack.

    Reads what the protocol allows, and raises ValueError on the rest. Writes a `Message`, whose
    form is chosen by the connection it goes to.
    """

    uses_binary_events = False  # attachments are taken out when, and if, the packet becomes JSON

    def encode(self) -> Message:
        data = self.data
        if self.packet_type == CONNECT_ERROR and isinstance(data, str):
            # python-socketio's one refusal in bare text is of a namespace that nobody serves.
            # Version 5 of the protocol asks for an object; the words are Node's.
            data = {"message": "Invalid namespace"}
        assert self.packet_type is not None
        return Message(self.packet_type, data, self.namespace, self.id)

    def decode(self, encoded_packet: str | bytes) -> int:
        attachments = 0
        if isinstance(encoded_packet, Attachment):
            raise ValueError("an attachment of nothing")
        if isinstance(encoded_packet, bytes):
            self._unpack(encoded_packet)
        else:
            if not encoded_packet[:1].isdigit():
                raise ValueError("no packet type")
            attachments = super().decode(encoded_packet)
        check(self.packet_type, self.data, attachments)
        return attachments

    def add_attachment(self, attachment: str | bytes) -> bool:
        if isinstance(attachment, str):
            raise ValueError("text in place of an attachment")
        complete: bool = super().add_attachment(bytes(attachment))
        return complete

    def _unpack(self, packed: bytes) -> None:
        try:
            fields = msgpack.unpackb(packed)
        except (ValueError, msgpack.exceptions.UnpackException) as error:
            raise ValueError("not MessagePack") from error
        if not isinstance(fields, dict):
            raise ValueError("a packet is an object")
        self.packet_type = fields.get("type")
        self.namespace = fields.get("nsp")
        self.data = fields.get("data")
        self.id = fields.get("id")
        if not isinstance(self.namespace, str):
            raise ValueError("no namespace")
        if self.id is not None and not (isinstance(self.id, int) and self.id >= 0):
            raise ValueError("bad acknowledgement id")
        if self.packet_type not in (CONNECT, DISCONNECT, EVENT, ACK):
            raise ValueError("not a client's packet type")


# Attachments that one event may carry; each is as large as a message may be, and is held until
# the last has come.
ATTACHMENTS_MAX = 10


def check(kind: int | None, data: Any, attachments: int) -> None:
    """Raise ValueError where a packet's data is not what its type asks for."""
    if kind in (BINARY_EVENT, BINARY_ACK):
        if not 1 <= attachments <= ATTACHMENTS_MAX:
            raise ValueError("too many attachments, or none")
        kind = EVENT if kind == BINARY_EVENT else ACK
    elif attachments:
        raise ValueError("attachments of a packet that has none")
    if kind == CONNECT:
        valid = data is None or isinstance(data, dict)
    elif kind == DISCONNECT:
        valid = data is None
    elif kind == EVENT:
        valid = isinstance(data, list) and bool(data) and isinstance(data[0], str)
    elif kind == ACK:
        valid = isinstance(data, list)
    else:
        valid = False
    if not valid:
        raise ValueError(f"data does not suit a packet of type {kind}")
