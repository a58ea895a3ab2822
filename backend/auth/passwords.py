"""Password hashing with argon2id. Slow on purpose: run it through the offload."""

import unicodedata

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

# OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, two passes, one lane. Takes about 25 ms
# of one core.
MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1


class Passwords:
    """Hashes and verifies; a hash names its own parameters, so these may change later.

    The dummy hash, made once, is verified when nobody has the name: an unknown name then takes
    the same time as a wrong password.
    """

    def __init__(self, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        self._hasher = PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=LANES, type=Type.ID
        )
        self._dummy = self._hasher.hash("of nobody")

    def hash(self, password: str) -> str:
        """A salted hash to store, in the PHC string format."""
        return self._hasher.hash(_normal(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` has the stored hash; `None` (nobody's) is never true, as slowly."""
        try:
            self._hasher.verify(stored or self._dummy, _normal(password))
        except VerifyMismatchError:
            return False
        return stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's. Fast."""
        return self._hasher.check_needs_rehash(stored)


def _normal(password: str) -> str:
    """NIST SP 800-63B 3.1.1.2: the same characters, however a keyboard composes them."""
    return unicodedata.normalize("NFKC", password)
