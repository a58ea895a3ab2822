"""Who gets what: symbols, fields, real-time and candle wishes of sessions, as rooms and baskets.

A basket is a distinct pair of (set of symbols, fields). Connections with the same pair share one
basket, and so the encoded bytes of each tick; a basket lives as long as a connection has it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product, starmap
from typing import TypeVar

from backend.client_messages import SubscribeRequest
from backend.fanout.wire import pieces
from backend.protocol import QUOTE_FIELDS, basket_room, candle_room, realtime_room, symbol_room
from backend.streaming.sessions import Session

Symbols = tuple[str, ...]
Fields = tuple[str, ...]
Intervals = tuple[str, ...]

Watched = TypeVar("Watched", str, tuple[str, str])


@dataclass(slots=True)
class Basket(pieces.Basket):
    """`symbols` sorted, `fields` in the order of a quote; `members` counts its connections."""

    number: int
    fields: Fields
    members: int = 0

    @property
    def symbols(self) -> Symbols:
        return self.selection.names


@dataclass(frozen=True, slots=True)
class RoomChange:
    """Rooms that a connection has to leave and to enter."""

    leave: frozenset[str]
    enter: frozenset[str]


class Subscriptions:
    """The baskets in use and the number of watchers of each symbol."""

    def __init__(self) -> None:
        self._baskets: dict[Fields, dict[Symbols, Basket]] = {}
        self._by_number: dict[int, Basket] = {}
        self._next_number = 1
        self._watchers: Counter[str] = Counter()
        self._realtime_watchers: Counter[str] = Counter()
        self._candle_watchers: Counter[tuple[str, str]] = Counter()

    def baskets(self) -> dict[Fields, list[Basket]]:
        """A copy, by fields: a tick may yield while it goes through them."""
        return {fields: list(found.values()) for fields, found in self._baskets.items()}

    def basket_count(self) -> int:
        return len(self._by_number)

    def symbols(self) -> list[str]:
        """Those that somebody is subscribed to."""
        return list(self._watchers)

    def basket(self, session: Session) -> Basket | None:
        return None if session.basket is None else self._by_number[session.basket]

    def watchers(self, symbol: str) -> int:
        """Connections subscribed to `symbol`."""
        return self._watchers[symbol]

    def realtime_watchers(self, symbol: str) -> int:
        """Connections that get each price change of `symbol`."""
        return self._realtime_watchers[symbol]

    def candle_watchers(self, symbol: str, interval: str) -> int:
        """Connections that get the candles of `interval` of `symbol`."""
        return self._candle_watchers[symbol, interval]

    def total(self) -> int:
        """Symbol subscriptions of all connections together."""
        return self._watchers.total()

    def by_symbol(self) -> dict[str, int]:
        """Connections by the symbols that they are subscribed to."""
        return dict(self._watchers)

    def subscribe(self, session: Session, request: SubscribeRequest) -> RoomChange:
        """Add the request's symbols; take over what else it names."""
        return self._change(
            session,
            tuple(dict.fromkeys((*session.symbols, *request.symbols.accepted))),
            session.fields if request.fields is None else request.fields,
            session.realtime if request.realtime is None else request.realtime,
            session.candles if request.candles is None else request.candles,
        )

    def unsubscribe(self, session: Session, symbols: Iterable[str]) -> RoomChange:
        """Drop `symbols`, those that the session has."""
        dropped = set(symbols)
        kept = tuple(symbol for symbol in session.symbols if symbol not in dropped)
        return self._change(session, kept, session.fields, session.realtime, session.candles)

    def release(self, session: Session) -> None:
        """Forget all of a session that has disconnected."""
        self._change(session, (), None, False, ())

    def _change(
        self,
        session: Session,
        symbols: Symbols,
        fields: Fields | None,
        realtime: bool,
        candles: Intervals,
    ) -> RoomChange:
        before = self._rooms(session)
        self._count(session, -1)
        session.symbols, session.fields = symbols, fields
        session.realtime, session.candles = realtime, candles
        self._count(session, +1)
        self._enter_basket(session)
        after = self._rooms(session)
        return RoomChange(frozenset(before - after), frozenset(after - before))

    def _count(self, session: Session, step: int) -> None:
        _add(self._watchers, session.symbols, step)
        if session.realtime:
            _add(self._realtime_watchers, session.symbols, step)
        _add(self._candle_watchers, product(session.symbols, session.candles), step)

    def _enter_basket(self, session: Session) -> None:
        old = self.basket(session)
        new = None
        if session.symbols:
            symbols, fields = tuple(sorted(session.symbols)), session.fields or QUOTE_FIELDS
            new = self._baskets.get(fields, {}).get(symbols) or self._add_basket(symbols, fields)
            new.members += 1
        session.basket = new.number if new else None
        if old is not None:
            old.members -= 1
            if not old.members:
                self._remove_basket(old)

    def _add_basket(self, symbols: Symbols, fields: Fields) -> Basket:
        number = self._next_number
        self._next_number += 1
        basket = Basket(basket_room(number), pieces.Selection(symbols), number, fields)
        self._baskets.setdefault(fields, {})[symbols] = self._by_number[number] = basket
        return basket

    def _remove_basket(self, basket: Basket) -> None:
        del self._by_number[basket.number]
        alike = self._baskets[basket.fields]
        del alike[basket.symbols]
        if not alike:
            del self._baskets[basket.fields]

    def _rooms(self, session: Session) -> set[str]:
        rooms = {symbol_room(symbol) for symbol in session.symbols}
        if session.realtime:
            rooms |= {realtime_room(symbol) for symbol in session.symbols}
        rooms.update(starmap(candle_room, product(session.symbols, session.candles)))
        if basket := self.basket(session):
            rooms.add(basket.room)
        return rooms


def _add(counter: Counter[Watched], watched: Iterable[Watched], step: int) -> None:
    """Count some up or down; what nobody watches is not in there."""
    for each in watched:
        counter[each] += step
        if not counter[each]:
            del counter[each]
