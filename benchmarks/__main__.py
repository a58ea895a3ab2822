"""`python -m benchmarks`: the short form takes under three minutes; `--full` about half an hour."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import machine, peers, report
from benchmarks.goals import (
    BASKETS,
    COMPRESSION,
    CROWD,
    DEAF,
    IDLE,
    LOGINS,
    MEMORY,
    ROOM,
    STOCK_ROOMS,
)
from benchmarks.load.swarm import LoadFailed
from benchmarks.peers import Peer, Unavailable
from benchmarks.results import Results
from benchmarks.scale import FULL, SHORT, Scale
from benchmarks.scenarios import Figures, baskets, compression, crowd, deaf, idle, logins, room

RESULTS = Path(__file__).resolve().parent / "results.md"

Measurement = tuple[str, str, Callable[[], Figures]]


def plan(available: list[Peer], ours: Peer, scale: Scale) -> list[Measurement]:
    """All measurements in order: each comparison goes round its peers, turn by turn."""
    named = {peer.name: peer for peer in available}
    stock, node, bare = peers.STOCK, named.get("node"), peers.BARE
    todo: list[Measurement] = [(IDLE, ours.name, lambda: idle.measure(ours))]

    def turns(scenario: str, compared: list[tuple[str, Callable[[], Figures]]]) -> None:
        for _ in range(scale.turns):
            todo.extend((scenario, name, action) for name, action in compared)

    turns(ROOM, [(p.name, lambda p=p: room.measure(p, scale)) for p in available])
    streams = [p for p in (ours, node) if p]
    turns(
        BASKETS,
        [
            *((p.name, lambda p=p: baskets.measure(p, scale)) for p in streams),
            (STOCK_ROOMS, lambda: baskets.measure(stock, scale, rooms=True)),
        ],
    )
    todo.append((COMPRESSION, ours.name, lambda: compression.measure(ours, scale)))
    todo.append((LOGINS, ours.name, lambda: logins.measure(ours, scale)))
    todo.append((DEAF, ours.name, lambda: deaf.measure(ours, scale)))
    if (clients := scale.memory_clients) is not None:
        compared = dict.fromkeys((ours, stock, *filter(None, (node,))))
        turns(MEMORY, [(p.name, lambda p=p: crowd.memory(p, clients)) for p in compared])
    if (many := scale.crowd_clients) is not None:
        seconds = scale.crowd_seconds
        turns(CROWD, [(p.name, lambda p=p: crowd.ticks(p, many, seconds)) for p in (ours, bare)])
    return todo


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
        for entry in plan(available, ours, scale)
        if not options.only or entry[0] in options.only
    ]
    try:
        for number, (scenario, name, action) in enumerate(todo, 1):
            print(
                f"[{time.monotonic() - began:4.0f} s] {number}/{len(todo)} {scenario}: {name}",
                file=sys.stderr,
                flush=True,
            )
            try:
                results.add(scenario, name, action())
            except (LoadFailed, Unavailable) as error:
                results.notes.append(f"{scenario}, {name}: {error}")
    except KeyboardInterrupt:
        print("Stopped; every server has been ended.", file=sys.stderr)
        return 1
    run = [
        f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, "
        f"{'full' if options.full else 'short'} form, {time.monotonic() - began:.0f} s; "
        f"load average at the end {machine.load_average():.1f}; {files:,} files",
    ]
    labels = {peer.name: peer.label for peer in peers.ALL}
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
        choices=(ROOM, BASKETS, COMPRESSION, LOGINS, DEAF, MEMORY, CROWD, IDLE),
        help="only this scenario; may be given several times",
    )
    parser.add_argument("--output", type=Path, default=RESULTS, help="where to write the report")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
