"""The server by itself: how soon it streams, and what it costs with hardly a client."""

import time

from backend.config_values import SIMULATION_DAYS_MAX
from benchmarks.load.recording import Recording
from benchmarks.load.swarm import Swarm
from benchmarks.peers import Peer, started
from benchmarks.quotes import MARKET_UPDATE, SYMBOLS
from benchmarks.scenarios import Figures

BASKET = SYMBOLS[:20]
FAST_SECONDS = 0.25
IDLE_SECONDS = 2.0


def measure(peer: Peer) -> Figures:
    """Start, memory and idle CPU at the default cadence; then a tick of 20 symbols with sentiment
    and signals, from the difference that many of them make."""
    with started(
        peer,
        symbols=BASKET,
        interval=2,
        settled=False,
        SIMULATION_DAYS=SIMULATION_DAYS_MAX,
        SENTIMENT_INTERVAL=10,
        SIGNAL_INTERVAL=15,
    ) as server:
        began = time.perf_counter()
        with Swarm(server.port) as swarm:
            recording = Recording(MARKET_UPDATE.encode(), detail=False)
            swarm.connect([server.maker(0, BASKET)], recording)
            while not recording.messages and time.perf_counter() - began < 10:
                swarm.listen(0.005, recording)
            first_tick = server.start_seconds + time.perf_counter() - began
            server.settle()
            swarm.listen(0.1)
            cpu = server.cpu()
            swarm.listen(IDLE_SECONDS)
            idle = (server.cpu() - cpu) / IDLE_SECONDS
            rss = server.rss()
    with (
        started(
            peer,
            symbols=BASKET,
            interval=FAST_SECONDS,
            SENTIMENT_INTERVAL=FAST_SECONDS,
            SIGNAL_INTERVAL=FAST_SECONDS,
        ) as server,
        Swarm(server.port) as swarm,
    ):
        swarm.connect([server.maker(0, BASKET)])
        swarm.listen(0.5)
        cpu = server.cpu()
        swarm.listen(IDLE_SECONDS)
        fast = (server.cpu() - cpu) / IDLE_SECONDS
    return {
        "first_tick_s": first_tick,
        "idle_rss_mb": rss / 1e6,
        "idle_cpu_percent": idle * 100,
        "tick_ms": (fast - idle) / (1 / FAST_SECONDS - 1 / 2) * 1e3,
    }
