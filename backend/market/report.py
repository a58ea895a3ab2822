"""What one market tells others of itself, so that they are the same: quotes, candles, the feed.

A report holds what has changed since the one before; a full one holds every quote, so that
whoever hears it knows the present without any other. It is made of values that msgpack takes.
"""

from dataclasses import asdict
from typing import Any

from backend.market.candles import CandleRow, candle_row
from backend.market.market import Market
from backend.market.models import OPEN_TIME, Candle, Quote

Report = dict[str, Any]

# Closed minutes that wait to be told of: an hour of each symbol, or so many of all (70 KB), which a
# recording closes in seconds that is played at thousands of times its pace. With more than that, as
# after an outage, it is said from when on they are to be read again.
CLOSED_WAITING_MAX = 60
CLOSED_WAITING_OF_ALL = 1_000

NAMES = "names"  # [the names of a Quote's fields]
QUOTES = "quotes"  # {symbol: the fields of its Quote}
FORMING = "forming"  # {symbol: the row of its forming minute, or None}
SPANS = "spans"  # {symbol: seconds that its 24 h figures stand for}
CLOSED = "closed"  # [[symbol, row]]: minutes that closed, in their order
# {symbol: open time, ms}: closed minutes from there on are others now; from 0 on, all that were
# known give way to those that are read then, which may be of another source.
REWRITTEN = "rewritten"
STALE = "stale"  # [symbol]: those that were not heard of for too long
FEED = "feed"  # name, state, detail and since when, its facts, and how old its last word is

QUOTE_NAMES = Quote._fields
_SEQ = QUOTE_NAMES.index("seq")


class Reporter:
    """Follows a market and reports it."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._seqs: dict[str, int] = {}
        self._closed: list[tuple[str, CandleRow]] = []
        self._rewritten: dict[str, int] = {}
        self._unsubscribe = (
            market.on_candle(self._note_candle),
            market.on_history(self._note_history),
        )

    def close(self) -> None:
        """Stop listening to the market."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    def rewrite_all(self) -> None:
        """Whoever is told of the market knows none of its candles."""
        for symbol in self._market.symbols:
            self._note_history(symbol, 0)

    def changed(self) -> bool:
        """Whether there is anything to report but that the market lives."""
        return bool(
            self._closed
            or self._rewritten
            or any(
                self._market.seq(symbol) != self._seqs.get(symbol, 0)
                for symbol in self._market.symbols
            )
        )

    def take_rewritten(self) -> dict[str, int]:
        """The closed minutes that are others now, by symbol from which open time on: they are to be
        kept where a report's hearers read them, then told of with it."""
        taken, self._rewritten = self._of_those_carried(self._rewritten), {}
        return taken

    def report(self, full: bool, rewritten: dict[str, int]) -> Report:
        """What has changed since the last report, `rewritten` with it, or with `full` every quote.
        It counts as told unless it is `untold`."""
        market = self._market
        report: Report = {NAMES: QUOTE_NAMES, QUOTES: {}, FORMING: {}, SPANS: {}}
        for symbol in market.symbols:
            if full or market.seq(symbol) != self._seqs.get(symbol, 0):
                quote = market.quote(symbol)
                if quote is None:
                    continue
                forming = market.forming(symbol)
                report[QUOTES][symbol] = quote
                report[FORMING][symbol] = None if forming is None else candle_row(forming)
                report[SPANS][symbol] = market.day_span_s(symbol)
        # Of a symbol that has gone since nothing is told.
        closed, self._closed = self._closed, []
        report[CLOSED] = [(symbol, row) for symbol, row in closed if market.carries(symbol)]
        report[REWRITTEN] = rewritten
        report[STALE] = [symbol for symbol in market.symbols if market.stale(symbol)]
        report[FEED] = self._feed()
        return report

    def told(self, report: Report) -> None:
        """A report has reached whom it is for: the next one says what comes after it."""
        for symbol, values in report[QUOTES].items():
            self._seqs[symbol] = values[_SEQ]
        if len(self._seqs) > len(self._market.symbols):
            self._seqs = self._of_those_carried(self._seqs)

    def untold(self, rewritten: dict[str, int], closed: list[tuple[str, CandleRow]]) -> None:
        """What was to be told of closed minutes was not: the next report says it."""
        self._closed = closed + self._closed
        for symbol, since_ms in (*rewritten.items(), *self._rewritten.items()):
            self._note_history(symbol, since_ms)

    def _of_those_carried(self, by_symbol: dict[str, int]) -> dict[str, int]:
        carries = self._market.carries
        return {symbol: value for symbol, value in by_symbol.items() if carries(symbol)}

    def _feed(self) -> dict[str, Any]:
        feed = self._market.feed_state
        return {
            "name": feed.name,
            "state": feed.state.value,
            "detail": feed.detail,
            "since_ms": feed.since_ms,
            "facts": asdict(self._market.feed_facts),
            "age_s": self._market.feed_age_s,
        }

    def _note_candle(self, symbol: str, candle: Candle) -> None:
        self._closed.append((symbol, candle_row(candle)))
        most = max(CLOSED_WAITING_OF_ALL, CLOSED_WAITING_MAX * len(self._market.symbols))
        if len(self._closed) > most:
            first = {waiting: int(row[OPEN_TIME]) for waiting, row in reversed(self._closed)}
            for waiting, since_ms in first.items():
                self._note_history(waiting, since_ms)

    def _note_history(self, symbol: str, since_ms: int) -> None:
        since_ms = self._rewritten[symbol] = min(since_ms, self._rewritten.get(symbol, since_ms))
        # Those that wait are among these, or of a source that the symbol has left.
        self._closed = [
            (waiting, row)
            for waiting, row in self._closed
            if waiting != symbol or row[OPEN_TIME] < since_ms
        ]
