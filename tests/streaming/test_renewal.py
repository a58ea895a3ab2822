"""Whoever is told of another epoch is told before anything that is said in it."""

from collections.abc import Callable
from typing import Any

import pytest

from backend.journal.log import Entry, Log, pack
from backend.streaming.renewal import Renewal


class Stand:
    """A log, what clients get of it in their order, and background tasks that run when told."""

    def __init__(self) -> None:
        self.log = Log("first")
        self.got: list[Any] = []
        self.tasks: list[Callable[[], None]] = []
        self.meanwhile: list[Callable[[], None]] = []
        self.slept = 0
        self.renewal = Renewal(
            self.log,
            lambda: {"epoch": self.log.epoch, "offset": self.log.last},
            self._tell,
            lambda entry: self.got.append(entry.offset),
            self.tasks.append,
            self._sleep,
        )

    def _tell(self, place: dict[str, Any]) -> None:
        self.got.append((place["epoch"], place["offset"]))
        if self.meanwhile:
            self.meanwhile.pop(0)()

    def _sleep(self, _seconds: float) -> None:
        self.slept += 1
        self.run()

    def say(self) -> None:
        self.log.add(Entry(self.log.last + 1, "anything", None, pack({})))

    def run(self) -> None:
        while self.tasks:
            self.tasks.pop(0)()


@pytest.fixture
def stand() -> Stand:
    return Stand()


def test_what_is_said_is_sent_at_once(stand: Stand) -> None:
    stand.say()
    assert stand.got == [1]
    stand.renewal.wait()
    assert not stand.slept


def test_what_is_said_while_clients_are_told_comes_after_that_in_order(stand: Stand) -> None:
    stand.log.begin("second", 10)
    stand.say()
    stand.meanwhile = [stand.say]
    assert stand.got == [] and stand.renewal.sent == 10
    stand.run()
    assert stand.renewal.sent == 12
    stand.say()
    assert stand.got == [("second", 10), 11, 12, 13]


def test_a_third_epoch_in_between_takes_what_was_said_in_the_second_with_it(stand: Stand) -> None:
    stand.log.begin("second", 10)
    stand.say()
    stand.meanwhile = [lambda: stand.log.begin("third", 20), stand.say]
    stand.run()
    assert stand.got == [("second", 10), ("third", 20), 21]


def test_who_waits_goes_on_when_all_are_told(stand: Stand) -> None:
    stand.log.begin("second", 10)
    stand.renewal.wait()
    assert stand.slept and stand.got == [("second", 10)]
