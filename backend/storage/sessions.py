"""Sessions: what a login opens, each refresh moves on, and a logout ends.

A session holds one unused refresh token. Presenting a used one means that two parties hold the
session, so it ends for both.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, or_, select, update

from backend.storage.database import Database
from backend.storage.schema import sessions, users
from backend.storage.users import User, user_from

# One person's devices and scripts are far fewer; a script that logs in on each run and never logs
# out reaches it, and then loses its oldest session. A row takes some 200 bytes.
SESSIONS_PER_USER_MAX = 10_000
# Dead sessions that one login removes, so that no login pays for a backlog.
PURGE_BATCH = 100


@dataclass(frozen=True, slots=True)
class Session:
    """One session; `refresh_id` names its unused refresh token, instants are UTC milliseconds."""

    id: str
    user_id: int
    refresh_id: str
    access_expires_at_ms: int
    refresh_expires_at_ms: int


@dataclass(frozen=True, slots=True)
class Revoked:
    """A session that ended; its access tokens would be valid until `access_expires_at_ms`."""

    session_id: str
    access_expires_at_ms: int


class SessionStore:
    """Sessions in the database. Blocks; every method may raise `StorageUnavailable`."""

    def __init__(self, database: Database, per_user_max: int = SESSIONS_PER_USER_MAX) -> None:
        self._database = database
        self._per_user_max = per_user_max

    def open(self, session: Session, now_ms: int) -> list[Revoked]:
        """Store a new session; returns the sessions that had to end to make room for it."""
        with self._database.write() as connection:
            _purge(connection, now_ms)
            surplus = self._surplus(connection, session.user_id, now_ms)
            connection.execute(
                insert(sessions).values(
                    id=session.id,
                    user_id=session.user_id,
                    refresh_id=session.refresh_id,
                    created_at_ms=now_ms,
                    access_expires_at_ms=session.access_expires_at_ms,
                    refresh_expires_at_ms=session.refresh_expires_at_ms,
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
                .values(
                    refresh_id=session.refresh_id,
                    access_expires_at_ms=session.access_expires_at_ms,
                    refresh_expires_at_ms=session.refresh_expires_at_ms,
                )
            ).rowcount
            if not rotated:
                return _revoke(connection, session.id, now_ms)
            row = connection.execute(select(users).where(users.c.id == session.user_id)).one()
        return user_from(row)

    def revoke(self, session_id: str, now_ms: int) -> Revoked | None:
        """End a session; None if it had ended already, or never was."""
        with self._database.write() as connection:
            return _revoke(connection, session_id, now_ms)

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

    def _surplus(self, connection: Connection, user_id: int, now_ms: int) -> list[Revoked]:
        oldest = connection.execute(
            select(sessions.c.id)
            .where(sessions.c.user_id == user_id, sessions.c.revoked_at_ms.is_(None))
            .order_by(sessions.c.created_at_ms.desc())
            .offset(self._per_user_max - 1)
        ).scalars()
        ended = [_revoke(connection, session_id, now_ms) for session_id in oldest.all()]
        return [revoked for revoked in ended if revoked is not None]


def _revoke(connection: Connection, session_id: str, now_ms: int) -> Revoked | None:
    expiry = connection.execute(
        update(sessions)
        .where(sessions.c.id == session_id, sessions.c.revoked_at_ms.is_(None))
        .values(revoked_at_ms=now_ms)
        .returning(sessions.c.access_expires_at_ms)
    ).scalar_one_or_none()
    return None if expiry is None else Revoked(session_id, expiry)


def _purge(connection: Connection, now_ms: int) -> None:
    """Remove sessions of which no token is within its time.

    An ended session's refresh token needs no row to be refused: one without a row is as void.
    """
    dead = (
        select(sessions.c.id)
        .where(
            or_(
                sessions.c.refresh_expires_at_ms <= now_ms,
                sessions.c.revoked_at_ms <= now_ms,
            ),
            sessions.c.access_expires_at_ms <= now_ms,
        )
        .limit(PURGE_BATCH)
    )
    connection.execute(delete(sessions).where(sessions.c.id.in_(dead)))
