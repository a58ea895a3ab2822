"""An exchange's feed at work in a thread, with a market that remembers what it was told."""

import threading
from collections.abc import Callable
from functools import partial
from math import isclose
from types import TracebackType
from typing import Any

from backend.clock import SystemClock
from backend.feeds.websocket_feed import WebSocketFeed
from backend.market.market import Market
from backend.market.models import CandleArray, FeedState, Trade
from tests.feeds.exchange_binance import BINANCE
from tests.feeds.exchange_dialect import Dialect
from tests.feeds.exchange_klines import Frame
from tests.feeds.exchange_server import ExchangeServer
from tests.servers import wait_until

# Decimals of an exchange, of which there are eight, against sums of floats.
close = partial(isclose, abs_tol=1e-8)

Key = tuple[str, int | None, float, float]


class ShiftedClock(SystemClock):
    """The machine's clock, which can be put forward."""

    def __init__(self) -> None:
        self._shift_s = 0.0
        self.wall_ms: Callable[[], int] = super().now_ms

    def now_ms(self) -> int:
        return self.wall_ms()

    def monotonic(self) -> float:
        return super().monotonic() + self._shift_s

    def advance(self, seconds: float) -> None:
        self._shift_s += seconds


class RememberingMarket(Market):
    def __init__(self, symbols: tuple[str, ...], clock: SystemClock, feed_name: str) -> None:
        super().__init__(symbols, clock, feed_name)
        self.trades: list[Key] = []
        self.loads: list[tuple[str, CandleArray]] = []

    def apply_trade(self, trade: Trade) -> None:
        super().apply_trade(trade)
        self.trades.append((trade.symbol, trade.trade_id, trade.price, trade.quantity))

    def load_history(self, symbol: str, candles: CandleArray) -> None:
        super().load_history(symbol, candles)
        self.loads.append((symbol, candles))


class RunningFeed:
    """Runs from entering to leaving; `pauses` are the reconnect pauses, cut to a moment."""

    def __init__(
        self,
        exchange: ExchangeServer,
        *symbols: str,
        ws_url: str = "",
        rest_url: str = "",
        feed_class: type[WebSocketFeed] | None = None,
        pause: Callable[[float], object] | None = None,
        **options: Any,
    ) -> None:
        symbols = symbols or ("BTC", "ETH", "ADA")
        self.exchange = exchange
        self.clock = ShiftedClock()
        self.market = RememberingMarket(symbols, self.clock, exchange.dialect.name)
        self.pauses: list[float] = []
        self._woken = threading.Event()
        self.feed = (feed_class or exchange.dialect.feed_class)(
            symbols,
            self.market,
            ws_url or exchange.ws_url,
            rest_url or exchange.rest_url,
            clock=self.clock,
            sleep=pause or self._pause,
            **options,
        )
        self.thread = threading.Thread(target=self.feed.run, name="feed")

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self._woken.wait(0.01)

    def __enter__(self) -> "RunningFeed":
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.feed.stop()
        self.thread.join()

    @property
    def state(self) -> FeedState:
        return self.market.feed_state.state

    @property
    def detail(self) -> str:
        return self.market.feed_state.detail

    def connected(self, count: int = 1) -> None:
        """Wait until the feed has opened its connection number `count` and listens to it."""
        wait_until(
            lambda: self.feed.counters["connections"] >= count and self.exchange.clients,
            f"connection {count}",
        )

    def play(self, count: int) -> None:
        """Play frames, and wait until all of them have come through."""
        begin = self.exchange.position
        heard = len(self.market.trades)
        self.exchange.play(count)
        played = self.exchange.frames[begin : self.exchange.position]
        keys = keys_of(played, self.exchange.dialect)
        expected = heard + sum(key[0] in self.market.symbols for key in keys)
        wait_until(lambda: len(self.market.trades) >= expected, f"{expected} trades")

    def renewed(self, step_s: float = 0.0) -> None:
        """Play until a new connection has taken over, and move the clock by `step_s` each time."""

        def taken_over() -> bool:
            self.clock.advance(step_s)
            self.exchange.play(3)
            return self.feed.counters["renewals"] == 1

        wait_until(taken_over, "the new connection to take over")

    def wrong_candles(self, symbol: str, until_ms: int) -> list[tuple[list, list | None]]:
        """(ours, the exchange's) of each minute that differs, from our first to `until_ms`."""
        return wrong_candles(self.market, self.exchange, symbol, until_ms)


def wrong_candles(
    market: Market, exchange: ExchangeServer, symbol: str, until_ms: int
) -> list[tuple[list, list | None]]:
    """(the market's, the exchange's) of each minute that differs, from the market's first to
    `until_ms`."""
    rtol = exchange.dialect.quote_volume_rtol
    rows = exchange.klines.rows(symbol, exchange.now_ms, exchange.dialect.every_minute)
    theirs = {row[0]: [float(field) for field in row[1:7]] for row in rows}
    ours = {int(row[0]): list(row[1:]) for row in market.closed_candles(symbol)}

    def equal(minute: int) -> bool:
        one, other = ours.get(minute), theirs.get(minute)
        return (
            one is not None
            and other is not None
            and all(map(close, one[:5], other[:5]))
            and (rtol is None or close(one[5], other[5], rel_tol=rtol))
        )

    return [
        (ours.get(minute, []), theirs.get(minute))
        for minute in sorted({*ours, *theirs})
        if min(ours, default=0) <= minute <= until_ms - 60_000 and not equal(minute)
    ]


def keys_of(frames: list[Frame], dialect: Dialect = BINANCE) -> list[Key]:
    """The trades among frames, as `RememberingMarket.trades` has them."""
    return [
        (trade.symbol, trade.trade_id, float(trade.price), float(trade.quantity))
        for _, text in frames
        for trade in dialect.trades_of(text)
    ]
