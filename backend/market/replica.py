"""A market that is told of another one, in place of a feed: what the processes serve from that do
not lead. It can be succeeded by one that a feed goes on with."""

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from backend.clock import Clock
from backend.market.candles import row_candle
from backend.market.market import Market
from backend.market.models import CandleArray, FeedFacts, FeedState, Playback, Quote
from backend.market.report import (
    CLOSED,
    FEED,
    FORMING,
    NAMES,
    QUOTE_NAMES,
    QUOTES,
    SPANS,
    STALE,
    Report,
)
from backend.market.state import MarketState

# Whoever leads says something each quarter of a second; nothing for this long means that it does
# not lead any more, or that nothing reaches this process.
SILENT_AFTER_S = 5.0


class Replica(MarketState):
    """Has every figure from the reports, and computes none of them anew."""

    def __init__(self, symbols: Iterable[str], clock: Clock, feed_name: str = "") -> None:
        super().__init__(symbols, clock, feed_name)
        self._told: dict[str, Quote] = {}
        self._spans: dict[str, int] = {}
        self._stale: frozenset[str] = frozenset()
        self._heard_at: float | None = None

    # --- for consumers --------------------------------------------------------------------------

    @property
    def silent(self) -> bool:
        """Whether nothing was reported for too long; so also before the first report."""
        return self._heard_at is None or self._clock.monotonic() - self._heard_at > SILENT_AFTER_S

    def quote(self, symbol: str) -> Quote | None:
        quote = self._told.get(symbol)
        if quote is None or quote.stale or not self.stale(symbol):
            return quote
        return quote._replace(stale=True)

    def day_span_s(self, symbol: str) -> int:
        return self._spans.get(symbol, 0)

    def stale(self, symbol: str) -> bool:
        return symbol in self._stale or self.silent

    def feed_stale(self) -> bool:
        return self.silent or super().feed_stale()

    def give_up(self, symbol: str) -> None:
        super().give_up(symbol)
        self._told.pop(symbol, None)
        self._spans.pop(symbol, None)

    # --- for whoever hears the reports ----------------------------------------------------------

    def apply(self, report: Report) -> None:
        """Take a report in. Of closed minutes that are others now, `load_history` is to be told
        before. Symbols that this process doesn't carry are passed over."""
        self._heard_at = self._clock.monotonic()
        self._stale = frozenset(report[STALE])
        self._apply_feed(report[FEED])
        for symbol, row in report[CLOSED]:
            instrument = self._instruments.get(symbol)
            if instrument is not None and instrument.candle_conflict(int(row[0])) is None:
                instrument.close_as(row)
                self._candle_listeners(symbol, row_candle(row))
        names = report[NAMES]
        alike = tuple(names) == QUOTE_NAMES
        for symbol, values in report[QUOTES].items():
            if symbol in self._instruments:
                self._spans[symbol] = report[SPANS][symbol]
                quote = Quote(*values) if alike else _quote(names, values)
                self._apply_quote(symbol, quote, report[FORMING][symbol])

    def load_history(self, symbol: str, candles: CandleArray) -> None:
        """Closed minutes, which replace those of the same time. They move no price."""
        instrument = self._instruments.get(symbol)
        if instrument is not None and len(candles):
            instrument.load_closed(candles)
            self._history_listeners(symbol, int(candles[0, 0]))

    def replace_history(self, symbol: str, source: str, candles: CandleArray) -> None:
        """Closed minutes of a source, which replace all that there are."""
        instrument = self._instruments.get(symbol)
        if instrument is not None:
            instrument.begin_anew(source)
            if len(candles):
                instrument.load_closed(candles)
            self._history_listeners(symbol, 0)

    def succeed(self, market: Market, pause: Callable[[], object]) -> None:
        """Have `market`, which is new, go on from here with the symbols that it carries. `pause` is
        called between symbols, each of which takes about a millisecond."""
        for symbol in market.symbols:
            instrument = self._instruments.get(symbol)
            if instrument is not None:
                market.adopt(symbol, copy.deepcopy(instrument))
            pause()

    # --- within ---------------------------------------------------------------------------------

    def _apply_quote(self, symbol: str, quote: Quote, forming: list[float]) -> None:
        known = self._told.get(symbol)
        self._told[symbol] = quote
        self._instruments[symbol].mirror(quote, forming)
        if known is None or quote.price != known.price:
            self._price_listeners(symbol)

    def _apply_feed(self, told: Mapping[str, Any]) -> None:
        self._feed.mirror(
            told["name"],
            FeedState(told["state"]),
            told["detail"],
            told["since_ms"],
            told["age_s"],
        )
        facts = told["facts"]
        playback = facts["playback"]
        self._feed.facts = FeedFacts(
            tuple(facts["unlisted"]), None if playback is None else Playback(**playback)
        )


def _quote(names: list[str], values: list[Any]) -> Quote:
    """A quote as a process of another version tells it, which may have fields that ours has not."""
    told = zip(names, values, strict=True)
    return Quote(**{name: value for name, value in told if name in QUOTE_NAMES})
