"""Clients that never read, in a room that gets 1 KB a hundred times a second."""

import time

from benchmarks.load.recording import Recording, numbered_lateness, quantile
from benchmarks.load.swarm import Swarm
from benchmarks.peers import NEVER, Peer, Running, started
from benchmarks.quotes import FLOOD, SYMBOLS
from benchmarks.scale import Scale
from benchmarks.scenarios import Figures

EVENT_SECONDS = 0.01
EVENT_PAD = 1000
SETTLE_SECONDS = 0.5
SAMPLE_SECONDS = 0.25
# Ten megabytes: the kernel keeps up to four for one socket.
BURST = {"seconds": 2.0, "interval": 0.02, "pad": 100_000}
# So that it is the server that has to decide what to do, not the kernel.
DEAF_RECEIVE_BYTES = 4096
SYMBOL = SYMBOLS[:1]


def measure(peer: Peer, scale: Scale) -> Figures:
    """Growth of memory, and the p99 of those that do read, against the same without deaf ones."""
    quiet_seconds = min(scale.deaf_seconds, 10.0)
    with (
        started(peer, symbols=SYMBOL, interval=NEVER) as server,
        Swarm(server.port) as readers,
    ):
        maker = server.maker
        readers.connect([maker(number, SYMBOL) for number in range(scale.stream_clients)])
        quiet, _ = _events(server, readers, quiet_seconds)
        with Swarm(server.port, DEAF_RECEIVE_BYTES) as deaf:
            deaf.connect([maker(number, SYMBOL) for number in range(scale.deaf_clients)])
            deaf.deafen()
            before = server.rss()
            beside, peak = _events(server, readers, scale.deaf_seconds)
        readers.keep(0)
        burst, closed = _burst(server, scale.deaf_clients)
    figures: Figures = {
        "grown_mb": (peak - before) / 1e6,
        "burst_grown_mb": burst / 1e6,
        "deaf_closed": closed,
    }
    for name, recording in (("quiet", quiet), ("beside", beside)):
        lateness = numbered_lateness(recording, EVENT_SECONDS)
        figures[f"{name}_p99_ms"] = quantile(lateness, 0.99) * 1e3
        figures[f"{name}_broken"] = recording.broken
        figures[f"{name}_lost"] = recording.lost_clients
    figures["p99_ratio"] = figures["beside_p99_ms"] / figures["quiet_p99_ms"]
    return figures


def _events(server: Running, readers: Swarm, seconds: float) -> tuple[Recording, int]:
    """What the readers hear of a flood of so many seconds, and the server's largest memory."""
    readers.command(FLOOD, {"seconds": seconds, "interval": EVENT_SECONDS, "pad": EVENT_PAD})
    readers.listen(SETTLE_SECONDS)
    recording = Recording(f'"{FLOOD}"'.encode(), numbered=True)
    peak = server.rss()
    for _ in range(int((seconds - SETTLE_SECONDS) / SAMPLE_SECONDS)):
        readers.listen(SAMPLE_SECONDS, recording)
        peak = max(peak, server.rss())
    readers.listen(2 * SETTLE_SECONDS)
    readers.forget_numbers()
    return recording, peak


def _burst(server: Running, clients: int) -> tuple[int, int]:
    """Growth of memory, and how many deaf clients were closed, when nobody else is there and more
    is sent to each than the kernel takes."""
    with Swarm(server.port, DEAF_RECEIVE_BYTES) as deaf:
        deaf.connect([server.maker(number, SYMBOL) for number in range(clients)])
        before = peak = server.rss()
        deaf.command(FLOOD, BURST)
        deaf.deafen()
        for _ in range(int((BURST["seconds"] + SETTLE_SECONDS) / SAMPLE_SECONDS)):
            time.sleep(SAMPLE_SECONDS)
            peak = max(peak, server.rss())
        return peak - before, deaf.closed_by_server()
