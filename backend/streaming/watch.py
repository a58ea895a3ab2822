"""What only time brings: tokens that expire, a feed that falls silent or comes back."""

from collections.abc import Callable

from backend.clock import Clock
from backend.market.models import FeedState
from backend.market.state import MarketState
from backend.metrics import Metrics
from backend.protocol import (
    STATUS_FEED_CHANGED,
    STATUS_FEED_DEGRADED,
    STATUS_FEED_RESTORED,
    STATUS_TOKEN_EXPIRING,
    TOKEN_EXPIRED,
    AuthFailure,
)
from backend.streaming.outlet import Outlet
from backend.streaming.sessions import Sessions
from backend.streaming.subscriptions import Subscriptions

# How often to look: what is said of a token is late by no more than this.
WATCH_SECONDS = 0.5


class Watch:
    """Looks at tokens and the feed, tells clients of them, and keeps the gauges."""

    def __init__(
        self,
        out: Outlet,
        sessions: Sessions,
        subscriptions: Subscriptions,
        market: MarketState,
        refuse: Callable[[str, AuthFailure], None],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """`refuse` ends the connection with an id, and says why."""
        self._out = out
        self._sessions = sessions
        self._subscriptions = subscriptions
        self._market = market
        self._refuse = refuse
        self._clock = clock
        self._metrics = metrics
        self._feed_healthy = True
        self._feed_name = market.feed_state.name

    def look(self) -> None:
        """To be called every `WATCH_SECONDS`."""
        self._look_at_tokens()
        self._look_at_feed()
        self._metrics.connections.set(len(self._sessions))
        self._metrics.subscriptions.set(self._subscriptions.total())
        self._metrics.baskets.set(self._subscriptions.basket_count())

    def _look_at_tokens(self) -> None:
        now_ms = self._clock.now_ms()
        for session in self._sessions.expired(now_ms):
            self._refuse(session.sid, TOKEN_EXPIRED)
        for session in self._sessions.expiring(now_ms):
            self._out.send_status(
                session,
                STATUS_TOKEN_EXPIRING,
                "The access token expires soon; send a fresh one with authenticate",
            )

    def _look_at_feed(self) -> None:
        name = self._market.feed_state.name
        if name != self._feed_name:
            self._feed_name = name
            self._out.announce_status(STATUS_FEED_CHANGED, f"Prices are from {name} now")
        healthy = self._market.feed_state.state is FeedState.LIVE and not self._market.feed_stale()
        if healthy is not self._feed_healthy:
            self._feed_healthy = healthy
            if healthy:
                self._out.announce_status(STATUS_FEED_RESTORED, "The market feed is back")
            else:
                self._out.announce_status(
                    STATUS_FEED_DEGRADED, "The market feed delivers no fresh data"
                )
