"""This machine: its cores, its limits, and what the kernel knows of a process (Linux)."""

import importlib.metadata
import os
import platform
import resource
import subprocess
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


# Two different ones where the machine has them. Looked up before anything is pinned.
SERVER_CORE, *_, LOAD_CORE = sorted(os.sched_getaffinity(0)) * 2


def raise_file_limit() -> int:
    """Lift the soft limit of open files to the hard one; returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1_048_576 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process, to the nanosecond (`/proc/<pid>/stat` has 10 ms)."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def rss_bytes(pid: int) -> int:
    """Resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES


def load_average() -> float:
    """Processes that wanted a core during the last minute."""
    return os.getloadavg()[0]


def description() -> list[str]:
    """The machine and the versions, as lines."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PHYS_PAGES") * PAGE_BYTES / 2**30
    packages = ("flask-socketio", "python-socketio", "python-engineio", "eventlet", "orjson")
    versions = [f"{name} {importlib.metadata.version(name)}" for name in packages]
    return [
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GB, Linux {platform.release()}",
        f"Python {platform.python_version()}, {', '.join(versions)}",
        f"Node {node_version() or 'absent'}",
    ]


def node_version() -> str | None:
    """What `node --version` says; None where there is none."""
    try:
        answer = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()
