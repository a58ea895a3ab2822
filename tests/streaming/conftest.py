"""What several tests of the stream's parts need."""

from backend.market.models import CandleArray


class NothingEarlier:
    """No candles from before those that the market has."""

    def version(self, symbol: str) -> int:
        return 0

    def before(self, symbol: str, minutes: CandleArray, count: int) -> dict[str, CandleArray]:
        return {}
