"""What an exchange's own file says: where to connect, what to ask for, how to read the answers."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar

from backend.feeds.candle_pages import CandleTerms
from backend.feeds.frames import FeedEvent
from backend.feeds.rest import RestClient
from backend.market.models import CandleArray


class Dialect(ABC):
    """The part of a `WebSocketFeed` that differs between exchanges."""

    # Open a new connection when the old one is this old (less up to a tenth, at random).
    renew_after_s: ClassVar[float]
    candle_terms: ClassVar[CandleTerms]
    # Pause before each of `requests`, by the exchange's limit of inbound messages.
    request_interval_s: ClassVar[float] = 0.25
    # What is sent so that the exchange doesn't take us for gone, after so long without sending
    # anything; nothing where it asks for none. Its WebSocket pings are answered anyway.
    keepalive: ClassVar[str] = ""
    keepalive_s: ClassVar[float] = 20.0

    def __init__(self, ws_url: str) -> None:
        self.ws_url = ws_url

    def stream_url(self) -> str:
        """Where to connect, with as many streams as a URL may name, if it may name any."""
        return self.ws_url

    def requests(self) -> Sequence[str]:
        """What to send after that, such as further subscriptions; `listed` are worth one."""
        return ()

    def resubscribe(self, before: Sequence[str], after: Sequence[str]) -> Sequence[str] | None:
        """What to send on an open connection with the subscriptions of the symbols `before`, so
        that it has those of `after`. None where that can't be had: another connection with those
        takes its place."""
        return None

    @abstractmethod
    def events(self, message: bytes) -> Iterable[FeedEvent]:
        """What one message says; raises ValueError for one that can't be believed."""

    @abstractmethod
    def fetch_candles(
        self, client: RestClient, symbol: str, limit: int, end_ms: int | None
    ) -> CandleArray:
        """The one-minute candles of `limit` minutes, oldest first: the newest, or those that open
        at or before `end_ms`. Raises RestError or ValueError. Called from several tasks."""

    def fetch_past(
        self, client: RestClient, symbol: str, interval: str, limit: int, before_ms: int
    ) -> CandleArray:
        """`past`, of an exchange that names `past_intervals`: the candles of `limit` intervals,
        oldest first, that open before `before_ms`. Raises RestError or ValueError."""
        raise NotImplementedError

    @classmethod
    def fetch_listing(cls, client: RestClient, pause: Callable[[], object]) -> Mapping[str, str]:
        """The symbols that may be followed, each with its name. Raises RestError or ValueError;
        calls `pause` whenever it has worked for up to half a millisecond."""
        return {}
