"""Symbols come by the database and orders, and go when nobody has watched them for a day."""

import pytest

from backend.clock import DAY_MS, HOUR_MS
from backend.feeds.listing import Listings, ListingUnavailable
from backend.market.roster import Roster
from backend.storage.database import Database
from backend.storage.symbols import SymbolStore, TooManySymbols
from backend.storage.users import UserStore
from backend.streaming.added_symbols import NOTE_MS, AddedSymbols, NotListed
from tests.history.conftest import Inline
from tests.market.conftest import ManualClock

LISTED = {symbol: symbol.title() for symbol in ("BTC", "SUI", "APT", "TON", "SEI")}


class Wire:
    """Orders between processes of a test; while it is `cut` nobody hears any."""

    def __init__(self):
        self.ends, self.cut = [], False

    def end(self):
        end = End(self)
        self.ends.append(end)
        return end


class End:
    def __init__(self, wire):
        self.wire, self.handlers = wire, {}

    def give(self, kind, **facts):
        for end in self.wire.ends:
            if end is not self and not self.wire.cut:
                end.handlers[kind](**facts)

    def on(self, kind, handler):
        self.handlers[kind] = handler


class Process:
    def __init__(self, database, clock, wire, per_user=3, in_all=3):
        self.roster = Roster(["BTC", "ETH"])
        self.watched = set()
        self.refusals = []
        self.listed = LISTED
        self.added = AddedSymbols(
            self.roster,
            SymbolStore(database),
            Listings(self.fetch, clock),
            lambda: "exchange",
            self.watched.__contains__,
            per_user,
            in_all,
            wire.end(),
            Inline(),
            self.refusals.append,
            clock,
        )

    def fetch(self, _source):
        if self.listed is None:
            raise ListingUnavailable("away")
        return self.listed


@pytest.fixture
def database(tmp_path):
    made = Database(f"sqlite:///{tmp_path}/crs.db")
    made.migrate()
    UserStore(made).add("alice", "hash", 1)
    yield made
    made.close()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def processes(database, clock, wire):
    return [Process(database, clock, wire) for _ in range(2)]


def test_what_is_added_anywhere_is_served_everywhere_at_once(processes):
    one, other = processes
    assert one.added.add("SUI", 1)
    assert "SUI" in one.roster and "SUI" in other.roster
    assert not other.added.add("SUI", 1) and not one.added.add("BTC", 1)


def test_who_did_not_hear_the_order_finds_it_at_the_next_look(processes, wire, clock):
    one, other = processes
    wire.cut = True
    one.added.add("SUI", 1)
    assert "SUI" not in other.roster
    other.added.look()
    assert "SUI" in other.roster
    clock.advance((DAY_MS + 1) / 1000)
    one.added.look()
    assert "SUI" not in one.roster and "SUI" in other.roster
    other.added.look()
    assert "SUI" not in other.roster


def test_only_what_the_feed_lists_can_be_added_and_so_many(processes):
    one, _ = processes
    with pytest.raises(NotListed):
        one.added.add("NOPE", 1)
    for symbol in ("SUI", "APT", "TON"):
        one.added.add(symbol, 1)
    with pytest.raises(TooManySymbols):
        one.added.add("SEI", 1)
    assert one.refusals == ["symbols_per_server"]
    assert list(one.roster) == ["BTC", "ETH", "SUI", "APT", "TON"]


def test_while_the_listing_is_away_nothing_is_added(processes):
    one, _ = processes
    one.listed = None
    with pytest.raises(ListingUnavailable):
        one.added.add("SUI", 1)
    assert "SUI" not in one.roster


def test_what_somebody_watches_on_any_process_stays(processes, clock):
    one, other = processes
    for symbol in ("SUI", "APT", "TON"):
        one.added.add(symbol, 1)
    other.watched.add("SUI")
    for _ in range(30):
        clock.advance(HOUR_MS / 1000)
        other.added.look()
        one.added.note("APT")
        one.added.look()
    assert one.roster.added == other.roster.added == ("SUI", "APT")
    other.watched.clear()
    clock.advance((DAY_MS + NOTE_MS) / 1000)
    one.added.look()
    assert one.roster.added == other.roster.added == ()
    assert list(one.roster) == ["BTC", "ETH"]


def test_a_look_undoes_nothing_that_is_newer_than_what_it_has_read(processes, monkeypatch):
    one, _ = processes
    store_all = SymbolStore.all

    def read_slowly(store):
        found = store_all(store)
        if not found:
            one.added.add("SUI", 1)
        return found

    monkeypatch.setattr(SymbolStore, "all", read_slowly)
    one.added.look()
    assert "SUI" in one.roster
