"""The symbols that are served: those of the settings, and those that users add."""

from collections.abc import Callable

from backend.assembly.ground import Ground
from backend.config import Settings
from backend.config_values import SYMBOLS_MAX
from backend.feeds import create_listings
from backend.journal.orders import Orders
from backend.market.roster import Roster
from backend.market.state import MarketState
from backend.storage.symbols import SymbolStore
from backend.streaming.added_symbols import LOOK_SECONDS, AddedSymbols, room_for


def create_roster(settings: Settings, store: SymbolStore) -> Roster:
    """The symbols that a process begins with. Raises `StorageUnavailable`."""
    room = SYMBOLS_MAX - len(settings.symbols)
    return Roster(settings.symbols, room_for(settings.symbols, store.all(), room))


def let_symbols_be_added(
    ground: Ground,
    roster: Roster,
    store: SymbolStore,
    market: MarketState,
    is_watched: Callable[[str], bool],
    orders: Orders,
) -> AddedSymbols:
    """What adds symbols to the roster, and removes those that nobody watches."""
    settings = ground.settings
    added = AddedSymbols(
        roster,
        store,
        create_listings(settings, ground.clock, ground.pause),
        lambda: market.feed_state.name,
        is_watched,
        settings.symbols_added_per_user,
        settings.symbols_added_max,
        orders,
        ground.offload,
        ground.count_refusal,
        ground.clock,
    )
    ground.every(LOOK_SECONDS, "symbols", added.look)
    ground.metrics.show(
        "crs_symbols",
        "Symbols that are served, by whether the settings name them",
        ("kind",),
        lambda: {("configured",): len(roster.configured), ("added",): len(roster.added)},
    )
    return added
