"""A local exchange that speaks the protocol of a real one: it plays frames over WebSocket, and
serves candles computed from what it has played over REST. It can misbehave in every way a test asks
for.

As a program it plays a file (or made-up frames) and prints where:

    python -m tests.feeds.exchange_server [frames file] --exchange kraken --speed 50 --cuts 3

Like a real exchange it goes on whoever listens: what is played while nobody is connected is lost
but for the candles. It starts to play with the first connection.
"""

import argparse
import json
import queue
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.feeds.exchange_binance import BINANCE
from tests.feeds.exchange_coinbase import COINBASE
from tests.feeds.exchange_dialect import Dialect, Subscriber
from tests.feeds.exchange_klines import Frame, Klines, PlayedTrade, read_frames
from tests.feeds.exchange_kraken import KRAKEN
from tests.feeds.exchange_rest import RestServer
from tests.feeds.sample_frames import sample_frames

HISTORY_MINUTES = 48 * 60
DIALECTS = {dialect.name: dialect for dialect in (BINANCE, KRAKEN, COINBASE)}
# How many of the newest trades of each symbol are known to the dialect.
NEWEST_TRADES = 50


class _Client(Subscriber):
    """One WebSocket connection, with what it subscribed to."""

    def __init__(self, connection: ServerConnection, raw: bool, streams: set[str]) -> None:
        self.connection = connection
        self.raw = raw
        self.streams = streams
        self.stalled = False
        self.latency_s = 0.0
        # With the monotonic time at which each is to be sent.
        self.outbox: queue.SimpleQueue[tuple[float, str | None]] = queue.SimpleQueue()

    def offer(self, text: str) -> None:
        if not self.stalled:
            self.outbox.put((time.monotonic() + self.latency_s, text))

    def abort(self) -> None:
        """Cut the TCP connection, as a broken line or a crash does: a reset, no close frame."""
        self.connection.socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.connection.socket.shutdown(socket.SHUT_RDWR)


class ExchangeServer:
    """The exchange. `script` maps a frame's number to what happens before it is played.

    With `speed` 0 nothing plays by itself: `play(n)` does.
    """

    def __init__(
        self,
        frames: list[Frame],
        speed: float = 0.0,
        script: dict[int, Callable[["ExchangeServer"], object]] | None = None,
        history_minutes: int = HISTORY_MINUTES,
        certificate: tuple[Path, Path] | None = None,
        dialect: Dialect = BINANCE,
    ) -> None:
        self.dialect = dialect
        self.frames = frames
        self.position = 0
        self.speed = speed
        self.script = script or {}
        every = (trade for _, text in frames for trade in dialect.trades_of(text))
        self.klines = Klines(frames[0][0], every, history_minutes)
        self.newest: dict[str, list[PlayedTrade]] = {name: [] for name in self.klines.symbols}
        self.clients: list[_Client] = []
        self.upgrades: list[str] = []  # the path of every upgrade asked for
        self.requests: list[dict] = []  # what clients sent over WebSocket
        self.refusals: list[int] = []  # HTTP status for the next upgrades
        self.hang_upgrades = False
        self.rest_queries: list[dict[str, str]] = []
        self.rest_faults: list[str] = []  # for the next requests: see `exchange_rest`
        self.rest_weight = 0
        self.rest_limit: tuple[float, float] | None = None
        self.rest_limited = 0
        self.connected = threading.Event()
        self.finished = threading.Event()
        self._stopping = threading.Event()
        self.released = threading.Event()
        self._lock = threading.RLock()
        tls = None
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*certificate)
        self._server = serve(
            self._handle,
            "127.0.0.1",
            0,
            process_request=self._upgrade,
            ssl=tls,
            compression=None,
            ping_interval=1,
            ping_timeout=None,
            close_timeout=0.2,
        )
        self._rest = RestServer(self, tls)
        secure = "s" if tls else ""
        self.ws_url = f"ws{secure}://127.0.0.1:{self._server.socket.getsockname()[1]}"
        self.rest_url = f"http{secure}://127.0.0.1:{self._rest.server_port}"
        self._threads = [
            threading.Thread(target=target, daemon=True)
            for target in (self._server.serve_forever, self._rest.serve, self._play_all)
        ]

    def __enter__(self) -> "ExchangeServer":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.released.set()
        self.cut()
        self._server.shutdown()
        self._rest.shutdown()
        self._rest.server_close()
        for thread in self._threads:
            thread.join()

    # --- playing ----------------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        """The exchange's time: that of the last frame played."""
        return self.frames[max(self.position - 1, 0)][0]

    def play(self, count: int = 1) -> None:
        """Play the next frames at once."""
        for _ in range(min(count, len(self.frames) - self.position)):
            action = self.script.get(self.position)
            if action:
                action(self)
            text = self.frames[self.position][1]
            # Whoever subscribes meanwhile gets a trade by its snapshot or by the stream.
            with self._lock:
                for trade in self.dialect.trades_of(text):
                    self.klines.add(trade)
                    self.newest[trade.symbol] = [
                        *self.newest[trade.symbol][1 - NEWEST_TRADES :],
                        trade,
                    ]
                self.position += 1
                self.send(text)

    def play_until(self, time_ms: int) -> None:
        """Play every frame that was sent before `time_ms`."""
        while self.position < len(self.frames) and self.frames[self.position][0] < time_ms:
            self.play()

    def send(self, text: str) -> None:
        """Send a frame to whoever subscribed to its stream, one without a stream to all."""
        try:
            message = json.loads(text)
        except ValueError:
            message = {}  # garbage, for everybody
        stream = self.dialect.stream_of(message) if isinstance(message, dict) else ""
        with self._lock:
            for client in self.clients:
                if not stream or stream in client.streams:
                    client.offer(self.dialect.offered(client, text, message))

    def _play_all(self) -> None:
        if not self.speed:
            return
        while not self.connected.wait(0.1):
            if self._stopping.is_set():
                return
        began, first_ms = time.monotonic(), self.frames[0][0]
        while self.position < len(self.frames) and not self._stopping.is_set():
            ahead_s = (self.frames[self.position][0] - first_ms) / 1000 / self.speed
            if self._stopping.wait(max(0.0, began + ahead_s - time.monotonic())):
                return
            self.play()
        self.finished.set()

    # --- misbehaviour -----------------------------------------------------------------------------

    def cut(self) -> None:
        """Break every TCP connection."""
        with self._lock:
            for client in self.clients:
                try:
                    client.abort()
                except OSError:
                    continue  # it has just gone by itself
            self.clients.clear()

    def close(self, code: int = 1001, reason: str = "going away") -> None:
        """Close every connection with a close frame."""
        with self._lock:
            clients, self.clients = self.clients, []
        for client in clients:
            client.connection.close(code, reason)

    def stall(self, stalled: bool = True) -> None:
        """Send nothing more on the present connections, though they stay open (and answer)."""
        with self._lock:
            for client in self.clients:
                client.stalled = stalled

    def repeat(self, count: int) -> None:
        """Send the last frames once more."""
        for _, text in self.frames[max(0, self.position - count) : self.position]:
            self.send(text)

    def shuffle(self, count: int) -> None:
        """Send the next frames in reverse order (they are not played twice)."""
        begin = self.position
        self.frames[begin : begin + count] = self.frames[begin : begin + count][::-1]

    def announce_shutdown(self) -> None:
        """Tell that the server is about to restart."""
        data = {"e": "serverShutdown", "E": self.now_ms}
        self.send(json.dumps({"stream": "!serverShutdown", "data": data}, separators=(",", ":")))

    # --- WebSocket --------------------------------------------------------------------------------

    def _upgrade(self, connection: ServerConnection, request):
        self.upgrades.append(request.path)
        if self.hang_upgrades:
            self.released.wait()
        if self.refusals:
            status = self.refusals.pop(0)
            response = connection.respond(status, "refused\n")
            if status in (418, 429):
                response.headers["Retry-After"] = "2"
            return response
        return None

    def _handle(self, connection: ServerConnection) -> None:
        raw, streams = self.dialect.named_in(connection.request.path)
        client = _Client(connection, raw, streams)
        reader = threading.Thread(target=self._listen, args=(client,), daemon=True)
        with self._lock:
            self.clients.append(client)
        reader.start()
        self.connected.set()
        try:
            while True:
                due, text = client.outbox.get()
                if text is None:
                    return
                time.sleep(max(0.0, due - time.monotonic()))
                connection.send(text)
        except (ConnectionClosed, OSError):
            pass  # the client, or a misbehaviour, has ended it
        finally:
            with self._lock:
                if client in self.clients:
                    self.clients.remove(client)
            connection.close()
            reader.join()

    def _listen(self, client: _Client) -> None:
        try:
            patience = self.dialect.first_request_s or self.dialect.silence_s
            while True:
                text = client.connection.recv(patience)
                request = json.loads(text) if text.startswith("{") else text
                self.requests.append(request)
                patience = self.dialect.silence_s
                with self._lock:
                    for answer in self.dialect.answers(
                        client, request, self.klines.symbols, self.newest
                    ):
                        client.outbox.put((0.0, answer))
        except (ConnectionClosed, TimeoutError, OSError):
            pass
        finally:
            client.outbox.put((0.0, None))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("frames", nargs="?", help="recording; made-up frames without one")
    parser.add_argument("--exchange", choices=DIALECTS, default=BINANCE.name)
    parser.add_argument("--speed", type=float, default=1.0, help="times real time (default 1)")
    parser.add_argument("--seed", type=int, default=1, help="of made-up frames")
    parser.add_argument("--cuts", type=int, default=0, help="cut the connection this often")
    arguments = parser.parse_args()
    dialect = DIALECTS[arguments.exchange]
    if arguments.frames:
        frames = read_frames(arguments.frames)
    else:
        frames = sample_frames(seed=arguments.seed, dialect=dialect)
    step = len(frames) // (arguments.cuts + 1)
    script = {step * (number + 1): ExchangeServer.cut for number in range(arguments.cuts)}
    with ExchangeServer(frames, arguments.speed, script, dialect=dialect) as exchange:
        print(f"{dialect.name.upper()}_WS_URL={exchange.ws_url}")
        print(f"{dialect.name.upper()}_REST_URL={exchange.rest_url}", flush=True)
        try:
            exchange.finished.wait()
            print("played to the end; still serving, stop with Ctrl+C", flush=True)
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.exit(0)


if __name__ == "__main__":
    main()
