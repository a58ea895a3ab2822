"""One packet on its way out, rendered at most once in each form that a connection needs.

A connection's `form` is an index into `Message.forms`; all connections of a form are sent the
same bytes object.
"""

import base64
import zlib
from collections.abc import Hashable, Iterable
from typing import Any

import msgpack
from socketio.packet import BINARY_ACK, BINARY_EVENT, EVENT, Packet

from backend.fanout.wire import codec
from backend.fanout.wire.frame import BINARY, TEXT, frame
from backend.fanout.wire.pieces import Joined

# The forms: the parser of the client, and whether its WebSocket takes compressed frames ...
JSON, JSON_DEFLATED, MSGPACK, MSGPACK_DEFLATED = range(4)
DEFLATED = 1  # added to a parser's plain form
# ... and, added to any of them, whether it is told each event's place among all.
PLACED = 4
FORMS = 8

# Measured on quotes: one symbol's 170 bytes shrink by a sixth, two symbols' 320 by almost a half.
DEFLATE_MIN_BYTES = 256
# Compressing takes 5-20 us, as long as writing to one or two connections; among this many it adds
# a tenth. A message of fewer is sent plain: baskets of their own would otherwise cost double.
DEFLATE_MIN_RECEIVERS = 8
# Level 1: level 6 takes twice the time for 4 % fewer bytes of a tick.
_deflater = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS, 8)

Attachments = list[bytes]


def deflate(payload: bytes) -> bytes:
    """Raw deflate data of one message that refers to no other (RFC 7692 7.2.1).

    A full flush forgets all that came before, which spares a new compressor for each message.
    """
    return (_deflater.compress(payload) + _deflater.flush(zlib.Z_FULL_FLUSH))[:-4]


class Message:
    """A Socket.IO packet, or a bare Engine.IO one, with the frames that carry it.

    `key` says what the message is the latest of: while it waits for a slow connection, a newer
    one with the same key takes its place. None: it is kept, and in its order. `receivers` is how
    many connections it is for. `place` is an event's last argument for those that are told of it,
    and left out for all others.
    """

    __slots__ = ("key", "forms", "_texts", "_packet", "_deflates", "_placed")

    def __init__(
        self,
        kind: int,
        data: Any,
        namespace: str | None = None,
        ident: int | None = None,
        key: Hashable = None,
        receivers: int = 1,
        place: str | None = None,
    ) -> None:
        self.key = key
        self._deflates = receivers >= DEFLATE_MIN_RECEIVERS
        self.forms: list[bytes | None] = [None] * FORMS
        self._texts: list[bytes] | None = None
        self._packet: tuple[int, Any, str, int | None] | None
        self._packet = (kind, data, namespace or "/", ident)
        self._placed: Message | None = None
        if place is not None:
            self._placed = Message(kind, [*data, place], namespace, ident, key, receivers)

    @classmethod
    def raw(cls, text: bytes) -> "Message":
        """A bare Engine.IO packet, which is text for every parser."""
        message = cls.__new__(cls)
        message.key = None
        message.forms = [frame(TEXT, text)] * FORMS
        message._texts = [text]
        message._packet = None
        message._deflates = False
        message._placed = None
        return message

    def render(self, form: int) -> bytes:
        """The frames in `form`; one buffer, though a packet with attachments takes several."""
        rendered = self.forms[form]
        if rendered is None:
            plain = form & ~DEFLATED
            if form >= PLACED:
                rendered = (self._placed or self).render(form - PLACED)
            elif form != plain:
                rendered = self._deflated(plain)
            elif form == JSON:
                head, *attachments = self._json()
                rendered = frame(TEXT, head)
                if attachments:
                    rendered += b"".join([frame(BINARY, part) for part in attachments])
            else:
                rendered = frame(BINARY, self._packed())
            self.forms[form] = rendered
        return rendered

    def polled(self, form: int) -> bytes:
        """The packets as they stand in the body of a long poll."""
        if form >= PLACED:
            return (self._placed or self).polled(form - PLACED)
        if form >= MSGPACK and self._packet is not None:
            return b"b" + base64.b64encode(self._packed())
        head, *attachments = self._json()
        return b"\x1e".join([head, *(b"b" + base64.b64encode(part) for part in attachments)])

    def _deflated(self, plain: int) -> bytes:
        """The compressed frame where that is the smaller one."""
        uncompressed = self.render(plain)
        attachments = plain == JSON and len(self._json()) > 1
        if not self._deflates or len(uncompressed) < DEFLATE_MIN_BYTES or attachments:
            return uncompressed
        opcode, payload = (TEXT, self._json()[0]) if plain == JSON else (BINARY, self._packed())
        compressed = frame(opcode, deflate(payload), compressed=True)
        return min(uncompressed, compressed, key=len)

    def _json(self) -> list[bytes]:
        """The packet's text, and its binary attachments."""
        if self._texts is None:
            assert self._packet is not None
            kind, data, namespace, ident = self._packet
            try:
                body = b"" if data is None else codec.encode(data)
                attachments: Attachments = []
            except TypeError:
                data, attachments = Packet.deconstruct_binary(data)
                body = codec.encode(data)
            mark = b""
            if attachments:
                kind = BINARY_EVENT if kind == EVENT else BINARY_ACK
                mark = b"%d-" % len(attachments)
            which = b"" if ident is None else b"%d" % ident
            head = b"4%d%b%b%b%b" % (kind, mark, _where(namespace), which, body)
            self._texts = [head, *attachments]
        return self._texts

    def _packed(self) -> bytes:
        """The packet as `socket.io-msgpack-parser` writes it: absent fields are left out."""
        assert self._packet is not None
        kind, data, namespace, ident = self._packet
        fields: dict[str, Any] = {"type": kind, "nsp": namespace}
        if ident is not None:
            fields["id"] = ident
        if data is None:
            packed: bytes = msgpack.packb(fields)
            return packed
        head: bytes = msgpack.Packer().pack_map_header(len(fields) + 1)
        members = [msgpack.packb(name) + msgpack.packb(value) for name, value in fields.items()]
        return b"".join([head, *members, msgpack.packb("data"), _pack_data(data)])


class Envelope:
    """What stands around the members of the object that is an event's only argument, for the
    same event to many: a `Message` for each costs more than the rest of its way."""

    __slots__ = ("_head",)

    def __init__(self, event: str, namespace: str) -> None:
        self._head = b"4%d%b[%b,{" % (EVENT, _where(namespace), codec.encode(event))

    def frame(self, members: Iterable[bytes]) -> bytes:
        """The event as plain JSON; `members` as in `Pieces.json`."""
        return frame(TEXT, self._head + b",".join(members) + b"}]")


def _where(namespace: str) -> bytes:
    return b"" if namespace == "/" else namespace.encode() + b","


def _pack_data(data: Any) -> bytes:
    """The arguments of an event; a `Joined` among them is put in as it is."""
    if isinstance(data, list) and any(type(item) is Joined for item in data):
        head: bytes = msgpack.Packer().pack_array_header(len(data))
        return head + b"".join(
            [item.msgpack() if type(item) is Joined else msgpack.packb(item) for item in data]
        )
    packed: bytes = msgpack.packb(data)
    return packed
