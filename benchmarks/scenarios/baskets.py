"""Baskets: each client has five random symbols of fifty, and all symbols change with each tick."""

import random
import time

from benchmarks.load.recording import Recording
from benchmarks.load.swarm import LoadFailed, Swarm
from benchmarks.peers import NEVER, Peer, started
from benchmarks.quotes import BASKET_SYMBOLS, MARKET_UPDATE, SYMBOLS
from benchmarks.scale import Scale
from benchmarks.scenarios import PACE_SECONDS, Figures

# Long enough for nearly every simulated symbol to trade in between.
TICK_SECONDS = 1.0
SEED = 20
# The first ticks bring caches to where they will be.
WARM_UP_SECONDS = 4.0
IDLE_SECONDS = 1.0


def measure(peer: Peer, scale: Scale, rooms: bool = False) -> Figures:
    """Quotes delivered per second of the server's CPU, with and without what it does anyway: the
    application keeps a market of fifty symbols, the other peers make their quotes up.

    With `rooms` the application sends one event a symbol to the symbol's room, as the other peers
    do, in place of its baskets.
    """
    clients = scale.basket_clients
    choose = random.Random(SEED)
    baskets = [tuple(choose.sample(SYMBOLS, BASKET_SYMBOLS)) for _ in range(clients)]
    interval = NEVER if rooms else TICK_SECONDS
    with (
        started(peer, symbols=SYMBOLS, interval=interval) as server,
        Swarm(server.port) as swarm,
    ):
        idle = server.cpu()
        time.sleep(IDLE_SECONDS)
        idle = (server.cpu() - idle) / IDLE_SECONDS
        swarm.connect([server.maker(number, basket) for number, basket in enumerate(baskets)])
        if rooms:
            seconds = scale.basket_seconds + WARM_UP_SECONDS + 1
            swarm.command("rooms", {"seconds": seconds, "interval": TICK_SECONDS})
        swarm.listen(WARM_UP_SECONDS)
        recording = Recording(MARKET_UPDATE.encode())
        cpu = server.cpu()
        swarm.listen(scale.basket_seconds, recording, pace=PACE_SECONDS)
        cpu = server.cpu() - cpu
    if not recording.quotes:
        raise LoadFailed("no quote was heard")
    ticks = scale.basket_seconds / TICK_SECONDS
    return {
        "quotes_per_cpu_s": recording.quotes / cpu,
        "quotes_per_net_cpu_s": recording.quotes / (cpu - idle * scale.basket_seconds),
        "idle_cpu_percent": idle * 100,
        "quotes_share": recording.quotes / (clients * BASKET_SYMBOLS * ticks),
        "lost": recording.lost_clients,
    }
