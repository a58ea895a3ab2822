"""What `make check` and `make test` run: one list of steps, some beside each other, one summary.

    python scripts/check.py [check|test]

Standard library only. Before the tests it installs what they need besides Python and npm packages
where it may (Debian, as root); elsewhere it says what to install and which tests are left out.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "frontend"
BIN = ROOT / ".venv" / "bin"
# The commands: what can be had in half a minute, and everything.
CHECK, TEST = "check", "test"
# How many of the slowest tests are named at the end.
SLOWEST = 10

# Program -> (Debian package, the tests that are left out without it). PostgreSQL's server
# programs are in a folder of its version and not on the PATH, so that folder is looked at too; and
# nginx is where only root's PATH leads.
SYSTEM = {
    "redis-server": ("redis-server", "tests of several processes"),
    "nginx": ("nginx", "tests of several processes behind nginx"),
    "promtool": ("prometheus", "tests of the alert rules"),
    "chromium": ("chromium", "browser tests"),
    "chromium-headless-shell": ("chromium-headless-shell", "browser tests at their quickest"),
    "initdb": ("postgresql", "tests of accounts on PostgreSQL"),
    "firefox-esr": ("firefox-esr", "the smoke test in Firefox"),
    "WebKitWebDriver": ("webkit2gtk-driver", "the smoke test in WebKit"),
    "Xvfb": ("xvfb", "the smoke test in WebKit, which needs a screen"),
}


@dataclass(frozen=True)
class Step:
    """One program, run in `folder` as a part of `commands`.

    The steps of a lane follow one another, and lanes run beside each other. Steps without a lane
    have the machine to themselves, after all others.
    """

    name: str
    program: tuple[str, ...]
    commands: tuple[str, ...]
    lane: str | None
    folder: Path = ROOT
    # How the program is told to write its tests' times, as JUnit's XML, to the file put in here.
    report: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What became of a step; `times` are its tests' seconds and names."""

    step: Step
    code: int
    seconds: float
    times: list[tuple[float, str]]


PYTEST = (str(BIN / "python"), "-m", "pytest")
# Three, as most tests wait for a server; each worker has servers of its own. It begins with a
# stretch of neighbouring tests, which share what is slow to set up, and takes from the others'
# when its own are done.
PARALLEL = ("-n3", "--dist=worksteal")
PYTEST_REPORT = ("--junitxml={}",)
NPM = ("npm", "run", "--silent")
VITEST_REPORT = ("--", "--reporter=default", "--reporter=junit", "--outputFile={}")

STEPS = (
    Step("ruff", (str(BIN / "ruff"), "check", "."), (CHECK, TEST), "source"),
    Step("format", (str(BIN / "ruff"), "format", "--check", "."), (CHECK, TEST), "source"),
    Step("types", (str(BIN / "mypy"),), (CHECK, TEST), "source"),
    Step("frontend", (*NPM, "check:source"), (CHECK, TEST), "frontend", FRONTEND),
    # Of what make has built: to build here would take the pages from under the tests' servers.
    Step("page size", (*NPM, "size"), (TEST,), "frontend", FRONTEND),
    Step("browser tests", (*NPM, "e2e"), (TEST,), "frontend", FRONTEND, VITEST_REPORT),
    Step("python tests", (*PYTEST, *PARALLEL, "-m", "not served"), (CHECK,), "python"),
    Step(
        "python tests",
        (*PYTEST, *PARALLEL, "-m", "not alone"),
        (TEST,),
        "python",
        report=PYTEST_REPORT,
    ),
    Step("measuring tests", (*PYTEST, "-m", "alone"), (TEST,), None, report=PYTEST_REPORT),
)


def find(program: str) -> bool:
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{program}")
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    return shutil.which(program, path=path) is not None or any(versions)


def _apt_get(*arguments: str) -> None:
    subprocess.run(
        ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdout=subprocess.DEVNULL,
        check=False,
    )


def _is_known(package: str) -> bool:
    asked = subprocess.run(["apt-cache", "show", package], capture_output=True, check=False)
    return asked.returncode == 0


def install(*programs: str) -> list[str]:
    """Install those of these programs of `SYSTEM` that are missing, where that is possible; returns
    a line for each that can't be had."""
    missing = {name: SYSTEM[name] for name in programs if not find(name)}
    if missing and shutil.which("apt-get") and os.geteuid() == 0:
        packages = [package for package, _ in missing.values()]
        print(f"Installing system packages: {' '.join(packages)}", flush=True)
        _apt_get("update")
        # One that this system does not know would keep all others from being installed.
        known = [package for package in packages if _is_known(package)]
        _apt_get("install", "-y", "--no-install-recommends", *known)
        missing = {name: entry for name, entry in missing.items() if not find(name)}
    return [f"{tests}: install {package}" for package, tests in missing.values()]


def node_is_new_enough() -> bool:
    if not shutil.which("node"):
        return False
    # The same question as the Makefile's, which leaves the dashboard out where it is not.
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    major, minor = (int(part) for part in version.stdout.lstrip("v").split(".")[:2])
    return (major, minor) >= (20, 19)


def choose(command: str, left_out: list[str]) -> list[Step]:
    """The steps of `command` that can be run here; adds a line for each thing left out."""
    steps = [step for step in STEPS if command in step.commands]
    if not node_is_new_enough():
        left_out.append("frontend and browser tests: install Node.js 20.19 or newer")
        return [step for step in steps if step.folder != FRONTEND]
    if not find("chromium"):
        return [step for step in steps if step.name != "browser tests"]
    return steps


class Runner:
    """Runs steps and shows each one's output in one piece, when it has ended."""

    def __init__(self) -> None:
        self._showing = threading.Lock()
        self._interrupted = threading.Event()

    def run(self, steps: list[Step]) -> list[Result]:
        lanes = [
            [step for step in steps if step.lane == lane]
            for lane in dict.fromkeys(step.lane for step in steps if step.lane)
        ]
        with ThreadPoolExecutor(len(lanes)) as pool:
            try:
                done = [result for lane in pool.map(self._run_lane, lanes) for result in lane]
            except KeyboardInterrupt:
                self._interrupted.set()  # the programs have had the signal, too
                raise
        return done + self._run_lane([step for step in steps if not step.lane])

    def _run_lane(self, steps: list[Step]) -> list[Result]:
        results = []
        for step in steps:
            if self._interrupted.is_set():
                break
            results.append(self._run_step(step))
        return results

    def _run_step(self, step: Step) -> Result:
        with self._showing:
            print(f"... {step.name}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            program = [*step.program, *(option.format(report) for option in step.report)]
            started = time.monotonic()
            ended = subprocess.run(
                program,
                cwd=step.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                check=False,
            )
            seconds = time.monotonic() - started
            times = read_times(report) if report.exists() else []
        with self._showing:
            words = " ".join(Path(part).name for part in step.program)
            print(f"\n=== {step.name}: {words}\n{ended.stdout}", flush=True)
        return Result(step, ended.returncode, seconds, times)


def read_times(report: Path) -> list[tuple[float, str]]:
    return [
        (float(case.get("time", 0)), f"{case.get('classname')}: {case.get('name')}")
        for case in ElementTree.parse(report).iter("testcase")
    ]


def main() -> int:
    command = sys.argv[1]
    left_out = install(*SYSTEM) if command == TEST else []
    results = Runner().run(choose(command, left_out))

    slowest = sorted((time for result in results for time in result.times), reverse=True)
    if slowest:
        print("\n=== slowest tests")
        for seconds, name in slowest[:SLOWEST]:
            print(f"  {seconds:6.1f} s  {name}")
    print("\n=== summary")
    for result in results:
        word = "FAILED" if result.code else "ok    "
        print(f"  {word}  {result.step.name:<15} {result.seconds:6.1f} s")
    for line in left_out:
        print(f"  left out: {line}")
    failed = sum(result.code != 0 for result in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
