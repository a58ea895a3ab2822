"""Keeps the ratings and levels of all symbols up with the market."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from backend import green
from backend.analysis.board import Run, at_once
from backend.analysis.level_changes import Changes
from backend.analysis.rows import REMEMBERED_CANDLES
from backend.analysis.signal_board import SignalBoard
from backend.market.market import Market
from backend.market.models import Assessment, CandleArray
from backend.offload import Overloaded
from backend.streaming.by_source import BySource
from backend.streaming.candle_inbox import CandleInbox
from backend.streaming.published import Levels

# Symbols that are rated together, on all timeframes: when a minute has closed, in 3 ms.
BOARD_SYMBOLS = 20


# (source, symbol, what was said of the candles of that source), in order of time by timeframe.
Heard = Callable[[str, str, Changes], object]


class Earlier(Protocol):
    """The candles from before the market's; `EarlierCandles` says more."""

    def wait(self) -> None: ...
    def version(self, symbol: str) -> int: ...
    def before(self, symbol: str, minutes: CandleArray, count: int) -> dict[str, CandleArray]: ...


class _Boards(dict[str, SignalBoard]):
    """The board of each symbol; several may share one."""

    def state(self, symbol: str) -> dict[str, Any]:
        return self[symbol].state(symbol)

    def restore(self, symbol: str, state: Mapping[str, Any]) -> None:
        self[symbol].restore(symbol, state)

    def forget(self, symbol: str) -> None:
        self[symbol].forget(symbol)


class Rater:
    """A `SignalBoard` of a `Market`, the work done by whoever asks: `pause` is called each
    millisecond or two, so that others get a turn, and a symbol is read anew by `run`.

    Levels that nothing is known of from a run before go through all minutes that the market has:
    so the past is gone through once, for what is said now as for the record of what was said.
    """

    def __init__(
        self,
        market: Market,
        symbols: Iterable[str],
        timeframe: str,
        earlier: Earlier,
        pause: Callable[[], object] = lambda: None,
        heard: Heard = lambda source, symbol, changes: None,
        run: Run = at_once,
    ) -> None:
        """Assessments are those of `timeframe`. `heard` is told of each level that is said, those
        of the past that is gone through included. `run` may wait, and raise `Overloaded`."""
        self._market = market
        self._symbols = tuple(symbols)
        self._timeframe = timeframe
        self._earlier = earlier
        self._pause = pause
        self._heard = heard
        self._run = run
        # A board rates all of its symbols in one go, and takes the hub for as long. One that comes
        # later has its own, which takes half a millisecond.
        self._boards = _Boards()
        for begin in range(0, len(self._symbols), BOARD_SYMBOLS):
            together = self._symbols[begin : begin + BOARD_SYMBOLS]
            self._boards |= dict.fromkeys(together, SignalBoard(together))
        self._inbox = CandleInbox(market, self._symbols)
        self._learnt = BySource("signals", market, self._boards)
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

    def follow(self, symbol: str) -> None:
        """Rate one symbol more."""
        self._symbols = (*self._symbols, symbol)
        self._boards[symbol] = SignalBoard((symbol,))
        self._turns[symbol] = green.Semaphore(1)
        self._inbox.follow(symbol)

    def unfollow(self, symbol: str) -> None:
        """Rate a symbol no more."""
        self._symbols = tuple(other for other in self._symbols if other != symbol)
        for by_symbol in (self._boards, self._turns, self._versions, self._read):
            by_symbol.pop(symbol, None)
        self._inbox.unfollow(symbol)
        self._learnt.unfollow(symbol)

    def catch_up(self, symbol: str) -> None:
        """Take in what has closed, and what has become known of the past; may wait, and raise
        `Overloaded`: then it has yet to be taken in."""
        if symbol not in self._boards:
            return  # it has gone while others had their turn
        if not self.has_read(symbol):
            self._earlier.wait()
        with self._turns[symbol]:
            board = self._boards.get(symbol)
            if board is None:
                return  # or while this one waited for its own
            version, source = self._earlier.version(symbol), self._market.source(symbol)
            history, candles = self._inbox.take(symbol)
            if history is None and version != self._versions.get(symbol) and board.is_short(symbol):
                history = self._market.closed_candles(symbol)
            if history is None:
                for candle in candles:
                    board.update(symbol, candle)
                return
            self._versions[symbol] = version
            self._learnt.turn(symbol)
            self._hear(board)  # what was said of the source before is still that one's
            longer = self._earlier.before(symbol, history, REMEMBERED_CANDLES)
            try:
                board.load(symbol, history, longer, self._run)
            except Overloaded:
                self._inbox.start_over(symbol)
                raise
            if symbol in self._boards:
                self._read[symbol] = source
                self._hear(board)

    def has_read(self, symbol: str) -> bool:
        """Whether a symbol has been read once: from then on its reading anew is a short one."""
        return symbol in self._read

    def assess(self, symbols: Iterable[str]) -> Iterator[Assessment]:
        """What there is to say of these symbols now, those without enough candles left out; some
        are worked out at a time, and `pause` is called in between."""
        wanted = tuple(symbols)
        for begin in range(0, len(wanted), BOARD_SYMBOLS):
            if begin:
                self._pause()
            by_board: dict[SignalBoard, list[str]] = {}
            for symbol in wanted[begin : begin + BOARD_SYMBOLS]:
                # Of one that has gone over to another source meanwhile that one's candles are not
                # read yet; one may have gone altogether.
                if symbol in self._boards and self._read.get(symbol) == self._market.source(symbol):
                    by_board.setdefault(self._boards[symbol], []).append(symbol)
            for board, of_board in by_board.items():
                yield from board.assess(
                    self._timeframe,
                    {symbol: self._market.forming(symbol) for symbol in of_board},
                    {symbol: self._market.time_ms(symbol) for symbol in of_board},
                )

    def changed_levels(self) -> Levels | None:
        """The levels of all symbols on every timeframe; None where none has changed since this was
        last asked. May wait."""
        for board in dict.fromkeys(self._boards.values()):
            self._hear(board)
            self._pause()
        changed, self._levels_due = self._levels_due, False
        if not changed:
            return None
        levels = {}
        for number, (symbol, board) in enumerate(tuple(self._boards.items()), 1):
            of_symbol = board.levels(symbol)
            levels[symbol] = {timeframe: level.value for timeframe, level in of_symbol.items()}
            if number % BOARD_SYMBOLS == 0:
                self._pause()
        return levels

    def states(self, symbol: str) -> Iterator[tuple[str, str]]:
        """What is to be known of a symbol after a restart, by source, as JSON."""
        return self._learnt.states(symbol)

    def restore(self, symbol: str, source: str, state: str) -> None:
        """Go on from what `states` gave."""
        with self._turns[symbol]:
            if self._learnt.restore(symbol, source, state):
                self._inbox.start_over(symbol)
                self._levels_due = True

    def _hear(self, board: SignalBoard) -> None:
        """Tell of what was said since this was last done, which the board then forgets."""
        for symbol, changes in board.changes().items():
            self._levels_due = True
            if symbol in self._read:  # it has not gone meanwhile
                self._heard(self._read[symbol], symbol, changes)
