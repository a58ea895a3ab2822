"""Inbound work is done in turns: slices, rests, those first who have had least."""

from collections.abc import Callable
from typing import Any

import pytest

from backend import green, turns
from backend.turns import (
    BACKLOG_SECONDS,
    INBOUND_SHARE,
    LONGEST_SECONDS,
    SLICE_SECONDS,
    STRANGERS_SHARE,
    Share,
    Turns,
)


class Hub:
    """Time that passes as work takes it, and timers in its order."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._count = 0
        self._timers: list[tuple[float, int, Callable[[], Any]]] = []

    def monotonic(self) -> float:
        return self.seconds

    def now_ms(self) -> int:
        return 0

    def call_later(self, seconds: float, function: Callable[[], Any]) -> object:
        self._count += 1
        self._timers.append((self.seconds + seconds, self._count, function))
        return object()

    def run(self, until: float) -> None:
        while self._timers and min(self._timers)[0] <= until:
            timer = min(self._timers)
            self._timers.remove(timer)
            self.seconds = max(self.seconds, timer[0])
            timer[2]()
        self.seconds = max(self.seconds, until)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub = Hub()
    monkeypatch.setattr(green, "call_later", hub.call_later)
    return hub


def others(hub: Hub) -> list[float]:
    """Work that asks nobody, and is always ready for another millisecond: a tick to very many."""
    had: list[float] = []

    def work() -> None:
        hub.seconds += 0.001
        had.append(0.001)
        hub.call_later(0.0, work)

    hub.call_later(0.0, work)
    return had


def sender(hub: Hub, queue: Turns, share: Share, each: float) -> list[float]:
    """A sender that always has more to do, `each` seconds at a time; what it has had."""
    had: list[float] = []

    def work() -> None:
        hub.seconds += each
        had.append(each)
        hub.call_later(0.0, lambda: queue.take(share, work))

    queue.take(share, work)
    return had


def test_a_single_request_is_served_at_once(hub: Hub) -> None:
    done: list[int] = []
    assert Turns(hub).take(Share(), lambda: done.append(1))
    assert done == [1]


def test_known_senders_together_take_no_more_than_the_inbound_share(hub: Hub) -> None:
    queue = Turns(hub)
    others(hub)
    had = [sender(hub, queue, Share(stranger=False), 0.0005) for _ in range(20)]
    hub.run(10.0)
    assert sum(map(sum, had)) == pytest.approx(10 * INBOUND_SHARE, rel=0.1)
    # Each got about as much as the others.
    assert max(map(sum, had)) < 1.5 * min(map(sum, had))


def test_strangers_have_a_part_of_it_and_never_more(hub: Hub) -> None:
    queue = Turns(hub)
    others(hub)
    strangers = [sender(hub, queue, Share(), 0.0005) for _ in range(50)]
    known = [sender(hub, queue, Share(stranger=False), 0.0005) for _ in range(5)]
    hub.run(10.0)
    assert sum(map(sum, strangers)) == pytest.approx(10 * STRANGERS_SHARE, rel=0.1)
    assert sum(map(sum, known)) == pytest.approx(10 * (INBOUND_SHARE - STRANGERS_SHARE), rel=0.1)


def test_where_nobody_else_wants_the_hub_it_is_theirs(hub: Hub) -> None:
    queue = Turns(hub)
    had = [sender(hub, queue, Share(), 0.0005) for _ in range(20)]
    hub.run(2.0)
    assert sum(map(sum, had)) == pytest.approx(2.0, rel=0.05)


def test_a_tick_that_becomes_due_waits_for_two_slices_at_most(hub: Hub) -> None:
    queue = Turns(hub)
    for _ in range(20):
        sender(hub, queue, Share(stranger=False), 0.0005)
    late: list[float] = []
    for number in range(1, 100):
        due = number * 0.0107
        hub.call_later(due, lambda due=due: late.append(hub.seconds - due))
    hub.run(1.2)
    assert len(late) == 99
    assert max(late) <= 2 * SLICE_SECONDS + 0.0005 + 1e-9


def test_who_has_had_little_comes_before_who_has_had_much(hub: Hub) -> None:
    queue = Turns(hub)
    others(hub)
    for _ in range(50):
        sender(hub, queue, Share(), 0.0005)
    hub.run(5.0)
    asked = hub.seconds
    done: list[float] = []
    queue.take(Share(), lambda: done.append(hub.seconds))
    hub.run(6.0)
    assert done[0] - asked < 0.02


def test_newcomers_and_strangers_that_are_in_have_half_of_their_time_each(hub: Hub) -> None:
    queue = Turns(hub)
    others(hub)
    strangers = [sender(hub, queue, Share(), 0.0005) for _ in range(50)]
    accepted: list[float] = []

    def accept() -> None:
        accepted.append(0.0006)
        hub.seconds += 0.0006
        hub.call_later(0.0, lambda: queue.arrive(accept, 0.0))

    queue.arrive(accept, 0.0)
    hub.run(10.0)
    assert sum(accepted) == pytest.approx(5 * STRANGERS_SHARE, rel=0.1)
    assert sum(map(sum, strangers)) == pytest.approx(5 * STRANGERS_SHARE, rel=0.1)


def test_a_share_says_whether_it_waits(hub: Hub) -> None:
    queue, share = Turns(hub), Share()
    others(hub)
    queue.charge(Share(), SLICE_SECONDS)
    assert not queue.take(share, lambda: None)
    assert share.waiting
    hub.run(1.0)
    assert not share.waiting


def test_the_network_of_a_greedy_sender_comes_after_others(hub: Hub) -> None:
    queue = Turns(hub)
    others(hub)
    network = Share()
    for _ in range(20):
        sender(hub, queue, Share(network), 0.0005)
    hub.run(5.0)
    order: list[str] = []
    queue.take(Share(network), lambda: order.append("same network"))
    queue.take(Share(Share()), lambda: order.append("another"))
    hub.run(5.5)
    assert order == ["another", "same network"]


def test_a_backlog_is_too_long_only_where_it_never_ends(hub: Hub) -> None:
    queue, share = Turns(hub), Share()
    assert not queue.left_over(share, True)
    hub.seconds += BACKLOG_SECONDS
    assert not queue.left_over(share, False)
    assert not queue.left_over(share, True)
    hub.seconds += BACKLOG_SECONDS + 1
    assert queue.left_over(share, True)


def test_work_that_raises_ends_nobody_elses_turn(hub: Hub) -> None:
    queue = Turns(hub)
    queue.charge(Share(stranger=False), turns.SLICE_SECONDS * 2)
    done: list[int] = []
    queue.take(Share(stranger=False), lambda: 1 / 0)
    queue.take(Share(stranger=False), lambda: done.append(1))
    with pytest.raises(ZeroDivisionError):
        hub.run(1.0)
    hub.run(1.0)
    assert done == [1]


def test_waiting_for_something_else_is_not_work(hub: Hub) -> None:
    shares = Turns(hub)
    share, expected = Share(), 0.001
    shares.wait(share, expected)
    began = hub.seconds
    hub.seconds += 1.0
    assert shares.done(share, began, expected) == LONGEST_SECONDS
    assert share.used <= LONGEST_SECONDS + expected
