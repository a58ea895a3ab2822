"""What the processes of this installation tell of themselves, each in a report of its own."""

from collections.abc import Callable
from typing import Any, Protocol

# Name, version, times and figures of a process, as `GET /api/stats` has them; JSON.
ProcessReport = dict[str, Any]


class Processes(Protocol):
    """One of `LoneProcesses` and `redis_processes.RedisProcesses`."""

    def tell(self, report: Callable[[], ProcessReport]) -> None:
        """Let the others know of this process by what `report()` returns."""

    def others(self) -> list[ProcessReport] | None:
        """What all other processes told last; None where they can't be asked. May wait a second."""

    def leave(self) -> None:
        """This process ends. May wait a second."""


class LoneProcesses:
    """Those of an installation of one."""

    def tell(self, report: Callable[[], ProcessReport]) -> None:
        """There is nobody to tell."""

    def others(self) -> list[ProcessReport] | None:
        """There are no others."""
        return []

    def leave(self) -> None:
        """Nobody would notice."""
