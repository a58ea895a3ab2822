"""Keeps the forecast ranges up with the market, and says how often they held."""

from collections.abc import Callable, Mapping
from typing import Any

from backend.analysis.forecast import KEPT_MINUTES, ForecastEngine
from backend.analysis.ranges import HORIZONS
from backend.clock import iso
from backend.market.market import Market
from backend.market.precision import price_decimals
from backend.protocol import Payload
from backend.streaming.candle_inbox import CandleInbox

# A range is issued and checked every five minutes, so this is soon enough.
REFRESH_SECONDS = 5.0
# A week is looked back on. Ranges of a day that would have been issued along the way are checked.
HISTORY_CANDLES = KEPT_MINUTES

MODEL = (
    "No drift; deviation from realised volatility over the last half hour, two hours, day and "
    "week, weighted for each horizon, with the daily cycle; widths start at what held in the past "
    "and adapt to how often earlier ranges held"
)


class Forecaster:
    """Forecast ranges of each symbol of a `Market`. A range of prices, and not advice."""

    def __init__(
        self, market: Market, symbols: tuple[str, ...], pause: Callable[[], object]
    ) -> None:
        """`pause` is called whenever reading symbols anew has taken a millisecond or two."""
        self._market = market
        self._symbols = symbols
        self._pause = pause
        self._engine = ForecastEngine(symbols)
        self._inbox = CandleInbox(market, symbols, HISTORY_CANDLES)

    def refresh(self) -> None:
        """Take in what has closed since the last call; run as a background task."""
        for symbol in self._symbols:
            history, candles = self._inbox.take(symbol)
            if history is not None:
                self._engine.load(symbol, history, self._pause)
                self._pause()
            for candle in candles:
                self._engine.update(symbol, candle)

    def state(self, symbol: str) -> dict[str, Any]:
        """What was learnt of a symbol, as JSON."""
        return self._engine.state(symbol)

    def restore(self, symbol: str, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave; raises ValueError, KeyError or TypeError for what is no
        state."""
        self._engine.restore(symbol, state)
        self._inbox.start_over(symbol)

    def payload(self) -> Payload:
        """What `GET /api/forecast` answers. A symbol with under three hours of candles is left
        out; `coverage` counts the ranges whose time has come, those of the history included."""
        return {
            "model": MODEL,
            "horizons": list(HORIZONS),
            "forecasts": [
                forecast
                for symbol in self._symbols
                if (forecast := self._forecast(symbol)) is not None
            ],
            "coverage": {
                horizon: {
                    _percent(level): {"hits": tally.hits, "total": tally.total}
                    for level, tally in levels.items()
                }
                for horizon, levels in self._engine.coverage().items()
            },
        }

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
