"""What several tests of the stream's parts need."""

from backend.market.market import Market
from backend.market.models import CandleArray
from tests.clocks import ManualClock


class NothingEarlier:
    """No candles from before those that the market has."""

    def wait(self) -> None:
        pass

    def version(self, symbol: str) -> int:
        return 0

    def before(self, symbol: str, minutes: CandleArray, count: int) -> dict[str, CandleArray]:
        return {}


def go_over(market: Market, symbol: str, source: str, candles: CandleArray) -> None:
    """Have another source lead, which has these candles of a symbol."""
    behind = Market((symbol,), ManualClock(), source)
    behind.load_history(symbol, candles)
    instrument = behind.release(symbol)
    assert instrument is not None
    market.follow(source)
    market.change_source(symbol, instrument)
