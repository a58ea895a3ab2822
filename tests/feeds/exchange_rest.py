"""The local exchange's REST side: klines, and answers as bad as a test asks for."""

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from tests.feeds.exchange_klines import Klines, longer

# How many rows a request gets at most, and when it names no limit.
KLINES_MAX, KLINES_DEFAULT = 1_000, 500


class Exchange(Protocol):
    """What is served. `rest_faults` are for the next requests, which `rest_queries` keeps; a
    request that hangs ends when `released` is set."""

    klines: Klines
    rest_faults: list[str]
    rest_queries: list[dict[str, str]]
    rest_weight: int
    released: threading.Event

    @property
    def now_ms(self) -> int: ...


class RestServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, exchange: Exchange, tls: ssl.SSLContext | None) -> None:
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
    server: RestServer

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
            exchange.released.wait()
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
        rows = longer(rows, query["interval"])
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
