"""What a process keeps in its database."""

from backend.clock import Clock
from backend.config import Settings
from backend.history.archive import Archive
from backend.history.record_store import RecordStore
from backend.storage.database import Database
from backend.storage.learnt import LearntStore
from backend.storage.symbols import SymbolStore


class Stores:
    """One database, by two ways: accounts and symbols by one, by the other all that comes of the
    market, which waits for the disk."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Raises `StorageUnavailable` where it can't be used."""
        self.database = Database(settings.database_url)
        self.database.migrate()
        self.database.try_writing(clock.now_ms())
        self.symbols = SymbolStore(self.database)
        self.candles = Database(settings.database_url, durable=True)
        if self.candles.in_memory:
            self.candles.migrate()
        self.archive = Archive(self.candles)
        self.learnt = LearntStore(self.candles)
        self.records = RecordStore(self.candles)
