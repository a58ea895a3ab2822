"""Users: who may log in."""

from dataclasses import dataclass, field

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from backend.storage.database import Database
from backend.storage.schema import users


class UsernameTaken(Exception):
    """Somebody has the name already, perhaps in other capitals. Answer 409."""


@dataclass(frozen=True, slots=True)
class User:
    """One account. The hash is kept out of `repr`, and so out of logs."""

    id: int
    username: str
    created_at_ms: int
    password_hash: str = field(repr=False)


class UserStore:
    """Users in the database. Blocks; every method may raise `StorageUnavailable`.

    `by_name` and `first_id` only read, the others write.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, username: str, password_hash: str, now_ms: int) -> User:
        """Create a user. Raises `UsernameTaken`, of two at once for the later one."""
        values = {
            "username": username,
            "username_key": username.lower(),
            "password_hash": password_hash,
            "created_at_ms": now_ms,
        }
        try:
            with self._database.write() as connection:
                user_id = connection.execute(
                    insert(users).values(values).returning(users.c.id)
                ).scalar_one()
        except IntegrityError as error:
            raise UsernameTaken(username) from error
        return User(user_id, username, now_ms, password_hash)

    def by_name(self, username: str) -> User | None:
        """The user of that name, in any capitals."""
        with self._database.read() as connection:
            row = connection.execute(
                select(users).where(users.c.username_key == username.lower())
            ).one_or_none()
        return None if row is None else user_from(row)

    def first_id(self) -> int | None:
        """The id of the first user that there was; None before that."""
        with self._database.read() as connection:
            first: int | None = connection.execute(select(func.min(users.c.id))).scalar_one()
        return first

    def change_hash(self, user_id: int, old_hash: str, new_hash: str) -> None:
        """Replace a hash by one of the same password, unless it was changed meanwhile."""
        with self._database.write() as connection:
            connection.execute(
                update(users)
                .where(users.c.id == user_id, users.c.password_hash == old_hash)
                .values(password_hash=new_hash)
            )


def user_from(row: Row) -> User:
    """The user of a row that holds the columns of `users`."""
    return User(row.id, row.username, row.created_at_ms, row.password_hash)
