"""What was learnt outlives the process, whatever the database does meanwhile."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from backend.market.market import Market
from backend.metrics import Metrics
from backend.offload import Overloaded
from backend.storage.database import Database
from backend.storage.faults import StorageUnavailable
from backend.storage.learnt import LearntStore
from backend.streaming.by_source import BySource
from backend.streaming.keeper import KEEP_SECONDS, LOOK_SECONDS, Keeper
from tests.analysis.conftest import make_candles
from tests.clocks import ManualClock
from tests.history.conftest import Inline
from tests.streaming.conftest import go_over

SYMBOLS = ("BTC", "ETH")
A_MINUTE = make_candles(count=1)


class Counting:
    """Learns one more each time that it is told to."""

    def __init__(self) -> None:
        self.known = dict.fromkeys(SYMBOLS, 0)

    def learn(self) -> None:
        for symbol in SYMBOLS:
            self.known[symbol] += 1

    def state(self, symbol: str) -> dict[str, Any]:
        return {"known": self.known[symbol]}

    def restore(self, symbol: str, state: Any) -> None:
        self.known[symbol] = int(state["known"])

    def forget(self, symbol: str) -> None:
        self.known[symbol] = 0


class Process:
    """A learner with its keeper; `run` lets the task run for a while."""

    def __init__(
        self,
        store: LearntStore,
        fault: Exception | None = None,
        symbols: tuple[str, ...] = SYMBOLS,
        leads: bool = True,
    ) -> None:
        self.clock, self.offload, self.learner = ManualClock(), Inline(), Counting()
        self.offload.fault = fault
        self.metrics = Metrics()
        self.market = Market(SYMBOLS, self.clock, "x")
        self.by_source = BySource("count", self.market, self.learner)
        self.leads = leads
        self._until = 0.0
        offload: Any = self.offload
        self.keeper = Keeper(
            "count",
            ("x", "y"),
            store,
            offload,
            self._sleep,
            self.clock,
            self.metrics,
            self.by_source,
            symbols,
            lambda: self.leads,
        )
        self._tasks: list[Any] = []
        self.keeper.start(self._tasks.append)

    def run(self, seconds: float) -> None:
        self._until = self.clock.monotonic() + seconds
        (task,) = self._tasks
        with contextlib.suppress(TimeoutError):
            task()

    def end(self) -> None:
        self.keeper.stop()
        self.keeper.save_last()

    def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)
        if seconds and self.clock.monotonic() > self._until:
            raise TimeoutError


@pytest.fixture
def store() -> Iterator[LearntStore]:
    database = Database("sqlite://")
    database.migrate()
    yield LearntStore(database)
    database.close()


def known(store: LearntStore) -> dict[str, int]:
    return Process(store).learner.known


def test_what_was_learnt_is_there_after_a_restart(store: LearntStore) -> None:
    first = Process(store)
    first.learner.learn()
    first.end()
    again = Process(store)
    assert again.learner.known == {"BTC": 1, "ETH": 1}
    again.learner.learn()
    again.end()
    assert known(store) == {"BTC": 2, "ETH": 2}


def test_it_is_written_now_and_then_for_a_process_that_is_killed(store: LearntStore) -> None:
    process = Process(store)
    process.learner.learn()
    process.run(KEEP_SECONDS - LOOK_SECONDS)
    assert known(store) == {"BTC": 0, "ETH": 0}
    process.run(2 * LOOK_SECONDS)
    assert known(store) == {"BTC": 1, "ETH": 1}


@pytest.mark.parametrize("fault", [StorageUnavailable("away"), Overloaded("busy")])
def test_nothing_is_overwritten_before_it_has_been_read(
    store: LearntStore, fault: Exception
) -> None:
    store.write("x", "count", {"BTC": '{"known": 7}'}, 1_700_000_000_000)
    process = Process(store, fault)
    process.learner.learn()
    process.end()
    process.offload.fault = None
    process.end()
    assert known(store) == {"BTC": 7, "ETH": 0}


def test_a_database_that_comes_back_late_still_has_it(store: LearntStore) -> None:
    store.write("x", "count", {"BTC": '{"known": 7}'}, 1_700_000_000_000)
    process = Process(store, StorageUnavailable("away"))
    process.run(3 * LOOK_SECONDS)
    assert process.learner.known["BTC"] == 0
    process.offload.fault = None
    process.run(2 * LOOK_SECONDS)
    assert process.learner.known["BTC"] == 7


def test_a_database_that_goes_away_is_written_to_when_it_is_back(store: LearntStore) -> None:
    process = Process(store)
    process.learner.learn()
    process.offload.fault = StorageUnavailable("away")
    process.run(3 * KEEP_SECONDS)
    process.end()
    process.offload.fault = None
    assert known(store) == {"BTC": 0, "ETH": 0}
    process.end()
    assert known(store) == {"BTC": 1, "ETH": 1}


@pytest.mark.parametrize("broken", ["", "[]", "{}", '{"known": "many"}', "null"])
def test_what_is_no_state_costs_its_symbol_only(store: LearntStore, broken: str) -> None:
    store.write("x", "count", {"BTC": broken, "ETH": '{"known": 3}'}, 1_700_000_000_000)
    process = Process(store)
    assert process.learner.known == {"BTC": 0, "ETH": 3}
    process.learner.learn()
    process.end()
    assert known(store) == {"BTC": 1, "ETH": 4}


def test_each_source_has_its_own(store: LearntStore) -> None:
    """Whichever leads: what was learnt of one is neither lost nor taken for another's."""
    process = Process(store)
    process.learner.learn()
    go_over(process.market, "BTC", "y", A_MINUTE)
    process.by_source.turn("BTC")
    assert process.learner.known == {"BTC": 0, "ETH": 1}
    process.learner.learn()
    process.end()
    assert store.read("y", "count") == {"BTC": '{"known": 1}'}
    assert known(store) == {"BTC": 1, "ETH": 2}
    again = Process(store)
    go_over(again.market, "BTC", "y", A_MINUTE)
    again.by_source.turn("BTC")
    assert again.learner.known == {"BTC": 1, "ETH": 2}


def test_who_does_not_lead_reads_and_does_not_write(store: LearntStore) -> None:
    store.write("x", "count", {"BTC": '{"known": 7}'}, 1_700_000_000_000)
    process = Process(store, leads=False)
    assert process.learner.known["BTC"] == 7
    process.learner.learn()
    process.run(2 * KEEP_SECONDS)
    process.end()
    assert known(store)["BTC"] == 7


def test_of_a_feed_that_begins_anew_nothing_is_kept(store: LearntStore) -> None:
    process = Process(store, symbols=())
    process.learner.learn()
    process.run(2 * KEEP_SECONDS)
    process.end()
    assert store.read("x", "count") == {}
