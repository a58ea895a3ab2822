"""Loads the past of a source, as far back as it gives it: in the background, page by page."""

import logging
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backend.clock import DAY_MS, Clock
from backend.feeds.base import Feed, PastUnavailable
from backend.history.archive import Archive
from backend.history.looks import Looks
from backend.history.series import known_since, up_to
from backend.history.transaction import AllSeries
from backend.market.candles import BASE_INTERVAL, INTERVALS
from backend.market.market import Market
from backend.market.models import OPEN_TIME, CandleArray
from backend.market.validation import usable_candles
from backend.metrics import Metrics
from backend.offload import Offload, Overloaded
from backend.storage.faults import StorageUnavailable

logger = logging.getLogger(__name__)

# Minutes are loaded for so long; hours and days as far as the source has them.
MINUTES_MS = 7 * DAY_MS
# How often it is looked whether there is something to load: at first, until there are minutes to
# begin from, and at last; in between each pause is so much longer than the one before, so that what
# comes is found after a quarter of the time that it took.
FIRST_LOOK_S = 0.1
LOOK_S = 10.0
LONGER = 1.25
# What a feed has at hand is waited for as long at a first start: some twice what 20 symbols take.
AT_HAND_S = 4.0
AT_HAND_LOOK_S = 0.05
# Whom nobody looks at any more has nothing ahead of others after some of these.
FADE_S = 60.0
# After an answer that can't be believed, and after a database that could not be written to.
RETRY_S = 30.0


@dataclass(frozen=True, slots=True)
class Page:
    """What is to be asked for next of one series."""

    symbol: str
    interval: str
    before_ms: int


class DeepHistory:
    """Asks a feed for what comes before what is known, until it has no more.

    All symbols are gone through together, the newest candles first; those that are looked at go
    ahead. What has been loaded is in the database, so a restart goes on where the last run ended.
    """

    def __init__(
        self,
        feed: Feed,
        market: Market,
        archive: Archive,
        offload: Offload,
        looks: Looks,
        sleep: Callable[[float], None],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._feed = feed
        self._market = market
        self._archive = archive
        self._offload = offload
        self._looks = looks
        self._sleep = sleep
        self._clock = clock
        self._metrics = metrics
        self._pages: Counter[tuple[str, str]] = Counter()  # that were loaded in this run
        self._not_before: dict[str, float] = {}
        self._fade_at = clock.monotonic() + FADE_S
        self._told = False
        self._stopped = False
        # Whether more of the past may be there in a moment.
        self._is_coming = True
        self._at_hand_until = clock.monotonic() + AT_HAND_S

    def run(self) -> None:
        """Load until `stop`; the body of a background task. Ends at once where a feed has no
        past."""
        pause = FIRST_LOOK_S
        while any(self._feed.sources.values()) and not self._stopped:
            # Of several sources that of the one that speaks now, whoever speaks when it is there.
            feed = self._feed.present
            page = self._next(feed)
            if page is None:
                self._sleep(pause)
                pause = min(LONGER * pause, LOOK_S)
            else:
                self._load(feed, page)
                self._sleep(feed.past_pause_s)
                pause = FIRST_LOOK_S

    def stop(self) -> None:
        """Load no more after the present page."""
        self._stopped = True

    def wait_for_what_is_at_hand(self) -> None:
        """Wait until the past is there as far as the feed has it at hand, a few seconds at most:
        who reads it before that delays it, and reads it twice."""
        while self._is_coming and self._feed.present.past_at_hand and not self._stopped:
            if self._clock.monotonic() >= self._at_hand_until:
                self._is_coming = False
            else:
                self._sleep(AT_HAND_LOOK_S)

    def pages(self, symbol: str) -> int:
        """How many pages of a symbol's past were loaded in this run."""
        return sum(count for (name, _interval), count in self._pages.items() if name == symbol)

    # --- within ---------------------------------------------------------------------------------

    def _next(self, feed: Feed) -> Page | None:
        """The page that is wanted most; None: there is none to be asked for now."""
        if not feed.past_intervals:
            return None
        try:
            series = self._offload.read_candles(self._archive.series, feed.name)
        except (StorageUnavailable, Overloaded):
            self._is_coming = False
            return None
        now = self._clock.monotonic()
        if now >= self._fade_at:
            self._fade_at = now + FADE_S
            self._looks.fade()
        self._is_coming = self._is_coming and not self._is_whole(series, feed)
        best, best_rank = None, (math.inf, 0, 0)
        for symbol in self._market.symbols:
            if now < self._not_before.get(symbol, 0.0) or (symbol, BASE_INTERVAL) not in series:
                continue
            for order, interval in enumerate(feed.past_intervals):
                looks = self._looks.of(symbol)
                rank = (self._pages[symbol, interval] / (1 + looks), -looks, order)
                if rank < best_rank and (page := self._page(series, symbol, interval)):
                    best, best_rank = page, rank
        return best

    def _is_whole(self, series: AllSeries, feed: Feed) -> bool:
        each = ((symbol, name) for symbol in self._market.symbols for name in feed.past_intervals)
        return all(key in series and series[key].exhausted for key in each)

    def _page(self, series: AllSeries, symbol: str, interval: str) -> Page | None:
        own, base = series[symbol, interval], series[symbol, BASE_INTERVAL]
        if own.exhausted or base.since_ms is None or base.until_ms is None:
            return None
        before = own.since_ms
        if before is None:
            minutes = known_since({BASE_INTERVAL: base}, BASE_INTERVAL)
            before = int(up_to(minutes, interval))
        if interval == BASE_INTERVAL and before <= base.until_ms - MINUTES_MS:
            return None
        return Page(symbol, interval, before)

    def _load(self, feed: Feed, page: Page) -> None:
        try:
            candles = feed.past(page.symbol, page.interval, page.before_ms, feed.past_page)
            if not self._stopped:
                believed = _believed(candles, page)
                self._offload.write_candles(
                    self._archive.write_past,
                    feed.name,
                    page.symbol,
                    page.interval,
                    believed,
                    # Of a page that is all quiet nothing is kept, and there is more before it.
                    int(candles[0, OPEN_TIME]) if len(candles) else None,
                    feed.past_intervals,
                )
        except PastUnavailable as error:
            self._failed(page, "asking", error, error.retry_after_s)
        except (StorageUnavailable, Overloaded, ValueError) as error:
            self._failed(page, "loading", error, RETRY_S)
        else:
            self._pages[page.symbol, page.interval] += 1

    def _failed(self, page: Page, what: str, error: Exception, retry_s: float) -> None:
        self._is_coming = False
        self._not_before[page.symbol] = self._clock.monotonic() + retry_s
        self._metrics.history_failures.labels(what).inc()
        if not self._told:
            self._told = True
            logger.warning(
                "The past of %s can't be had now: %s; counted, logged once", page.symbol, error
            )


def _believed(candles: CandleArray, page: Page) -> CandleArray:
    """The candles but for quiet ones, if they are what was asked for. Raises ValueError."""
    usable, faults = usable_candles(candles)
    if faults:
        raise ValueError(f"candles can't be used: {', '.join(faults)}")
    times = candles[:, OPEN_TIME]
    if (np.diff(times) <= 0).any() or (times % INTERVALS[page.interval]).any():
        raise ValueError("candles are not those of the interval, in order of time")
    if len(times) and times[-1] >= page.before_ms:
        raise ValueError("candles are newer than was asked for")
    return usable
