"""Clients come and go, and the server stays as it is."""

import os
import time
from dataclasses import dataclass

import pytest

from benchmarks.machine import rss_bytes
from tests.attack.siege import Wave, start_attacker, tokens_of
from tests.conftest import StartServer
from tests.servers import ROOT, Server, wait_until

pytestmark = [pytest.mark.served, pytest.mark.alone]

GREENLETS_PATH = "/test/greenlets"
CHANGES_PER_SECOND = 20
# So many tokens, as if of so many users.
USERS = 100
SAMPLE_SECONDS = 1.0
# What is filled once, and what the allocator keeps, has come by this part of the time.
WARM_PART = 0.3
# How much more memory there may be at the end than when it was warm.
MEMORY_NOISE_BYTES = 12_000_000
# Of descriptors and greenlets beyond one for each client: those that come and go just then.
IN_BETWEEN = 60
# How long a polling client that has gone may be waited for.
FORGOTTEN_SECONDS = 90.0


@dataclass(frozen=True)
class Sample:
    memory: int
    descriptors: int
    greenlets: int


def sample(server: Server) -> Sample:
    pid = server.process.pid
    greenlets = server.get(GREENLETS_PATH).json()["greenlets"]
    return Sample(rss_bytes(pid), len(os.listdir(f"/proc/{pid}/fd")), greenlets)


@pytest.mark.parametrize(
    ("clients", "seconds"), [(60, 10.0), pytest.param(1_000, 600.0, marks=pytest.mark.soak)]
)
def test_nothing_grows_while_clients_come_and_go(
    clients: int, seconds: float, start_server: StartServer
) -> None:
    server = start_server(
        program=ROOT / "tests" / "attack" / "counted_app.py",
        PYTHONPATH=str(ROOT),
        GREENLETS_PATH=GREENLETS_PATH,
        MARKET_INTERVAL="0.5",
    )
    tokens = tokens_of(server, USERS)
    stay = clients / CHANGES_PER_SECOND
    wave = Wave("regulars", clients, clients // 10, True, arguments=("--polling", f"--stay={stay}"))
    before = sample(server)
    attacker = start_attacker(server, wave, 50, seconds, tokens)
    try:
        assert attacker.line() == "attacking"
        began = time.monotonic()
        samples: list[Sample] = []
        warm = 0
        while (passed := time.monotonic() - began) < seconds - SAMPLE_SECONDS:
            samples.append(sample(server))
            warm = len(samples) if passed < WARM_PART * seconds else warm
            time.sleep(SAMPLE_SECONDS)
        assert server.metric("crs_connections") > 0.7 * clients
        attacker.line()
    finally:
        attacker.stop()

    for name in ("crs_connections", "crs_subscriptions", "crs_baskets"):
        wait_until(lambda name=name: server.metric(name) == 0, f"{name} to be 0", FORGOTTEN_SECONDS)
    assert max(each.descriptors for each in samples) <= before.descriptors + clients + IN_BETWEEN
    assert max(each.greenlets for each in samples) <= before.greenlets + clients + IN_BETWEEN
    early, late = samples[warm:][: len(samples) // 4], samples[-len(samples) // 4 :]
    for field in ("descriptors", "greenlets"):
        first, last = (sum(getattr(s, field) for s in part) / len(part) for part in (early, late))
        assert last <= first + IN_BETWEEN, field
    growth = late[-1].memory - max(each.memory for each in early)
    assert growth < MEMORY_NOISE_BYTES, f"{growth:,} bytes since it was warm"
    wait_until(
        lambda: sample(server).descriptors <= before.descriptors + 2,
        "the descriptors to be closed",
        FORGOTTEN_SECONDS,
    )
    wait_until(
        lambda: sample(server).greenlets <= before.greenlets + 2,
        "the greenlets to end",
        FORGOTTEN_SECONDS,
    )
    assert "Traceback" not in server.output()
