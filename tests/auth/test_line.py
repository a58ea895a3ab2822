import eventlet
import pytest

from backend.api.counters import BoundedCounters
from backend.auth.attempts import Caller, TooManyAttempts
from backend.auth.line import Line
from backend.offload import Overloaded
from tests.clocks import ManualClock


def settle() -> None:
    """Let all greenlets get as far as they can."""
    for _ in range(4):
        eventlet.sleep(0)


class Crowd:
    """A line whose turns end when the test says so."""

    def __init__(self, at_once: int = 1, waiting_max: int = 64) -> None:
        self.clock = ManualClock(1_000_000)
        self.line = Line(BoundedCounters(), self.clock, at_once, waiting_max, wait_max_s=5)
        self.served: list[Caller] = []
        self.refused: list[tuple[Caller, type[Exception]]] = []
        self._doors: list[eventlet.Event] = []

    def ask(
        self, caller: Caller, honest: bool = False, patient: bool = False
    ) -> eventlet.greenthread.GreenThread:
        asked = eventlet.spawn(self._wait, caller, honest, patient)
        settle()
        return asked

    def let(self, count: int) -> None:
        """End this many turns, one after another."""
        for _ in range(count):
            self._doors.pop(0).send(None)
            settle()

    def _wait(self, caller: Caller, honest: bool, patient: bool) -> None:
        door = eventlet.Event()
        try:
            with self.line.take(caller, patient) as turn:
                self.served.append(caller)
                self._doors.append(door)
                door.wait()
                if honest:
                    turn.proved_honest()
        except (TooManyAttempts, Overloaded) as error:
            self.refused.append((caller, type(error)))


def stormer(number: int, name: int = 0) -> Caller:
    return Caller(f"name{name}", f"10.0.0.{number}")


HONEST = Caller("alice", "192.0.2.1")


def test_who_comes_for_the_first_time_goes_ahead_of_a_storm() -> None:
    crowd = Crowd()
    for name in range(10):
        for number in range(5):
            crowd.ask(stormer(number, name * 5 + number))
    crowd.ask(HONEST)
    crowd.let(1)
    assert crowd.served[1] == HONEST


def test_a_known_device_goes_ahead_of_all_strangers() -> None:
    crowd = Crowd()
    crowd.ask(stormer(1))
    crowd.ask(HONEST)
    owner = Caller("bob", "10.0.0.1", "a laptop")
    crowd.ask(owner)
    crowd.let(1)
    assert crowd.served[1] == owner


def test_logins_go_ahead_of_new_accounts() -> None:
    crowd = Crowd()
    for number in range(5):
        crowd.ask(stormer(number, name=number), patient=True)
    crowd.ask(HONEST)
    crowd.let(1)
    assert crowd.served[-1] == HONEST


def test_addresses_take_turns_however_many_each_asks() -> None:
    crowd = Crowd()
    crowd.ask(stormer(0))
    for name in range(20):
        crowd.ask(stormer(1, 100 + name))
    for name in range(3):
        crowd.ask(stormer(2, 200 + name))
    crowd.let(3)
    assert [caller.network for caller in crowd.served[1:]] == ["10.0.0.2"] * 3


def test_within_an_address_accounts_take_turns() -> None:
    crowd = Crowd()
    crowd.ask(stormer(1, 1))
    for _ in range(5):
        crowd.ask(stormer(1, 1))
    crowd.ask(stormer(1, 2))
    crowd.let(1)
    assert crowd.served[1] == stormer(1, 2)


def test_an_account_has_one_turn_at_a_time_and_others_use_what_is_free() -> None:
    crowd = Crowd(at_once=2)
    crowd.ask(stormer(1, 1))
    crowd.ask(stormer(2, 1))
    assert crowd.served == [stormer(1, 1)]
    crowd.ask(stormer(3, 2))
    assert crowd.served == [stormer(1, 1), stormer(3, 2)]
    crowd.let(1)
    assert crowd.served[2] == stormer(2, 1)


def test_in_a_full_line_who_has_used_most_makes_room_and_is_told_to_come_again() -> None:
    crowd = Crowd(waiting_max=8)
    for name in range(9):
        crowd.ask(stormer(1, name))
    crowd.ask(HONEST)
    assert crowd.refused == [(stormer(1, 8), TooManyAttempts)]
    crowd.let(1)
    assert crowd.served[1] == HONEST
    crowd.ask(stormer(1, 100))
    crowd.ask(stormer(1, 101))
    assert crowd.refused[1:] == [(stormer(1, 101), TooManyAttempts)]


def test_who_has_asked_for_nothing_else_is_not_called_a_storm_when_turned_away() -> None:
    crowd = Crowd(waiting_max=3)
    for number in range(5):
        crowd.ask(stormer(number, number))
    assert crowd.refused == [(stormer(4, 4), Overloaded)]


def test_right_passwords_count_against_nobody() -> None:
    crowd = Crowd()
    for _ in range(10):
        crowd.ask(HONEST, honest=True)
        crowd.let(1)
    crowd.ask(stormer(1))
    crowd.ask(stormer(2, 2))
    crowd.ask(HONEST)
    crowd.let(2)
    assert crowd.served[-2:] == [stormer(2, 2), HONEST]
    wrong = Caller("mallory", "192.0.2.9")
    crowd.let(1)
    for _ in range(2):
        crowd.ask(wrong)
        crowd.let(1)
    crowd.ask(stormer(1))
    crowd.ask(wrong)
    crowd.ask(stormer(3, 3))
    crowd.let(1)
    assert crowd.served[-1] == stormer(3, 3)


def test_strangers_that_others_go_ahead_of_are_told_to_come_again_and_owners_wait() -> None:
    crowd = Crowd()
    crowd.ask(stormer(1))
    crowd.ask(stormer(1, 1))
    owner = Caller("alice", "10.0.0.1", "a laptop")
    crowd.ask(owner)
    crowd.ask(owner)
    crowd.clock.set_ms(1_006_000)
    crowd.let(1)
    assert crowd.refused == [(stormer(1, 1), TooManyAttempts)]
    crowd.let(2)
    assert crowd.served == [stormer(1), owner, owner]


@pytest.mark.parametrize("when", ["waiting", "just granted", "running"])
def test_a_killed_greenlet_leaves_the_line_going(when: str) -> None:
    crowd = Crowd()
    first = crowd.ask(stormer(1))
    second = crowd.ask(stormer(2, 2))
    crowd.ask(stormer(3, 3))
    if when == "waiting":
        second.kill()
        crowd.let(1)
    elif when == "just granted":
        first.kill()
        second.kill()
    else:
        first.kill()
        settle()
        second.kill()
    settle()
    assert crowd.served[-1] == stormer(3, 3)


def test_an_exception_within_a_turn_ends_it() -> None:
    crowd = Crowd()
    for _ in range(3):
        with pytest.raises(KeyError), crowd.line.take(HONEST):
            raise KeyError
