"""Dependencies point one way."""

import ast
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

from tests.servers import ROOT

# From the top down: a module may import what stands on its own line or below it.
LAYERS = [
    ["app", "backend", "backend.test_websocket_setup"],
    ["backend.runtime"],
    ["backend.assembly"],
    ["backend.websocket_service"],
    ["backend.reception"],
    ["backend.parting", "backend.rooms"],
    [
        "backend.server",
        "backend.api",
        "backend.auth",
        "backend.record",
        "backend.evaluate",
    ],
    ["backend.streaming", "backend.feeds", "backend.history", "backend.storage", "backend.offload"],
    ["backend.journal"],
    [
        "backend.market",
        "backend.analysis",
        "backend.auth.tokens",
        "backend.auth.claims",
        "backend.auth.keys",
        "backend.auth.passwords",
    ],
    ["backend.client_messages"],
    ["backend.fanout", "backend.protocol", "backend.feeds.base"],
    # Inside the engine: what holds a session knows no server, what turns messages into bytes and
    # back knows no session.
    ["backend.fanout.sessions"],
    ["backend.fanout.wire"],
    ["backend.http"],
    ["backend.turns", "backend.memory"],
    [
        "backend.market.models",
        "backend.market.precision",
        "backend.config",
        "backend.config_values",
        "backend.clock",
        "backend.feeds.backoff",
        "backend.metrics",
        "backend.green",
        "backend.logs",
    ],
]
# Where Flask and Socket.IO may be named.
WEB = (
    "backend",
    "backend.assembly",
    "backend.runtime",
    "backend.websocket_service",
    "backend.reception",
    "backend.parting",
    "backend.rooms",
    "backend.server",
    "backend.api",
    "backend.auth",
    "backend.fanout",
    "backend.test_websocket_setup",
)
# Where eventlet may: the entry point, which patches the standard library, and the door.
GREEN = ("app", "backend.green")
# Where Redis may: what processes say to each other, and the limiter's counters.
REDIS = ("backend.journal",)


@cache
def modules() -> dict[str, Path]:
    files = [ROOT / "app.py", *sorted((ROOT / "backend").rglob("*.py"))]
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in files
        if "migrations" not in path.parts
    }


@cache
def imports(path: Path) -> set[str]:
    """What a file imports anywhere in it: also in functions, and for type checking only."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            known = modules()
            found |= {
                f"{node.module}.{alias.name}"
                if f"{node.module}.{alias.name}" in known
                else str(node.module)
                for alias in node.names
            }
    return found


def layer(module: str) -> int:
    """The layer of the longest name that `module` stands under."""
    exact = [
        (len(name), depth)
        for depth, names in enumerate(LAYERS)
        for name in names
        if module == name or (name != "backend" and module.startswith(name + "."))
    ]
    assert exact, f"{module} stands in no layer"
    return max(exact)[1]


def test_imports_point_down_only() -> None:
    wrong = [
        f"{module} imports {target}"
        for module, path in modules().items()
        for target in imports(path)
        if target.split(".")[0] == "backend" and layer(target) < layer(module)
    ]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module: imports(path) & modules().keys() for module, path in modules().items()}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_frameworks_are_named_at_the_edge_only() -> None:
    def outside(allowed: tuple[str, ...], frameworks: set[str]) -> list[str]:
        return [
            module
            for module, path in modules().items()
            if not any(
                module == name or (name != "backend" and module.startswith(name + "."))
                for name in allowed
            )
            and {target.split(".")[0] for target in imports(path)} & frameworks
        ]

    assert (
        outside(
            WEB,
            {
                "flask",
                "flask_socketio",
                "flask_cors",
                "flask_limiter",
                "flask_jwt_extended",
                "socketio",
                "engineio",
            },
        )
        == []
    )
    assert outside(GREEN, {"eventlet"}) == []
    assert outside(REDIS, {"redis"}) == []
