"""How many there are of each, and which there are most of."""

from collections.abc import Hashable
from itertools import islice


class Counts:
    """Counts by key, of which the largest are found without looking at all of them."""

    def __init__(self) -> None:
        self._of: dict[Hashable, int] = {}
        self._keys: dict[int, dict[Hashable, None]] = {}

    def __len__(self) -> int:
        """How many keys have a count."""
        return len(self._of)

    def __getitem__(self, key: Hashable) -> int:
        return self._of.get(key, 0)

    def add(self, key: Hashable) -> None:
        """One more."""
        self._move(key, self[key] + 1)

    def remove(self, key: Hashable) -> None:
        """One less, of a key that has a count."""
        self._move(key, self[key] - 1)

    def largest(self, most: int, at_least: int) -> dict[Hashable, int]:
        """Up to `most` keys whose counts are not below `at_least`, the largest first."""
        found: dict[Hashable, int] = {}
        # There are few different counts: a thousand of them take half a million connections.
        for count in sorted((c for c in self._keys if c >= at_least), reverse=True):
            for key in islice(self._keys[count], most - len(found)):
                found[key] = count
        return found

    def _move(self, key: Hashable, count: int) -> None:
        before = self._of.pop(key, 0)
        if before:
            keys = self._keys[before]
            del keys[key]
            if not keys:
                del self._keys[before]
        if count:
            self._of[key] = count
            self._keys.setdefault(count, {})[key] = None
