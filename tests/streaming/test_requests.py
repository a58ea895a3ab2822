"""What clients are told while another epoch begins."""

from collections import defaultdict
from collections.abc import Callable
from inspect import signature
from typing import Any

import pytest

from backend.journal.log import Entry, pack
from backend.journal.memory import MemoryJournal
from backend.metrics import Metrics
from backend.protocol import SUBSCRIPTION_CONFIRMED, TRADING_SIGNAL, Payload
from backend.streaming.published import Published
from backend.streaming.renewal import Renewal
from backend.streaming.requests import Requests
from backend.streaming.resume import Resumption
from backend.streaming.sessions import Session, Sessions
from backend.streaming.subscriptions import Subscriptions

SYMBOLS = ["BTC", "ETH"]


class Stand:
    """What is said, and clients of both symbols: `got` are the events that each is sent, in
    order. It takes the place of all that requests work with besides."""

    def __init__(self) -> None:
        self.journal = MemoryJournal()
        self.log = self.journal.log
        self.got: defaultdict[str, list[tuple[str, Payload]]] = defaultdict(list)
        self.tasks: list[Callable[[], None]] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.sessions = Sessions(0)
        self.resumption = Resumption(self.journal, Metrics(), lambda: self.renewal.wait())
        parts: dict[str, Any] = dict.fromkeys(signature(Requests).parameters, self)
        parts |= {"sessions": self.sessions, "subscriptions": Subscriptions(), "symbols": SYMBOLS}
        parts |= {"resumption": self.resumption, "published": Published(self.log)}
        parts |= {"prepare": lambda _symbols: self.meanwhile(), "move": self.keep}
        self.requests = Requests(**parts)
        self.renewal = Renewal(
            self.log,
            self.resumption.place,
            self.requests.begin_again,
            self._send_said,
            self.tasks.append,
            lambda _seconds: self.run(),
        )

    def enter(self, sid: str) -> Session:
        session = Session(sid)
        self.sessions.add(session)
        return session

    def say(self, symbol: str) -> None:
        packed = pack({"symbol": symbol})
        self.log.add(Entry(self.log.last + 1, TRADING_SIGNAL, symbol, packed))

    def begin_again(self) -> None:
        """Another epoch begins, in which something is said before anybody is told."""
        self.log.begin("second", self.log.last)
        self.say("BTC")

    def run(self) -> None:
        while self.tasks:
            self.tasks.pop(0)()

    def signals(self, sid: str) -> list[tuple[str, int]]:
        said = (each for event, each in self.got[sid] if event == TRADING_SIGNAL)
        return [(each["symbol"], each["offset"]) for each in said]

    def _send_said(self, entry: Entry) -> None:
        for session in self.sessions:
            if entry.topic in session.symbols:
                self.send(session.sid, entry.event, entry.payload())

    # As requests have the others.

    def send(self, sid: str, event: str, payload: Payload, _place: str | None = None) -> None:
        self.got[sid].append((event, payload))

    def now(self) -> str:
        return ""

    def answered(self, _session: Session) -> None: ...
    def keep(self, *_: object) -> None: ...
    def follow(self, *_: object) -> None: ...

    def forming(self, *_: object) -> list[Payload]:
        return []

    def snapshot(self, _session: Session) -> Payload:
        return {}


@pytest.fixture
def stand() -> Stand:
    stand = Stand()
    for symbol in SYMBOLS:
        stand.say(symbol)
    return stand


def test_what_is_said_before_all_are_told_comes_once(stand: Stand) -> None:
    stand.requests.subscribe(stand.enter("1"), ({"symbols": SYMBOLS},))
    stand.got.clear()
    stand.begin_again()
    stand.run()
    event, told = stand.got["1"][0]
    assert event == SUBSCRIPTION_CONFIRMED
    assert (told["epoch"], told["offset"]) == ("second", 2)
    assert stand.signals("1") == [("ETH", 2), ("BTC", 3)]


@pytest.mark.parametrize("resumes", [False, True])
def test_who_subscribes_while_another_epoch_begins_hears_all_of_it_once(
    stand: Stand, resumes: bool
) -> None:
    request: Payload = {"symbols": SYMBOLS}
    if resumes:
        request["resume"] = {"epoch": "second", "offset": 2}
    stand.meanwhile = stand.begin_again
    stand.requests.subscribe(stand.enter("1"), (request,))
    stand.run()
    stand.say("ETH")
    assert stand.signals("1") == [("ETH", 2), ("BTC", 3), ("ETH", 4)][resumes:]
