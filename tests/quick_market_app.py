"""The real `app.py` on a market of the test's own: a minute takes a fifth of a second, quiet ones
have no trade, and closed ones are repaired. `POST /play` and `POST /rest` let it go on and stand
still."""

# Before anything else: it patches the standard library.
import app as entry

# isort: split
import random
import sys
from collections.abc import Callable

import numpy as np
from flask import Flask

from backend import websocket_service
from backend.assembly import market_calls
from backend.clock import DAY_MS, MINUTE_MS, Clock
from backend.config import Settings
from backend.market.market import Market
from backend.market.models import FeedState, Trade

START_MS = 20_000 * DAY_MS
# What has closed before the first client comes.
MINUTES_BEFORE = 1_000
STEP_SECONDS = 0.02
# An exchange's trades are a second apart, a feed's steps 6 s of the market.
STEP_MS = 6_000
# A repair is of some minutes, up to so many back.
REPAIRED, REPAIRED_BACK = 8, 300
LOOK_SECONDS = 0.05
# A test asks REST as fast as it can.
LIMIT = "1000000 per minute"


class QuickMarket:
    """Plays trades, candles and repairs into a market until the process ends."""

    def __init__(self, market: Market, sleep: Callable[[float], None]) -> None:
        self._market = market
        self._sleep = sleep
        self._rng = random.Random(7)
        self._time_ms = START_MS + MINUTES_BEFORE * MINUTE_MS
        self.playing = True

    def run(self) -> None:
        self._market.set_feed_state(FeedState.LIVE)
        for symbol in self._market.symbols:
            self._repair(symbol, START_MS, MINUTES_BEFORE)
        while True:
            if self.playing:
                self._time_ms += STEP_MS
                for symbol in self._market.symbols:
                    self._step(symbol)
            self._sleep(STEP_SECONDS)

    def _step(self, symbol: str) -> None:
        rng = self._rng
        # Of one symbol some minutes have no trade at all.
        if symbol != self._market.symbols[-1] or self._time_ms // MINUTE_MS % 3:
            time_ms = self._time_ms + rng.randrange(1_000)
            self._market.apply_trade(Trade(symbol, time_ms, rng.uniform(90, 110), rng.random()))
        if rng.random() < 0.05:
            minute_ms = self._time_ms - self._time_ms % MINUTE_MS
            back = rng.randrange(REPAIRED, REPAIRED_BACK)
            self._repair(symbol, minute_ms - back * MINUTE_MS, rng.randrange(1, REPAIRED))

    def _repair(self, symbol: str, since_ms: int, minutes: int) -> None:
        closes = np.array([self._rng.uniform(90, 110) for _ in range(minutes)])
        opens = since_ms + MINUTE_MS * np.arange(minutes)
        volume = np.full(minutes, self._rng.random())
        columns = (opens, closes, closes + 1, closes - 1, closes, volume, volume * closes)
        self._market.load_history(symbol, np.column_stack(columns))


def main() -> int:
    build = entry.create_app

    def create_app(settings: Settings, clock: Clock | None = None) -> Flask:
        app = build(settings, clock)
        runtime = app.extensions["crs"]
        market = QuickMarket(runtime.source.market, runtime.socketio.sleep)
        runtime.source.desk.feed.run = market.run

        def let(playing: bool) -> str:
            market.playing = playing
            return ""

        app.add_url_rule("/play", "play", lambda: let(True), methods=["POST"])
        app.add_url_rule("/rest", "rest", lambda: let(False), methods=["POST"])
        return app

    websocket_service.LOOK_SECONDS = LOOK_SECONDS
    market_calls.PUBLIC_LIMIT = LIMIT
    entry.create_app = create_app
    return entry.main()


if __name__ == "__main__":
    sys.exit(main())
