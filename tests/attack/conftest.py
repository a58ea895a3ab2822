"""Sieges that last for as long as they can be measured in, and the table of what they showed."""

from collections.abc import Callable, Iterator

import pytest

from backend.config import DEFAULT_SYMBOLS
from tests.attack.figures import Figures
from tests.attack.siege import INTERVAL_SECONDS, Audience, Siege
from tests.servers import Server

StartServer = Callable[..., Server]

FIGURES = "attack"


class _Sieges:
    """One siege after the other: a server that was hurt is of no use to the next attack."""

    def __init__(self, start: StartServer) -> None:
        self._start = start
        self.quiet = Audience(self._server())
        self._present: Siege | None = None

    def unharmed(self) -> Siege:
        if self._present is None or not self._present.unharmed:
            self.end()
            self._present = Siege(self._server(), self.quiet)
        return self._present

    def _server(self) -> Server:
        return self._start(
            MARKET_INTERVAL=str(INTERVAL_SECONDS), SYMBOLS=DEFAULT_SYMBOLS, SIMULATION_DAYS=""
        )

    def end(self) -> None:
        if self._present is not None:
            self._present.stop()
            self._present.server.process.kill()


@pytest.fixture(scope="module")
def _sieges(_start: StartServer) -> Iterator[_Sieges]:
    sieges = _Sieges(_start)
    yield sieges
    sieges.end()
    sieges.quiet.helper.stop()


@pytest.fixture
def siege(_sieges: _Sieges) -> Siege:
    """A server under siege that no attack before has hurt."""
    return _sieges.unharmed()


@pytest.fixture
def record_figures(record_property: Callable[[str, object], None]) -> Callable[[Figures], None]:
    """Put the figures of an attack into the table that ends the run."""
    return lambda figures: record_property(FIGURES, line(figures))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = [
        value
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        for name, value in report.user_properties
        if name == FIGURES
    ]
    if rows:
        terminalreporter.section("attacks")
        for row in [HEADINGS, *rows]:
            terminalreporter.line(row)


HEADINGS = (
    f"{'attack':<36}{'ticks':>14}{'p99 ms':>8}{'quiet':>7}{'noise':>7}{'gap s':>7}"
    f"{'health ms':>12}{'logins':>9}{'s':>6}{'MB':>11}{'attackers':>16}{'inputs':>9}"
)


def line(figures: Figures) -> str:
    """A row of the table."""
    ticks, done = figures.ticks, figures.done
    return (
        f"{figures.name:<36}{f'{ticks.heard:,}/{ticks.expected:,}':>14}"
        f"{ticks.p99 * 1e3:>8.0f}{figures.quiet.p99 * 1e3:>7.1f}{figures.noise * 1e3:>7.1f}"
        f"{ticks.gap:>7.2f}"
        f"{f'{figures.health_p90 * 1e3:.0f}/{figures.health_worst * 1e3:.0f}':>12}"
        f"{f'{figures.logins - len(figures.logins_failed)}/{figures.logins}':>9}"
        f"{figures.login_worst:>6.1f}"
        f"{f'{figures.memory_before / 1e6:.0f}-{figures.memory_peak / 1e6:.0f}':>11}"
        f"{f'{done.opened:,}, {done.sent / 1e6:,.0f} MB':>16}{done.inputs:>9,}"
    )
