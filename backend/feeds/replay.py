"""A feed that plays recordings, at any speed, in the recording's own time."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from backend.clock import HOUR_MS, MINUTE_MS, Clock
from backend.config import REPLAY_FEED_PREFIX
from backend.feeds.base import Feed, MarketSink
from backend.feeds.recording import ClosedCandle, History, MarketEvent, Touch, deliver
from backend.feeds.replay_files import Skipped, read_recording, recording_span
from backend.market.market import Market
from backend.market.models import OPEN_TIME, BookTop, FeedFacts, FeedState, Playback, Trade

# While it plays, the feed is alive however far apart its events are.
TOUCH_EVERY_S = 1.0
# Others get their turn after this much uninterrupted playing.
TURN_S = 0.001
# Behind by more than this (a speed beyond the machine's, or a machine that slept) the recording
# goes on from where it is instead of hurrying after.
LAG_MAX_S = 1.0
# A hole in the recording is waited out for this much of its time, and no more: it may be a lie.
HOLE_MAX_MS = HOUR_MS


class ReplayFeed(Feed):
    """Plays a file or a directory once, or in a loop; candles as closed ones at their close.

    Quotes carry the recording's times; nothing is invented between its events. At its end, when
    it doesn't loop, the feed says ENDED and falls silent. What can't be read is counted in
    `skipped` and passed over.
    """

    name = REPLAY_FEED_PREFIX.rstrip(":")
    begins_anew = True

    def __init__(
        self,
        path: Path,
        sink: MarketSink,
        clock: Clock,
        speed: float = 1.0,
        loop: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = path
        self._sink = sink
        self._clock = clock
        self._speed = speed
        self._loop = loop
        self._sleep = sleep
        self._stopped = False
        self._skipped = Skipped()
        self._passes = _Passes()
        self._played_ms = 0.0  # in the recording's own time
        self._turn_began = self._touched = clock.monotonic()

    @property
    def skipped(self) -> Counter[str]:
        """How many lines and files could not be read, by kind."""
        return self._skipped.counts

    def run(self) -> None:
        self._sink.set_feed_state(
            FeedState.LIVE, f"replay of {self._path.name} at {self._speed:g}x"
        )
        span = recording_span(self._path, lambda: self._wait_until(self._turn_began))
        begin_ms, end_ms = span or (None, None)
        playback = Playback(self._speed, self._loop, begin_ms, end_ms)
        self._sink.describe_feed(FeedFacts(playback=playback))
        detail = "the recording is over"
        passes = self._passes
        while not self._stopped:
            try:
                played = self._play(passes)
            except OSError as error:
                detail = f"the recording can't be read: {error.strerror}"
                break
            if not self._loop:
                break
            if not played or not passes.next():
                detail = "there is nothing to repeat in the recording"
                break
        if self._stopped:
            self._sink.set_feed_state(FeedState.STOPPED)
        else:
            self._sink.set_feed_state(FeedState.ENDED, detail)

    def stop(self) -> None:
        self._stopped = True

    def follow(self, symbol: str) -> None:
        """It is played in any case; what was played of it before is loaded as its history."""
        threading.Thread(
            target=self._catch_up, args=(symbol,), name=f"replay-{symbol}", daemon=True
        ).start()

    def unfollow(self, symbol: str) -> None:
        """What is played of it is for nobody."""

    def _catch_up(self, symbol: str) -> None:
        until_ms, passes = self._played_ms, self._passes
        behind = Market([symbol], self._clock, self.name)
        began = self._clock.monotonic()
        for due_ms, event in read_recording(self._path, Skipped(quiet=True)):
            if self._stopped or due_ms > until_ms:
                break
            if event is not None and event.symbol == symbol:
                deliver(passes.shifted(event), behind)
            if self._clock.monotonic() - began > TURN_S:
                self._sleep(0)
                began = self._clock.monotonic()
        self._sink.load_history(symbol, behind.closed_candles(symbol))

    def _play(self, passes: "_Passes") -> int:
        """Play once through; how many events there were."""
        played = 0
        pace = _Pace(self._clock, self._speed)
        for due_ms, event in read_recording(self._path, self._skipped):
            # A line without an event says nothing of when it is due: it is a chance of a turn.
            self._wait_until(self._turn_began if event is None else pace.due(due_ms))
            if self._stopped:
                break
            if event is not None:
                self._played_ms = due_ms
                deliver(passes.shifted(event), self._sink)
                played += 1
        return played

    def _wait_until(self, due: float) -> None:
        """Wait for an instant of the monotonic clock, or give others a turn when it is time."""
        while not self._stopped:
            now = self._clock.monotonic()
            if now - self._touched >= TOUCH_EVERY_S:
                self._touched = now
                self._sink.touch()
            if now >= due and now - self._turn_began < TURN_S:
                return
            self._sleep(min(max(0.0, due - now), TOUCH_EVERY_S))
            self._turn_began = self._clock.monotonic()


class _Pace:
    """When, on the monotonic clock, an instant of the recording is due."""

    def __init__(self, clock: Clock, speed: float) -> None:
        self._clock = clock
        self._ms_per_s = 1000 * speed
        self._due = clock.monotonic()
        self._due_ms: float | None = None

    def due(self, due_ms: float) -> float:
        step_ms = 0.0 if self._due_ms is None else due_ms - self._due_ms
        # Little disorder is played at once; after a leap back, time goes on from there.
        if self._due_ms is None or step_ms > 0 or step_ms < -HOLE_MAX_MS:
            self._due_ms = due_ms
        wait_s = min(max(step_ms, 0.0), HOLE_MAX_MS) / self._ms_per_s
        self._due = max(self._due + wait_s, self._clock.monotonic() - LAG_MAX_S)
        return self._due


class _Passes:
    """Shifts each further pass, so that neither time nor trade ids ever run backwards.

    The first pass is observed: a pass lasts from its first event's time to its last one's,
    rounded up to a minute.
    """

    def __init__(self) -> None:
        self._done = 0
        self._first_ms: int | None = None
        self._last_ms = 0
        self._ids: dict[str, tuple[int, int]] = {}

    def next(self) -> bool:
        """Begin a further pass; False if there was nothing that has a time."""
        self._done += 1
        return self._first_ms is not None

    def shifted(self, event: MarketEvent) -> MarketEvent:
        if not self._done:
            self._observe(event)
            return event
        assert self._first_ms is not None
        minutes = max(1, -(-(self._last_ms - self._first_ms) // MINUTE_MS))
        shift_ms = self._done * minutes * MINUTE_MS
        match event:
            case Trade(trade_id=int(trade_id)):
                first, last = self._ids[event.symbol]
                trade_id += self._done * (last - first + 1)
                return replace(event, time_ms=event.time_ms + shift_ms, trade_id=trade_id)
            case ClosedCandle(symbol, candle):
                return ClosedCandle(
                    symbol, replace(candle, open_time_ms=candle.open_time_ms + shift_ms)
                )
            case History(symbol, candles):
                # What lies before the recording's start is known better from the last pass.
                candles = candles[candles[:, OPEN_TIME] >= self._first_ms]
                candles[:, OPEN_TIME] += shift_ms
                return History(symbol, candles)
            case Touch(symbol, int(time_ms)):
                return Touch(symbol, time_ms + shift_ms)
            case BookTop() | Touch():
                return event
        return replace(event, time_ms=event.time_ms + shift_ms)

    def _observe(self, event: MarketEvent) -> None:
        match event:
            case ClosedCandle(candle=candle):
                first_ms, last_ms = candle.open_time_ms, candle.open_time_ms + MINUTE_MS
            case History() | BookTop() | Touch():
                return
            case _:
                first_ms = last_ms = event.time_ms
        if self._first_ms is None:
            self._first_ms = first_ms
        self._first_ms = min(self._first_ms, first_ms)
        self._last_ms = max(self._last_ms, last_ms)
        if isinstance(event, Trade) and event.trade_id is not None:
            first, last = self._ids.get(event.symbol, (event.trade_id, event.trade_id))
            self._ids[event.symbol] = min(first, event.trade_id), max(last, event.trade_id)
