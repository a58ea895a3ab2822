"""One series of candles that somebody watches: what has changed in it since that was last said."""

from collections.abc import Callable

import numpy as np

from backend.clock import MINUTE_MS, iso
from backend.market.candles import BASE_INTERVAL, INTERVALS, CandleRow, CandleSeries, merge
from backend.market.models import (
    CLOSE,
    HIGH,
    LOW,
    OPEN,
    OPEN_TIME,
    QUOTE_VOLUME,
    VOLUME,
    CandleArray,
)
from backend.market.state import MarketState
from backend.market.timeline import CLOSING_GRACE_MS
from backend.protocol import Payload

# Closed candles in which a repair is noticed: as many as REST answers with where nobody asks for
# more, and 28 KB a series. What lies further back changes unsaid.
SAID_KEPT = 500
# Repaired ones that are said in one look: an exchange's repair of hours takes half a minute to
# say, and a client that reads is not taken for one that does not.
REPAIRS_AT_ONCE = 20
# Of a candle that has not been repaired.
FIRST_REVISION = 1


class FollowedCandles:
    """Follows one series of the market. It is told what may have changed, and looks later."""

    def __init__(
        self, market: MarketState, symbol: str, interval: str, next_revision: Callable[[], int]
    ) -> None:
        """Takes what there is now for said. `next_revision` is called for each candle that is
        repaired, and grows."""
        self._market = market
        self._symbol = symbol
        self._interval = interval
        self._interval_ms = INTERVALS[interval]
        self._is_rolled = interval != BASE_INTERVAL
        self._next_revision = next_revision
        self._said = CandleSeries(SAID_KEPT)
        self._closes = 0  # minutes that have closed since the last look
        self._rewritten = False
        rows = market.candles(symbol, interval, SAID_KEPT + 1)
        closed = len(rows) - self._forms(rows, market.newest_ms)
        self._said.load(rows[:closed])
        self._forming = _last(rows[closed:])

    def note_close(self) -> None:
        """A minute has closed."""
        self._closes += 1

    def note_rewrite(self) -> None:
        """Closed minutes, of whatever time, were loaded or are others now."""
        self._rewritten = True

    def forming(self) -> Payload | None:
        """The candle that is forming; None where none is."""
        rows = self._market.candles(self._symbol, self._interval, 1)
        if not self._forms(rows, self._market.newest_ms):
            return None
        return self._payload(rows[-1].tolist(), closed=False)

    def changes(self, newest_ms: int) -> list[Payload]:
        """What is to be said: candles that have closed or were repaired, oldest first, then the
        one that is forming, if it is another than it was. `newest_ms` is the market's time.

        Of many repairs the newest come first, the others with later calls.
        """
        closes, self._closes = self._closes, 0
        rewritten, self._rewritten = self._rewritten, False
        limit = closes + 2 + rewritten * SAID_KEPT
        rows = self._market.candles(self._symbol, self._interval, limit)
        closed = len(rows) - self._forms(rows, newest_ms)
        if closes or rewritten or not self._ends_as_said(rows[:closed]):
            unsaid = self._unsaid(rows[:closed], begins=len(rows) < limit)
        else:
            unsaid = rows[:0]
        at_once = closes + REPAIRS_AT_ONCE
        if len(unsaid) > at_once:
            self._rewritten = True
            unsaid = unsaid[-at_once:]
        payloads = self._say(unsaid)
        forming = _last(rows[closed:])
        if forming is not None and forming != self._forming:
            payloads.append(self._payload(forming, closed=False))
        self._forming = forming
        return payloads

    def _forms(self, rows: CandleArray, newest_ms: int) -> bool:
        """Whether the last of these candles is not closed yet."""
        if not len(rows):
            return False
        opened_ms = rows[-1, OPEN_TIME]
        said = self._said.view(1)
        if len(said) and opened_ms <= said[0, OPEN_TIME]:
            return False  # a late trade in what was said to be over is a repair
        if self._market.forming(self._symbol) is not None:
            return True
        end_ms = opened_ms + self._interval_ms
        closed = self._market.closed_candles(self._symbol, 1)
        # Where nobody trades in its last minutes, time alone ends it.
        is_whole = len(closed) and closed[0, OPEN_TIME] + MINUTE_MS >= end_ms
        return not is_whole and newest_ms < end_ms + CLOSING_GRACE_MS

    def _ends_as_said(self, closed: CandleArray) -> bool:
        """Whether the last that has closed was said, and so: all there is to ask at most times."""
        return closed[-1:].tobytes() == self._said.view(1).tobytes()

    def _unsaid(self, closed: CandleArray, begins: bool) -> CandleArray:
        """Those that were not said, or otherwise. `begins` says that the market has none before."""
        said = self._said.view()
        if not len(said):
            return closed
        if begins and self._is_rolled and len(closed) and closed[0, OPEN_TIME] < said[0, OPEN_TIME]:
            # The first that the market has may be a part, of which REST has the whole.
            closed = closed[1:]
        # What lies further back than is kept is not known to have been said.
        known = int(np.searchsorted(closed[:, OPEN_TIME], said[-1, OPEN_TIME], side="right"))
        closed = closed[max(0, known - SAID_KEPT) :]
        at = np.searchsorted(said[:, OPEN_TIME], closed[:, OPEN_TIME])
        alike = said[np.minimum(at, len(said) - 1)] == closed
        unsaid: CandleArray = closed[~alike.all(axis=1)]
        return unsaid

    def _say(self, unsaid: CandleArray) -> list[Payload]:
        """Take them for said."""
        if not len(unsaid):
            return []
        said = self._said.view()
        again = np.isin(unsaid[:, OPEN_TIME], said[:, OPEN_TIME])
        payloads = [
            self._payload(
                row, closed=True, revision=self._next_revision() if repaired else FIRST_REVISION
            )
            for row, repaired in zip(unsaid.tolist(), again.tolist(), strict=True)
        ]
        if len(said) and unsaid[0, OPEN_TIME] <= said[-1, OPEN_TIME]:
            self._said.load(merge(said, unsaid))
        else:
            for row in unsaid:
                self._said.append(row)
        return payloads

    def _payload(self, row: CandleRow, closed: bool, revision: int = FIRST_REVISION) -> Payload:
        return {
            "symbol": self._symbol,
            "interval": self._interval,
            **candle_payload(row),
            "closed": closed,
            "revision": revision,
        }


def candle_payload(row: CandleRow) -> Payload:
    """A candle as clients see it."""
    return {
        "time": iso(int(row[OPEN_TIME])),
        "open": row[OPEN],
        "high": row[HIGH],
        "low": row[LOW],
        "close": row[CLOSE],
        "volume": row[VOLUME],
        "quote_volume": row[QUOTE_VOLUME],
    }


def _last(rows: CandleArray) -> CandleRow | None:
    return rows[-1].tolist() if len(rows) else None
