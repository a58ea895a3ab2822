"""The goals, and how far this server is from each."""

from dataclasses import dataclass

from benchmarks.results import Results, Spread

ROOM, BASKETS, MEMORY, CROWD = "room", "baskets", "memory", "crowd"
COMPRESSION, DEAF, LOGINS, IDLE, HUB = "compression", "deaf", "logins", "idle", "hub"
PROCESSES, CROSSING = "processes", "crossing"
# Two processes that share Redis.
TWO = "two"
# The same server with one event a symbol to the symbol's room.
STOCK_ROOMS = "stock-rooms"

REACHED, MISSED, UNKNOWN = "yes", "**no**", "not measured"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what, the median with its spread, the goal, and whether it holds."""

    measure: str
    value: str
    goal: str
    verdict: str


def rows(results: Results, ours: str) -> list[Row]:
    """All goals; `ours` is the peer that they are set for."""
    return [
        *_room(results, ours),
        *_baskets(results, ours),
        *_connections(results, ours),
        *_crowd(results, ours),
        *_forms(results, ours),
        *_disturbed(results, ours),
        *_processes(results, ours),
    ]


def _at_most(measure: str, spread: Spread | None, limit: float, unit: str = "") -> Row:
    return _row(measure, spread, limit, unit, most=True)


def _at_least(measure: str, spread: Spread | None, limit: float, unit: str = "") -> Row:
    return _row(measure, spread, limit, unit, most=False)


def _row(measure: str, spread: Spread | None, limit: float, unit: str, *, most: bool) -> Row:
    goal = f"{'at most' if most else 'at least'} {limit:g}{unit}"
    if spread is None:
        return Row(measure, "", goal, UNKNOWN)
    held = spread.middle <= limit if most else spread.middle >= limit
    return Row(measure, spread.text(unit=unit), goal, REACHED if held else MISSED)


def _room(results: Results, ours: str) -> list[Row]:
    def cpu(to: str) -> Spread | None:
        return results.ratio(ROOM, "message_us", ours, to)

    def flood(to: str) -> Spread | None:
        return results.ratio(ROOM, "flood_per_cpu_s", ours, to)

    what = "CPU per delivered message, one room, 5 ticks/s, of"
    return [
        _at_most(f"{what} Node's", cpu("node"), 0.6),
        _at_most(f"{what} the stock engine's", cpu("stock"), 0.22),
        _at_most(f"{what} the bare loop's", cpu("bare"), 1.25),
        _at_least("Messages per CPU second in a flood, of Node's", flood("node"), 1.8),
        _at_least("Messages per CPU second in a flood, of the stock engine's", flood("stock"), 7),
        _at_least("Messages per CPU second in a flood, of the bare loop's", flood("bare"), 0.85),
        _at_least("Messages per CPU second in a flood, of socketify's", flood("socketify"), 0.85),
    ]


def _baskets(results: Results, ours: str) -> list[Row]:
    what = "Quotes per CPU second, 5 random of 50 symbols each, of {}'s with per-symbol rooms"
    table = []
    for name, note in (("quotes_per_cpu_s", ""), ("quotes_per_net_cpu_s", ", idle CPU left out")):
        for to, label, goal in (("node", "Node", 5), (STOCK_ROOMS, "the stock engine", 20)):
            spread = results.ratio(BASKETS, name, ours, to)
            table.append(_at_least(what.format(label) + note, spread, goal))
    return table


def _connections(results: Results, ours: str) -> list[Row]:
    scenario = MEMORY if (MEMORY, ours) in results.figures else ROOM
    return [
        _at_most(
            "Memory per authenticated, subscribed connection",
            results.spread(scenario, ours, "connection_kb"),
            24,
            " KB",
        ),
        _at_least(
            "Connect + JWT + subscribe per CPU second, of Node's",
            results.ratio(scenario, "connects_per_cpu_s", ours, "node"),
            1,
        ),
    ]


def _crowd(results: Results, ours: str) -> list[Row]:
    what = "10,000 connections, 2 s ticks:"
    complete = f"{what} clients × ticks missing, surplus or cut off"
    if not results.spread(CROWD, ours, "missing"):
        silent = Row(complete, "", "0", UNKNOWN)
    else:
        names = ("missing", "surplus", "lost")
        wrong = sum(results.total(CROWD, ours, name) for name in names)
        silent = Row(complete, f"{wrong:.0f}", "0", REACHED if wrong == 0 else MISSED)
    return [
        silent,
        _at_most(
            f"{what} p99 from tick to client, of the bare loop's",
            results.ratio(CROWD, "p99_ms", ours, "bare"),
            3,
        ),
        _at_most(
            f"{what} p99 of `/health` meanwhile",
            results.spread(CROWD, ours, "health_p99_ms"),
            20,
            " ms",
        ),
    ]


def _forms(results: Results, ours: str) -> list[Row]:
    def figure(name: str) -> Spread | None:
        return results.spread(COMPRESSION, ours, name)

    return [
        _at_most("Deflate in a shared room: CPU, of without", figure("deflate_cpu"), 1.3),
        _at_most("Deflate in a shared room: bytes, of without", figure("deflate_bytes"), 0.6),
        _at_most("MessagePack: bytes, of JSON's", figure("msgpack_bytes"), 0.75),
    ]


def _disturbed(results: Results, ours: str) -> list[Row]:
    return [
        _at_most(
            "100 clients that never read: growth of memory",
            results.spread(DEAF, ours, "grown_mb"),
            20,
            " MB",
        ),
        _at_most(
            "The same, while 10 MB are sent to each within 2 s",
            results.spread(DEAF, ours, "burst_grown_mb"),
            20,
            " MB",
        ),
        _at_most(
            "100 clients that never read: p99 of 500 others, of without",
            results.spread(DEAF, ours, "p99_ratio"),
            1.2,
        ),
        _at_most(
            "20 logins/s: p99 of ticks, of without",
            results.spread(LOGINS, ours, "p99_ratio"),
            2,
        ),
    ]


def _processes(results: Results, ours: str) -> list[Row]:
    return [
        _at_most(
            "Two processes on one Redis: CPU per delivered message, of one process's",
            results.ratio(PROCESSES, "message_us", TWO, ours),
            1.05,
        ),
        _at_most(
            "Two processes on one Redis: p99 from tick to client, beyond one process's",
            results.difference(PROCESSES, "p99_ms", TWO, ours),
            5,
            " ms",
        ),
    ]
