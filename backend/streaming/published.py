"""What was said of signals and sentiment: what REST answers, and what who comes now is sent.

Fed by whoever produces and by the journal alone, so that every process has the same.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from functools import partial

from backend.clock import DAY_MINUTES
from backend.journal.log import Entry, Log
from backend.protocol import SENTIMENT_UPDATE, TRADING_SIGNAL, Payload

# What the REST calls can answer: some 100 minutes of a symbol that does not change, 20 MB with
# the largest number of symbols; of all symbols together the newest; a day of sentiment minutes.
SIGNALS_KEPT_PER_SYMBOL = 100
SIGNALS_KEPT = 1_000
SENTIMENTS_KEPT = DAY_MINUTES
# The history shows this much minute by minute: with a day of quarters about 60 KB of JSON.
DENSE_MINUTES = 60
# Before that, and before the first one said: a point each quarter of an hour.
QUARTER_MINUTES = 15

# Of all symbols, by timeframe: the level that is held.
Levels = Mapping[str, Mapping[str, str]]


class Published:
    """The newest of what was said, as clients are sent it. Payloads are shared: nobody changes
    one."""

    def __init__(self, log: Log) -> None:
        # Whoever leads may know of a symbol before this process does. There are at most as many as
        # a feed lists.
        self._by_symbol: defaultdict[str, deque[Payload]] = defaultdict(
            partial(deque, maxlen=SIGNALS_KEPT_PER_SYMBOL)
        )
        self._signals: deque[Payload] = deque(maxlen=SIGNALS_KEPT)
        self._sentiments: deque[Payload] = deque(maxlen=SENTIMENTS_KEPT)
        # Of the day before the first sentiment that was said, newest first.
        self._recalled: list[Payload] = []
        self._levels: Levels = {}
        self._take: dict[str, Callable[[Payload], None]] = {
            TRADING_SIGNAL: self._take_signal,
            SENTIMENT_UPDATE: self._take_sentiment,
        }
        log.on_entry(self._read)
        log.on_renewal(lambda: self._read_all(log))

    def signal(self, symbol: str) -> Payload | None:
        """The symbol's current signal; None for one that is not followed, and before the first."""
        said = self._by_symbol.get(symbol)
        return said[-1] if said else None

    def recent_signals(self, symbol: str | None = None, limit: int = 50) -> list[Payload]:
        """The newest signals of one symbol or of all, newest first."""
        said = self._signals if symbol is None else self._by_symbol.get(symbol)
        return _newest(said, limit) if said else []

    def sentiment(self) -> Payload | None:
        """The current sentiment; None before the first."""
        return self._sentiments[-1] if self._sentiments else None

    def sentiment_history(self, limit: int = SENTIMENTS_KEPT) -> list[Payload]:
        """The newest sentiments, newest first: one a minute for the last hour, a point each quarter
        of an hour before that, and before the first one said what was recalled."""
        said = _newest(self._sentiments, SENTIMENTS_KEPT)
        first = said[-1]["timestamp"] if said else ""
        quarters = (
            each
            for each in said[DENSE_MINUTES:]
            if int(each["timestamp"][14:16]) % QUARTER_MINUTES == 0
        )
        earlier = (each for each in self._recalled if each["timestamp"] < first)
        return [*said[:DENSE_MINUTES], *quarters, *earlier][:limit]

    def recall(self, sentiments: list[Payload]) -> None:
        """Take what would have been said before the first sentiment, newest first."""
        self._recalled = sentiments

    def unfollow(self, symbol: str) -> None:
        """The symbol is not served any more."""
        self._by_symbol.pop(symbol, None)

    def levels(self, symbol: str) -> Mapping[str, str]:
        """The symbol's level on each timeframe that has one, as it was when signals were last
        looked for."""
        return self._levels.get(symbol, {})

    def hold(self, levels: Levels) -> None:
        """Take the levels of all symbols."""
        self._levels = levels

    def _read(self, entry: Entry) -> None:
        self._take[entry.event](entry.payload())

    def _read_all(self, log: Log) -> None:
        """What is known of an epoch that goes on; what was said before it stays said."""
        for entry in log.known():
            self._read(entry)

    def _take_signal(self, signal: Payload) -> None:
        self._signals.append(signal)
        self._by_symbol[signal["symbol"]].append(signal)

    def _take_sentiment(self, sentiment: Payload) -> None:
        # The minute that was said last is said again, or corrected by a late candle.
        if self._sentiments and self._sentiments[-1]["timestamp"] == sentiment["timestamp"]:
            self._sentiments.pop()
        self._sentiments.append(sentiment)


def _newest(said: deque[Payload], limit: int) -> list[Payload]:
    return [said[-i] for i in range(1, min(max(limit, 0), len(said)) + 1)]
