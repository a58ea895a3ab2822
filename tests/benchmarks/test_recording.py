"""The judgement of arrivals: it has to find what is late, missing or too much, and nothing else."""

import pytest

from benchmarks.load.recording import Recording, numbered_lateness, punctuality

INTERVAL = 0.2
CLIENTS = 5


def heard(offsets: list[tuple[float, int]]) -> Recording:
    """A recording of (arrival, client)."""
    recording = Recording(b"x")
    for arrival, owner in sorted(offsets):
        recording.arrivals.append(arrival)
        recording.owners.append(owner)
    return recording


def schedule(ticks: int) -> list[tuple[float, int]]:
    """Each client hears each tick a millisecond after the client before it."""
    return [
        (100.05 + tick * INTERVAL + client * 0.001, client)
        for tick in range(ticks)
        for client in range(CLIENTS)
    ]


def test_lateness_counts_from_the_schedule_that_the_earliest_arrivals_show() -> None:
    judged = punctuality(heard(schedule(10)), INTERVAL, CLIENTS)
    assert judged.known
    assert judged.p50 == pytest.approx(0.002, abs=1e-6)
    assert judged.worst == pytest.approx(0.004, abs=1e-6)


def test_a_tick_that_is_late_for_everybody_is_late() -> None:
    arrivals = [
        (arrival + (0.05 if index // CLIENTS == 4 else 0.0), client)
        for index, (arrival, client) in enumerate(schedule(10))
    ]
    judged = punctuality(heard(arrivals), INTERVAL, CLIENTS)
    assert judged.worst == pytest.approx(0.054, abs=1e-6)


def test_the_edges_of_a_recording_are_not_taken_for_losses() -> None:
    judged = punctuality(heard(schedule(10)[2:-2]), INTERVAL, CLIENTS)
    assert (judged.ticks, judged.missing, judged.surplus) == (8, 0, 0)


@pytest.mark.parametrize(("change", "missing", "surplus"), [("lose", 1, 0), ("repeat", 0, 1)])
def test_one_message_too_few_or_too_many_is_found(change: str, missing: int, surplus: int) -> None:
    arrivals = schedule(10)
    victim = arrivals[5 * CLIENTS + 2]
    if change == "lose":
        arrivals.remove(victim)
    else:
        arrivals.append(victim)
    judged = punctuality(heard(arrivals), INTERVAL, CLIENTS)
    assert (judged.missing, judged.surplus) == (missing, surplus)


def test_a_client_that_hears_nothing_misses_every_tick() -> None:
    judged = punctuality(heard(schedule(10)), INTERVAL, CLIENTS + 1)
    assert judged.missing == judged.ticks == 8


def test_ticks_that_run_into_each_other_are_not_judged() -> None:
    smeared = [(index * 0.003, index % CLIENTS) for index in range(1000)]
    assert not punctuality(heard(smeared), INTERVAL, CLIENTS).known


def test_numbered_messages_are_late_against_their_own_number() -> None:
    recording = Recording(b"x", numbered=True)
    for number, delay in ((0, 0.001), (1, 0.0), (3, 0.004)):
        recording.arrivals.append(50 + number * 0.01 + delay)
        recording.numbers.append(10_000_000 + number)
    assert numbered_lateness(recording, 0.01) == pytest.approx([0.0, 0.001, 0.004], abs=1e-6)
