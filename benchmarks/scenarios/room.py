"""One room: what a connection costs, what a tick to all costs, and how fast a flood is."""

import time

from benchmarks.load.recording import Recording, punctuality
from benchmarks.load.swarm import LoadFailed, Swarm
from benchmarks.peers import Peer, Running, started
from benchmarks.quotes import FLOOD, FLOOD_PAD, MARKET_UPDATE, SYMBOLS
from benchmarks.scale import Scale
from benchmarks.scenarios import PACE_SECONDS, Figures

TICK_SECONDS = 0.2
SETTLE_SECONDS = 0.6
# A flood is measured between its first and its last moments.
FLOOD_EDGE_SECONDS = 0.3
SYMBOL = SYMBOLS[:1]


def measure(peer: Peer, scale: Scale) -> Figures:
    """All of it for one peer, on one start of its server."""
    with (
        started(peer, symbols=SYMBOL, interval=TICK_SECONDS) as server,
        Swarm(server.port) as swarm,
    ):
        figures = {"start_s": server.start_seconds}
        connecting = connect(server, swarm, scale.room_clients)
        ticks = stream(server, swarm, scale.room_seconds, scale.room_clients)
        # Ticks went on while clients connected; each had its snapshot, which belongs to it.
        extra = (connecting.pop("messages") - scale.room_clients) * ticks["prompt_us"] / 1e6
        busy = connecting.pop("cpu_s") - max(0.0, extra)
        figures |= connecting | ticks
        if busy > 0:
            figures["connects_per_cpu_s"] = scale.room_clients / busy
        swarm.keep(scale.flood_clients)
        swarm.listen(SETTLE_SECONDS)
        figures |= flood(server, swarm, scale.flood_seconds)
    return figures


def connect(server: Running, swarm: Swarm, clients: int) -> Figures:
    """Connect, authenticate and subscribe so many."""
    scripts = [server.maker(number, SYMBOL) for number in range(clients)]
    before = server.rss()
    recording = Recording(MARKET_UPDATE.encode(), detail=False)
    cpu = server.cpu()
    seconds = swarm.connect(scripts, recording)
    cpu = server.cpu() - cpu
    swarm.listen(SETTLE_SECONDS)
    return {
        "connects_per_s": clients / seconds,
        "connection_kb": (server.rss() - before) / clients / 1000,
        "messages": recording.messages,
        "cpu_s": cpu,
    }


def stream(server: Running, swarm: Swarm, seconds: float, clients: int) -> Figures:
    """CPU of ticks to everybody, then again with their punctuality."""
    paced, paced_us = _listen(server, swarm, seconds, pace=PACE_SECONDS)
    recording, prompt_us = _listen(server, swarm, seconds)
    figures = {
        "message_us": paced_us,
        "prompt_us": prompt_us,
        "message_bytes": recording.payload_bytes / recording.messages,
        "lost": paced.lost_clients + recording.lost_clients,
    }
    ticks = punctuality(recording, TICK_SECONDS, clients)
    if ticks.known:
        figures |= {
            "p50_ms": ticks.p50 * 1e3,
            "p99_ms": ticks.p99 * 1e3,
            "missing": ticks.missing,
            "surplus": ticks.surplus,
        }
    return figures


def _listen(
    server: Running, swarm: Swarm, seconds: float, pace: float = 0.0
) -> tuple[Recording, float]:
    """What is heard, and the server's microseconds of CPU for each message of it."""
    recording = Recording(MARKET_UPDATE.encode())
    cpu = server.cpu()
    swarm.listen(seconds, recording, pace=pace)
    cpu = server.cpu() - cpu
    if not recording.messages:
        raise LoadFailed("no tick was heard")
    return recording, cpu / recording.messages * 1e6


def flood(server: Running, swarm: Swarm, seconds: float) -> Figures:
    """Messages delivered while the server emits to the room without a rest."""
    whole = seconds + 2 * FLOOD_EDGE_SECONDS
    swarm.command(FLOOD, {"seconds": whole, "interval": 0, "pad": FLOOD_PAD})
    swarm.listen(FLOOD_EDGE_SECONDS, pace=PACE_SECONDS)
    recording = Recording(f'"{FLOOD}"'.encode(), detail=False, numbered=True)
    cpu, own = server.cpu(), time.process_time()
    swarm.listen(seconds, recording, pace=PACE_SECONDS)
    cpu, own = server.cpu() - cpu, time.process_time() - own
    return {
        "flood_per_s": recording.messages / seconds,
        "flood_per_cpu_s": recording.messages / cpu,
        "flood_core_share": cpu / seconds,
        "flood_load_share": own / seconds,
        "flood_broken": recording.broken,
        "flood_lost": recording.lost_clients,
    }
