"""Connection state recovery, as the stock JavaScript client asks for it.

A client that asked is given a private id, and told the place of each event that may be replayed.
When it comes back it shows both, is given its id again and its subscriptions with it, and is sent
what it has missed. It is another matter than `resume`: there a client that knows this server says
where it stood; here the library does, and the application notices nothing.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Container
from dataclasses import dataclass

from backend.client_messages import Return
from backend.clock import Clock
from backend.config_values import INTERVAL_NAMES
from backend.journal.log import Log
from backend.journal.recoveries import Recoverable, Recoveries
from backend.metrics import Metrics
from backend.protocol import ALL_QUOTE_FIELDS, Payload, Place
from backend.streaming.resume import Resumption
from backend.streaming.sessions import Session, Ticket

# The contract: for so long after a cut a connection can be taken up again.
RECOVERABLE_SECONDS = 120.0
# While a connection is there its state is written anew this often, ...
REWRITE_SECONDS = 60.0
# ... and kept for as long as that may be late beyond what is promised: its process may be killed.
AHEAD_SECONDS = RECOVERABLE_SECONDS + 2 * REWRITE_SECONDS
# Of thousands that have come at once no more are rewritten in one look, which takes a millisecond
# then; two looks a second rewrite 24,000 a minute.
REWRITTEN_AT_ONCE = 200
# 128 bits: nobody guesses one.
_PID_BYTES = 16

# How it ended when a client showed a private id.
RECOVERED = "recovered"
UNKNOWN = "unknown"
ANOTHER_USER = "another_user"
# It has not heard all of what it was last answered.
UNANSWERED = "unanswered"
# What it has missed is too much, or not known any more.
TOO_MUCH = "too_much"


@dataclass(frozen=True, slots=True)
class Former:
    """What a client was that comes back, and where it stood when it was cut off."""

    state: Recoverable
    place: Place


@dataclass(frozen=True, slots=True)
class Admission:
    """Who a client that asked for recovery is from here on: its id, and what it can come back with;
    `former` where it has come back."""

    sid: str
    ticket: Ticket
    former: Former | None = None


class Recovery:
    """Knows the connections of this process that can be recovered, and finds those that were."""

    def __init__(
        self,
        log: Log,
        recoveries: Recoveries,
        resumption: Resumption,
        sent: Callable[[], int],
        symbols: Container[str],
        new_sid: Callable[[], str],
        end_former: Callable[[str, int], None],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """`sent` is the offset of what was sent last; `end_former(sid, returns)` ends the
        connection of an id, wherever it is still taken to be alive, that has not returned so
        often."""
        self._log = log
        self._recoveries = recoveries
        self._resumption = resumption
        self._sent = sent
        self._symbols = symbols
        self._new_sid = new_sid
        self._end_former = end_former
        self._clock = clock
        self._metrics = metrics
        # When each was last written; the one that is due next comes first.
        self._present: OrderedDict[Session, float] = OrderedDict()

    def admit(self, shown: Return | None, user_id: int | None) -> Admission:
        """Decide who a client of this user is; `shown` is what it came back with. May wait: for
        what is kept elsewhere, and for what another process has read and this one will."""
        if shown is not None:
            found, outcome = self._find(shown, user_id)
            self._metrics.recoveries.labels(outcome).inc()
            if found is not None:
                ticket = Ticket(shown.pid, found.place, found.returns + 1, found.answers)
                return Admission(found.sid, ticket, Former(found, shown.place))
        ticket = Ticket(secrets.token_urlsafe(_PID_BYTES), self._newest())
        return Admission(self._new_sid(), ticket)

    def give_back(self, admission: Admission) -> None:
        """The client has left before it was told."""
        if admission.former is not None:
            state = admission.former.state
            self._recoveries.keep(admission.ticket.pid, state, RECOVERABLE_SECONDS)

    def missed(self, session: Session, former: Former) -> list[tuple[str, Payload, str]]:
        """What was said of the symbols of a connection that comes back, and to everybody: event,
        payload and place of each, in order. Nothing has waited since it was admitted."""
        missed = self._resumption.missed(session, former.state.symbols, former.place)
        assert missed is not None
        return [(entry.event, entry.payload(), self._log.place(entry)) for entry in missed]

    def answered(self, session: Session) -> str | None:
        """The place that the last event of an answer carries: of one that brings what was said so
        far. Who comes back without having heard it is not recovered."""
        ticket = session.ticket
        if ticket is None:
            return None
        ticket.place = self._newest()
        ticket.answers += 1
        self.keep(session)
        # More may be answered before anything else is said.
        return f"{ticket.place}:{ticket.answers}"

    def keep(self, session: Session, seconds: float = AHEAD_SECONDS) -> None:
        """Write what a connection is now, where it can be recovered."""
        ticket = session.ticket
        if ticket is None:
            return
        state = Recoverable(
            session.sid,
            session.user_id,
            ticket.place,
            ticket.answers,
            session.symbols,
            session.fields,
            session.realtime,
            session.candles,
            ticket.returns,
        )
        self._recoveries.keep(ticket.pid, state, seconds)
        self._present[session] = self._clock.monotonic()
        self._present.move_to_end(session)

    def ended(self, session: Session, cut: bool) -> None:
        """A connection is no more: it was cut, or one of the two sides has ended it."""
        ticket = session.ticket
        if ticket is None:
            return
        if cut:
            self.keep(session, RECOVERABLE_SECONDS)
        else:
            self._recoveries.forget(ticket.pid, ticket.returns)
        self._present.pop(session, None)

    def rewrite(self) -> None:
        """Write those anew that were written a while ago. To be called twice a second."""
        due = self._clock.monotonic() - REWRITE_SECONDS
        for _ in range(REWRITTEN_AT_ONCE):
            session, written = next(iter(self._present.items()), (None, due))
            if session is None or written > due:
                return
            self.keep(session)

    def _find(self, shown: Return, user_id: int | None) -> tuple[Recoverable | None, str]:
        """What the client was, if it can be that again, and how its coming back ends."""
        state = self._recoveries.take(shown.pid)
        if state is None or not self._is_served(state):
            return None, UNKNOWN
        if state.user_id != user_id:
            return None, ANOTHER_USER
        # The cut may not have been noticed yet.
        self._end_former(state.sid, state.returns + 1)
        if not _has_heard(shown, state):
            return None, UNANSWERED
        self._resumption.reach(shown.place)
        if self._resumption.since(shown.place, state.symbols) is None:
            return None, TOO_MUCH
        return state, RECOVERED

    def _is_served(self, state: Recoverable) -> bool:
        """Whether another process of other settings has not kept what this one does not have."""
        return (
            all(symbol in self._symbols for symbol in state.symbols)
            and set(ALL_QUOTE_FIELDS) >= set(state.fields or ())
            and set(INTERVAL_NAMES) >= set(state.candles)
        )

    def _newest(self) -> Place:
        return Place(self._log.epoch, self._sent())


def _has_heard(shown: Return, state: Recoverable) -> bool:
    """Whether a client has heard its last answer: that, or something that was said later."""
    heard, answered = shown.place, state.place
    if heard.offset is None or answered.offset is None or heard.epoch != answered.epoch:
        return False
    if heard.offset == answered.offset:
        return shown.answer == state.answers
    return heard.offset > answered.offset
