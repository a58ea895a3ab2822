"""Whether new clients are to be sent to this process.

Not the same as its health: while the feed is silent every process is degraded, but clients that are
connected are told so, and those that are not would be told nothing. So a load balancer asks
`/ready`, and people and alerts ask `/health`.
"""

from enum import StrEnum

from backend.market.state import MarketState


class NotReady(StrEnum):
    """Why no new client is to come."""

    STARTING = "starting"
    NO_MARKET = "no_market"
    DRAINING = "draining"


class Readiness:
    """Where a process stands between its start and its end."""

    def __init__(self, market: MarketState) -> None:
        self._market = market
        self._started = False
        self._has_market = False
        self._draining = False

    def start(self) -> None:
        """Everything runs."""
        self._started = True

    def drain(self) -> None:
        """The process ends, and takes nobody any more."""
        self._draining = True

    @property
    def open(self) -> bool:
        """Whether clients that come all the same are taken."""
        return self._started and not self._draining

    def reason(self) -> NotReady | None:
        """Why not; None where it is ready."""
        if self._draining:
            return NotReady.DRAINING
        if not self._started:
            return NotReady.STARTING
        # A price that was there once is there for good, so the symbols are looked through only
        # until one has a price.
        self._has_market = self._has_market or bool(self._market.quotes())
        return None if self._has_market else NotReady.NO_MARKET
