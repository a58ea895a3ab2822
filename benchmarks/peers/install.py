"""Fetches the peers' packages, once, apart from the project's own."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NODE_DIR = HERE / "node"
REQUIREMENTS = HERE.parent / "requirements.txt"
PYTHON_DIR = HERE.parent / ".peers" / "python"
INSTALL_SECONDS_MAX = 300


class Unavailable(Exception):
    """A peer can't be run on this machine; the message says why."""


def node_packages() -> None:
    """Install socket.io and jsonwebtoken as locked; raises `Unavailable`."""
    if (NODE_DIR / "node_modules" / "socket.io").exists():
        return
    _run(["npm", "ci", "--silent", "--no-fund", "--no-audit"], NODE_DIR)


def python_packages() -> None:
    """Install the Python peers into a folder of their own; raises `Unavailable`."""
    if not (PYTHON_DIR / "socketify").exists():
        target = ["--target", str(PYTHON_DIR), "-r", str(REQUIREMENTS)]
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, *target], HERE)
    probe = f"import sys; sys.path.insert(0, {str(PYTHON_DIR)!r}); import socketify"
    _run([sys.executable, "-c", probe], HERE)


def _run(command: list[str], folder: Path) -> None:
    try:
        answer = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS_MAX
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(str(error)) from error
    if answer.returncode:
        lines = (answer.stderr or answer.stdout).strip().splitlines() or ["no message"]
        raise Unavailable(f"{command[0]} failed: {lines[-1]}")
