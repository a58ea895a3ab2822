"""Symbols that users add while the server runs, and that go when nobody watches them.

Which there are stands in the database, so that every process serves the same and a restart keeps
them. Whoever changes something there tells the others at once, by an order; who has not heard it
finds it at the next look.
"""

from collections.abc import Callable, Container

from backend.clock import DAY_MS, MINUTE_MS, Clock
from backend.config_values import SYMBOLS_MAX
from backend.feeds.listing import Catalogue, Listings
from backend.journal.orders import SYMBOLS, Orders
from backend.market.roster import Roster
from backend.offload import Offload
from backend.storage.symbols import AddedSymbol, SymbolStore, TooManySymbols

# How often it is looked who watches, and what other processes have changed without its being heard:
# one query of some rows.
LOOK_SECONDS = 5.0
# What nobody has watched for this long goes: whoever looks at it each morning has it.
KEPT_MS = DAY_MS
# How often it is written that a symbol is watched: so much longer it may stay.
NOTE_MS = 10 * MINUTE_MS


class NotListed(Exception):
    """The feed does not list the symbol. Answer 404."""


def room_for(configured: Container[str], stored: list[AddedSymbol], room: int) -> list[str]:
    """Of what was added in runs before, what is served beside the configured symbols."""
    return [each.symbol for each in stored if each.symbol not in configured][:room]


class AddedSymbols:
    """Adds symbols to a roster, and removes them. Methods that ask the database may raise
    `StorageUnavailable` and `Overloaded`."""

    def __init__(
        self,
        roster: Roster,
        store: SymbolStore,
        listings: Listings,
        source: Callable[[], str],
        is_watched: Callable[[str], bool],
        per_user: int,
        in_all: int,
        orders: Orders,
        offload: Offload,
        count_refusal: Callable[[str], None],
        clock: Clock,
    ) -> None:
        """`source()` is the feed whose listing counts. `is_watched` says whether anybody has a
        symbol in this process; a user may have added `per_user`, all users together `in_all`."""
        self._roster = roster
        self._store = store
        self._listings = listings
        self._source = source
        self._is_watched = is_watched
        self._per_user = per_user
        self._in_all = min(in_all, SYMBOLS_MAX - len(roster.configured))
        self._orders = orders
        self._offload = offload
        self._count_refusal = count_refusal
        self._clock = clock
        # Added symbols that somebody has watched, until that is written.
        self._seen: set[str] = set()
        # Counts what was heard of, so that no look undoes what is newer than what it has read.
        self._news = 0
        orders.on(SYMBOLS, self._hear)

    def listed(self) -> Catalogue:
        """What may be added. May wait; raises `ListingUnavailable`."""
        return self._listings.of(self._source())

    def add(self, symbol: str, user_id: int) -> bool:
        """Have a symbol served; whether it was not before. Raises `NotListed`, `TooManySymbols`
        and `ListingUnavailable`."""
        if symbol in self._roster:
            self.note(symbol)
            return False
        if symbol not in self.listed().names:
            raise NotListed(symbol)
        now_ms = self._clock.now_ms()
        try:
            is_new = self._offload.run_write(
                self._store.add, symbol, user_id, now_ms, self._per_user, self._in_all
            )
        except TooManySymbols as error:
            self._count_refusal(error.limit)
            raise
        self._orders.give(SYMBOLS, added=[symbol], removed=[])
        self._hear([symbol], [])
        return is_new

    def note(self, symbol: str) -> None:
        """Somebody looks at a symbol."""
        if symbol in self._roster and symbol not in self._roster.configured:
            self._seen.add(symbol)

    def look(self) -> None:
        """Take in what others have changed, write who watches, and remove what nobody does; to be
        called every `LOOK_SECONDS`."""
        self._seen.update(filter(self._is_watched, self._roster.added))
        news = self._news
        stored = self._offload.run_read(self._store.all)
        if news == self._news:
            names = room_for(self._roster.configured, stored, SYMBOLS_MAX)
            self._hear(names, [symbol for symbol in self._roster.added if symbol not in names])
        now_ms = self._clock.now_ms()
        watched = {
            each.symbol
            for each in stored
            if each.symbol in self._seen and now_ms - each.watched_at_ms >= NOTE_MS
        }
        if watched:
            self._offload.run_write(self._store.watched, watched, now_ms)
            self._seen -= watched
        if any(
            now_ms - each.watched_at_ms > KEPT_MS for each in stored if each.symbol not in watched
        ):
            removed = self._offload.run_write(self._store.remove_unwatched, now_ms - KEPT_MS)
            self._orders.give(SYMBOLS, added=[], removed=removed)
            self._hear([], removed)

    def _hear(self, added: list[str], removed: list[str]) -> None:
        """What has been added and removed, here or elsewhere; perhaps not for the first time."""
        self._news += 1
        for symbol in removed:
            self._roster.remove(symbol)
            self._seen.discard(symbol)
        for symbol in added:
            if len(self._roster) < SYMBOLS_MAX:
                self._roster.add(symbol)
