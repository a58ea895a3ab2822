"""The symbols that are served: those of the settings always, and for a while those that were
added."""

import sys
from collections.abc import Iterable, Iterator
from typing import Protocol


class Follows(Protocol):
    """What has to know which symbols are served. Neither method may wait."""

    def follow(self, symbol: str) -> None:
        """The symbol is served from now on."""

    def unfollow(self, symbol: str) -> None:
        """It is not served any more."""


class Roster:
    """A set in order: the configured symbols, then the others as they were added.

    Strings are interned, as those of the settings are: a tick looks each of them up by identity.
    """

    def __init__(self, configured: Iterable[str], added: Iterable[str] = ()) -> None:
        self.configured = tuple(map(sys.intern, configured))
        self._symbols = dict.fromkeys((*self.configured, *map(sys.intern, added)))
        self._followers: list[Follows] = []

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._symbols

    def __iter__(self) -> Iterator[str]:
        """Over a copy: whoever goes through them may wait."""
        return iter(tuple(self._symbols))

    def __len__(self) -> int:
        return len(self._symbols)

    @property
    def added(self) -> tuple[str, ...]:
        """Those that the settings don't name."""
        return tuple(self._symbols)[len(self.configured) :]

    def tell(self, follower: Follows) -> None:
        """Have it told of each change; of what is served already it knows. Of a new symbol those
        hear first that came first, of one that goes those that came last."""
        self._followers.append(follower)

    def add(self, symbol: str) -> bool:
        """Serve a symbol; whether that is new."""
        if symbol in self._symbols:
            return False
        symbol = sys.intern(symbol)
        self._symbols[symbol] = None
        for follower in self._followers:
            follower.follow(symbol)
        return True

    def remove(self, symbol: str) -> bool:
        """Serve it no more, if it was added; whether it was."""
        if symbol in self.configured or symbol not in self._symbols:
            return False
        del self._symbols[symbol]
        for follower in reversed(self._followers):
            follower.unfollow(symbol)
        return True
