"""The log can't be forged, flooded, or made to hold anybody."""

import logging
import subprocess
import sys

import pytest

from backend.logs import (
    LINES_OF_A_KIND,
    MESSAGE_MAX_CHARS,
    WINDOW_SECONDS,
    BoundedHandler,
    Formatter,
    plain,
)
from tests.servers import PATIENCE, ROOT


class Log:
    """A logger with a handler whose lines are kept, and a hand on its clock."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.seconds = 0.0
        self.logger = logging.Logger("test")
        handler = BoundedHandler(self.lines.append, lambda: self.seconds)
        handler.setFormatter(Formatter())
        self.logger.addHandler(handler)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.mark.parametrize("char", ["\n", "\r", "\x1b", "\x00", "\x7f", "\x85", "\u2028", "\u202e"])
def test_a_clients_words_are_one_line_of_printable_characters(char: str, log: Log) -> None:
    log.logger.warning("path %s", f"a{char}2026-01-01 ERROR forged")
    (line,) = log.lines
    assert char not in line
    assert "a\\" in line


def test_a_traceback_can_not_pass_for_lines_of_the_log(log: Log) -> None:
    try:
        raise ValueError("x\n2026-01-01T00:00:00.000Z ERROR   backend: forged")
    except ValueError:
        log.logger.exception("failed")
    first, *rest = log.lines[0].splitlines()
    assert first.endswith("failed")
    assert rest and all(line.startswith("  ") for line in rest)


def test_a_long_message_is_cut() -> None:
    assert len(plain("x" * 1_000_000)) <= MESSAGE_MAX_CHARS + 3


def test_a_flood_of_one_kind_is_counted_and_leaves_room_for_others(log: Log) -> None:
    for number in range(10_000):
        log.logger.info("refused %s", number)
    log.logger.info("another")
    assert len(log.lines) == LINES_OF_A_KIND + 1
    log.seconds = WINDOW_SECONDS
    log.logger.info("later")
    assert f"{10_000 - LINES_OF_A_KIND} more of: test: refused %s" in log.lines[-2]


@pytest.mark.served
def test_native_threads_may_log_at_the_same_time() -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "tests.busy_logging"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (asked.returncode, asked.stderr) == (0, "")
    assert min(map(int, asked.stdout.split())) > 1_000
