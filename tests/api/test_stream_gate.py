"""Who may open another session of the stream, told before any upgrade."""

from collections.abc import Hashable
from typing import Any

import pytest

from backend.api.stream_gate import StreamGate
from backend.journal.census import ADDRESSES, ATTEMPTS_IN_MINUTE, LoneCensus
from backend.streaming.limits import ATTEMPTS, ATTEMPTS_PER_MINUTE, PER_ADDRESS
from tests.clocks import ManualClock

ADDRESS = "192.0.2.1"
NEW = "EIO=4&transport=websocket"


class Others(LoneCensus):
    """What other processes have, by kind and key."""

    def __init__(self) -> None:
        self.have: dict[tuple[str, Hashable], int] = {}

    def others(self, what: str, key: Hashable) -> int:
        return self.have.get((what, key), 0)


class Gate:
    """A gate before an application that says 200 to all, and what the gate refused."""

    def __init__(self, per_address: int = 0) -> None:
        self.refused: list[str] = []
        self.clock = ManualClock(0)
        self.open = True
        self.others = Others()
        self.gate = StreamGate(
            per_address, self.others, self.clock, self.refused.append, lambda: self.open
        )
        self._app = self.gate.around(self._served)

    def ask(self, query: str = NEW, path: str = "/socket.io/", address: str = ADDRESS) -> int:
        environ = {"PATH_INFO": path, "QUERY_STRING": query, "REMOTE_ADDR": address}
        self._status = ""
        list(self._app(environ, self._start))
        return int(self._status.split()[0])

    def _start(self, status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
        self._status = status
        self.headers = dict(headers)

    def _served(self, _environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b""]


def test_sessions_of_an_address_are_bounded_and_given_back() -> None:
    gate = Gate(per_address=2)
    for sid in ("a", "b"):
        assert gate.ask() == 200
        gate.gate.opened(sid, {"REMOTE_ADDR": ADDRESS})
    assert gate.ask() == 429
    assert gate.headers["Retry-After"]
    assert gate.refused == [PER_ADDRESS]
    assert gate.ask(address="192.0.2.2") == 200
    gate.gate.closed("a")
    assert gate.ask() == 200


def test_requests_of_open_sessions_and_other_paths_pass() -> None:
    gate = Gate(per_address=1)
    gate.gate.opened("a", {"REMOTE_ADDR": ADDRESS})
    assert gate.ask(f"{NEW}&sid=a") == 200
    assert gate.ask(path="/health") == 200


@pytest.mark.parametrize("query", ["&xsid=1", "&x=sid=1", "&sid", "&sid="])
def test_what_only_looks_like_a_session_does_not_pass(query: str) -> None:
    gate = Gate(per_address=1)
    gate.gate.opened("a", {"REMOTE_ADDR": ADDRESS})
    assert gate.ask(NEW + query) == 429


def test_attempts_of_an_address_are_bounded_by_the_minute() -> None:
    gate = Gate()
    assert {gate.ask() for _ in range(ATTEMPTS_PER_MINUTE)} == {200}
    assert gate.ask() == 429
    assert gate.refused == [ATTEMPTS]
    gate.clock.set_ms(60_000)
    assert gate.ask() == 200


def test_a_process_that_starts_or_ends_opens_no_session_and_serves_those_that_are_open() -> None:
    gate = Gate()
    gate.open = False
    assert gate.ask() == 503
    assert gate.headers["Retry-After"] and gate.headers["Connection"] == "close"
    assert gate.ask(f"{NEW}&sid=a") == 200


def test_sessions_on_other_processes_count_as_those_here_do() -> None:
    gate = Gate(per_address=3)
    gate.gate.opened("a", {"REMOTE_ADDR": ADDRESS})
    gate.others.have[(ADDRESSES, ADDRESS)] = 1
    assert gate.ask() == 200
    gate.others.have[(ADDRESSES, ADDRESS)] = 2
    assert gate.ask() == 429
    assert gate.ask(address="192.0.2.2") == 200


def test_attempts_on_other_processes_count_within_the_minute_of_the_clock() -> None:
    gate = Gate()
    gate.clock.set_ms(5 * 60_000 + 20_000)
    gate.others.have[(ATTEMPTS_IN_MINUTE, f"5 {ADDRESS}")] = ATTEMPTS_PER_MINUTE - 2
    assert [gate.ask() for _ in range(3)] == [200, 200, 429]
    assert gate.headers["Retry-After"] == "40"
    assert gate.refused == [ATTEMPTS]
    gate.clock.set_ms(6 * 60_000)
    assert gate.ask() == 200
