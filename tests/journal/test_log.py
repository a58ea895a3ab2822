"""The window that clients resume from."""

import pytest

from backend.journal.log import Entry, Log, pack


def entry(offset: int, topic: str | None = "BTC") -> Entry:
    return Entry(offset, "trading_signal", topic, pack({"id": str(offset)}))


@pytest.fixture
def log() -> Log:
    found = Log("first", kept=3)
    for offset in range(1, 6):
        found.add(entry(offset))
    return found


def test_what_came_after_an_offset_is_known_within_the_window(log: Log) -> None:
    known = {offset: log.since(offset) for offset in range(-1, 8)}
    assert {
        offset: None if found is None else [each.offset for each in found]
        for offset, found in known.items()
    } == {-1: None, 0: None, 1: None, 2: [3, 4, 5], 3: [4, 5], 4: [5], 5: [], 6: None, 7: None}


def test_an_entry_carries_its_place_in_its_payload(log: Log) -> None:
    assert [each.payload() for each in log.since(4) or ()] == [{"id": "5", "offset": 5}]


def test_nothing_comes_twice_or_out_of_order(log: Log) -> None:
    for offset in (5, 7, 0):
        with pytest.raises(ValueError):
            log.add(entry(offset))
    assert log.last == 5


def test_readers_are_told_in_the_order_in_which_they_asked() -> None:
    log, told = Log("first"), []
    log.on_entry(lambda each: told.append(("first", each.offset, log.last)))
    log.on_entry(lambda each: told.append(("second", each.offset, log.last)))
    log.add(entry(1))
    assert told == [("first", 1, 1), ("second", 1, 1)]


def test_another_epoch_knows_nothing_of_the_one_before(log: Log) -> None:
    renewed: list[str] = []
    log.on_renewal(lambda: renewed.append(log.epoch))
    log.begin("second", 40)
    assert (log.epoch, log.last, renewed) == ("second", 40, ["second"])
    assert log.since(5) is None
    assert log.since(40) == []
    log.add(entry(41))
    assert log.since(39) is None
    assert [each.offset for each in log.since(40) or ()] == [41]
