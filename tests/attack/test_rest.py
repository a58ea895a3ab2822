"""Whatever is sent to the REST calls, they answer what their document says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import StartServer

CONFIG = Path(__file__).with_name("schemathesis.toml")
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
SHORT_EXAMPLES, LONG_EXAMPLES = 10, 1_000
SHORT_SECONDS_MAX, LONG_SECONDS_MAX = 240, 3_600


def explore(start_server: StartServer, folder: Path, examples: int, seconds: int) -> None:
    """Let schemathesis send what it thinks of; fails the test with what it has found."""
    server = start_server()
    found = subprocess.run(
        [
            SCHEMATHESIS,
            f"--config-file={CONFIG}",
            "run",
            f"{server.url}/api/openapi.json",
            "--checks=all",
            "--phases=coverage,fuzzing",
            f"--max-examples={examples}",
            "--seed=1",
            "--no-color",
        ],
        cwd=folder,
        env={**os.environ, "CRS_TOKEN": server.token},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert "Traceback" not in server.output()


def test_schemathesis_finds_nothing(start_server: StartServer, tmp_path: Path) -> None:
    explore(start_server, tmp_path, SHORT_EXAMPLES, SHORT_SECONDS_MAX)


@pytest.mark.soak
def test_schemathesis_finds_nothing_for_long(start_server: StartServer, tmp_path: Path) -> None:
    explore(start_server, tmp_path, LONG_EXAMPLES, LONG_SECONDS_MAX)
