"""How often the candles of each symbol are asked for, so that those come first."""

from collections import Counter


class Looks:
    """Counts by symbol; what was a while ago counts less with each `fade`."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def note(self, symbol: str) -> None:
        """Somebody has asked."""
        self._counts[symbol] += 1

    def of(self, symbol: str) -> int:
        return self._counts[symbol]

    def fade(self) -> None:
        """Halve all counts."""
        self._counts = Counter(
            {symbol: count // 2 for symbol, count in self._counts.items() if count > 1}
        )
