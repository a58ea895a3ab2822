"""What a feed follows, while others wish symbols to come and go."""

from collections import deque
from collections.abc import Iterable

# Of what is wished for, so many symbols are taken up at a time: with as many requests at most and
# four times a second at most, a feed stays below every exchange's limit of messages.
CHANGES_AT_ONCE = 10


class Following:
    """Wishes may come from any task, and are taken up by the feed's own."""

    def __init__(self, symbols: Iterable[str]) -> None:
        # At most one for each symbol that is served comes of a change of those.
        self._wishes: deque[tuple[str, bool]] = deque()
        self.symbols = tuple(dict.fromkeys(symbols))

    def wish(self, symbol: str, follow: bool) -> None:
        """Have a symbol followed, or no more."""
        self._wishes.append((symbol, follow))

    def taken_up(self) -> tuple[list[str], list[str]]:
        """The symbols that are followed and that are not any more, since this was last asked."""
        before = self.symbols
        while self._wishes:
            symbol, follow = self._wishes.popleft()
            others = tuple(other for other in self.symbols if other != symbol)
            if follow and len(others) == len(self.symbols):
                self.symbols = (*self.symbols, symbol)
            elif not follow:
                self.symbols = others
        return (
            [symbol for symbol in self.symbols if symbol not in before],
            [symbol for symbol in before if symbol not in self.symbols],
        )

    def step(self, subscribed: tuple[str, ...]) -> tuple[str, ...]:
        """What a connection with these subscriptions should have next, on its way to all."""
        wanted = self.symbols
        gone = [symbol for symbol in subscribed if symbol not in wanted][:CHANGES_AT_ONCE]
        new = [symbol for symbol in wanted if symbol not in subscribed]
        kept = (symbol for symbol in subscribed if symbol not in gone)
        return (*kept, *new[: CHANGES_AT_ONCE - len(gone)])
