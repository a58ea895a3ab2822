"""Orders to the other processes, through a Redis stream that all of them write and read.

A stream and not pub/sub: what was said while a process could not listen is there when it can
again.
"""

import logging
from collections import deque
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

import msgpack

from backend import green
from backend.journal.connection import COMMAND_SECONDS, IDLE_SECONDS, OwnConnection, connect
from backend.metrics import Metrics

logger = logging.getLogger(__name__)

STREAM = "crs:orders"
# Some 200 bytes each. A process that was away for as many has missed some of them.
KEPT = 10_000
# Orders that wait for Redis; beyond it the oldest is dropped. Each may end 50 sessions.
WAITING_MAX = 1_000
# Orders in one command to Redis, or one answer of it.
AT_ONCE = 100


class RedisOrders:
    """Orders that cross Redis. `send` and `read` are for two background tasks: each speaks with
    Redis for some seconds, and may raise `RedisFailed`."""

    def __init__(self, url: str, me: str, metrics: Metrics) -> None:
        """`me` is a name that no other process has."""
        self._me = me
        self._metrics = metrics
        self._redis = connect(url)
        # One that waits for news has a connection of its own.
        self._news = OwnConnection(url, IDLE_SECONDS + COMMAND_SECONDS)
        self._handlers: dict[str, Callable[..., object]] = {}
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._being_sent: list[tuple[str, bytes]] = []
        self._given = Event()
        self._place: str | bytes | None = None
        self._failed: set[str] = set()

    def give(self, kind: str, **facts: object) -> None:
        """Have all other processes do something, as soon as Redis takes it."""
        if len(self._waiting) >= WAITING_MAX:
            self._waiting.popleft()
            self._count("dropped")
        self._waiting.append((kind, msgpack.packb(facts)))
        self._given.set()

    def on(self, kind: str, handler: Callable[..., object]) -> None:
        """Call `handler(**facts)` for each order of a kind that another process gives."""
        self._handlers[kind] = handler

    def send(self) -> None:
        """Send what waits, or wait a little for something. What Redis did not say that it took is
        sent again the next time."""
        if not self._being_sent and not self._waiting:
            self._given.wait(IDLE_SECONDS)
        self._given.clear()
        while self._being_sent or self._waiting:
            while self._waiting and len(self._being_sent) < AT_ONCE:
                self._being_sent.append(self._waiting.popleft())
            pipeline = self._redis.pipeline(transaction=False)
            for kind, facts in self._being_sent:
                entry = {"from": self._me, "kind": kind, "facts": facts}
                pipeline.xadd(STREAM, entry, maxlen=KEPT)
            pipeline.execute()
            self._count("sent", len(self._being_sent))
            self._being_sent = []

    def read(self) -> None:
        """Do what others have ordered since the last time, or wait a little for something; the
        first time, find out from where on. What was ordered before this process was there is not
        for it."""
        if self._place is None:
            newest = self._news.client.xrevrange(STREAM, count=1)
            self._place = newest[0][0] if newest else "0-0"
        streams = self._news.client.xread(
            {STREAM: self._place}, count=AT_ONCE, block=round(IDLE_SECONDS * 1000)
        )
        for _, page in streams or ():
            for place, order in page:
                # First of all: one that fails would fail again.
                self._place = place
                if order.get(b"from") != self._me.encode():
                    self._obey(order)
                    green.pause()

    def _obey(self, order: Mapping[bytes, bytes]) -> None:
        kind = order.get(b"kind", b"").decode(errors="replace")
        handler: Any = self._handlers.get(kind)
        if handler is None:
            # Of a newer version than this one; a rolling restart runs both.
            self._count("unknown")
            return
        try:
            handler(**msgpack.unpackb(order[b"facts"]))
            self._count("done")
        except Exception:
            self._count("failed")
            if kind not in self._failed:
                self._failed.add(kind)
                logger.exception("An order to %s failed", kind)

    def _count(self, fate: str, orders: int = 1) -> None:
        self._metrics.orders.labels(fate).inc(orders)
