"""A small JSON-over-HTTP client for the REST side of an exchange, one per worker.

The standard library's client on a `Wire`, so that a request under way can be cut off at once,
which `requests` has no way to do.
"""

import http.client
import math
import ssl
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from backend.clock import Clock
from backend.feeds.json_stream import json_items
from backend.feeds.wire import SECURE_SCHEMES, Wire

# For connecting and for each read; the answer as a whole has to be there in twice that.
TIMEOUT_S = 10.0
# 1,000 klines are 170 KB.
BODY_MAX_BYTES = 4 * 1024 * 1024
# All that an exchange lists, of which a filter that it does not know would leave nothing out.
LONG_BODY_MAX_BYTES = 24 * 1024 * 1024
# What is waited where an exchange limits us and doesn't say for how long; and the longest that is
# believed (a ban by Binance lasts up to three days).
RETRY_AFTER_DEFAULT_S = 60.0
RETRY_AFTER_MAX_S = 3 * 86_400.0

# Coinbase refuses requests that don't say from whom they are.
HEADERS = {"Accept": "application/json", "User-Agent": "crs"}

OK, BAD_REQUEST, NOT_FOUND, BANNED, TOO_MANY_REQUESTS = 200, 400, 404, 418, 429
# How an exchange says that it does not serve the country that a request comes from.
UNAVAILABLE_HERE = 451


class RestError(Exception):
    """A request failed. Ask again later, after longer and longer pauses."""


class RestRejected(RestError):
    """The exchange understood and refused. The same request won't do better soon."""


class RestLimited(RestError):
    """Too many requests. Send none at all for `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def retry_after_seconds(headers: Mapping[str, str]) -> float:
    """The seconds of a Retry-After header, within bounds; the default where it has none."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return RETRY_AFTER_DEFAULT_S
    if not math.isfinite(seconds):
        return RETRY_AFTER_DEFAULT_S
    return min(max(seconds, 0.0), RETRY_AFTER_MAX_S)


class RestClient:
    """Keeps one connection to `base_url` alive between requests. Not for two tasks at once.

    `refusals` are the statuses by which the exchange refuses what is asked for.
    """

    def __init__(
        self, base_url: str, clock: Clock, tls: ssl.SSLContext, refusals: Container[int]
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._clock = clock
        self._refusals = refusals
        self._wire = Wire(tls)
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str, query: Mapping[str, str | int]) -> tuple[Any, Mapping[str, str]]:
        """The decoded JSON body and the headers (names in lower case). Raises RestError."""
        body, headers = self.fetch(path, query)
        try:
            return orjson.loads(body), headers
        except orjson.JSONDecodeError as error:
            raise RestError("the answer is not JSON") from error

    def items(
        self, path: str, query: Mapping[str, str | int], prefix: str, pause: Callable[[], object]
    ) -> Iterator[dict[str, Any]]:
        """The objects at `prefix` of a long answer, as `json_items` has them. Raises RestError, and
        ValueError on the way."""
        body, _ = self.fetch(path, query, LONG_BODY_MAX_BYTES)
        return json_items([body], prefix, pause)

    def fetch(
        self, path: str, query: Mapping[str, str | int], most: int = BODY_MAX_BYTES
    ) -> tuple[bytes, Mapping[str, str]]:
        """The body, of so many bytes at most, and the headers. Raises RestError."""
        target = f"{urlsplit(self._base_url).path}{path}?{urlencode(query)}"
        try:
            status, headers, body = self._exchange(target, most)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise RestError(f"{type(error).__name__}: {error}") from error
        if status in (TOO_MANY_REQUESTS, BANNED):
            raise RestLimited(f"HTTP {status}", retry_after_seconds(headers))
        if status in self._refusals:
            raise RestRejected(f"HTTP {status}: {body[:200].decode('utf-8', 'replace')}")
        if status != OK:
            raise RestError(f"HTTP {status}")
        return body, headers

    def _exchange(self, target: str, most: int) -> tuple[int, Mapping[str, str], bytes]:
        connection = self._connection or self._connect()
        deadline = self._clock.monotonic() + 2 * TIMEOUT_S
        connection.request("GET", target, headers=HEADERS)
        response = connection.getresponse()
        chunks, size = [], 0
        while chunk := response.read1(65_536):
            chunks.append(chunk)
            size += len(chunk)
            if size > most:
                raise OSError("the answer is too large")
            if self._clock.monotonic() > deadline:
                raise TimeoutError("the answer takes too long")
        response.close()  # gives the connection free for the next request
        if response.will_close:
            self.close()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, b"".join(chunks)

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self._base_url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        connection.auto_open = 0  # else it would open a socket of its own, that nobody can cut
        if parts.scheme in SECURE_SCHEMES:
            connection.default_port = http.client.HTTPS_PORT  # for the Host header
        connection.sock = self._wire.open(self._base_url, TIMEOUT_S)
        self._connection = connection
        return connection

    def close(self) -> None:
        """Give the connection up; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._wire.close()
            self._connection = None

    def cut(self) -> None:
        """From another task: make the request under way, and all later ones, fail at once."""
        self._wire.cut()
