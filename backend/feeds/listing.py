"""What a feed lists: the symbols that may be followed, with names."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from backend.clock import Clock
from backend.config_values import SYMBOL_PATTERN
from backend.feeds.asset_names import name_of

log = logging.getLogger(__name__)

# An exchange lists something new every few days, and stops listing as seldom.
FRESH_S = 3_600.0
# While it can't be asked, what it said before is good enough for so long.
KEPT_S = 24 * 3_600.0
# After a failure nobody asks for so long: those who search while an exchange is away don't wait.
RETRY_S = 10.0
# The largest exchanges list some 500 assets against dollars, and 3,000 pairs in all.
LISTED_MAX = 5_000
NAME_MAX_CHARS = 60


class ListingUnavailable(Exception):
    """What the feed lists can't be had now. Answer 503; the client may retry."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An asset; the name is empty where the exchange does not say it."""

    symbol: str
    name: str = ""


def listed_in(found: Iterable[Listed | None]) -> dict[str, str]:
    """The symbols of what an exchange lists, each with a name, but for those that can't be asked
    for. Raises ValueError where there are none, or too many to be true."""
    listed: dict[str, str] = {}
    for each in found:
        if each is not None and SYMBOL_PATTERN.fullmatch(each.symbol):
            listed[each.symbol] = each.name[:NAME_MAX_CHARS] or name_of(each.symbol)
            if len(listed) > LISTED_MAX:
                raise ValueError(f"over {LISTED_MAX} symbols are listed")
    if not listed:
        raise ValueError("nothing is listed")
    return listed


class Catalogue:
    """What one source lists, as it can be looked through: a copy of 5,000 takes 1 MB."""

    def __init__(self, listed: Mapping[str, str]) -> None:
        self.names = dict(sorted(listed.items()))
        self._lowered = [(symbol.lower(), name.lower(), symbol) for symbol, name in listed.items()]

    def search(self, text: str, most: int) -> list[str]:
        """The symbols that fit best, in any capitals: that symbol, those that begin so, those
        whose name does, and those that have it in either; shorter ones first."""
        text = text.lower()
        ranked = [
            (_rank(text, symbol, name), len(ticker), ticker)
            for symbol, name, ticker in self._lowered
            if text in symbol or text in name
        ]
        return [ticker for _, _, ticker in sorted(ranked)[:most]]


def _rank(text: str, symbol: str, name: str) -> int:
    return [symbol == text, symbol.startswith(text), name.startswith(text), True].index(True)


class Listings:
    """Catalogues by source, asked for when somebody wants one, and kept for a while."""

    def __init__(self, fetch: Callable[[str], Mapping[str, str]], clock: Clock) -> None:
        """`fetch(source)` may wait, and raises `ListingUnavailable`."""
        self._fetch = fetch
        self._clock = clock
        # Of as many sources as there are feeds.
        self._kept: dict[str, tuple[float, Catalogue]] = {}
        self._failed_at: dict[str, float] = {}
        # Of many who search at once one asks, and the others wait for the answer.
        self._asking = threading.Lock()

    def of(self, source: str) -> Catalogue:
        """What a source lists. May wait; raises `ListingUnavailable`."""
        if self._age_s(source) < FRESH_S:
            return self._kept[source][1]
        with self._asking:
            if self._age_s(source) >= FRESH_S:
                self._ask(source)
        if self._age_s(source) >= KEPT_S:
            raise ListingUnavailable(f"{source} can't be asked now what it lists")
        return self._kept[source][1]

    def _ask(self, source: str) -> None:
        failed_at = self._failed_at.get(source)
        if failed_at is not None and self._clock.monotonic() - failed_at < RETRY_S:
            return
        try:
            catalogue = Catalogue(self._fetch(source))
        except ListingUnavailable as error:
            log.warning("what %s lists can't be had: %s", source, error)
            self._failed_at[source] = self._clock.monotonic()
        else:
            self._kept[source] = (self._clock.monotonic(), catalogue)

    def _age_s(self, source: str) -> float:
        kept = self._kept.get(source)
        return float("inf") if kept is None else self._clock.monotonic() - kept[0]
