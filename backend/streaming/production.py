"""Who reads the market and sets the pace: this process alone, or one of several in turn."""

from collections.abc import Callable
from typing import Protocol

from backend.streaming.producer import Producer


class Production(Protocol):
    """What the stream needs of whoever produces it."""

    @property
    def producer(self) -> Producer | None:
        """What says signals and sentiment, where this process does."""

    @property
    def leads(self) -> bool:
        """Whether this process does."""

    def tick(self, send: Callable[[], None]) -> None:
        """It is time for a tick, by this process's clock: `send` sends clients their quotes."""


class Alone:
    """One process: it produces, and sends when it is time to."""

    leads = True

    def __init__(self, producer: Producer) -> None:
        self.producer: Producer | None = producer

    def tick(self, send: Callable[[], None]) -> None:
        """Send."""
        send()
