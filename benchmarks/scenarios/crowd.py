"""Many connections: memory at thousands, punctuality and `/health` at ten thousand."""

import json
import subprocess
import sys

from benchmarks.load.recording import Recording, punctuality
from benchmarks.load.swarm import Swarm
from benchmarks.peers import NEVER, PROJECT_ROOT, Peer, started
from benchmarks.quotes import MARKET_UPDATE, SYMBOLS
from benchmarks.scenarios import Figures

TICK_SECONDS = 2.0
SETTLE_SECONDS = 3.0
SYMBOL = SYMBOLS[:1]


def memory(peer: Peer, clients: int) -> Figures:
    """Memory and rate of connections, with no tick in between."""
    with started(peer, symbols=SYMBOL, interval=NEVER) as server, Swarm(server.port) as swarm:
        scripts = [server.maker(number, SYMBOL) for number in range(clients)]
        before, cpu = server.rss(), server.cpu()
        seconds = swarm.connect(scripts)
        cpu = server.cpu() - cpu
        swarm.listen(SETTLE_SECONDS)
        return {
            "connection_kb": (server.rss() - before) / clients / 1000,
            "connects_per_s": clients / seconds,
            "connects_per_cpu_s": clients / cpu,
        }


def ticks(peer: Peer, clients: int, seconds: float) -> Figures:
    """Ticks every two seconds to all, and `/health` meanwhile where the peer has it."""
    with (
        started(peer, symbols=SYMBOL, interval=TICK_SECONDS) as server,
        Swarm(server.port) as swarm,
    ):
        swarm.connect([server.maker(number, SYMBOL) for number in range(clients)])
        swarm.listen(SETTLE_SECONDS)
        probe = None
        if peer.application:
            probe = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.load.probe", str(server.port), str(seconds)],
                cwd=PROJECT_ROOT,
                stdout=subprocess.PIPE,
            )
        try:
            recording = Recording(MARKET_UPDATE.encode())
            cpu = server.cpu()
            swarm.listen(seconds, recording)
            cpu = server.cpu() - cpu
            output = probe.communicate(timeout=60)[0] if probe else b"{}"
        finally:
            if probe:
                probe.kill()
    figures: Figures = {
        "message_us": cpu / max(1, recording.messages) * 1e6,
        "lost": recording.lost_clients,
    }
    heard = punctuality(recording, TICK_SECONDS, clients)
    if heard.known:
        figures |= {
            "p99_ms": heard.p99 * 1e3,
            "ticks": heard.ticks,
            "missing": heard.missing,
            "surplus": heard.surplus,
        }
    told: Figures = json.loads(output)
    return figures | told
