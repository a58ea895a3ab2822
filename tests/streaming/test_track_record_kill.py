"""Killed in the middle of writing, again and again: the record loses and doubles nothing."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from backend.history.record_store import RecordStore
from backend.storage.database import Database
from tests.servers import ROOT
from tests.streaming.recording_process import BATCH
from tests.streaming.test_track_record import CANDLES, assert_same, said_in, stored, true_notes

KILLS = 3
# What a process may get to do before it is killed, in batches; the rest is the last one's.
BATCHES_MAX = 20
BEGIN = 3_300


def run(url: str, begin: int, batches: int | None, chance: random.Random) -> int:
    """Have a process go on from there, kill it after so many batches; how far it had stored."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.streaming.recording_process", url, str(begin)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    reached = begin
    if batches is None:
        said, complaint = process.communicate()
        assert process.returncode == 0, complaint
        return int(said.split()[-1])
    for _ in range(batches):
        line = process.stdout.readline()
        assert line, process.stderr.read()
        reached = int(line.split()[1])
    try:
        process.wait(chance.random() * 0.02)  # somewhere in the next transaction
    except subprocess.TimeoutExpired:
        process.kill()
    rest, complaint = process.communicate()
    assert process.returncode == -9, complaint
    return max([reached, *(int(line.split()[1]) for line in rest.splitlines())])


@pytest.mark.served
def test_kills_lose_the_last_batch_at_most_and_that_is_found_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/crs.db"
    chance = random.Random(1)
    database = Database(url)
    store = RecordStore(database)
    begin = BEGIN
    for _ in range(KILLS):
        begin = run(url, begin, chance.randint(1, BATCHES_MAX), chance)
        database.migrate()  # which looks whether the file is whole
        kept = said_in(stored(store))
        # What was stored is there, and of the next batch what was written before the end.
        sure = said_in(true_notes(CANDLES[:begin]))
        assert kept[: len(sure)] == sure
        assert kept == said_in(true_notes(CANDLES[: begin + BATCH]))[: len(kept)]
    assert run(url, begin, None, chance) == len(CANDLES)
    assert_same(stored(store), true_notes())
    database.close()
