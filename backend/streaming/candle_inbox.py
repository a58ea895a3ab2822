"""What has closed in the market since somebody last looked: notes now, work later."""

from collections.abc import Iterable

from backend.market.models import Candle, CandleArray
from backend.market.state import MarketState

# A symbol that has more candles waiting than this is read anew instead: about as quick, and
# bounded.
PENDING_MAX = 60


class _Tray:
    def __init__(self) -> None:
        self.pending: list[Candle] = []
        self.outdated = True


class CandleInbox:
    """Closed candles by symbol, waiting for one reader.

    Listening to the market only takes notes, so that a feed is never held up by analysis.
    """

    def __init__(
        self, market: MarketState, symbols: Iterable[str], history_candles: int | None = None
    ) -> None:
        """`history_candles` is how many the reader wants when it has to start over; by default all
        that the market has."""
        self._market = market
        self._history_candles = history_candles
        self._trays = {symbol: _Tray() for symbol in symbols}
        self._unsubscribe = (
            market.on_candle(self._note_candle),
            market.on_history(self._note_history),
        )

    def follow(self, symbol: str) -> None:
        """Take notes of one symbol more."""
        self._trays[symbol] = _Tray()

    def unfollow(self, symbol: str) -> None:
        """Take no more notes of a symbol."""
        self._trays.pop(symbol, None)

    def close(self) -> None:
        """Stop listening to the market."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    def take(self, symbol: str) -> tuple[CandleArray | None, list[Candle]]:
        """What is new of a symbol: (history to start over from, []) where candles were loaded or
        rewritten or have piled up, else (None, the candles that closed). Nothing, where it went
        while the reader let others have their turn."""
        tray = self._trays.get(symbol)
        if tray is None:
            return None, []
        pending, tray.pending = tray.pending, []
        if not tray.outdated:
            return None, pending
        tray.outdated = False
        return self._market.closed_candles(symbol, self._history_candles), []

    def start_over(self, symbol: str) -> None:
        """Have the reader read a symbol anew."""
        self._note_history(symbol, 0)

    def _note_candle(self, symbol: str, candle: Candle) -> None:
        tray = self._trays.get(symbol)
        if tray is None or tray.outdated:
            return
        tray.pending.append(candle)
        if len(tray.pending) > PENDING_MAX:
            self._note_history(symbol, 0)

    def _note_history(self, symbol: str, _since_ms: int) -> None:
        tray = self._trays.get(symbol)
        if tray is not None:
            tray.outdated = True
            tray.pending.clear()
