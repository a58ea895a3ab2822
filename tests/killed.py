"""A process that writes for as long as it may. Each time that it has stored something it prints
`stored`, and up to where."""

import os
import random
import subprocess
import sys

from tests.servers import ROOT

# A transaction takes less.
TRANSACTION_SECONDS = 0.02


def run_and_kill(module: str, *args: str, lines_max: int, chance: random.Random) -> list[int]:
    """Kill it after some lines of what it prints, in the next transaction or in the one after; up
    to where it said that it had stored, each time."""
    process = _start(module, *args)
    assert process.stdout is not None and process.stderr is not None
    lines = []
    for _ in range(chance.randint(1, lines_max)):
        lines.append(process.stdout.readline())
        assert lines[-1], process.stderr.read()
    try:
        process.wait(chance.random() * TRANSACTION_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
    rest, complaint = process.communicate()
    assert process.returncode == -9, complaint
    return _stored([*lines, *rest.splitlines()])


def run_to_its_end(module: str, *args: str) -> list[int]:
    """Let it write all that it has; likewise."""
    process = _start(module, *args)
    said, complaint = process.communicate()
    assert process.returncode == 0, complaint
    return _stored(said.splitlines())


def _start(module: str, *args: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", module, *args],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _stored(lines: list[str]) -> list[int]:
    return [int(line.split()[1]) for line in lines if line.startswith("stored")]
