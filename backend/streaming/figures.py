"""The figures of a process, as it tells them to the others, and those of several as one."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from backend.clock import Clock, iso
from backend.journal.processes import ProcessReport
from backend.metrics import Metrics
from backend.protocol import VERSION
from backend.streaming.clients import Clients
from backend.streaming.subscriptions import Subscriptions

# Numbers by name, some of them within objects; JSON.
Figures = dict[str, Any]


def figures_of(clients: Clients, subscriptions: Subscriptions, metrics: Metrics) -> Figures:
    """Those of connections and subscriptions are of now, the others since the process's start."""
    transports: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for (transport, kind), number in clients.counts().items():
        transports[transport] += number
        kinds[kind] += number
    return {
        "connections": transports.total(),
        "transports": dict(transports),
        "clients": dict(kinds),
        "subscriptions": subscriptions.by_symbol(),
        "durations": metrics.durations.figures(),
        "deliveries": metrics.deliveries.figures(),
        "lateness": metrics.lateness.figures(),
        "reconnects": metrics.reconnects.figures(),
        "resumes": metrics.resumes.figures(),
    }


def together(one: Figures, other: Figures) -> Figures:
    """The sums of what two have of the same name."""
    total = dict(one)
    for name, value in other.items():
        if name not in total:
            total[name] = value
        elif isinstance(value, dict):
            total[name] = together(total[name], value)
        else:
            total[name] = round(total[name] + value, 3)
    return total


class ProcessReporter:
    """Says what a process is and does."""

    def __init__(
        self, name: str, leads: Callable[[], bool], figures: Callable[[], Figures], clock: Clock
    ) -> None:
        self._name = name
        self._leads = leads
        self._figures = figures
        self._clock = clock
        self._started_at = iso(clock.now_ms())

    def report(self) -> ProcessReport:
        """As it is now."""
        return {
            "name": self._name,
            "version": VERSION,
            "started_at": self._started_at,
            "reported_at": iso(self._clock.now_ms()),
            "leads": self._leads(),
            "figures": self._figures(),
        }
