"""The way out: every event is counted here, and those of no market get their shape here.

Knows no socket: it is given the function that puts an event on the wire.
"""

from collections.abc import Callable

from backend.clock import Clock, iso
from backend.fanout.wire.pieces import Pieces, Sent
from backend.market.state import MarketState
from backend.metrics import Metrics
from backend.protocol import (
    ACCEPTED_ROOM,
    AUTH_ERROR,
    CONNECTION_STATUS,
    ERROR,
    RATE_LIMITED,
    VERSION,
    AuthFailure,
    Payload,
)
from backend.streaming.feed_status import feed_status
from backend.streaming.limits import Refusal
from backend.streaming.sessions import Session, Sessions
from backend.streaming.subscriptions import Basket


class Outlet:
    """Sends events to rooms and to single connections, whose id is a room of one."""

    def __init__(
        self,
        put: Callable[[str, Payload, str, str | None], None],
        put_joined: Callable[[str, Pieces, list[Basket]], Sent],
        market: MarketState,
        sessions: Sessions,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """`put` sends an event with its payload, and its place, to a room, `put_joined` each
        basket's room its own part of the pieces, and says how many events that were."""
        self._put = put
        self._put_joined = put_joined
        self._market = market
        self._sessions = sessions
        self._clock = clock
        self._metrics = metrics

    def emit(
        self, event: str, payload: Payload, room: str, receivers: int, place: str | None = None
    ) -> None:
        """Send an event to a room that `receivers` connections are in. `place` is for those of them
        that asked for recovery."""
        self._metrics.emits.add(event)
        self._metrics.deliveries.add(event, receivers)
        self._put(event, payload, room, place)

    def emit_joined(self, event: str, pieces: Pieces, baskets: list[Basket]) -> int:
        """Send each basket's room those of `pieces` that it names; to how many connections. May
        yield."""
        sent = self._put_joined(event, pieces, baskets)
        self._metrics.emits.add(event, sent.events)
        self._metrics.deliveries.add(event, sent.deliveries)
        return sent.deliveries

    def send(self, sid: str, event: str, payload: Payload, place: str | None = None) -> None:
        """Send an event to one connection."""
        self.emit(event, payload, sid, 1, place)

    def announce(self, event: str, payload: Payload, place: str | None = None) -> None:
        """Send an event to every accepted connection."""
        if len(self._sessions):
            self.emit(event, payload, ACCEPTED_ROOM, len(self._sessions), place)

    def announce_status(self, status: str, message: str) -> None:
        """Send a `connection_status` to every accepted connection."""
        self.announce(CONNECTION_STATUS, self._status(status, message))

    def send_status(self, session: Session, status: str, message: str) -> Payload:
        """Send a connection its `connection_status`; returns what was sent."""
        payload = self._status(status, message)
        if session.user_id is not None:
            payload["user_id"] = session.user_id
        self.send(session.sid, CONNECTION_STATUS, payload)
        return payload

    def send_error(self, sid: str, event: str, code: str, message: str, **more: int) -> Payload:
        """Say that a request can't be served; returns what acknowledges it."""
        self._metrics.client_errors.labels(code).inc()
        payload = {"code": code, "message": message, "event": event, **more}
        self.send(sid, ERROR, payload)
        return {"error": payload}

    def send_limit(self, sid: str, event: str, refusal: Refusal) -> Payload:
        """Say that a request is one too many, and when it would not be."""
        self.count_refusal(refusal.limit)
        seconds = refusal.retry_after_ms / 1000
        message = f"Too many requests; try again in {seconds:.1f} s"
        more = {"retry_after_ms": refusal.retry_after_ms}
        return self.send_error(sid, event, RATE_LIMITED, message, **more)

    def count_refusal(self, limit: str) -> None:
        """Something ran into a limit."""
        self._metrics.refusals.labels(limit).inc()

    def send_refusal(self, sid: str, failure: AuthFailure) -> None:
        """Say why a token is refused."""
        self._metrics.auth_failures.labels(failure.code).inc()
        payload = {"error": failure.error, "code": failure.code, "timestamp": self.now()}
        self.send(sid, AUTH_ERROR, payload)

    def now(self) -> str:
        """The present time as clients see it."""
        return iso(self._clock.now_ms())

    def _status(self, status: str, message: str) -> Payload:
        feed = self._market.feed_state
        return {
            "status": status,
            "message": message,
            "timestamp": self.now(),
            "server": VERSION,
            "feed": feed.name,
            "feed_state": feed.state,
            "feed_status": feed_status(self._market),
        }
