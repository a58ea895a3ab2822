"""Files of a build in memory, with the compressed forms that the build laid beside them.

A response holds bytes and no open file, so that clients that read slowly cost no descriptor.
"""

import hashlib
import stat
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from werkzeug.security import safe_join

# By content coding: what its file has behind the name. The smallest first.
ENCODINGS = {"br": ".br", "gzip": ".gz"}
# Several builds with each of their files in three forms, so that nothing is read twice. A single
# file that is larger stays until the next.
CACHE_MAX_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """A file as it is sent: `encoding` is the content coding, empty for the file itself."""

    body: bytes
    etag: str
    encoding: str
    varies: bool


class BuiltFiles:
    """Reads files below a directory; the most recently asked for stay in memory.

    A file that was built anew is read anew. Reading blocks for as long as the disk takes: files
    of a build are small, and in the system's cache.
    """

    def __init__(self, directory: Path, max_bytes: int = CACHE_MAX_BYTES) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self.size = 0  # of what is kept, in bytes
        # By name: the file's time and size when it was read, its bytes and their hash.
        self._cache: OrderedDict[str, tuple[tuple[int, int], bytes, str]] = OrderedDict()

    def get(self, name: str, accepts: Callable[[str], bool]) -> BuiltFile | None:
        """The file in the first of `ENCODINGS` that it has and the client `accepts`; None where
        there is no such file. `name` is relative, and whatever a client asked for."""
        plain = self._read(name)
        if plain is None:
            return None
        body, etag = plain
        varies = False
        for encoding, suffix in ENCODINGS.items():
            compressed = self._read(name + suffix)
            if compressed is None:
                continue
            varies = True
            if accepts(encoding):
                return BuiltFile(*compressed, encoding, varies)
        return BuiltFile(body, etag, "", varies)

    def _read(self, name: str) -> tuple[bytes, str] | None:
        joined = safe_join(str(self._directory), name)
        if joined is None:
            return None
        path = Path(joined)
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                return None
            version = (status.st_mtime_ns, status.st_size)
            known = self._cache.get(name)
            if known is None or known[0] != version:
                body = path.read_bytes()
                known = (version, body, hashlib.blake2b(body, digest_size=12).hexdigest())
                self._keep(name, known)
        # Names that no file can have: too long, with a NUL, or of no characters.
        except (OSError, ValueError):
            return None
        self._cache.move_to_end(name)
        return known[1], known[2]

    def _keep(self, name: str, entry: tuple[tuple[int, int], bytes, str]) -> None:
        replaced = self._cache.pop(name, None)
        self.size += len(entry[1]) - (len(replaced[1]) if replaced else 0)
        self._cache[name] = entry
        while self.size > self._max_bytes and len(self._cache) > 1:
            _, (_, dropped, _) = self._cache.popitem(last=False)
            self.size -= len(dropped)
