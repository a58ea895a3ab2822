"""Several local exchanges with one feed of them all, which tests switch off and on."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from backend.feeds.base import MarketSink, Remember
from backend.feeds.failover import FailoverFeed
from backend.feeds.websocket_feed import WebSocketFeed
from backend.market.market import Market
from tests.feeds.exchange_binance import Binance
from tests.feeds.exchange_coinbase import Coinbase
from tests.feeds.exchange_dialect import Dialect, SampleDay, SampleTrade
from tests.feeds.exchange_kraken import Kraken
from tests.feeds.exchange_server import ExchangeServer
from tests.feeds.feed_harness import ShiftedClock, wrong_candles
from tests.feeds.sample_frames import PRICES
from tests.servers import wait_until

# By how much the prices of the second exchange are over those of the first in these tests: more
# than any day's change.
PREMIUM = 1.1


class Dear(Dialect):
    """Everything costs more, now and a day ago."""

    def trade_frames(self, trade: SampleTrade) -> list[tuple[int, str]]:
        dear = f"{float(trade.price) * PREMIUM:.8f}"
        return super().trade_frames(trade._replace(price=dear))

    def day_frames(self, day: SampleDay) -> list[tuple[int, str]]:
        dear = {name: getattr(day, name) * PREMIUM for name in ("close", "open", "bid", "ask")}
        return super().day_frames(day._replace(**dear))


class DearBinance(Dear, Binance): ...


class DearKraken(Dear, Kraken): ...


class DearCoinbase(Dear, Coinbase): ...


DEAR_KRAKEN = DearKraken()


class Stage:
    """A market with a feed of several local exchanges, and a hand on its clock."""

    def __init__(
        self,
        *exchanges: ExchangeServer,
        symbols: tuple[str, ...] = tuple(PRICES),
        remember: Remember = lambda source, symbols: (),
    ):
        self.exchanges = {exchange.dialect.name: exchange for exchange in exchanges}
        self.clock = ShiftedClock()
        self.market = Market(symbols, self.clock, exchanges[0].dialect.name)
        self.heard: Counter[str] = Counter()  # trades, by whose they are
        self.moves: list[float] = []
        self.changes: dict[str, list[float]] = {symbol: [] for symbol in symbols}
        self.market.on_price(self._note_move)
        self.feed = FailoverFeed(
            [exchange.dialect.feed_class for exchange in exchanges],
            self._make,
            symbols,
            self.market,
            self.clock,
            remember,
            sleep=lambda _: threading.Event().wait(0.01),
        )
        self.thread = threading.Thread(target=self.feed.run, name="failover")

    def _make(
        self, feed_class: type[WebSocketFeed], symbols: Sequence[str], sink: MarketSink
    ) -> Any:
        exchange = self.exchanges[feed_class.name]
        return feed_class(
            symbols,
            sink,
            exchange.ws_url,
            exchange.rest_url,
            clock=self.clock,
            sleep=lambda _: threading.Event().wait(0.01),
            observe_lag=lambda _: self.heard.update([feed_class.name]),
        )

    def _note_move(self, symbol: str) -> None:
        quote = self.market.quote(symbol)
        self.moves.append(quote.price / quote.previous_price - 1)
        self.changes[symbol].append(quote.change_24h)

    def __enter__(self) -> "Stage":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.feed.stop()
        self.thread.join()

    def play(self, until: Callable[[], Any], what: str, step_s: float = 0.0) -> None:
        """Have every exchange go on, and the clock by `step_s` each time, until something is."""

        def happened() -> Any:
            self.clock.advance(step_s)
            for exchange in self.exchanges.values():
                exchange.play(2)
            return until()

        wait_until(happened, what)

    def led_by(self, name: str) -> None:
        self.play(
            lambda: self.sources() == {name} and len(self.market.quotes()) == len(PRICES),
            f"{name} to lead",
        )
        assert self.market.feed_state.name == name

    def has_the_candles_of(self, exchange: ExchangeServer) -> None:
        settled = exchange.now_ms - 5_000
        self.play(
            lambda: not any(wrong_candles(self.market, exchange, s, settled) for s in PRICES),
            f"candles to equal those of {exchange.dialect.name}",
        )

    def minutes(self) -> int:
        """How many of them every symbol has."""
        return min(len(self.market.closed_candles(symbol)) for symbol in PRICES)

    def sources(self) -> set[str]:
        return {quote.source for quote in self.market.quotes().values()}

    def pass_time(self, seconds: float, *others: str) -> None:
        """In steps that are no silence: in each the one that leads is heard, and `others` are."""
        for _ in range(int(seconds / 2)):
            self.clock.advance(2)
            for name in (self.market.feed_state.name, *others):
                before = self.heard[name]
                self.play(lambda name=name, before=before: self.heard[name] > before, name)
