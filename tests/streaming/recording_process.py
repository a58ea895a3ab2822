"""A process that keeps a track record as fast as it can, until it is killed: `URL`.

It takes up where the one before ended. Each line that it prints says how many minutes had closed
when all that was said up to then was stored.
"""

import sys

from backend.history.record_store import RecordStore
from backend.storage.database import Database
from tests.streaming.test_track_record import CANDLES, Process

# Minutes in a batch; one that is lost is gone through again.
BATCH = 17


def main(url: str, begin: int) -> None:
    database = Database(url, durable=True)
    database.migrate()
    process = Process(RecordStore(database))
    process.load(CANDLES[:begin])
    print("stored", begin, flush=True)
    for at in range(begin, len(CANDLES), BATCH):
        process.live(CANDLES[at : at + BATCH])
        if not process.look():
            raise SystemExit("could not write")
        print("stored", min(at + BATCH, len(CANDLES)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
