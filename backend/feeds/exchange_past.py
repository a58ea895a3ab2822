"""An exchange's candles of the past, among the requests that repair the present."""

from collections.abc import Callable

from backend.feeds.backfill import REJECTED_RETRY_S, Backfill
from backend.feeds.base import PastUnavailable
from backend.feeds.rest import RestClient, RestError, RestLimited, RestRejected
from backend.market.models import OPEN_TIME, CandleArray

# After the past could not be had; nobody waits for it.
PAST_RETRY_S = 30.0

# (client, symbol, interval, limit, before_ms) -> as `WebSocketFeed.fetch_past`.
FetchPast = Callable[[RestClient, str, str, int, int], CandleArray]


class ExchangePast:
    """Asks with a client of its own, when it is its turn. For one task at a time."""

    def __init__(self, fetch: FetchPast, client: RestClient, backfill: Backfill) -> None:
        self._fetch = fetch
        self._client = client
        self._backfill = backfill

    def before(self, symbol: str, interval: str, before_ms: int, limit: int) -> CandleArray:
        """As `Feed.past`."""
        if not self._backfill.wait_for_turn():
            raise PastUnavailable("the feed has stopped", PAST_RETRY_S)
        try:
            found = self._fetch(self._client, symbol, interval, limit, before_ms)
        except RestRejected as error:
            raise PastUnavailable(str(error), REJECTED_RETRY_S) from error
        except RestLimited as error:
            self._backfill.pause(error.retry_after)
            raise PastUnavailable(str(error), error.retry_after) from error
        except (RestError, ValueError) as error:
            raise PastUnavailable(str(error), PAST_RETRY_S) from error
        older: CandleArray = found[found[:, OPEN_TIME] < before_ms]
        return older

    def cut(self) -> None:
        """From another task: make the request under way, and all later ones, fail at once."""
        self._client.cut()

    def close(self) -> None:
        """Give the connection up."""
        self._client.close()
