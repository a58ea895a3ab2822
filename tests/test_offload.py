import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import eventlet
import psutil
import pytest
from eventlet import patcher

from backend.offload import REST_SHARE, Offload, Overloaded
from tests.servers import ROOT, wait_until


@pytest.fixture
def offload() -> Iterator[Offload]:
    offload = Offload(hashing_workers=2, hashing_waiting_max=3, database_waiting_max=8)
    yield offload
    offload.close()


class Gauge:
    """Counts how many threads are inside at once, and how many ever were."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = self.most = self.calls = 0

    def visit(self) -> None:
        with self.lock:
            self.inside += 1
            self.calls += 1
            self.most = max(self.most, self.inside)
        time.sleep(0.1)
        with self.lock:
            self.inside -= 1


def test_work_runs_in_another_thread_and_its_result_comes_back(offload: Offload) -> None:
    here = threading.get_ident()
    assert offload.run(pow, 2, 10) == 1024
    assert offload.run(threading.get_ident) != here
    assert offload.run_read(threading.get_ident) != here
    assert offload.run_write(threading.get_ident) != here


@pytest.mark.parametrize("lane", ["run", "compute", "run_read", "run_write"])
def test_exceptions_come_back_and_leave_the_lane_free(offload: Offload, lane: str) -> None:
    for _ in range(20):
        with pytest.raises(ValueError, match="invalid literal"):
            getattr(offload, lane)(int, "x")
    assert getattr(offload, lane)(int, "7") == 7


@pytest.mark.parametrize("lane", ["run", "compute", "run_read", "run_write"])
def test_other_greenlets_go_on_meanwhile(offload: Offload, lane: str) -> None:
    release = threading.Event()
    # Only a greenlet that runs while the call blocks can end it.
    eventlet.spawn_after(0.01, release.set)
    assert getattr(offload, lane)(release.wait, 30)


def test_no_thread_keeps_python_to_itself_for_over_a_millisecond(offload: Offload) -> None:
    assert offload.compute(sys.getswitchinterval) <= 0.001


@pytest.mark.parametrize("lane", ["run_read", "run_write"])
def test_a_lane_of_the_database_never_holds_two(offload: Offload, lane: str) -> None:
    gauge = Gauge()
    for each in [eventlet.spawn(getattr(offload, lane), gauge.visit) for _ in range(8)]:
        each.wait()
    assert (gauge.most, gauge.calls) == (1, 8)


def test_the_hashing_lane_holds_as_many_as_it_has_workers(offload: Offload) -> None:
    gauge = Gauge()
    for each in [eventlet.spawn(offload.run, gauge.visit) for _ in range(5)]:
        each.wait()
    assert (gauge.most, gauge.calls) == (2, 5)


@pytest.mark.parametrize("lane", ["run", "run_read"])
def test_neither_hashing_nor_reading_waits_for_a_writer(offload: Offload, lane: str) -> None:
    release = threading.Event()
    stuck = eventlet.spawn(offload.run_write, release.wait, 30)
    eventlet.sleep(0)
    assert getattr(offload, lane)(pow, 2, 2) == 4
    release.set()
    assert stuck.wait()


def test_who_waits_too_long_for_the_database_is_told_so_and_nothing_is_called() -> None:
    offload = Offload(hashing_workers=1, database_wait_max_s=0.05)
    release, gauge = threading.Event(), Gauge()
    stuck = eventlet.spawn(offload.run_write, release.wait, 30)
    eventlet.sleep(0)
    behind = [eventlet.spawn(offload.run_write, gauge.visit) for _ in range(3)]
    for each in behind:
        with pytest.raises(Overloaded):
            each.wait()
    release.set()
    assert stuck.wait()
    offload.run_write(gauge.visit)
    assert gauge.calls == 1
    offload.close()


def test_of_many_writes_of_candles_others_wait_for_one_at_most(offload: Offload) -> None:
    """As on SQLite: one writes at a time, and who finds another at it looks again later."""
    lock, begun, release, order = threading.Lock(), threading.Event(), threading.Event(), []

    def candles(number: int) -> None:
        assert lock.acquire(blocking=False)
        begun.set()
        release.wait(30)
        order.append(number)
        lock.release()

    def login() -> None:
        while not lock.acquire(blocking=False):
            time.sleep(0.05)
        order.append("login")
        lock.release()

    writes = [eventlet.spawn(offload.write_candles, candles, number) for number in (1, 2, 3)]
    while not begun.is_set():
        eventlet.sleep(0.001)
    writes.append(eventlet.spawn(offload.run_write, login))
    eventlet.sleep(0)
    release.set()
    for each in writes:
        each.wait()
    assert order == [1, "login", 2, 3]


def test_who_is_stuck_does_not_hold_candles_up(offload: Offload) -> None:
    release = threading.Event()
    stuck = eventlet.spawn(offload.run_write, release.wait, 30)
    eventlet.sleep(0)
    assert offload.write_candles(pow, 2, 2) == 4
    assert not stuck.dead
    release.set()
    assert stuck.wait()


def test_between_two_writes_of_candles_is_time_for_other_processes(offload: Offload) -> None:
    def write() -> tuple[float, float]:
        began = time.monotonic()
        time.sleep(0.1)
        return began, time.monotonic()

    spans = [eventlet.spawn(offload.write_candles, write) for _ in range(3)]
    (first, end), (second, end_of_second), (third, _) = sorted(each.wait() for each in spans)
    assert second - end >= REST_SHARE * (end - first)
    assert third - end_of_second >= REST_SHARE * (end_of_second - second)


def test_a_full_line_refuses_without_calling(offload: Offload) -> None:
    release, gauge = threading.Event(), Gauge()
    working = [eventlet.spawn(offload.run, release.wait, 30) for _ in range(2 + 3)]
    eventlet.sleep(0.01)
    with pytest.raises(Overloaded):
        offload.run(gauge.visit)
    release.set()
    assert all(each.wait() for each in working)
    assert gauge.calls == 0
    offload.run(gauge.visit)
    assert gauge.calls == 1


def test_a_killed_caller_does_not_let_the_next_call_overlap(offload: Offload) -> None:
    begun, release, order = threading.Event(), threading.Event(), []

    def first() -> None:
        begun.set()
        release.wait(30)
        order.append("first")

    killed = eventlet.spawn(offload.run_write, first)
    while not begun.is_set():
        eventlet.sleep(0.001)
    killed.kill()
    second = eventlet.spawn(offload.run_write, order.append, "second")
    eventlet.sleep(0.05)
    assert order == []
    release.set()
    second.wait()
    assert order == ["first", "second"]


def test_closing_ends_the_threads_and_refuses_later_work() -> None:
    process = psutil.Process()
    others = {thread.id for thread in process.threads()}

    def own() -> int:
        return len({thread.id for thread in process.threads()} - others)

    offload = Offload(hashing_workers=1)
    offload.run(pow, 2, 2)
    assert own() == 6
    offload.close()
    # A thread that was joined is still in the kernel's list for a moment.
    wait_until(lambda: own() == 0, "the threads to end")
    with pytest.raises(Overloaded):
        offload.run(pow, 2, 2)
    with pytest.raises(Overloaded):
        offload.run_write(pow, 2, 2)


PATCHED = """
import eventlet
eventlet.monkey_patch(psycopg=False)
import sys
from backend.offload import Offload
from backend.storage.database import Database
from backend.storage.users import UserStore

offload, database = Offload(), Database(sys.argv[1])
database.migrate()
users = UserStore(database)
added = [eventlet.spawn(offload.run_write, users.add, f"user{n}", "hash", n) for n in range(200)]
found = [eventlet.spawn(offload.run_read, users.by_name, f"user{n}") for n in range(200)]
ticks = 0
while not all(each.dead for each in added + found):
    eventlet.sleep(0.001)
    ticks += 1
assert sorted(each.wait().username for each in added) == sorted(f"user{n}" for n in range(200))
assert offload.run_read(users.by_name, "user199")
assert ticks > 20, ticks
offload.close()
database.close()
print("done")
"""


@pytest.mark.served
def test_the_database_works_under_monkey_patching_and_the_hub_goes_on(tmp_path: Path) -> None:
    assert not patcher.is_monkey_patched("socket")
    ran = subprocess.run(
        [sys.executable, "-c", PATCHED, f"sqlite:///{tmp_path}/a.db"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.stdout == "done\n", ran.stderr
