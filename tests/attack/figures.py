"""What an attack has done to others, from what the honest clients and the watcher have noted."""

import math
from collections import Counter
from dataclasses import dataclass

from benchmarks.load.recording import quantile
from tests.attack.attackers.crowd import Done
from tests.attack.honest import Heard
from tests.attack.watcher import Seen

# How much earlier than the most punctual tick of the quiet time one may be.
EARLY_SECONDS = 0.02


@dataclass(frozen=True)
class Schedule:
    """When ticks are due: at `origin` and each `interval` seconds from there on."""

    origin: float
    interval: float

    def slot(self, arrival: float) -> int:
        """Which tick it is that arrives then."""
        return math.floor((arrival - self.origin + EARLY_SECONDS) / self.interval)

    def lateness(self, arrival: float, slot: int) -> float:
        """By how many seconds."""
        return max(0.0, arrival - self.origin - slot * self.interval)


# A tick: its number, and how many there have been before with the same one.
Tick = tuple[int, int]


@dataclass(frozen=True)
class Ticks:
    """How the honest clients fared: `heard` of `expected` ticks, all clients together; `surplus`
    are those that came twice, or that were not due; `closes` is what the server said to those that
    it closed. Lateness and `gap`, the longest wait of any
    client for its next tick, in seconds."""

    heard: int
    expected: int
    surplus: int
    lost_clients: int
    closes: Counter[str]
    p50: float
    p99: float
    gap: float


@dataclass(frozen=True)
class Figures:
    """Everything of one attack. Seconds and bytes; `quiet` is what the clients of the server heard
    that was not attacked, `noise` how late the machine itself was. What failed is there by its
    statuses, 0 for no answer."""

    name: str
    ticks: Ticks
    quiet: Ticks
    noise: float
    health_p90: float
    health_worst: float
    health_failed: list[int]
    logins: int
    logins_failed: list[int]
    login_worst: float
    memory_before: int
    memory_peak: int
    log_bytes: int
    done: Done


def schedule_of(heard: Heard, interval: float) -> Schedule:
    """The schedule that a quiet time shows: that of its most punctual tick."""
    start = heard.arrivals[0]
    turns = [round((arrival - start) / interval) for arrival in heard.arrivals]
    return Schedule(
        min(arrival - turn * interval for arrival, turn in zip(heard.arrivals, turns, strict=True)),
        interval,
    )


def judge_ticks(
    heard: Heard, schedule: Schedule, clients: int, began: float, ended: float
) -> Ticks:
    """How the ticks due between two instants were heard. What was heard later counts, so let late
    ones arrive before you judge."""
    first = schedule.slot(began) + 1
    due = range(first, schedule.slot(ended) + 1)
    ticks, slots = _ticks(heard, schedule)
    counts: Counter[tuple[int, Tick]] = Counter()
    lateness, last, gap = [], dict.fromkeys(range(clients), began), 0.0
    for arrival, owner, tick in zip(heard.arrivals, heard.owners, ticks, strict=True):
        if slots[tick] in due:
            counts[owner, tick] += 1
            lateness.append(schedule.lateness(arrival, slots[tick]))
        if began <= arrival:
            gap = max(gap, arrival - last[owner])
            last[owner] = arrival
    gap = max(gap, *(ended - arrival for arrival in last.values()))
    distinct = {tick for _, tick in counts}
    surplus = counts.total() - len(counts) + max(0, len(distinct) - len(due)) * clients
    lateness.sort()
    return Ticks(
        heard=len(counts),
        expected=len(due) * clients,
        surplus=surplus,
        lost_clients=len(heard.lost),
        closes=Counter(heard.closes),
        p50=quantile(lateness, 0.5) if lateness else math.inf,
        p99=quantile(lateness, 0.99) if lateness else math.inf,
        gap=gap,
    )


def _ticks(heard: Heard, schedule: Schedule) -> tuple[list[Tick], dict[Tick, int]]:
    """Which tick each arrival is of, and the slot of each tick.

    A tick that is late by less than an interval takes its own slot; one that is later makes the
    server leave out the next. Where no price has changed two ticks have the same number, each in a
    slot of its own; the same number twice in one slot is one tick that was sent twice.
    """
    copies: Counter[tuple[int, int]] = Counter()
    ticks: list[Tick] = []
    slots: dict[Tick, int] = {}
    for arrival, owner, number in zip(heard.arrivals, heard.owners, heard.ticks, strict=True):
        ticks.append((number, copies[owner, number]))
        copies[owner, number] += 1
        slots.setdefault(ticks[-1], schedule.slot(arrival))
    return [_first_of_slot(tick, slots) for tick in ticks], slots


def _first_of_slot(tick: Tick, slots: dict[Tick, int]) -> Tick:
    number, copy = tick
    while copy and slots[number, copy] == slots[number, copy - 1]:
        copy -= 1
    return number, copy


def figures_of(
    name: str,
    ticks: Ticks,
    quiet: Ticks,
    seen: Seen,
    memory_before: int,
    log_bytes: int,
    done: Done,
) -> Figures:
    """`ticks` with what the watcher saw in the same time."""
    health = sorted(seconds for _, seconds, _ in seen.health)
    logins = sorted(seconds for _, seconds, _ in seen.logins)
    noise = sorted(seconds for _, seconds in seen.oversleep)
    return Figures(
        name=name,
        ticks=ticks,
        quiet=quiet,
        noise=quantile(noise, 0.99) if noise else 0.0,
        health_p90=quantile(health, 0.9) if health else math.inf,
        health_worst=health[-1] if health else math.inf,
        health_failed=[status for _, _, status in seen.health if status != 200],
        logins=len(logins),
        logins_failed=[status for _, _, status in seen.logins if status != 200],
        login_worst=logins[-1] if logins else math.inf,
        memory_before=memory_before,
        memory_peak=max((size for _, size in seen.memory), default=memory_before),
        log_bytes=log_bytes,
        done=done,
    )
