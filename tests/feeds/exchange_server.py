"""A local exchange that speaks Binance's protocol: it plays frames over WebSocket, and serves
klines computed from what it has played over REST. It can misbehave in every way a test asks for.

As a program it plays a file (or made-up frames) and prints where:

    python tests/feeds/exchange_server.py [frames file] --speed 50 --cuts 3

Like a real exchange it goes on whoever listens: what is played while nobody is connected is lost
but for the klines. It starts to play with the first connection.
"""

import argparse
import gzip
import json
import queue
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

MINUTE_MS = 60_000
HISTORY_MINUTES = 48 * 60
# How many rows a request gets at most, and when it names no limit.
KLINES_MAX, KLINES_DEFAULT = 1_000, 500

Frame = tuple[int, str]  # the instant it was sent, UTC milliseconds; the text
Kline = list  # of the exchange's REST answer


def read_frames(path: str | Path) -> list[Frame]:
    """Frames of a recording with `<local ns> <json>` lines, gzip or not. A frame without an
    instant of its own goes with the one before it."""
    opener = gzip.open if str(path).endswith(".gz") else open
    frames: list[Frame] = []
    sent_ms = 0
    with opener(path, "rt") as file:
        for line in file:
            text = line[line.index("{") :].strip()
            data = json.loads(text)
            sent_ms = max(sent_ms, data.get("data", data).get("E", sent_ms))
            frames.append((sent_ms, text))
    first = next(sent_ms for sent_ms, _ in frames if sent_ms)
    return [(max(sent_ms, first), text) for sent_ms, text in frames]


class Klines:
    """One-minute klines of each pair, from made-up history and from the trades played."""

    def __init__(self, frames: list[Frame], history_minutes: int) -> None:
        self._minutes: dict[str, dict[int, Kline]] = {}
        self._lock = threading.Lock()
        begin = frames[0][0] - frames[0][0] % MINUTE_MS
        for trade in trades_of(frames):
            if trade["s"] not in self._minutes:
                self._minutes[trade["s"]] = {
                    minute: _made_up_kline(minute, Decimal(trade["p"]))
                    for minute in range(begin - history_minutes * MINUTE_MS, begin, MINUTE_MS)
                }

    def add(self, trade: dict) -> None:
        price, quantity = Decimal(trade["p"]), Decimal(trade["q"])
        minute = trade["T"] - trade["T"] % MINUTE_MS
        with self._lock:
            row = self._minutes[trade["s"]].setdefault(minute, _kline(minute, price))
            row[2], row[3], row[4] = max(row[2], price), min(row[3], price), price
            row[5] += quantity
            row[7] += price * quantity
            row[8] += 1

    def rows(self, pair: str, until_ms: int) -> list[list]:
        """Every minute up to the one that holds `until_ms`; flat ones where nobody traded.

        Raises KeyError for a pair that is not listed.
        """
        with self._lock:
            known = dict(self._minutes[pair])
        rows, minute = [], min(known, default=until_ms + MINUTE_MS)
        while minute <= until_ms:
            row = known.get(minute) or _kline(minute, rows[-1][4])
            rows.append(list(row))
            minute += MINUTE_MS
        return [
            [f"{field:.8f}" if isinstance(field, Decimal) else field for field in row]
            for row in rows
        ]


def _kline(minute: int, price: Decimal) -> Kline:
    zero = Decimal(0)
    return [
        minute,
        price,
        price,
        price,
        price,
        zero,
        minute + MINUTE_MS - 1,
        zero,
        0,
        zero,
        zero,
        "0",
    ]


def _made_up_kline(minute: int, price: Decimal) -> Kline:
    number = minute // MINUTE_MS
    row = _kline(minute, price * (1000 + number % 7) / 1000)
    row[2], row[5], row[7], row[8] = row[4] * 2, Decimal(number % 5), row[4] * (number % 5), 5
    return row


def trades_of(frames: list[Frame]) -> Iterator[dict]:
    """The trade messages among frames, whether combined or raw."""
    for _, text in frames:
        if '"e":"trade"' in text:
            message = json.loads(text)
            yield message.get("data", message)


class _Client:
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
    ) -> None:
        self.frames = frames
        self.position = 0
        self.speed = speed
        self.script = script or {}
        self.klines = Klines(frames, history_minutes)
        self.clients: list[_Client] = []
        self.upgrades: list[str] = []  # the path of every upgrade asked for
        self.requests: list[dict] = []  # what clients sent over WebSocket
        self.refusals: list[int] = []  # HTTP status for the next upgrades
        self.hang_upgrades = False
        self.rest_queries: list[dict[str, str]] = []
        self.rest_faults: list[str] = []  # for the next requests: see `_RestHandler`
        self.rest_weight = 0
        self.connected = threading.Event()
        self.finished = threading.Event()
        self._stopping = threading.Event()
        self._released = threading.Event()
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
        self._rest = _RestServer(self, tls)
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
        self._released.set()
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
            for trade in trades_of([(0, text)]):
                self.klines.add(trade)
            self.position += 1
            self.send(text)

    def play_until(self, time_ms: int) -> None:
        """Play every frame that was sent before `time_ms`."""
        while self.position < len(self.frames) and self.frames[self.position][0] < time_ms:
            self.play()

    def send(self, text: str) -> None:
        """Send a frame to whoever subscribed to its stream, one without a stream to all."""
        message = json.loads(text) if text.startswith('{"stream"') else {}
        stream = message.get("stream", "")
        with self._lock:
            for client in self.clients:
                if not stream or stream in client.streams or stream.startswith("!"):
                    client.offer(json.dumps(message["data"]) if client.raw and stream else text)

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
            self._released.wait()
        if self.refusals:
            status = self.refusals.pop(0)
            response = connection.respond(status, "refused\n")
            if status in (418, 429):
                response.headers["Retry-After"] = "2"
            return response
        return None

    def _handle(self, connection: ServerConnection) -> None:
        parts = urlsplit(connection.request.path)
        raw = "/ws" in parts.path
        named = (
            parts.path.split("/ws/")[-1] if raw else parse_qs(parts.query).get("streams", [""])[0]
        )
        client = _Client(connection, raw, {name for name in named.split("/") if "@" in name})
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
            for text in client.connection:
                request = json.loads(text)
                self.requests.append(request)
                change = {
                    "SUBSCRIBE": client.streams.update,
                    "UNSUBSCRIBE": client.streams.difference_update,
                }
                change[request["method"]](request["params"])
                client.outbox.put((0.0, json.dumps({"result": None, "id": request["id"]})))
        except (ConnectionClosed, OSError):
            pass
        client.outbox.put((0.0, None))


class _RestServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, exchange: ExchangeServer, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _RestHandler)
        self.exchange = exchange
        if tls:
            self.socket = tls.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def serve(self) -> None:
        self.serve_forever(poll_interval=0.02)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may go at any time."""


class _RestHandler(BaseHTTPRequestHandler):
    """Faults: a status (`"503"`), `truncated`, `garbage`, `lies`, `empty`, `hang`, `cut`."""

    protocol_version = "HTTP/1.1"
    server: _RestServer

    def do_GET(self) -> None:
        exchange = self.server.exchange
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        fault = exchange.rest_faults.pop(0) if exchange.rest_faults else ""
        exchange.rest_queries.append(query)
        if fault == "cut":
            self.close_connection = True
            return
        if fault == "hang":
            exchange._released.wait()
            self.close_connection = True
            return
        if fault.isdecimal():
            self._answer(int(fault), {"code": -1003, "msg": "refused"})
        elif parts.path == "/api/v3/ping":
            self._answer(200, {})
        elif parts.path != "/api/v3/klines":
            self._answer(404, {"code": -1, "msg": "unknown path"})
        else:
            self._klines(query, fault)

    def _klines(self, query: dict[str, str], fault: str) -> None:
        exchange = self.server.exchange
        try:
            rows = exchange.klines.rows(query["symbol"], exchange.now_ms)
        except KeyError:
            self._answer(400, {"code": -1121, "msg": "Invalid symbol."})
            return
        limit = min(int(query.get("limit", KLINES_DEFAULT)), KLINES_MAX)
        start = int(query.get("startTime", 0))
        end = int(query.get("endTime", 1 << 60))
        rows = [row for row in rows if start <= row[0] <= end]
        rows = rows[:limit] if "startTime" in query else rows[-limit:]
        if fault == "lies":
            rows[-1][2] = "NaN"
        elif fault == "empty":
            rows = []
        body = {"surprise": True} if fault == "garbage" else rows
        self._answer(200, body, cut_short=fault == "truncated")

    def _answer(self, status: int, body: object, cut_short: bool = False) -> None:
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.send_header("X-MBX-USED-WEIGHT-1M", str(self.server.exchange.rest_weight))
        if status in (418, 429):
            self.send_header("Retry-After", "30")
        self.end_headers()
        self.wfile.write(payload[: len(payload) // 2] if cut_short else payload)
        self.close_connection = self.close_connection or cut_short

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def main() -> None:
    from sample_frames import sample_frames

    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("frames", nargs="?", help="recording; made-up frames without one")
    parser.add_argument("--speed", type=float, default=1.0, help="times real time (default 1)")
    parser.add_argument("--cuts", type=int, default=0, help="cut the connection this often")
    arguments = parser.parse_args()
    frames = read_frames(arguments.frames) if arguments.frames else sample_frames()
    step = len(frames) // (arguments.cuts + 1)
    script = {step * (number + 1): ExchangeServer.cut for number in range(arguments.cuts)}
    with ExchangeServer(frames, arguments.speed, script) as exchange:
        print(f"BINANCE_WS_URL={exchange.ws_url}")
        print(f"BINANCE_REST_URL={exchange.rest_url}", flush=True)
        try:
            exchange.finished.wait()
            print("played to the end; still serving, stop with Ctrl+C", flush=True)
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.exit(0)


if __name__ == "__main__":
    main()
