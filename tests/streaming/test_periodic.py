"""Background loops survive what happens in them, and keep to their schedule."""

import logging

import pytest

from backend.metrics import Metrics
from backend.streaming.periodic import Periodic, Prompted, Relaxed, supervise


class SteppingClock:
    """Time that passes only in `sleep`, and in actions that take some."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds

    def now_ms(self) -> int:
        return int(self.seconds * 1000)

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.seconds += seconds


def run(action, until: float, interval: float = 2.0) -> tuple[list[float], Metrics]:
    clock, metrics, calls = SteppingClock(), Metrics(), []

    def recorded() -> None:
        calls.append(clock.seconds)
        if clock.seconds >= until:
            task.stop()
        action(clock)

    task = Periodic("test", interval, recorded, clock.sleep, clock, metrics)
    task.run()
    return calls, metrics


def test_it_runs_at_once_and_then_at_every_interval_without_drift() -> None:
    calls, _ = run(lambda clock: clock.sleep(0.3), until=110)
    assert calls == [100, 102, 104, 106, 108, 110]


def test_a_slow_call_leaves_out_what_it_made_impossible_and_keeps_the_schedule() -> None:
    calls, _ = run(lambda clock: clock.sleep(5.0) if clock.seconds == 102 else None, until=110)
    assert calls == [100, 102, 108, 110]


def test_an_exception_is_counted_each_time_and_logged_once_a_kind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(clock: SteppingClock) -> None:
        raise KeyError("a") if clock.seconds < 106 else ValueError("b")

    with caplog.at_level(logging.ERROR):
        calls, metrics = run(fail, until=110)
    assert len(calls) == 6
    counted = metrics.registry.get_sample_value("crs_task_errors_total", {"task": "test"})
    assert counted == 6
    assert len(caplog.records) == 2


def test_a_supervised_task_starts_again_until_it_returns_by_itself() -> None:
    clock, metrics, runs = SteppingClock(), Metrics(), []

    def task() -> None:
        runs.append(clock.seconds)
        if len(runs) < 3:
            raise OSError("gone")

    supervise("feed", task, lambda: False, clock.sleep, metrics)
    assert len(runs) == 3
    assert metrics.registry.get_sample_value("crs_task_errors_total", {"task": "feed"}) == 2
    assert clock.seconds > 100


class Prompts:
    """An event whose waits end as a script says: after so many seconds, or by `stop`."""

    def __init__(self, clock: SteppingClock, waits: list[float]) -> None:
        self._clock = clock
        self._waits = waits
        self.task: Prompted | None = None
        self.is_set = False

    def set(self) -> None:
        self.is_set = True

    def clear(self) -> None:
        self.is_set = False

    def wait(self) -> None:
        if self.is_set:
            return
        assert self.task is not None
        if self._waits:
            self._clock.sleep(self._waits.pop(0))
            self.task.prompt()
        else:
            self.task.stop()


def test_a_prompted_task_is_called_at_once_but_never_twice_in_an_interval() -> None:
    clock, calls = SteppingClock(), []
    event = Prompts(clock, [0.5, 3.0])

    def action() -> None:
        calls.append(clock.seconds)
        if len(calls) == 1:
            task.prompt()  # while it is at work: the next call is due an interval later
        raise KeyError

    metrics = Metrics()
    task = event.task = Prompted(event, "test", 2.0, action, clock.sleep, clock, metrics)
    task.run()
    assert calls == [100.5, 102.5, 107.5]
    assert metrics.registry.get_sample_value("crs_task_errors_total", {"task": "test"}) == 3


def test_what_nobody_hurries_for_is_done_seldom_and_at_once_when_somebody_does() -> None:
    clock, done, hurries = SteppingClock(), [], False
    action = Relaxed(lambda: done.append(clock.seconds), 5.0, lambda: not hurries, clock)
    for number in range(24):
        hurries = number in (15, 16)
        action.call()
        clock.sleep(0.5)
    assert done == [100, 105, 107.5, 108]
