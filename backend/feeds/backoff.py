"""How long to wait before trying again."""

from random import Random

FIRST_S = 0.5
LONGEST_S = 30.0


class Backoff:
    """Pauses that double from `first` to `longest` seconds, each cut by up to half at random, so
    that many clients of one server don't come back at the same instant."""

    def __init__(self, random: Random, first: float = FIRST_S, longest: float = LONGEST_S) -> None:
        self._random = random
        self._first = first
        self._longest = longest
        self._failures = 0

    def next(self) -> float:
        """The next pause in seconds."""
        pause = min(self._first * 2 ** min(self._failures, 32), self._longest)
        self._failures += 1
        return float(pause * (0.5 + self._random.random() / 2))

    def reset(self) -> None:
        """Start again from the shortest pause."""
        self._failures = 0
