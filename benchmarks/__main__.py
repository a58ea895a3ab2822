"""`python -m benchmarks`: the short form takes about three minutes; `--full` half an hour."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import machine, peers, report
from benchmarks.goals import (
    BASKETS,
    COMPRESSION,
    CROSSING,
    CROWD,
    DEAF,
    HUB,
    IDLE,
    LOGINS,
    MEMORY,
    PROCESSES,
    ROOM,
    STOCK_ROOMS,
    TWO,
)
from benchmarks.load.swarm import LoadFailed
from benchmarks.peers import Peer, Unavailable
from benchmarks.results import Results
from benchmarks.scale import FULL, SHORT, Scale
from benchmarks.scenarios import (
    Figures,
    baskets,
    compression,
    crowd,
    deaf,
    idle,
    logins,
    processes,
    room,
)

RESULTS = Path(__file__).resolve().parent / "results.md"

# How many clients two processes have while it is measured what they exchange with Redis.
CROSSING_CLIENTS = (10, 100, 600)

Measurement = tuple[str, str, Callable[[], Figures]]


def plan(
    available: list[Peer], ours: Peer, scale: Scale, full: bool, hub: bool
) -> list[Measurement]:
    """All measurements in order: each comparison goes round its peers, turn by turn. `hub`: also
    of eventlet's hubs, which the full form has in any case."""
    node = [peer for peer in available if peer is peers.NODE]
    todo: list[Measurement] = [(IDLE, ours.name, partial(idle.measure, ours))]

    def compare(
        scenario: str, measure: Callable[..., Figures], who: list[Peer], *options: object
    ) -> None:
        entries = [(scenario, peer.name, partial(measure, peer, *options)) for peer in who]
        if scenario == BASKETS:
            rooms = partial(baskets.measure, peers.STOCK, scale, rooms=True)
            entries.append((scenario, STOCK_ROOMS, rooms))
        todo.extend(entries * (scale.turns if len(entries) > 1 else scale.own_turns))

    compare(ROOM, room.measure, available, scale)
    # In the short form there is no time for the stock engine with baskets.
    with_baskets = [peers.STOCK] if full and ours is not peers.STOCK else []
    # The bare loop writes what is as long as a basket: the least that any server could take.
    compare(BASKETS, baskets.measure, [ours, *node, peers.BARE, *with_baskets], scale)
    for scenario, measure in (
        (COMPRESSION, compression.measure),
        (LOGINS, logins.measure),
        (DEAF, deaf.measure),
    ):
        compare(scenario, measure, [ours], scale)
    several = [
        (PROCESSES, name, partial(processes.measure, ours, count, scale))
        for name, count in ((ours.name, 1), (TWO, 2))
    ]
    todo.extend(several * scale.turns)
    todo.extend(
        (CROSSING, clients_label(count), partial(processes.crossing, ours, count))
        for count in CROSSING_CLIENTS
    )
    if full or hub:
        compare(HUB, room.measure, [ours, peers.ON_ASYNCIO], scale)
    if full:
        compare(MEMORY, crowd.memory, [ours, *node], scale.memory_clients)
        compare(CROWD, crowd.ticks, [ours, peers.BARE], scale.crowd_clients, scale.crowd_seconds)
    return todo


def clients_label(count: int) -> str:
    return f"{count} clients"


def main() -> int:
    options = _options()
    scale = FULL if options.full else SHORT
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    files = machine.raise_file_limit()
    os.sched_setaffinity(0, {machine.LOAD_CORE})
    began = time.monotonic()
    available, missing = peers.available()
    ours = available[0]
    results = Results(notes=[f"{name}: {why}" for name, why in missing.items()])
    todo = [
        entry
        for entry in plan(available, ours, scale, options.full, HUB in (options.only or ()))
        if not options.only or entry[0] in options.only
    ]
    try:
        for number, (scenario, name, action) in enumerate(todo, 1):
            print(
                f"[{time.monotonic() - began:4.0f} s] {number}/{len(todo)} {scenario}: {name}",
                file=sys.stderr,
                flush=True,
            )
            figures: Figures = {}
            try:
                figures = action()
            except (LoadFailed, Unavailable) as error:
                results.notes.append(f"{scenario}, {name}: {error}")
            # An empty entry too, so that turns stay in step.
            results.add(scenario, name, figures)
    except KeyboardInterrupt:
        print("Stopped; every server has been ended.", file=sys.stderr)
        return 1
    run = [
        f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, "
        f"{'full' if options.full else 'short'} form, {time.monotonic() - began:.0f} s; "
        f"load average at the end {machine.load_average():.1f}; {files:,} files",
    ]
    labels = {peer.name: peer.label for peer in peers.ALL}
    labels[peers.ON_ASYNCIO.name] = peers.ON_ASYNCIO.label
    labels[TWO] = "two processes on one Redis"
    labels |= {clients_label(count): clients_label(count) for count in CROSSING_CLIENTS}
    labels[STOCK_ROOMS] = "stock engine, per-symbol rooms"
    made = report.text(results, ours.name, labels, scale, machine.description(), run)
    report.write(options.output, made)
    print(made)
    print(f"Written to {options.output}", file=sys.stderr)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--full", action="store_true", help="more turns, and the big crowds")
    parser.add_argument(
        "--only",
        action="append",
        choices=(
            *(ROOM, BASKETS, COMPRESSION, LOGINS, DEAF, MEMORY, CROWD, IDLE, HUB),
            *(PROCESSES, CROSSING),
        ),
        help="only this scenario; may be given several times",
    )
    parser.add_argument("--output", type=Path, default=RESULTS, help="where to write the report")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
