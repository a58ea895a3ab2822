"""What of the process's memory goes back, and what is left alone."""

import gc

from backend.memory import MANY_CONNECTIONS, START_LOOKS, Ebb, settle


def test_what_was_there_before_clients_is_not_looked_at_for_them() -> None:
    settled = gc.get_freeze_count()
    try:
        settle()
        assert gc.get_freeze_count() > settled
        assert len(gc.get_objects(generation=2)) < 1_000
    finally:
        gc.unfreeze()


def trims(counts: list[int]) -> list[int]:
    """How many trims there were after each look at so many connections."""
    now, done = iter(counts), []
    ebb = Ebb(lambda: next(now), lambda: done.append(None))
    seen = []
    for _ in counts:
        ebb.look()
        seen.append(len(done))
    return seen


def test_when_many_have_left_and_no_more_leave_memory_is_given_back_once() -> None:
    many = MANY_CONNECTIONS
    assert trims([0, 2 * many, many, 10, 10, 10]) == [0, 0, 0, 0, 1, 1]
    assert trims([many, 0, 0, many, 0, 0]) == [0, 0, 1, 1, 1, 2]


def test_for_a_few_that_leave_nothing_is_done() -> None:
    assert trims([MANY_CONNECTIONS - 1, 0, 0]) == [0, 0, 0]


def test_what_the_start_has_taken_for_a_moment_is_given_back_once() -> None:
    assert trims([0] * 2 * START_LOOKS)[START_LOOKS - 2 :] == [0] + [1] * (START_LOOKS + 1)
