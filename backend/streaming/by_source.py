"""What is learnt of a symbol, source by source: what was learnt of one venue says nothing of
another's prices."""

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from backend.market.state import MarketState

logger = logging.getLogger(__name__)


class Pupil(Protocol):
    """What learns of each symbol from one source at a time."""

    def state(self, symbol: str) -> dict[str, Any]: ...
    def restore(self, symbol: str, state: Mapping[str, Any]) -> None:
        """Raises ValueError, KeyError or TypeError for what is no state."""

    def forget(self, symbol: str) -> None:
        """Know nothing of a symbol any more."""


class BySource:
    """Has a pupil know of each symbol what was learnt of the market's present source of it, and
    keeps beside it what was learnt of others: of each symbol and source some 4 KB.

    Whoever follows the pupil calls `turn` before it reads a symbol's candles anew, as it does after
    each change of source.
    """

    def __init__(self, name: str, market: MarketState, pupil: Pupil) -> None:
        """`name` is what the pupil is called where it can't go on from what was kept."""
        self._name = name
        self._market = market
        self._pupil = pupil
        # Of which source the pupil knows each symbol.
        self._sources = {symbol: market.source(symbol) for symbol in market.symbols}
        # By symbol and source, as JSON: what was left in this run, and what another one has left.
        self._left: dict[str, dict[str, str]] = {}
        self._kept: dict[str, dict[str, str]] = {}

    def unfollow(self, symbol: str) -> None:
        """Forget a symbol."""
        for by_symbol in (self._sources, self._left, self._kept):
            by_symbol.pop(symbol, None)

    def turn(self, symbol: str) -> None:
        """Have the pupil go over to the market's source of a symbol, where that is another."""
        source = self._market.source(symbol)
        before = self._sources.get(symbol)
        if before == source:
            return
        self._sources[symbol] = source
        if before is not None:
            left = self._left.setdefault(symbol, {})
            left[before] = json.dumps(self._pupil.state(symbol))
            self._pupil.forget(symbol)
        for known in (self._left, self._kept):
            state = known.get(symbol, {}).pop(source, None)
            if state is not None:
                self._restore(symbol, state)
                return

    def states(self, symbol: str) -> Iterator[tuple[str, str]]:
        """What is to be kept of a symbol: each source, with what was learnt of it as JSON."""
        yield from self._left.get(symbol, {}).items()
        source = self._sources.get(symbol)
        if source is not None:
            yield source, json.dumps(self._pupil.state(symbol))

    def restore(self, symbol: str, source: str, state: str) -> bool:
        """Go on from what `states` gave, now or once the symbol is of that source; whether now."""
        self._left.get(symbol, {}).pop(source, None)
        if self._sources.get(symbol) == source:
            self._restore(symbol, state)
            return True
        self._kept.setdefault(symbol, {})[source] = state
        return False

    def _restore(self, symbol: str, state: str) -> None:
        try:
            self._pupil.restore(symbol, json.loads(state))
        except (ValueError, KeyError, TypeError) as error:
            logger.warning("%s: what was kept of %s is no state: %r", self._name, symbol, error)
