"""Sessions: what a login opens, each refresh moves on, and a logout ends.

A session holds one unused refresh token. Presenting a used one means that two parties hold the
session, so it ends for both.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, update

from backend.storage.database import Database
from backend.storage.schema import ADDRESS_MAX_CHARS, USER_AGENT_MAX_CHARS, sessions, users
from backend.storage.users import User, user_from

# One person's devices and scripts are far fewer; a script that logs in on each run and never logs
# out reaches it, and then loses its oldest session. A row takes some 300 bytes.
SESSIONS_PER_USER_MAX = 10_000
# Those that a user is shown; whoever has more ends them all. Some 20 KB.
SESSIONS_LISTED_MAX = 100
# Dead sessions that one transaction removes, so that none waits long behind it.
PURGE_BATCH = 500


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a login or refresh came from, as far as the client says so: its own words."""

    address: str = ""
    user_agent: str = ""

    @property
    def values(self) -> dict[str, str]:
        """What is kept of it, by column."""
        # PostgreSQL takes no NUL, and a list of sessions need not repeat what can't be seen.
        user_agent = "".join(filter(str.isprintable, self.user_agent))
        return {
            "address": self.address[:ADDRESS_MAX_CHARS],
            "user_agent": user_agent[:USER_AGENT_MAX_CHARS],
        }


@dataclass(frozen=True, slots=True)
class Session:
    """One session; `refresh_id` names its unused refresh token, instants are UTC milliseconds."""

    id: str
    user_id: int
    refresh_id: str
    access_expires_at_ms: int
    refresh_expires_at_ms: int
    origin: Origin = Origin()


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """What its user is told of an open session; instants are UTC milliseconds."""

    id: str
    created_at_ms: int
    last_used_at_ms: int
    user_agent: str
    address: str


@dataclass(frozen=True, slots=True)
class Revoked:
    """A session that ended; its access tokens would be valid until `access_expires_at_ms`."""

    session_id: str
    access_expires_at_ms: int


class SessionStore:
    """Sessions in the database. Blocks; every method may raise `StorageUnavailable`.

    `open_of`, `revoked` and `user` only read, all others write.
    """

    def __init__(self, database: Database, per_user_max: int = SESSIONS_PER_USER_MAX) -> None:
        self._database = database
        self._per_user_max = per_user_max

    def open(self, session: Session, password_hash: str, now_ms: int) -> list[Revoked] | None:
        """Store a new session; returns the sessions that had to end to make room for it.

        None, and nothing stored, where the user's password is not that of the hash any more: it
        was changed since it was verified.
        """
        with self._database.write() as connection:
            current = connection.execute(
                select(users.c.password_hash).where(users.c.id == session.user_id)
            ).scalar_one()
            if current != password_hash:
                return None
            surplus = self._surplus(connection, session.user_id, now_ms)
            connection.execute(
                insert(sessions).values(
                    id=session.id,
                    user_id=session.user_id,
                    created_at_ms=now_ms,
                    **_moved(session, now_ms),
                )
            )
        return surplus

    def rotate(self, session: Session, presented_id: str, now_ms: int) -> User | Revoked | None:
        """Exchange the refresh token `presented_id` for that of `session`, once.

        The user if it was the unused one. `Revoked` if it was used before: the session has ended
        now. None if the session had ended already.
        """
        with self._database.write() as connection:
            rotated = connection.execute(
                update(sessions)
                .where(
                    sessions.c.id == session.id,
                    sessions.c.user_id == session.user_id,
                    sessions.c.refresh_id == presented_id,
                    sessions.c.revoked_at_ms.is_(None),
                )
                .values(**_moved(session, now_ms))
            ).rowcount
            if not rotated:
                return next(iter(_revoke(connection, now_ms, sessions.c.id == session.id)), None)
            row = connection.execute(select(users).where(users.c.id == session.user_id)).one()
        return user_from(row)

    def revoke(self, session_id: str, user_id: int, now_ms: int) -> Revoked | None:
        """End a session of a user; None if it had ended already, or never was."""
        with self._database.write() as connection:
            which = (sessions.c.id == session_id, sessions.c.user_id == user_id)
            return next(iter(_revoke(connection, now_ms, *which)), None)

    def revoke_all(self, user_id: int, now_ms: int) -> list[Revoked]:
        """End every session of a user."""
        with self._database.write() as connection:
            return _revoke(connection, now_ms, sessions.c.user_id == user_id)

    def change_password(
        self, user_id: int, old_hash: str, new_hash: str, kept_id: str, now_ms: int
    ) -> list[Revoked] | None:
        """Give a user another password and end every session but `kept_id`.

        None, and nothing done, where the present hash is not the old one any more.
        """
        with self._database.write() as connection:
            changed = connection.execute(
                update(users)
                .where(users.c.id == user_id, users.c.password_hash == old_hash)
                .values(password_hash=new_hash)
            ).rowcount
            if not changed:
                return None
            return _revoke(
                connection, now_ms, sessions.c.user_id == user_id, sessions.c.id != kept_id
            )

    def open_of(self, user_id: int, first_id: str, now_ms: int) -> tuple[list[SessionSeen], int]:
        """The open sessions of a user, `first_id` before all others and those last used before
        older ones, up to `SESSIONS_LISTED_MAX`; and how many there are."""
        mine = (
            sessions.c.user_id == user_id,
            sessions.c.revoked_at_ms.is_(None),
            sessions.c.refresh_expires_at_ms > now_ms,
        )
        with self._database.read() as connection:
            rows = connection.execute(
                select(sessions)
                .where(*mine)
                .order_by(sessions.c.id != first_id, sessions.c.last_used_at_ms.desc())
                .limit(SESSIONS_LISTED_MAX)
            ).all()
            count = connection.execute(select(func.count()).where(*mine)).scalar_one()
        return [
            SessionSeen(row.id, row.created_at_ms, row.last_used_at_ms, row.user_agent, row.address)
            for row in rows
        ], count

    def revoked(self, now_ms: int, since_ms: int = 1) -> list[Revoked]:
        """The sessions ended since then of which access tokens are still within their time."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(sessions.c.id, sessions.c.access_expires_at_ms).where(
                    sessions.c.revoked_at_ms >= since_ms,
                    sessions.c.access_expires_at_ms > now_ms,
                )
            ).all()
        return [Revoked(row.id, row.access_expires_at_ms) for row in rows]

    def user(self, session_id: str, user_id: int) -> User | None:
        """The user whose open session it is."""
        with self._database.read() as connection:
            row = connection.execute(
                select(users)
                .join(sessions, sessions.c.user_id == users.c.id)
                .where(
                    sessions.c.id == session_id,
                    sessions.c.revoked_at_ms.is_(None),
                    users.c.id == user_id,
                )
            ).one_or_none()
        return None if row is None else user_from(row)

    def purge(self, before_ms: int, batch: int = PURGE_BATCH) -> int:
        """Remove up to `batch` sessions of which no token was within its time any more
        then; how many there were.

        An ended session's refresh token needs no row to be refused: one without a row is as void.
        """
        dead = (
            select(sessions.c.id)
            .where(
                or_(
                    sessions.c.refresh_expires_at_ms <= before_ms,
                    sessions.c.revoked_at_ms <= before_ms,
                ),
                sessions.c.access_expires_at_ms <= before_ms,
            )
            .limit(batch)
        )
        with self._database.write() as connection:
            return connection.execute(delete(sessions).where(sessions.c.id.in_(dead))).rowcount

    def _surplus(self, connection: Connection, user_id: int, now_ms: int) -> list[Revoked]:
        oldest = (
            select(sessions.c.id)
            .where(sessions.c.user_id == user_id, sessions.c.revoked_at_ms.is_(None))
            .order_by(sessions.c.created_at_ms.desc())
            .offset(self._per_user_max - 1)
        )
        return _revoke(connection, now_ms, sessions.c.id.in_(oldest))


def _moved(session: Session, now_ms: int) -> dict[str, object]:
    """What a login and each refresh write."""
    return {
        "refresh_id": session.refresh_id,
        "last_used_at_ms": now_ms,
        "access_expires_at_ms": session.access_expires_at_ms,
        "refresh_expires_at_ms": session.refresh_expires_at_ms,
        **session.origin.values,
    }


def _revoke(connection: Connection, now_ms: int, *which: ColumnElement[bool]) -> list[Revoked]:
    rows = connection.execute(
        update(sessions)
        .where(sessions.c.revoked_at_ms.is_(None), *which)
        .values(revoked_at_ms=now_ms)
        .returning(sessions.c.id, sessions.c.access_expires_at_ms)
    ).all()
    return [Revoked(row.id, row.access_expires_at_ms) for row in rows]
