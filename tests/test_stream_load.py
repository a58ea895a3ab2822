"""A hundred clients with baskets of their own: each gets exactly its symbols in every tick."""

import json
import random
import threading
from pathlib import Path

from backend.config import DEFAULT_SYMBOLS
from tests.conftest import StartServer
from tests.servers import PATIENCE, Server, wait_until
from tests.stream_clients import RawClient

CLIENTS = 100
TICKS = 24
# Those of them that all clients can be compared by: BTC may stand still at the edges.
COMPARED_TICKS = 8
INTERVAL = 0.25
# What a second wave of as many clients may leave behind: nothing grows with them, and this is the
# allocator's own noise.
MEMORY_NOISE_BYTES = 4_000_000


class Listener(threading.Thread):
    """One connection; `updates` is every market_update after its confirmation."""

    def __init__(self, server: Server, token: str, symbols: list[str]) -> None:
        super().__init__()
        self.symbols = symbols
        self.updates: list[dict[str, dict[str, int]]] = []
        self.confirmed = False
        self.leaving = False
        self._client = RawClient(server.url)
        self._client.send("40" + json.dumps({"token": token}))
        request = {"symbols": symbols, "fields": ["seq"]}
        self._client.send("42" + json.dumps(["subscribe", request]))

    def run(self) -> None:
        while not self.leaving:
            message = str(self._client.socket.recv())
            if message == "2":
                self._client.send("3")
            elif message.startswith('42["subscription_confirmed"'):
                self.confirmed = True
            elif message.startswith('42["market_update"'):
                self.updates.append(json.loads(message[2:])[1])
        self._client.close()


def join(server: Server, rng: random.Random) -> list[Listener]:
    symbols = [entry["symbol"] for entry in server.get("/api/market/symbols").json()["symbols"]]
    listeners = []
    for _ in range(CLIENTS):
        # BTC is in each, so that the ticks of all clients can be told from one another.
        others = rng.sample(symbols, rng.randint(1, 9))
        listeners.append(Listener(server, server.token, list({"BTC", *others})))
        listeners[-1].start()
    wait_until(lambda: all(listener.confirmed for listener in listeners), "all confirmations")
    return listeners


def leave(server: Server, listeners: list[Listener]) -> None:
    for listener in listeners:
        listener.leaving = True
    for listener in listeners:
        listener.join(PATIENCE)
    wait_until(lambda: server.metric("crs_connections") == 0, "the connections to be forgotten")


def resident_bytes(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/statm").read_text()
    return int(status.split()[1]) * 4096


def test_every_client_gets_exactly_its_symbols_in_every_tick(start_server: StartServer) -> None:
    server = start_server(MARKET_INTERVAL=str(INTERVAL), SYMBOLS=DEFAULT_SYMBOLS)
    rng = random.Random(7)
    listeners = join(server, rng)
    wait_until(
        lambda: all(len(one.updates) > TICKS for one in listeners), "the ticks", 2 * PATIENCE
    )
    leave(server, listeners)

    ticks = [[update["BTC"]["seq"] for update in one.updates[1:]] for one in listeners]
    first, last = max(seqs[0] for seqs in ticks), min(seqs[-1] for seqs in ticks)
    # Without the edges: a tick in which BTC has not changed has the number of the one before it, so
    # who came or went between the two heard one of them, and the others both.
    windows = [[seq for seq in seqs if first < seq < last] for seqs in ticks]
    assert len(windows[0]) >= COMPARED_TICKS
    assert all(window == windows[0] for window in windows), "a tick was missed, or came twice"
    for listener in listeners:
        assert all(set(update) == set(listener.symbols) for update in listener.updates)

    assert server.metric("crs_subscriptions") == 0
    assert server.metric("crs_baskets") == 0
    before = resident_bytes(server)
    leave(server, join(server, rng))
    assert resident_bytes(server) - before < MEMORY_NOISE_BYTES
    assert "Traceback" not in server.output()
