"""Ticks while others log in: argon2 is slow on purpose, and must not be felt."""

import json
import subprocess
import sys

from benchmarks.load.recording import Recording, punctuality
from benchmarks.load.swarm import Swarm
from benchmarks.peers import PROJECT_ROOT, Peer, started
from benchmarks.quotes import MARKET_UPDATE, SYMBOLS
from benchmarks.scale import Scale
from benchmarks.scenarios import Figures

TICK_SECONDS = 0.2
SETTLE_SECONDS = 0.6
LOGINS_PER_SECOND = 20
SYMBOL = SYMBOLS[:1]


def measure(peer: Peer, scale: Scale) -> Figures:
    """The p99 of ticks without and with logins."""
    figures: Figures = {}
    with (
        started(peer, symbols=SYMBOL, interval=TICK_SECONDS) as server,
        Swarm(server.port) as swarm,
    ):
        swarm.connect([server.maker(number, SYMBOL) for number in range(scale.stream_clients)])
        swarm.listen(SETTLE_SECONDS)
        quiet = Recording(MARKET_UPDATE.encode())
        swarm.listen(scale.login_seconds, quiet)
        logins = subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.load.logins", str(server.port)),
                *(str(LOGINS_PER_SECOND), str(scale.login_seconds + 2 * SETTLE_SECONDS)),
            ],
            cwd=PROJECT_ROOT,
            stdout=subprocess.PIPE,
        )
        try:
            swarm.listen(SETTLE_SECONDS)
            busy = Recording(MARKET_UPDATE.encode())
            swarm.listen(scale.login_seconds, busy)
            output, _ = logins.communicate(timeout=30)
        finally:
            logins.kill()
    for name, recording in (("quiet", quiet), ("busy", busy)):
        ticks = punctuality(recording, TICK_SECONDS, scale.stream_clients)
        if ticks.known:
            figures[f"{name}_p99_ms"] = ticks.p99 * 1e3
            figures[f"{name}_missing"] = ticks.missing
    if "quiet_p99_ms" in figures and "busy_p99_ms" in figures:
        figures["p99_ratio"] = figures["busy_p99_ms"] / figures["quiet_p99_ms"]
    told: Figures = json.loads(output)
    return figures | told
