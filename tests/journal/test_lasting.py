"""Tasks that go on through the outages of Redis."""

import logging
from collections.abc import Callable
from random import Random

import pytest

from backend.journal.connection import RedisFailed
from backend.journal.lasting import LONGEST_PAUSE_SECONDS, Lasting
from backend.metrics import Metrics


class Talk:
    """Raises what is in `errors`, one a call and None for nothing; then it has the task stop."""

    def __init__(self, *errors: Exception | None) -> None:
        self._errors = list(errors)
        self.pauses: list[float] = []
        self.metrics = Metrics()
        self.stop: Callable[[], None] = lambda: None

    def __call__(self) -> None:
        if len(self._errors) == 1:
            self.stop()
        error = self._errors.pop(0)
        if error is not None:
            raise error

    def run(self) -> None:
        task = Lasting("a task", self, self.pauses.append, Random(1), self.metrics)
        self.stop = task.stop
        task.run()


def test_it_pauses_for_longer_with_each_failure_up_to_a_bound_and_begins_anew() -> None:
    talk = Talk(*[RedisFailed()] * 12, None, RedisFailed(), None)
    talk.run()
    outage, next_one = talk.pauses[:12], talk.pauses[12]
    assert max(outage) <= LONGEST_PAUSE_SECONDS
    assert outage[5] > 2 * outage[0]
    assert next_one < outage[5]


def test_an_outage_is_logged_when_it_begins_and_when_it_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    Talk(*[RedisFailed()] * 5, None, None, None).run()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_a_fault_of_its_own_is_counted_and_does_not_end_it() -> None:
    talk = Talk(ValueError(), None, RedisFailed(), ValueError(), None)
    talk.run()
    assert b'crs_task_errors_total{task="a task"} 2.0' in talk.metrics.render()
