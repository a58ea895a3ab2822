"""Work that can wait leaves others their time."""

from backend.streaming.pace import REST_MAX_S, Pace
from tests.market.conftest import ManualClock


def test_it_rests_for_as_long_as_was_worked_and_no_longer_than_is_of_use():
    clock, rests = ManualClock(), []

    def sleep(seconds):
        rests.append(seconds)
        clock.advance(seconds)

    pace = Pace(sleep, clock)
    for worked_s in (0.001, 0.003, 10.0):
        clock.advance(worked_s)
        pace()
    assert [round(rest, 6) for rest in rests] == [0.001, 0.003, REST_MAX_S]
