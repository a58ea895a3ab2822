"""Who is connected: one `Session` for each accepted Socket.IO connection.

A session is in the registry from the moment its token was accepted to its disconnect. Handlers
look their connection up here first: what is not here is being refused, or gone.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from backend.journal.counts import Counts
from backend.protocol import Place
from backend.streaming.limits import Allowance


@dataclass(slots=True)
class Ticket:
    """What a connection that asked for it can be recovered by: its private id. `returns` counts how
    often it was, `answers` those that brought what had been said; it stood at `place` at the last
    of them."""

    pid: str
    place: Place
    returns: int = 0
    answers: int = 0


@dataclass(slots=True, eq=False)
class Session:
    """One accepted connection.

    `user_id`, `expires_at_ms` and `login` (the id of the account session that the token belongs
    to) are None for an anonymous client.
    """

    sid: str
    user_id: int | None = None
    login: str | None = None
    expires_at_ms: int | None = None
    warned: bool = False
    # In the order in which they were added, which is that of confirmations.
    symbols: tuple[str, ...] = ()
    fields: tuple[str, ...] | None = None
    realtime: bool = False
    # Intervals.
    candles: tuple[str, ...] = ()
    basket: int | None = None
    # Since its first subscription it has been sent all that was said to everybody after this
    # offset. What it heard before that, it hears again where it resumes.
    heard_since: int | None = None
    ticket: Ticket | None = None
    # What kind of client it is, since when (on the clock that never goes back), and by which way.
    client: str = ""
    since: float = 0.0
    polling: bool = False
    # What it may still ask for; made with its first request.
    allowance: Allowance | None = None


class _Index:
    """Sessions by a fact that some of them share. Most have theirs to themselves, and are kept
    without a dict around them."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[Any, Session | dict[Session, None]] = {}

    def add(self, fact: str | int, session: Session) -> None:
        found = self._found.get(fact)
        if found is None:
            self._found[fact] = session
        elif isinstance(found, Session):
            self._found[fact] = {found: None, session: None}
        else:
            found[session] = None

    def remove(self, fact: str | int, session: Session) -> None:
        found = self._found.get(fact)
        if isinstance(found, dict):
            found.pop(session, None)
        if not found or found is session:
            self._found.pop(fact, None)

    def of(self, fact: str | int) -> Collection[Session]:
        found = self._found.get(fact, ())
        return (found,) if isinstance(found, Session) else found

    def facts(self) -> Collection[Any]:
        return self._found.keys()


class Sessions:
    """The accepted connections of this process, by connection id and by login; each is to be told
    `warning_ms` before its token's expiry to send a fresh one."""

    def __init__(self, warning_ms: int) -> None:
        self._warning_ms = warning_ms
        self._by_sid: dict[str, Session] = {}
        self._by_login = _Index()
        # Tokens expire on whole seconds, so that thousands of sessions have hundreds of instants:
        # a look for those that are due doesn't go through them all.
        self._by_expiry = _Index()
        # How many connections each user has.
        self.users = Counts()

    def __len__(self) -> int:
        return len(self._by_sid)

    def __iter__(self) -> Iterator[Session]:
        """A copy's iterator: callers may yield to other tasks meanwhile."""
        return iter(list(self._by_sid.values()))

    def get(self, sid: str) -> Session | None:
        return self._by_sid.get(sid)

    def add(self, session: Session) -> None:
        self._by_sid[session.sid] = session
        self._index(session)

    def remove(self, sid: str) -> Session | None:
        """Forget a connection; None where it was never accepted."""
        session = self._by_sid.pop(sid, None)
        if session is not None:
            self._unindex(session)
        return session

    def renew(self, session: Session, user_id: int, login: str, expires_at_ms: int) -> None:
        """Put a fresh token's facts in place of the old one's."""
        self._unindex(session)
        session.user_id, session.login, session.expires_at_ms = user_id, login, expires_at_ms
        session.warned = False
        self._index(session)

    def of_login(self, login: str) -> list[Session]:
        """The connections that came with tokens of one login."""
        return list(self._by_login.of(login))

    def expired(self, now_ms: int) -> list[Session]:
        """Connections whose token has expired at `now_ms`."""
        return [s for at in self._by_expiry.facts() if at <= now_ms for s in self._by_expiry.of(at)]

    def expiring(self, now_ms: int) -> list[Session]:
        """Connections to be warned now, each returned once per token."""
        soon = now_ms + self._warning_ms
        due = [
            session
            for at in self._by_expiry.facts()
            if now_ms < at <= soon
            for session in self._by_expiry.of(at)
            if not session.warned
        ]
        for session in due:
            session.warned = True
        return due

    def _index(self, session: Session) -> None:
        if session.user_id is not None:
            self.users.add(session.user_id)
        for index, fact in self._places(session):
            index.add(fact, session)

    def _unindex(self, session: Session) -> None:
        if session.user_id is not None:
            self.users.remove(session.user_id)
        for index, fact in self._places(session):
            index.remove(fact, session)

    def _places(self, session: Session) -> Iterator[tuple[_Index, str | int]]:
        if session.login is not None:
            yield self._by_login, session.login
        if session.expires_at_ms is not None:
            yield self._by_expiry, session.expires_at_ms
