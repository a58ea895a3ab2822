"""What kinds of clients are connected, by which transports and for how long."""

from collections import Counter, OrderedDict
from collections.abc import Callable

from backend.clock import Clock
from backend.metrics import Metrics
from backend.streaming.sessions import Session

# Kinds, as they tell by their User-Agent. Outside of browsers a client that begins with a WebSocket
# often sends none, and so counts as another.
BROWSER, NODE, PYTHON, OTHER = "browser", "node", "python", "other"
KINDS = (BROWSER, NODE, PYTHON, OTHER)
WEBSOCKET, POLLING = "websocket", "polling"
TRANSPORTS = (WEBSOCKET, POLLING)

# Clients upgrade at once or never: theirs begins with their connection, and may take ten seconds.
UPGRADE_SECONDS = 30.0
# Half a millisecond's worth.
LOOKED_AT_ONCE = 500


def kind_of(user_agent: str) -> str:
    """One of `KINDS`."""
    agent = user_agent.lower()
    if agent.startswith("mozilla/"):
        return BROWSER
    if agent.startswith("node"):
        return NODE
    return PYTHON if "python" in agent else OTHER


class Clients:
    """The accepted connections, counted. Nothing here goes through all of them: those that poll
    are looked at again while they may upgrade, some at a time."""

    def __init__(self, polls: Callable[[str], bool], clock: Clock, metrics: Metrics) -> None:
        """`polls` says of an Engine.IO session whether it is polling."""
        self._polls = polls
        self._clock = clock
        self._metrics = metrics
        self._kinds: Counter[str] = Counter()
        self._polling: Counter[str] = Counter()
        self._undecided: OrderedDict[Session, str] = OrderedDict()

    def enter(self, session: Session, eio_sid: str, user_agent: str) -> None:
        """A connection was accepted."""
        session.client, session.since = kind_of(user_agent), self._clock.monotonic()
        session.polling = self._polls(eio_sid)
        self._kinds[session.client] += 1
        if session.polling:
            self._polling[session.client] += 1
            self._undecided[session] = eio_sid

    def leave(self, session: Session) -> None:
        """A connection that was accepted has ended."""
        self._metrics.durations.add(session.client, self._clock.monotonic() - session.since)
        self._kinds[session.client] -= 1
        if session.polling:
            self._polling[session.client] -= 1
            self._undecided.pop(session, None)

    def counts(self) -> dict[tuple[str, ...], int]:
        """How many there are, by transport and kind."""
        self._look()
        return {
            (transport, kind): self._polling[kind]
            if transport == POLLING
            else self._kinds[kind] - self._polling[kind]
            for transport in TRANSPORTS
            for kind in KINDS
        }

    def _look(self) -> None:
        """Find out who has upgraded."""
        now = self._clock.monotonic()
        for _ in range(min(LOOKED_AT_ONCE, len(self._undecided))):
            session, eio_sid = self._undecided.popitem(last=False)
            if not self._polls(eio_sid):
                session.polling = False
                self._polling[session.client] -= 1
            elif now - session.since < UPGRADE_SECONDS:
                self._undecided[session] = eio_sid
