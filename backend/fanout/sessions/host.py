"""What a session needs from whoever keeps it. The engine is one; a test can be another."""

from typing import Protocol, TypeVar

import engineio

from backend.fanout.wire.frame_reader import ProtocolViolation
from backend.fanout.wire.payload import Inbound
from backend.turns import Turns

# Why a session ended, in the words that the driver hands to an application's handler.
Reason = engineio.Server.reason

SessionT = TypeVar("SessionT", contravariant=True)


class Host(Protocol[SessionT]):
    """Keeps sessions. Every call may come from the hub, so that none but `handle` may wait."""

    max_http_buffer_size: int
    turns: Turns
    # What a message takes of the hub, as the last ones did.
    message_seconds: float

    def now(self) -> float:
        """Seconds on a clock that never goes back."""

    def handle(self, session: SessionT, data: Inbound) -> None:
        """A message has come. May wait, which slows its sender down."""

    def message_took(self, seconds: float) -> None:
        """A message has been handled in so long."""

    def violated(self, session: SessionT, violation: ProtocolViolation) -> None:
        """The client broke the protocol; the session is to be closed."""

    def overdone(self, session: SessionT) -> None:
        """The client has sent more than it can be served, for too long; it is to be closed."""

    def ponged(self, session: SessionT) -> None:
        """The client has answered a ping."""

    def waits(self, session: SessionT) -> None:
        """Something waits for the client that could not be written at once."""

    def give_up(self, session: SessionT) -> None:
        """More waits for the client than may; the session is to be closed."""

    def ended(self, session: SessionT, reason: str) -> None:
        """The session ends; the application is to be told."""
