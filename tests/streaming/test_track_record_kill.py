"""Killed in the middle of writing, again and again: the record loses and doubles nothing."""

import random
from pathlib import Path

import pytest

from backend.history.record_store import RecordStore
from backend.storage.database import Database
from tests.killed import run_and_kill, run_to_its_end
from tests.streaming.recording_process import BATCH
from tests.streaming.test_track_record import CANDLES, assert_same, said_in, stored, true_notes

RECORDER = "tests.streaming.recording_process"
KILLS = 3
# What a process may get to do before it is killed, in batches; the rest is the last one's.
BATCHES_MAX = 20
BEGIN = 3_300


@pytest.mark.served
def test_kills_lose_the_last_batch_at_most_and_that_is_found_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/crs.db"
    chance = random.Random(1)
    database = Database(url)
    store = RecordStore(database)
    begin = BEGIN
    for _ in range(KILLS):
        *_, begin = run_and_kill(RECORDER, url, str(begin), lines_max=BATCHES_MAX, chance=chance)
        database.migrate()  # which looks whether the file is whole
        kept = said_in(stored(store))
        # What was stored is there, and of the next batch what was written before the end.
        sure = said_in(true_notes(CANDLES[:begin]))
        assert kept[: len(sure)] == sure
        assert kept == said_in(true_notes(CANDLES[: begin + BATCH]))[: len(kept)]
    *_, end = run_to_its_end(RECORDER, url, str(begin))
    assert end == len(CANDLES)
    assert_same(stored(store), true_notes())
    database.close()
