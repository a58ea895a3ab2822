"""Limits on how often one address may ask over HTTP."""

import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request
from flask_limiter import Limiter, RequestLimit
from limits.storage import Storage, storage_from_string

from backend.api.counters import SCHEME, SHARED_SCHEME, BoundedCounters, SharedCounters
from backend.api.errors import error_response
from backend.http.addresses import network_of
from backend.journal.connection import options
from backend.protocol import RATE_LIMITED

# For the routes that need no token. A dashboard asks a few times a minute; this leaves room for
# an office behind one address, and answers stay under 1 % of a core.
PUBLIC_LIMIT = "1200/minute"
PUBLIC_SCOPE = "public"

# A limit that takes longer to look up than this is counted in memory instead.
# Two lookups, of which each connects first: a login waits for two seconds at most, once.
REDIS_TIMEOUT_S = 0.5


# What a refusal is counted under, whichever the route.
PER_ADDRESS = "requests_per_address"


def create_limiter(app: Flask, redis_url: str, on_refused: Callable[[str], None]) -> Limiter:
    """A limiter for `app`, counting in Redis where several processes share one, else in memory;
    `on_refused` is told which limit somebody ran into.

    Nothing is limited by default; use `limit` on views or `shared_limit` on blueprints. A breach
    is answered 429 in the one error shape, with `Retry-After` in seconds.
    """
    storage: Any = {"shared": _shared_storage(redis_url)} if redis_url else {}

    def breached(limit: RequestLimit) -> Response:
        on_refused(PER_ADDRESS)
        return too_many_requests(max(1, limit.reset_at - int(time.time())))

    return Limiter(
        client_network,
        app=app,
        # One counter a key: moving windows would keep a timestamp for each request.
        strategy="fixed-window",
        storage_uri=f"{SHARED_SCHEME if redis_url else SCHEME}://",
        storage_options=storage,
        on_breach=breached,
    )


def create_counters(redis_url: str) -> BoundedCounters | SharedCounters:
    """Counters for limits that no decorator can express, kept where the limiter keeps its own."""
    if not redis_url:
        return BoundedCounters()
    return SharedCounters(shared=_shared_storage(redis_url))


def client_network() -> str:
    """Whom a request counts against: its IPv4 address, or the /64 of its IPv6 address."""
    return network_of(request.remote_addr or "")


def too_many_requests(seconds: int) -> Response:
    """429, with how long to wait."""
    response = error_response(RATE_LIMITED, f"Too many requests; try again in {seconds} s", 429)
    response.headers["Retry-After"] = str(seconds)
    return response


def _shared_storage(redis_url: str) -> Storage:
    # Typed as if they were all text.
    deadline: Any = options(REDIS_TIMEOUT_S)
    storage = storage_from_string(redis_url.replace("unix://", "redis+unix://", 1), **deadline)
    assert isinstance(storage, Storage)  # the library has asynchronous ones, too
    return storage
