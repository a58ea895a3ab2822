"""The local exchange's REST side: candles, and answers as bad as a test asks for."""

import json
import ssl
import threading
import time
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from tests.feeds.exchange_dialect import Answer, Dialect
from tests.feeds.exchange_klines import Klines, Row


class Exchange(Protocol):
    """What is served. `rest_faults` are for the next requests, which `rest_queries` keeps; a
    request that hangs ends when `released` is set. `rest_limit` are how many requests may come at
    once, and a second; None: as many as anybody likes."""

    dialect: Dialect
    klines: Klines
    rest_faults: list[str]
    rest_queries: list[dict[str, str]]
    rest_weight: int
    rest_limit: tuple[float, float] | None
    rest_limited: int
    released: threading.Event

    @property
    def now_ms(self) -> int: ...


class RestServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, exchange: Exchange, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _RestHandler)
        self.exchange = exchange
        self._bucket = 0.0
        self._filled_at = time.monotonic()
        self._lock = threading.Lock()
        if tls:
            self.socket = tls.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def serve(self) -> None:
        self.serve_forever(poll_interval=0.02)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may go at any time."""

    def over_limit(self) -> bool:
        """Whether this request is one too many, by the exchange's `rest_limit`."""
        if self.exchange.rest_limit is None:
            return False
        at_once, per_s = self.exchange.rest_limit
        with self._lock:
            now = time.monotonic()
            self._bucket = max(0.0, self._bucket - (now - self._filled_at) * per_s) + 1
            self._filled_at = now
            over = self._bucket > at_once
            self.exchange.rest_limited += over
            return over


class _RestHandler(BaseHTTPRequestHandler):
    """Faults: a status (`"503"`), `limit`, `truncated`, `garbage`, `lies`, `empty`, `hang`,
    `cut`."""

    protocol_version = "HTTP/1.1"
    server: RestServer

    def do_GET(self) -> None:
        exchange = self.server.exchange
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        fault = exchange.rest_faults.pop(0) if exchange.rest_faults else ""
        exchange.rest_queries.append({"path": parts.path, **query})
        if fault == "cut":
            self.close_connection = True
            return
        if fault == "hang":
            exchange.released.wait()
            self.close_connection = True
            return

        def rows_of(symbol: str) -> list[Row]:
            rows = exchange.klines.rows(symbol, exchange.now_ms, exchange.dialect.every_minute)
            if fault == "lies":
                for row in rows:  # whatever they are rolled up to
                    row[2] = Decimal(0)
            return [] if fault == "empty" else rows

        if fault.isdecimal():
            headers = {"Retry-After": "30"} if fault in ("418", "429") else {}
            self._answer(Answer({"message": "refused"}, int(fault), headers))
        elif fault == "limit" or self.server.over_limit():
            self._answer(exchange.dialect.limit())
        else:
            answer = exchange.dialect.listing(parts.path, exchange.klines.symbols)
            answer = answer or exchange.dialect.rest(parts.path, query, self.headers, rows_of)
            if fault == "garbage":
                answer = Answer({"surprise": True})
            self._answer(answer, cut_short=fault == "truncated")

    def _answer(self, answer: Answer, cut_short: bool = False) -> None:
        payload = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.send_header("X-MBX-USED-WEIGHT-1M", str(self.server.exchange.rest_weight))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload[: len(payload) // 2] if cut_short else payload)
        self.close_connection = self.close_connection or cut_short

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""
