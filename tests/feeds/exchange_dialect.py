"""What differs between the local exchanges: how each says what all of them do."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple

from backend.feeds.websocket_feed import WebSocketFeed
from tests.feeds.exchange_klines import Frame, PlayedTrade, Row

# symbol -> its candles, oldest first; KeyError for a symbol that is not listed.
RowsOf = Callable[[str], list[Row]]


class SampleTrade(NamedTuple):
    """A made-up trade, with its numbers as text."""

    time_ms: int
    symbol: str
    trade_id: int
    price: str
    quantity: str
    buyer_is_maker: bool

    def played(self) -> PlayedTrade:
        """The same, as it will be found among the frames."""
        price, quantity = Decimal(self.price), Decimal(self.quantity)
        return PlayedTrade(self.symbol, self.trade_id, price, quantity, self.time_ms)


class SampleDay(NamedTuple):
    """The figures of the 24 h up to an instant, and the top of the book at it."""

    time_ms: int
    symbol: str
    last_trade_id: int
    close: float
    open: float
    volume: float
    bid: float
    ask: float


@dataclass
class Answer:
    """An answer of the REST side."""

    body: object
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Subscriber(ABC):
    """A WebSocket connection, as a dialect sees it: `streams` is what it subscribed to."""

    streams: set[str]
    raw: bool


class Dialect(ABC):
    """One exchange's protocol. A stream is named by a text that only the dialect understands."""

    name: ClassVar[str]
    # The feed that speaks it, without pauses between requests.
    feed_class: ClassVar[type[WebSocketFeed]]
    every_minute: ClassVar[bool] = True
    # How well our quote volume of a repaired minute can equal the exchange's; None: not at all.
    quote_volume_rtol: ClassVar[float | None] = 1e-9
    # How long a connection may be silent before its first request, and later.
    first_request_s: ClassVar[float | None] = None
    silence_s: float | None = None

    @abstractmethod
    def trades_of(self, text: str) -> list[PlayedTrade]:
        """The trades in a frame."""

    @abstractmethod
    def stream_of(self, message: dict[str, Any]) -> str:
        """The stream that a frame is of; empty where everybody gets it."""

    def offered(self, subscriber: Subscriber, text: str, message: dict[str, Any]) -> str:
        """A frame as this connection gets it."""
        return text

    def named_in(self, path: str) -> tuple[bool, set[str]]:
        """Whether a connection to this path is raw, and the streams that the path names."""
        return False, set()

    @abstractmethod
    def answers(
        self,
        subscriber: Subscriber,
        request: Any,
        listed: list[str],
        played: Mapping[str, list[PlayedTrade]],
    ) -> Iterable[str]:
        """Do what a request over the stream asks for, and say what comes of it. `played` are the
        newest trades of each symbol."""

    @abstractmethod
    def rest(
        self, path: str, query: dict[str, str], headers: Mapping[str, str], rows_of: RowsOf
    ) -> Answer:
        """Serve a request of the REST side, for candles."""

    @abstractmethod
    def listing(self, path: str, symbols: list[str]) -> Answer | None:
        """Serve a request of the REST side for what is listed; None: it is for something else."""

    @abstractmethod
    def limit(self) -> Answer:
        """Too many requests."""

    @abstractmethod
    def trade_frames(self, trade: SampleTrade) -> list[Frame]:
        """A made-up trade as the exchange says it."""

    @abstractmethod
    def day_frames(self, day: SampleDay) -> list[Frame]:
        """What the exchange says once a second of a symbol."""
