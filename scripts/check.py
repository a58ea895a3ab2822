"""Everything that `make test` runs, one closing summary.

Standard library only. Installs what the tests need besides Python and npm packages where it may
(Debian, as root); elsewhere it says what to install and which tests are left out.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "frontend"
BIN = ROOT / ".venv" / "bin"

# Program -> (Debian package, the tests that are left out without it). PostgreSQL's server
# programs are in a folder of its version and not on the PATH, so that folder is looked at too.
SYSTEM = {
    "redis-server": ("redis-server", "tests that share rate limits through Redis"),
    "chromium": ("chromium", "browser tests"),
    "initdb": ("postgresql", "tests of accounts on PostgreSQL"),
}


def find(program: str) -> bool:
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{program}")
    return shutil.which(program) is not None or any(versions)


def install_system_packages() -> list[str]:
    """Install what is missing where that is possible; returns a line for each thing left out."""
    missing = {name: entry for name, entry in SYSTEM.items() if not find(name)}
    if missing and shutil.which("apt-get") and os.geteuid() == 0:
        packages = [package for package, _ in missing.values()]
        print(f"Installing system packages: {' '.join(packages)}", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        apt = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
        for command in (
            [*apt, "update"],
            [*apt, "install", "-y", "--no-install-recommends", *packages],
        ):
            subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
        missing = {name: entry for name, entry in missing.items() if not find(name)}
    return [f"{tests}: install {package}" for package, tests in missing.values()]


def node_is_new_enough() -> bool:
    if not shutil.which("node"):
        return False
    # The same question as the Makefile's, which leaves the dashboard out where it is not.
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    major, minor = (int(part) for part in version.stdout.lstrip("v").split(".")[:2])
    return (major, minor) >= (20, 19)


def steps(left_out: list[str]) -> list[tuple[str, list[str], Path]]:
    found = [
        ("ruff", [str(BIN / "ruff"), "check", "."], ROOT),
        ("format", [str(BIN / "ruff"), "format", "--check", "."], ROOT),
        ("types", [str(BIN / "mypy")], ROOT),
        ("python tests", [str(BIN / "python"), "-m", "pytest"], ROOT),
    ]
    if not (FRONTEND / "package.json").exists():
        return found
    if not node_is_new_enough():
        left_out.append("frontend and browser tests: install Node.js 20.19 or newer")
        return found
    found.append(("frontend", ["npm", "run", "--silent", "check"], FRONTEND))
    if find("chromium"):
        found.append(("browser tests", ["npm", "run", "--silent", "e2e"], FRONTEND))
    return found


def main() -> int:
    left_out = install_system_packages()
    results = []
    for name, command, folder in steps(left_out):
        print(f"\n=== {name}: {' '.join(Path(part).name for part in command)}", flush=True)
        started = time.monotonic()
        code = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, check=False).returncode
        results.append((name, code, time.monotonic() - started))

    print("\n=== summary")
    for name, code, seconds in results:
        print(f"  {'ok    ' if code == 0 else 'FAILED'}  {name:<14} {seconds:6.1f} s")
    for line in left_out:
        print(f"  left out: {line}")
    failed = sum(code != 0 for _, code, _ in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
