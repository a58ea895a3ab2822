"""Keeps the ratings and levels of all symbols up with the market."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from backend import green
from backend.analysis.board import LevelChange
from backend.analysis.rows import REMEMBERED_CANDLES
from backend.analysis.signal_board import SignalBoard
from backend.clock import HOUR_MS
from backend.market.market import Market
from backend.market.models import OPEN_TIME, Assessment, CandleArray
from backend.streaming.candle_inbox import CandleInbox
from backend.streaming.published import Levels

# A level that nothing is known of from a run before goes through so much of the past: 20 ms of work
# a symbol, in which an hour's level may change many times.
SETTLING_MS = 6 * HOUR_MS


class Earlier(Protocol):
    """The candles from before the market's; `EarlierCandles` says more."""

    def version(self, symbol: str) -> int: ...
    def before(self, symbol: str, minutes: CandleArray, count: int) -> dict[str, CandleArray]: ...


class Rater:
    """A `SignalBoard` of a `Market`, the work done by whoever asks.

    `pause` is called each millisecond or two while a symbol is read anew, so that others get a
    turn.
    """

    def __init__(
        self,
        market: Market,
        symbols: Iterable[str],
        timeframe: str,
        earlier: Earlier,
        pause: Callable[[], object] = lambda: None,
        heard: Callable[[list[LevelChange]], object] = lambda changes: None,
    ) -> None:
        """Assessments are those of `timeframe`. `heard` is told of each level that is said."""
        self._market = market
        self._symbols = tuple(symbols)
        self._timeframe = timeframe
        self._earlier = earlier
        self._pause = pause
        self._heard = heard
        self._board = SignalBoard(self._symbols)
        self._inbox = CandleInbox(market, self._symbols)
        self._levels_due = True
        # What there was of earlier candles when a symbol was read last.
        self._versions: dict[str, int] = {}
        # By symbol, of which source the candles are that were read.
        self._read: dict[str, str] = {}
        # Whoever reads a symbol anew may pause; another one who wants it waits.
        self._turns = {symbol: green.Semaphore(1) for symbol in self._symbols}

    def close(self) -> None:
        """Stop listening to the market."""
        self._inbox.close()

    def catch_up(self, symbol: str) -> None:
        """Take in what has closed, and what has become known of the past; may wait."""
        with self._turns[symbol]:
            version, source = self._earlier.version(symbol), self._market.source(symbol)
            history, candles = self._inbox.take(symbol)
            if (
                history is None
                and version != self._versions.get(symbol)
                and self._board.is_short(symbol)
            ):
                history = self._market.closed_candles(symbol)
            if history is None:
                for candle in candles:
                    self._board.update(symbol, candle)
                return
            self._versions[symbol] = version
            longer = self._earlier.before(symbol, history, REMEMBERED_CANDLES)
            since_ms = int(history[-1, OPEN_TIME]) - SETTLING_MS if len(history) else 0
            self._board.load(symbol, history, longer, self._pause, since_ms)
            self._read[symbol] = source

    def has_read(self, symbol: str) -> bool:
        """Whether a symbol has been read once: from then on its reading anew is a short one."""
        return symbol in self._read

    def assess(self, symbols: Iterable[str]) -> list[Assessment]:
        """What there is to say of these symbols now, those without enough candles left out."""
        # Of one that has gone over to another source meanwhile that one's candles are not read yet.
        read = [
            symbol for symbol in symbols if self._read.get(symbol) == self._market.source(symbol)
        ]
        return self._board.assess(
            self._timeframe,
            {symbol: self._market.forming(symbol) for symbol in read},
            {symbol: self._market.time_ms(symbol) for symbol in read},
        )

    def changed_levels(self) -> Levels | None:
        """The levels of all symbols on every timeframe; None where none has changed since this was
        last asked."""
        changes = self._board.changes()
        self._heard(changes)
        if not changes and not self._levels_due:
            return None
        self._levels_due = False
        return {
            symbol: {
                timeframe: level.value for timeframe, level in self._board.levels(symbol).items()
            }
            for symbol in self._symbols
        }

    def state(self, symbol: str) -> dict[str, Any]:
        """What is to be known of a symbol after a restart, as JSON."""
        return self._board.state(symbol)

    def restore(self, symbol: str, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave; raises ValueError, KeyError or TypeError for what is no
        state."""
        with self._turns[symbol]:
            self._board.restore(symbol, state)
            self._inbox.start_over(symbol)
            self._levels_due = True
