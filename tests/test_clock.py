"""Waiting for something, in the time that one is given."""

import pytest

from backend.clock import wait_until


@pytest.mark.parametrize(
    ("comes_after", "holds", "slept"), [(0, True, 0), (2, True, 2), (9, False, 4)]
)
def test_a_condition_is_waited_for_step_by_step_and_no_longer_than_that(
    comes_after: int, holds: bool, slept: int
) -> None:
    sleeps: list[float] = []
    found = wait_until(lambda: len(sleeps) >= comes_after, 1.0, 0.25, sleeps.append)
    assert (found, sleeps) == (holds, [0.25] * slept)
