"""One source of several, at work: it fills a market of its own until it is given the stage."""

import threading
from collections.abc import Callable, Iterable, Sequence

from backend.clock import Clock
from backend.feeds.base import Feed, MarketSink
from backend.market.candles import merge
from backend.market.market import Market
from backend.market.models import (
    BookTop,
    Candle,
    CandleArray,
    DayStatistics,
    FeedFacts,
    FeedState,
    Quote,
    Trade,
)

# Silent, or not live, for this long: out of play.
OUT_AFTER_S = 15.0
# Heard of within this, it is fresh.
FRESH_S = 5.0

MakeFeed = Callable[[Sequence[str], MarketSink], Feed]


class Understudy:
    """Implements `MarketSink` for its feed, which runs in a task of its own.

    What the feed says goes to a market that nobody looks at. With `lead` each symbol moves over
    as a whole, candles and figures of the day with it, once it has a price; from then on what is
    said of it goes to the market on stage.

    The feed goes on from the minutes that are remembered of it. They join its market with those
    that it loads after them: a symbol has no price from before, and no hole where nobody listened.
    """

    def __init__(
        self,
        name: str,
        make_feed: MakeFeed,
        symbols: Sequence[str],
        clock: Clock,
        remember: Callable[[Iterable[str]], Iterable[tuple[str, CandleArray]]],
    ) -> None:
        """`remember` gives (symbol, closed minutes) of a run before, of some symbols; may wait."""
        self.name = name
        self._clock = clock
        self._behind = Market(symbols, clock, name)
        self._waiting = set(self._behind.symbols)
        self._remember = remember
        self._remembered: dict[str, CandleArray] = {}
        self._stage: Market | None = None
        self._because = ""
        # The feed speaks from several tasks, and `lead` comes from another.
        self._lock = threading.RLock()
        self._retired = False
        self._state, self._detail = FeedState.CONNECTING, ""
        self._facts = FeedFacts()
        self._started_at = clock.monotonic()
        self._good_at: float | None = None
        self._good_since = self._calm_since = self._started_at
        self.feed = make_feed(symbols, self)
        self._thread = threading.Thread(target=self._run, name=f"feed-{name}", daemon=True)
        self._thread.start()

    # --- for whoever chooses --------------------------------------------------------------------

    def trouble_s(self) -> float:
        """For how many seconds it has been silent, or not live; at most since its start."""
        return self._clock.monotonic() - (self._good_at or self._started_at)

    @property
    def fresh(self) -> bool:
        """Whether it could lead now."""
        return self._good_at is not None and self.trouble_s() < FRESH_S

    @property
    def out(self) -> bool:
        """Whether it can't: in trouble for too long, or not served here at all."""
        return self.feed.unavailable or self.trouble_s() >= OUT_AFTER_S

    def healthy_s(self) -> float:
        """For how many seconds it has not been out."""
        return 0.0 if self._good_at is None else self._good_at - self._good_since

    def calm_s(self) -> float:
        """For how many seconds it has been fresh throughout."""
        return 0.0 if self._good_at is None else self._good_at - self._calm_since

    @property
    def problem(self) -> str:
        """What it says of itself while it is not live, for people."""
        return f"{self.name}: {self._detail or self._state}"

    def lead(self, market: Market, because: str) -> None:
        """Take the stage. `because` is told to people, in front of what the feed says."""
        with self._lock:
            self._stage, self._because = market, because
            market.follow(self.name)
            market.describe_feed(self._facts)
            self._tell_state()
            for symbol in self._behind.symbols:
                self._bring(symbol)

    def follow(self, symbol: str) -> None:
        """Follow one symbol more, which the market on stage carries by now."""
        with self._lock:
            self._behind.carry(symbol)
            self._waiting.add(symbol)
        threading.Thread(
            target=self._join, args=(symbol,), name=f"join-{symbol}", daemon=True
        ).start()

    def unfollow(self, symbol: str) -> None:
        """Follow a symbol no more."""
        self.feed.unfollow(symbol)
        with self._lock:
            self._waiting.discard(symbol)
            self._remembered.pop(symbol, None)
            self._behind.give_up(symbol)

    def retire(self) -> None:
        """Say nothing any more, and end the feed; `join` waits for that."""
        with self._lock:
            self._retired = True
        self.feed.stop()

    @property
    def ended(self) -> bool:
        """Whether the feed has ended."""
        return not self._thread.is_alive()

    def join(self) -> None:
        """Wait for the end of the feed."""
        self._thread.join()

    # --- MarketSink, for the feed ---------------------------------------------------------------

    def quote(self, symbol: str) -> Quote | None:
        return self._market_of(symbol).quote(symbol)

    def closed_candles(self, symbol: str, limit: int | None = None) -> CandleArray:
        remembered = self._remembered.get(symbol)
        if remembered is None:
            return self._market_of(symbol).closed_candles(symbol, limit)
        return remembered if limit is None else remembered[max(0, len(remembered) - limit) :]

    def apply_trade(self, trade: Trade) -> None:
        self._say(trade.symbol, lambda market: market.apply_trade(trade))

    def apply_candle(self, symbol: str, candle: Candle) -> None:
        self._say(symbol, lambda market: market.apply_candle(symbol, candle))

    def apply_statistics(self, statistics: DayStatistics) -> None:
        self._say(statistics.symbol, lambda market: market.apply_statistics(statistics))

    def apply_book(self, book: BookTop) -> None:
        self._say(book.symbol, lambda market: market.apply_book(book))

    def touch(self, symbol: str | None = None, time_ms: int | None = None) -> None:
        if symbol is not None:
            self._say(symbol, lambda market: market.touch(symbol, time_ms))
            return
        with self._lock:
            if not self._retired:
                self._note_good()
                for market in filter(None, (self._stage, self._behind)):
                    market.touch(None, time_ms)

    def load_history(self, symbol: str, candles: CandleArray) -> None:
        def load(market: Market) -> None:
            remembered = self._remembered.pop(symbol, None)
            known = candles if remembered is None else merge(remembered, candles)
            market.load_history(symbol, known)

        self._say(symbol, load, alive=False)

    def set_feed_state(self, state: FeedState, detail: str = "") -> None:
        with self._lock:
            self._state, self._detail = state, detail
            self._tell_state()

    def describe_feed(self, facts: FeedFacts) -> None:
        with self._lock:
            self._facts = facts
            if self._stage is not None and not self._retired:
                self._stage.describe_feed(facts)

    # --- within ---------------------------------------------------------------------------------

    def _run(self) -> None:
        self._recall(self._behind.symbols)
        self.feed.run()

    def _recall(self, symbols: Iterable[str]) -> None:
        for symbol, found in self._remember(symbols):
            if len(found):
                self._remembered[symbol] = found

    def _join(self, symbol: str) -> None:
        self._recall((symbol,))
        if symbol in self._behind.symbols:  # it may have gone meanwhile
            self.feed.follow(symbol)

    def _market_of(self, symbol: str) -> Market:
        """Where the symbol is now."""
        stage = self._stage
        return self._behind if stage is None or symbol in self._waiting else stage

    def _say(self, symbol: str, say: Callable[[Market], object], *, alive: bool = True) -> None:
        with self._lock:
            if self._retired:
                return
            if alive:
                self._note_good()
            if self._stage is None or symbol in self._waiting:
                say(self._behind)
                self._bring(symbol)
            else:
                say(self._stage)

    def _bring(self, symbol: str) -> None:
        """Move a symbol to the stage, if it has a price."""
        if self._stage is None or symbol not in self._waiting:
            return
        instrument = self._behind.release(symbol)
        if instrument is not None:
            self._waiting.discard(symbol)
            self._stage.change_source(symbol, instrument)

    def _note_good(self) -> None:
        if self._state is not FeedState.LIVE or self._facts.halted:
            return
        now = self._clock.monotonic()
        silent_s = OUT_AFTER_S if self._good_at is None else now - self._good_at
        if silent_s >= OUT_AFTER_S:
            self._good_since = now
        if silent_s >= FRESH_S:
            self._calm_since = now
        self._good_at = now

    def _tell_state(self) -> None:
        if self._stage is not None and not self._retired:
            detail = "; ".join(filter(None, (self._because, self._detail)))
            self._stage.set_feed_state(self._state, detail)
