"""What permessage-deflate and MessagePack change: a shared room of twenty symbols."""

from benchmarks.load import dialects
from benchmarks.load.dialects import Maker
from benchmarks.load.recording import Recording
from benchmarks.load.swarm import LoadFailed, Swarm
from benchmarks.peers import Peer, Running, started
from benchmarks.quotes import MARKET_UPDATE, SYMBOLS
from benchmarks.scale import Scale
from benchmarks.scenarios import Figures

TICK_SECONDS = 0.2
SETTLE_SECONDS = 0.5
BASKET = SYMBOLS[:20]


def measure(peer: Peer, scale: Scale) -> Figures:
    """Each form against plain JSON on the same server; what it does not speak is left out."""
    with started(peer, symbols=BASKET, interval=TICK_SECONDS) as server:
        plain, plain_cpu, _ = _stream(server, dialects.socketio(server.secret), scale)
        figures: Figures = {"json_bytes": plain.payload_bytes / plain.messages}
        deflated, deflated_cpu, spoken = _stream(
            server, dialects.socketio(server.secret, deflate=True), scale
        )
        if spoken:
            figures["deflate_cpu"] = deflated_cpu / deflated.messages / (plain_cpu / plain.messages)
            wire = deflated.deflated_bytes / deflated.messages
            figures["deflate_bytes"] = wire / figures["json_bytes"]
        if (binary := _msgpack(server)) is not None:
            figures["msgpack_bytes"] = binary / figures["json_bytes"]
    return figures


def _stream(server: Running, make: Maker, scale: Scale) -> tuple[Recording, float, bool]:
    with Swarm(server.port) as swarm:
        swarm.connect([make(number, BASKET) for number in range(scale.deflate_clients)])
        swarm.listen(SETTLE_SECONDS)
        recording = Recording(MARKET_UPDATE.encode(), detail=False)
        cpu = server.cpu()
        swarm.listen(scale.deflate_seconds, recording)
        return recording, server.cpu() - cpu, swarm.deflates


def _msgpack(server: Running) -> float | None:
    """Bytes of a tick as MessagePack, or None where the server (or this environment) has none."""
    try:
        import msgpack  # noqa: F401
    except ImportError:
        return None
    recording = Recording(MARKET_UPDATE.encode(), detail=False)
    try:
        with Swarm(server.port) as swarm:
            swarm.connect([dialects.socketio_msgpack(server.secret)(0, BASKET)], limit_seconds=3)
            swarm.listen(SETTLE_SECONDS)
            swarm.listen(1.0, recording)
    except LoadFailed:
        return None
    return recording.payload_bytes / recording.messages if recording.messages else None
