"""The values that travel from a feed to the wire. Pure data: no behaviour beyond derived fields.

Prices are in USD (or a dollar stablecoin) per unit; `volume` is in units of the asset,
`quote_volume` in USD. Instants are UTC milliseconds in the exchange's time.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Many candles travel as one float64 array of shape (n, 7), oldest first, in these columns.
# An epoch in milliseconds is exact in a float64.
CandleArray = NDArray[np.float64]
OPEN_TIME, OPEN, HIGH, LOW, CLOSE, VOLUME, QUOTE_VOLUME = range(7)
CANDLE_COLUMNS = 7


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade as the exchange reported it.

    `trade_id` grows by one with each trade of a symbol where the exchange numbers them, and is
    None where it does not.
    """

    symbol: str
    time_ms: int
    price: float
    quantity: float
    trade_id: int | None = None


@dataclass(frozen=True, slots=True)
class Candle:
    """Open, high, low, close and volume of `[open_time_ms, open_time_ms + interval)`."""

    open_time_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float


@dataclass(frozen=True, slots=True)
class DayStatistics:
    """The exchange's own rolling 24 h figures of a symbol, authoritative over computed ones."""

    symbol: str
    time_ms: int
    close: float
    open: float
    quote_volume: float


@dataclass(frozen=True, slots=True)
class BookTop:
    """The best bid and the best offer of a symbol; what is offered there in amounts isn't told."""

    symbol: str
    bid: float
    ask: float


class Quote(NamedTuple):
    """The latest state of a symbol. A tick takes one of each, and a frozen dataclass takes a
    microsecond more to make than a tuple.

    `previous_price` is the last price that differed, or the price itself before any change.
    `seq` grows by one with each change. `stale` is true once the symbol's feed has been silent
    for over 15 s. `source` is the name of the feed. `bid` and `ask` are None where that has no
    order book; `received_ms`, the wall time at which the newest trade came in, is where it has
    brought no trade.
    """

    symbol: str
    price: float
    previous_price: float
    change_24h: float
    volume_24h: float
    time_ms: int
    seq: int
    stale: bool
    source: str = ""
    bid: float | None = None
    ask: float | None = None
    received_ms: int | None = None


class FeedState(StrEnum):
    """What a feed is doing, in the words that clients see."""

    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"
    ENDED = "ended"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """The feed's state since the wall time `since_ms`; `detail` is for people."""

    name: str
    state: FeedState
    detail: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Playback:
    """How a recording is played: `speed` times its own pace, from its first instant to its last.

    Both are None where finding them would take too long.
    """

    speed: float
    loop: bool
    begin_ms: int | None = None
    end_ms: int | None = None


@dataclass(frozen=True, slots=True)
class FeedFacts:
    """What a feed knows of itself beside its state: symbols that its exchange does not list, the
    playback where it is a recording's, and whether its exchange says that nobody can trade."""

    unlisted: tuple[str, ...] = ()
    playback: Playback | None = None
    halted: bool = False


class SignalLevel(StrEnum):
    """The five ratings of a symbol."""

    STRONG_BUY = "STRONG_BUY"
    BUY = "BUY"
    HOLD = "HOLD"
    SELL = "SELL"
    STRONG_SELL = "STRONG_SELL"


class SignalReason(StrEnum):
    """The published reasons of a signal."""

    MOMENTUM = "Strong momentum detected"
    VOLUME = "Volume surge observed"
    BREAKOUT = "Breakout pattern forming"
    SUPPORT = "Support level reached"
    RESISTANCE = "Resistance level approaching"


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the analysis says of one symbol at one instant, on one timeframe.

    `score` is in -1..1, `strength` in 0.5..1.0; `price` is the price it was computed at and
    `time_ms` that price's instant.
    """

    symbol: str
    timeframe: str
    level: SignalLevel
    score: float
    strength: float
    reason: SignalReason
    price: float
    time_ms: int


@dataclass(frozen=True, slots=True)
class Sentiment:
    """Fear and greed over all symbols: `index` and each of `components` in 0..100."""

    overall: str
    index: float
    mood: str
    confidence: float
    trending_topics: tuple[str, ...]
    components: dict[str, float]
    time_ms: int
