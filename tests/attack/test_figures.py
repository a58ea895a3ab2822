"""What is said of an attack is what the clients have heard."""

import math

import pytest

from tests.attack.figures import Schedule, Ticks, judge_ticks, schedule_of
from tests.attack.honest import Heard, number_of

INTERVAL = 0.5
ORIGIN = 100.0
CLIENTS = 3


def heard(ticks: range, late: float = 0.001, **without: int) -> Heard:
    """Each client hears each tick, the first at once, the others a little later."""
    entries = [
        (ORIGIN + tick * INTERVAL + late + owner * 0.001, owner, tick)
        for tick in ticks
        for owner in range(CLIENTS)
        if (owner, tick) != (without.get("owner"), without.get("tick"))
    ]
    arrivals, owners, numbers = map(list, zip(*entries, strict=True))
    return Heard(arrivals, owners, numbers, [], [])


def judged(what: Heard) -> Ticks:
    """Judge the second to the eleventh tick."""
    return judge_ticks(what, Schedule(ORIGIN, INTERVAL), CLIENTS, ORIGIN + 0.7, ORIGIN + 5.7)


def test_the_schedule_is_that_of_the_most_punctual_tick() -> None:
    times = [ORIGIN + tick * INTERVAL + 0.003 * (tick % 4) for tick in range(3, 20)]
    schedule = schedule_of(Heard(times, [0] * 17, list(range(17)), [], []), INTERVAL)
    assert (schedule.origin - ORIGIN) % INTERVAL == pytest.approx(0, abs=1e-9)


def test_ticks_that_all_have_heard_are_whole() -> None:
    ticks = judged(heard(range(13)))
    assert (ticks.heard, ticks.expected, ticks.surplus) == (30, 30, 0)
    assert ticks.p99 == pytest.approx(0.003)
    assert ticks.gap == pytest.approx(INTERVAL)


def test_a_tick_that_one_client_misses_is_missing() -> None:
    ticks = judged(heard(range(13), owner=1, tick=5))
    assert (ticks.heard, ticks.expected) == (29, 30)
    assert ticks.gap == pytest.approx(2 * INTERVAL)


def test_ticks_that_nobody_was_sent_are_missing() -> None:
    before, after = heard(range(4)), heard(range(9, 13))
    both = Heard(*(one + other for one, other in zip(fields(before), fields(after), strict=True)))
    ticks = judged(both)
    assert (ticks.heard, ticks.expected) == (15, 30)
    assert ticks.gap == pytest.approx(6 * INTERVAL)


def test_a_tick_that_comes_twice_is_too_many() -> None:
    once, again = heard(range(13)), heard(range(6, 7), late=0.1)
    both = Heard(*(one + other for one, other in zip(fields(once), fields(again), strict=True)))
    assert judged(both).surplus == CLIENTS


def test_two_ticks_that_say_the_same_are_two() -> None:
    what = heard(range(13))
    what.ticks = [number - 1 if number == 6 else number for number in what.ticks]
    ticks = judged(what)
    assert (ticks.heard, ticks.expected, ticks.surplus) == (30, 30, 0)
    assert ticks.p99 == pytest.approx(0.003)


def test_a_tick_that_comes_again_in_the_time_of_the_next_is_too_many() -> None:
    once, again = heard(range(13)), heard(range(6, 7), late=INTERVAL)
    both = Heard(*(one + other for one, other in zip(fields(once), fields(again), strict=True)))
    assert judged(both).surplus == CLIENTS


def test_lateness_counts_from_when_a_tick_is_due() -> None:
    assert judged(heard(range(13), late=0.2)).p50 == pytest.approx(0.201)


def test_of_silence_nothing_good_is_said() -> None:
    ticks = judged(Heard([], [], [], [(ORIGIN + 1, 0)], ["1008 slow_consumer"]))
    assert (ticks.heard, ticks.expected, ticks.lost_clients) == (0, 30, 1)
    assert ticks.p99 == math.inf
    assert ticks.gap == pytest.approx(5.0)


def test_a_tick_has_the_number_of_its_quotes() -> None:
    payload = (
        b'42["market_update",{"BTC":{"symbol":"BTC","seq":7},"ETH":{"symbol":"ETH","seq":30}}]'
    )
    assert number_of(payload) == 37


def fields(of: Heard) -> list[list]:
    return [of.arrivals, of.owners, of.ticks, of.lost, of.closes]
