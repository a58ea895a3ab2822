"""The gate before the stream: who may open another session, told by the address alone.

WSGI, around the whole application, so that it is the same before both engines; a refusal is HTTP's
429, before any upgrade, or 503 for everybody while the process starts or ends.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from math import ceil
from typing import Any
from urllib.parse import parse_qs

import orjson

from backend.api.headers import SECURITY_HEADERS
from backend.clock import MINUTE_MS, Clock
from backend.http.addresses import network_of
from backend.journal.census import ADDRESSES, ATTEMPTS_IN_MINUTE, Census
from backend.journal.counts import Counts
from backend.protocol import RATE_LIMITED, TOO_MANY_CONNECTIONS, UNAVAILABLE
from backend.streaming.limits import (
    ADDRESSES_MAX,
    ATTEMPTS,
    ATTEMPTS_PER_MINUTE,
    FULL,
    PER_ADDRESS,
    Rate,
)

STREAM_PATH = "/socket.io"
# A session of the address has to end first, which nobody can foretell.
RETRY_AFTER_SECONDS = 10
# While a process starts or ends another may serve, or soon this one or the next in its place.
CLOSED_RETRY_AFTER_SECONDS = 1
_ATTEMPT_RATE = Rate(ATTEMPTS_PER_MINUTE / 60, ATTEMPTS_PER_MINUTE)
_TOO_MANY = "429 Too Many Requests"

Environ = dict[str, Any]
Headers = list[tuple[str, str]]


class StreamGate:
    """Counts the sessions and the attempts of each address, and refuses those beyond a limit: its
    own as they come, and with those that other processes tell of."""

    def __init__(
        self,
        per_address: int,
        census: Census,
        clock: Clock,
        on_refused: Callable[[str], None],
        is_open: Callable[[], bool] = lambda: True,
    ) -> None:
        """`per_address`: sessions at once; 0 is no limit. `on_refused` is told which limit. While
        it is not `is_open` nobody may open a session."""
        self._per_address = per_address
        self._is_open = is_open
        self._census = census
        self._clock = clock
        self._on_refused = on_refused
        self._networks: dict[str, str] = {}
        self._sessions = Counts()
        self._attempts: OrderedDict[str, float] = OrderedDict()
        self._minute = 0
        self._in_minute = Counts()
        if per_address:
            census.tell(ADDRESSES, lambda: self._sessions, per_address)
        census.tell(ATTEMPTS_IN_MINUTE, lambda: self._in_minute, ATTEMPTS_PER_MINUTE)

    def opened(self, eio_sid: str, environ: Environ) -> None:
        """A session has begun."""
        network = self._networks[eio_sid] = network_of(environ.get("REMOTE_ADDR", ""))
        self._sessions.add(network)

    def closed(self, eio_sid: str) -> None:
        """A session has ended."""
        network = self._networks.pop(eio_sid, None)
        if network is not None:
            self._sessions.remove(network)

    def around(self, app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        """The application behind this gate."""

        def gated(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
            if not environ["PATH_INFO"].startswith(STREAM_PATH):
                return app(environ, start_response)

            def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
                return start_response(status, [*headers, *SECURITY_HEADERS.items()], exc_info)

            if "sid" not in parse_qs(environ["QUERY_STRING"]):
                refusal = self._refusal(environ)
                if refusal is not None:
                    status, code, message, seconds = refusal
                    body = orjson.dumps({"error": {"code": code, "message": message}})
                    head = [("Content-Type", "application/json"), ("Retry-After", str(seconds))]
                    start(status, [*head, ("Connection", "close")])
                    return [body]
            return app(environ, start)

        return gated

    def _refusal(self, environ: Environ) -> tuple[str, str, str, int] | None:
        """Status, code, message, and the seconds after which to come back; None where a session may
        be opened."""
        if not self._is_open():
            message = "The server is starting or shutting down"
            return "503 Service Unavailable", UNAVAILABLE, message, CLOSED_RETRY_AFTER_SECONDS
        network = network_of(environ.get("REMOTE_ADDR", ""))
        if self._per_address and self._together(network) >= self._per_address:
            self._on_refused(PER_ADDRESS)
            message = "Too many connections from this address"
            return _TOO_MANY, TOO_MANY_CONNECTIONS, message, RETRY_AFTER_SECONDS
        wait = self._wait_for_all(network) or self._attempt(network)
        if wait:
            self._on_refused(ATTEMPTS)
            return _TOO_MANY, RATE_LIMITED, "Too many attempts from this address", ceil(wait)
        return None

    def _together(self, network: str) -> int:
        return self._sessions[network] + self._census.others(ADDRESSES, network)

    def _wait_for_all(self, network: str) -> float:
        """Count an attempt in the clock's minute, which is the same in all processes; or, where
        they have had as many as one may, the seconds to the next minute."""
        minute, passed_ms = divmod(self._clock.now_ms(), MINUTE_MS)
        if minute != self._minute:
            self._minute, self._in_minute = minute, Counts()
        key = f"{minute} {network}"
        others = self._census.others(ATTEMPTS_IN_MINUTE, key)
        if others and self._in_minute[key] + others >= ATTEMPTS_PER_MINUTE:
            return (MINUTE_MS - passed_ms) / 1000
        if len(self._in_minute) < ADDRESSES_MAX:
            self._in_minute.add(key)
        return 0.0

    def _attempt(self, network: str) -> float:
        """Count an attempt and return 0; or, where it is one too many, the seconds to wait."""
        now = self._clock.monotonic()
        full_at = self._attempts.pop(network, FULL)
        wait = _ATTEMPT_RATE.wait(full_at, now)
        self._attempts[network] = full_at if wait else _ATTEMPT_RATE.spent(full_at, now)
        if len(self._attempts) > ADDRESSES_MAX:
            self._attempts.popitem(last=False)
        return wait
