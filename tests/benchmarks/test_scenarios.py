"""Each load runs against the real server, so that `make bench` is not found broken when needed."""

from dataclasses import replace

import pytest

from benchmarks import peers
from benchmarks.peers import Peer
from benchmarks.scale import SHORT
from benchmarks.scenarios import baskets, compression, logins, room

pytestmark = pytest.mark.served

TINY = replace(
    SHORT,
    # So many that a flood this short has fewer messages for each than the server keeps for one:
    # nobody is closed, however slowly this process reads.
    room_clients=400,
    room_seconds=1.0,
    flood_clients=400,
    flood_seconds=1.0,
    basket_clients=20,
    basket_seconds=1.0,
    deflate_clients=5,
    deflate_seconds=0.6,
    stream_clients=10,
    login_seconds=1.0,
)


@pytest.fixture(autouse=True)
def unsettled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at the figures: a server need not come to rest before they are taken."""
    monkeypatch.setattr(peers, "SETTLE_SECONDS_MIN", 0.0)
    monkeypatch.setattr(baskets, "WARM_UP_SECONDS", 1.0)


@pytest.mark.parametrize("peer", [peers.CRS, peers.BARE], ids=lambda peer: peer.name)
def test_a_room_is_measured(peer: Peer) -> None:
    figures = room.measure(peer, TINY)
    assert figures["message_us"] > 0
    assert figures["flood_per_s"] > 0
    assert figures["flood_broken"] == figures["flood_lost"] == figures["lost"] == 0


def test_baskets_are_measured_with_a_room_a_symbol() -> None:
    figures = baskets.measure(peers.STOCK, TINY, rooms=True)
    assert figures["quotes_per_cpu_s"] > 0


def test_forms_are_measured() -> None:
    figures = compression.measure(peers.CRS, TINY)
    assert {"json_bytes", "deflate_bytes", "deflate_cpu"} <= figures.keys()


def test_logins_are_measured() -> None:
    figures = logins.measure(peers.CRS, TINY)
    assert figures["logins"] > 0
    assert figures["logins_failed"] == 0
