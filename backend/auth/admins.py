"""Who may see what is of the whole installation."""

from collections.abc import Collection

from backend.offload import Offload
from backend.storage.users import User, UserStore


class Admins:
    """The users of these names, in any capitals; where none is named, the first one that there
    was."""

    def __init__(self, names: Collection[str], users: UserStore, offload: Offload) -> None:
        self._names = {name.lower() for name in names}
        self._users = users
        self._offload = offload

    def include(self, user: User) -> bool:
        """Whether the user is one of them. May raise `StorageUnavailable`."""
        if self._names:
            return user.username.lower() in self._names
        return user.id == self._offload.run_read(self._users.first_id)
