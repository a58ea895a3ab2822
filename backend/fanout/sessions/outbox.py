"""What waits for a connection that can't be written to: the latest of quotes, all of the rest."""

from collections import deque
from collections.abc import Hashable

from backend.fanout.wire.message import Message

# Messages and bytes that are kept in order for one connection. A client that subscribes to
# hundreds of symbols at once is answered with as many signals, about 300 bytes each; who is
# behind by more than this will not catch up. Conflated messages come on top: one for each key.
KEPT_MESSAGES_MAX = 1_024
KEPT_BYTES_MAX = 512 * 1024
# Places of replaced messages are cleared away once there are this many, and as many as the rest.
_REPLACED_MIN = 16


class Outbox:
    """Messages in their order; one with a key gives way to the next with the same key.

    The newer takes its own place at the end, not the older's, so that nothing overtakes what was
    sent before it.
    """

    __slots__ = ("_queue", "_latest", "_replaced", "_kept", "_kept_bytes")

    def __init__(self) -> None:
        self._queue: deque[tuple[Message, int]] = deque()
        self._latest: dict[Hashable, Message] = {}
        self._replaced = 0
        self._kept = 0
        self._kept_bytes = 0

    def __len__(self) -> int:
        return self._kept + len(self._latest)

    @property
    def kept_bytes(self) -> int:
        """Of all messages but those that a newer one may replace."""
        return self._kept_bytes

    def put(self, message: Message, size: int) -> bool:
        """Add a message of `size` bytes; False where that is more than may wait."""
        key = message.key
        if key is None:
            self._kept += 1
            self._kept_bytes += size
        else:
            self._replaced += key in self._latest
            self._latest[key] = message
        self._queue.append((message, size))
        if self._replaced > _REPLACED_MIN and self._replaced > len(self):
            self._queue = deque(entry for entry in self._queue if self._live(entry[0]))
            self._replaced = 0
        return self._kept <= KEPT_MESSAGES_MAX and self._kept_bytes <= KEPT_BYTES_MAX

    def pop(self) -> Message | None:
        """The oldest message; None where there is none."""
        while self._queue:
            message, size = self._queue.popleft()
            if message.key is None:
                self._kept -= 1
                self._kept_bytes -= size
                return message
            if self._live(message):
                del self._latest[message.key]
                return message
            self._replaced -= 1
        return None

    def _live(self, message: Message) -> bool:
        return message.key is None or self._latest.get(message.key) is message
