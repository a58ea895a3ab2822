"""A clock that stands still until it is told to move."""


class ManualClock:
    """Wall time and monotonic time, moved by hand: together, or each by its attribute."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self.wall_ms = float(now_ms)
        self.steady = 1000.0

    def now_ms(self) -> int:
        return round(self.wall_ms)

    def monotonic(self) -> float:
        return self.steady

    def advance(self, seconds: float) -> None:
        """Move both on by so many seconds."""
        self.wall_ms += 1000 * seconds
        self.steady += seconds

    def set_ms(self, now_ms: int) -> None:
        """Move both until it is this time."""
        self.advance((now_ms - self.wall_ms) / 1000)
