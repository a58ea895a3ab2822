"""Writes the tables: goals first, then every figure of every peer."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.goals import (
    CROSSING,
    HUB,
    IDLE,
    PROCESSES,
    ROOM,
    Row,
    rows,
)
from benchmarks.results import Results
from benchmarks.scale import Scale

# How each figure is called; those that are not listed are not shown.
FIGURES = {
    "message_us": ("CPU per delivered message", ".1f", " µs"),
    "prompt_us": ("the same with a load that reads at once", ".1f", " µs"),
    "message_bytes": ("bytes of a message", ".0f", ""),
    "p50_ms": ("p50 from tick to client", ".1f", " ms"),
    "p99_ms": ("p99 from tick to client", ".1f", " ms"),
    "ticks": ("ticks heard", ".0f", ""),
    "missing": ("clients × ticks missing", ".0f", ""),
    "surplus": ("clients × ticks surplus", ".0f", ""),
    "lost": ("connections lost", ".0f", ""),
    "flood_per_s": ("messages/s in a flood", ",.0f", ""),
    "flood_per_cpu_s": ("the same per CPU second", ",.0f", ""),
    "flood_core_share": ("share of the core that the server had", ".2f", ""),
    "flood_load_share": ("share of its core that the load took", ".2f", ""),
    "flood_broken": ("gaps in the flood's numbers", ".0f", ""),
    "flood_lost": ("connections lost in the flood", ".0f", ""),
    "connection_kb": ("memory per connection", ".1f", " KB"),
    "connects_per_s": ("connect + JWT + subscribe per second", ",.0f", ""),
    "connects_per_cpu_s": ("the same per CPU second", ",.0f", ""),
    "quotes_per_cpu_s": ("quotes per CPU second", ",.0f", ""),
    "quotes_per_net_cpu_s": ("the same, idle CPU left out", ",.0f", ""),
    "quotes_share": ("quotes heard of those expected", ".2f", ""),
    "json_bytes": ("bytes of a tick of 20 symbols, JSON", ",.0f", ""),
    "deflate_cpu": ("CPU with deflate, of without", ".2f", ""),
    "deflate_bytes": ("bytes with deflate, of without", ".2f", ""),
    "msgpack_bytes": ("bytes as MessagePack, of JSON", ".2f", ""),
    "grown_mb": ("growth of memory beside deaf clients", ".1f", " MB"),
    "burst_grown_mb": ("growth while 10 MB are sent to each", ".1f", " MB"),
    "deaf_closed": ("deaf clients closed by the server", ".0f", ""),
    "quiet_p99_ms": ("p99 when quiet", ".1f", " ms"),
    "beside_p99_ms": ("p99 beside deaf clients", ".1f", " ms"),
    "beside_broken": ("gaps beside deaf clients", ".0f", ""),
    "busy_p99_ms": ("p99 with logins", ".1f", " ms"),
    "logins": ("logins", ".0f", ""),
    "logins_failed": ("logins that failed", ".0f", ""),
    "login_p50_ms": ("p50 of a login", ".0f", " ms"),
    "health_p50_ms": ("p50 of /health", ".1f", " ms"),
    "health_p99_ms": ("p99 of /health", ".1f", " ms"),
    "health_worst_ms": ("worst of /health", ".1f", " ms"),
    "start_s": ("start to readiness", ".2f", " s"),
    "first_tick_s": ("start of the process to a client's first tick", ".2f", " s"),
    "idle_rss_mb": ("memory when idle", ".0f", " MB"),
    "idle_cpu_percent": ("CPU when idle", ".2f", " %"),
    "without_clients_ms": ("CPU in a second without clients", ".1f", " ms"),
    "redis_cpu_percent": ("CPU of Redis", ".1f", " %"),
    "heard_per_s": ("events that clients heard in a second", ".0f", ""),
    "to_redis_kb_s": ("sent to Redis in a second", ".1f", " KB"),
    "from_redis_kb_s": ("read from Redis in a second", ".1f", " KB"),
    "redis_commands_s": ("commands of Redis in a second", ".0f", ""),
    "follower_mb": ("memory of the process that follows", ".0f", " MB"),
    "tick_ms": ("CPU of a tick of 20 symbols with sentiment and signals", ".2f", " ms"),
}


def text(
    results: Results,
    ours: str,
    labels: dict[str, str],
    scale: Scale,
    machine: list[str],
    run: list[str],
) -> str:
    """The whole report, in Markdown. `labels` are the peers' names for people; `run` says when
    and how it was made."""
    lines = [
        "# Benchmark results",
        "",
        *(f"- {line}" for line in (*run, *machine)),
        f"- Room of {scale.room_clients:,} clients, flood of {scale.flood_clients}, baskets of "
        f"{scale.basket_clients:,}; {scale.turns} turns",
        "",
        f"Medians over turns, least and greatest in brackets. The goals are those of "
        f"{labels[ours]}; how each figure is made is in `docs/benchmarks.md`.",
        "",
        *_table(("measure", "measured", "goal", "reached"), map(_cells, rows(results, ours))),
    ]
    for scenario in dict.fromkeys(scenario for scenario, _ in results.figures):
        lines += [
            "",
            f"## {TITLES.get(scenario, scenario)}",
            "",
            *_figures(results, scenario, labels),
        ]
    if results.notes:
        lines += ["", "## Left out", "", *(f"- {note}" for note in results.notes)]
    return "\n".join(lines) + "\n"


TITLES = {
    ROOM: "One room",
    "baskets": "Baskets: five random symbols of fifty each",
    "memory": "Memory and connects",
    "crowd": "Ten thousand connections",
    "compression": "Deflate and MessagePack",
    "deaf": "Clients that never read",
    "logins": "Logins during the stream",
    IDLE: "By itself",
    PROCESSES: "One process, and two that share Redis",
    CROSSING: "What two processes exchange with Redis",
    HUB: "One room on eventlet's own hub and on asyncio",
}


def _figures(results: Results, scenario: str, labels: dict[str, str]) -> list[str]:
    peers = [peer for name, peer in results.figures if name == scenario]
    names = [
        name
        for name in FIGURES
        if any(results.spread(scenario, peer, name) is not None for peer in peers)
    ]
    body = []
    for name in names:
        title, form, unit = FIGURES[name]
        spreads = [results.spread(scenario, peer, name) for peer in peers]
        body.append([title, *("" if s is None else s.text(form, unit) for s in spreads)])
    return _table(("", *(labels[peer] for peer in peers)), body)


def _cells(row: Row) -> list[str]:
    return [row.measure, row.value, row.goal, row.verdict]


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(cells) + " |" for cells in body]
    return lines


def write(path: Path, report: str) -> None:
    path.write_text(report, encoding="utf-8")
