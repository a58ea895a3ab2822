"""Keeps the forecast ranges up with the market, and says how often they held."""

from collections.abc import Callable, Iterable, Iterator

from backend.analysis.forecast import KEPT_MINUTES, ForecastEngine
from backend.analysis.ranges import HORIZONS
from backend.clock import iso
from backend.market.precision import price_decimals
from backend.market.state import MarketState
from backend.protocol import Payload
from backend.streaming.by_source import BySource
from backend.streaming.candle_inbox import CandleInbox

# A range is issued and checked every five minutes, so this is soon enough.
REFRESH_SECONDS = 5.0
# A week is looked back on. Ranges of a day that would have been issued along the way are checked.
HISTORY_CANDLES = KEPT_MINUTES

# Symbols that are kept up, or told of, between two pauses, in half a millisecond.
SYMBOLS_AT_ONCE = 10

MODEL = (
    "No drift; deviation from realised volatility over the last half hour, two hours, day and "
    "week, weighted for each horizon, with the daily cycle; widths start at what held in the past "
    "and adapt to how often earlier ranges held"
)


class Forecaster:
    """Forecast ranges of each symbol of a market. A range of prices, and not advice."""

    def __init__(
        self, market: MarketState, symbols: Iterable[str], pause: Callable[[], object]
    ) -> None:
        """`pause` is called whenever reading symbols anew has taken a millisecond or two."""
        self._market = market
        self._symbols = tuple(symbols)
        self._pause = pause
        self._engine = ForecastEngine(self._symbols)
        self._inbox = CandleInbox(market, self._symbols, HISTORY_CANDLES)
        self._learnt = BySource("forecast", market, self._engine)

    def follow(self, symbol: str) -> None:
        """Forecast one symbol more."""
        self._symbols = (*self._symbols, symbol)
        self._engine.follow(symbol)
        self._inbox.follow(symbol)

    def unfollow(self, symbol: str) -> None:
        """Forecast a symbol no more."""
        self._symbols = tuple(other for other in self._symbols if other != symbol)
        self._engine.unfollow(symbol)
        self._inbox.unfollow(symbol)
        self._learnt.unfollow(symbol)

    def refresh(self) -> None:
        """Take in what has closed since the last call; run as a background task."""
        for number, symbol in enumerate(self._symbols, 1):
            history, candles = self._inbox.take(symbol)
            if history is not None:
                self._learnt.turn(symbol)
                self._engine.load(symbol, history, self._pause)
            for candle in candles:
                self._engine.update(symbol, candle)
            if history is not None or number % SYMBOLS_AT_ONCE == 0:
                self._pause()

    def states(self, symbol: str) -> Iterator[tuple[str, str]]:
        """What was learnt of a symbol, by source, as JSON."""
        return self._learnt.states(symbol)

    def restore(self, symbol: str, source: str, state: str) -> None:
        """Go on from what `states` gave."""
        if self._learnt.restore(symbol, source, state):
            self._inbox.start_over(symbol)

    def payload(self) -> Payload:
        """What `GET /api/forecast` answers. A symbol with under three hours of candles is left
        out; `coverage` counts the ranges whose time has come, those of the history included. May
        wait."""
        return {
            "model": MODEL,
            "horizons": list(HORIZONS),
            "forecasts": self._forecasts(),
            "coverage": {
                horizon: {
                    _percent(level): {"hits": tally.hits, "total": tally.total}
                    for level, tally in levels.items()
                }
                for horizon, levels in self._engine.coverage().items()
            },
        }

    def _forecasts(self) -> list[Payload]:
        found = []
        for number, symbol in enumerate(self._symbols, 1):
            forecast = self._forecast(symbol)
            if forecast is not None:
                found.append(forecast)
            if number % SYMBOLS_AT_ONCE == 0:
                self._pause()
        return found

    def _forecast(self, symbol: str) -> Payload | None:
        quote = self._market.quote(symbol)
        ranges = self._engine.ranges(symbol, quote.price) if quote is not None else ()
        if quote is None or not ranges:
            return None
        decimals = price_decimals(quote.price)
        found: dict[str, dict[str, list[float]]] = {}
        for each in ranges:
            bounds = [round(each.low, decimals), round(each.high, decimals)]
            found.setdefault(each.horizon, {})[_percent(each.level)] = bounds
        return {
            "symbol": symbol,
            "price": quote.price,
            "decimals": decimals,
            "timestamp": iso(quote.time_ms),
            "ranges": found,
        }


def _percent(level: float) -> str:
    return f"{level * 100:.0f}"
