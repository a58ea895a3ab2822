"""What one of several costs: the same load on one process, and on two; what crosses Redis."""

import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import redis

from benchmarks.load.recording import Recording, punctuality
from benchmarks.load.swarm import Swarm
from benchmarks.machine import cpu_seconds
from benchmarks.peers import Peer, Unavailable, started
from benchmarks.quotes import MARKET_UPDATE, SYMBOLS
from benchmarks.scale import Scale
from benchmarks.scenarios import PACE_SECONDS, Figures

# A process that has enough to do that one would add another. What a second one takes by itself, and
# what it takes to report the market and to read that, does not depend on the load. As many clients
# for two processes as one address may connect in a minute.
TICK_SECONDS = 0.1
CLIENTS = 2_900
SUBSCRIBED = SYMBOLS[:20]
# What they do once, such as loading years of a past, takes them longer than a start: until all of
# them together take less than this share of a core.
RESTING_SHARE = 0.1
REST_STEP_SECONDS = 2.0
REST_SECONDS_MAX = 90.0
# How long they are measured before anybody comes.
IDLE_SECONDS = 5.0
WARM_UP_SECONDS = 2.0
REDIS_SECONDS_MAX = 10.0
# As in use: a tick each two seconds, for each client a basket of its own.
CROSSING_TICK_SECONDS = 2.0
CROSSING_SECONDS = 10.0
BASKET = 5


def measure(peer: Peer, count: int, scale: Scale) -> Figures:
    """CPU of all processes together without clients, and with them for a delivered message, what
    they do anyway included; how punctual ticks are; and the CPU of Redis beside it."""
    with ExitStack() as stack:
        settings: dict[str, Any] = {}
        redis_pid = None
        if count > 1:
            redis_pid, url = stack.enter_context(_redis())
            settings["REDIS_URL"] = url
        servers = [
            stack.enter_context(
                started(peer, symbols=SUBSCRIBED, interval=TICK_SECONDS, **settings)
            )
            for _ in range(count)
        ]

        def cpu() -> float:
            return sum(server.cpu() for server in servers)

        deadline = time.monotonic() + REST_SECONDS_MAX
        while _share(cpu, REST_STEP_SECONDS) > RESTING_SHARE and time.monotonic() < deadline:
            pass
        idle = _share(cpu, IDLE_SECONDS)
        swarms = [stack.enter_context(Swarm(server.port)) for server in servers]
        for server, swarm in zip(servers, swarms, strict=True):
            swarm.connect([server.maker(number, SUBSCRIBED) for number in range(CLIENTS)])
        _listen(swarms, WARM_UP_SECONDS)

        def redis_cpu() -> float:
            return 0.0 if redis_pid is None else cpu_seconds(redis_pid)

        used, redis_used = cpu(), redis_cpu()
        paced = _listen(swarms, scale.basket_seconds, pace=PACE_SECONDS)
        used, redis_used = cpu() - used, redis_cpu() - redis_used
        (prompt,) = _listen(swarms[-1:], scale.basket_seconds)
    figures: Figures = {
        "without_clients_ms": idle * 1e3,
        "message_us": used / max(1, sum(each.messages for each in paced)) * 1e6,
        "redis_cpu_percent": redis_used / scale.basket_seconds * 100,
        "lost": sum(each.lost_clients for each in paced),
    }
    heard = punctuality(prompt, TICK_SECONDS, CLIENTS)
    if heard.known:
        figures |= {"p99_ms": heard.p99 * 1e3, "ticks": heard.ticks, "missing": heard.missing}
    return figures


def crossing(peer: Peer, clients: int) -> Figures:
    """What two processes exchange with Redis in a second while they have so many clients, and the
    memory of the one that follows."""
    rng = random.Random(clients)
    with _redis() as (_, url), ExitStack() as stack:
        servers = [
            stack.enter_context(
                started(peer, symbols=SUBSCRIBED, interval=CROSSING_TICK_SECONDS, REDIS_URL=url)
            )
            for _ in range(2)
        ]
        swarms = [stack.enter_context(Swarm(server.port)) for server in servers]
        for server, swarm in zip(servers, swarms, strict=True):
            baskets = [tuple(rng.sample(SUBSCRIBED, BASKET)) for _ in range(clients // 2)]
            swarm.connect([server.maker(*each) for each in enumerate(baskets)])
        _listen(swarms, WARM_UP_SECONDS)
        store = stack.enter_context(redis.Redis.from_url(url))

        def exchanged() -> tuple[int, int, int]:
            told = store.info("stats")
            names = ("total_net_input_bytes", "total_net_output_bytes", "total_commands_processed")
            return tuple(told[name] for name in names)

        before = exchanged()
        heard = _listen(swarms, CROSSING_SECONDS)
        to_redis, from_redis, commands = (
            (now - then) / CROSSING_SECONDS for then, now in zip(before, exchanged(), strict=True)
        )
        return {
            "to_redis_kb_s": to_redis / 1000,
            "from_redis_kb_s": from_redis / 1000,
            "redis_commands_s": commands,
            "heard_per_s": sum(each.messages for each in heard) / CROSSING_SECONDS,
            "follower_mb": servers[-1].rss() / 1e6,
        }


def _share(cpu: Callable[[], float], seconds: float) -> float:
    """CPU seconds in a second, over so many."""
    before = cpu()
    time.sleep(seconds)
    return (cpu() - before) / seconds


def _listen(swarms: list[Swarm], seconds: float, pace: float = 0.0) -> list[Recording]:
    """Read from all in turn for so long."""
    recordings = [Recording(MARKET_UPDATE.encode()) for _ in swarms]
    end = time.monotonic() + seconds
    if len(swarms) == 1:
        swarms[0].listen(seconds, recordings[0], pace=pace)
        return recordings
    step = pace or PACE_SECONDS
    while time.monotonic() < end:
        for swarm, recording in zip(swarms, recordings, strict=True):
            swarm.listen(step / len(swarms), recording, pace=step / len(swarms))
    return recordings


@contextmanager
def _redis() -> Iterator[tuple[int, str]]:
    """A Redis of the measurement's own: its process and where it is."""
    if not shutil.which("redis-server"):
        raise Unavailable("redis-server was not found")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        process = subprocess.Popen(
            ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + REDIS_SECONDS_MAX
            while time.monotonic() < deadline:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.02)
            yield process.pid, f"redis://127.0.0.1:{port}/0"
        finally:
            process.kill()
            process.wait()
