"""Keeps the analysis up with the market, and remembers what was published of it.

Everything published has an id and is kept, so that a client that asks for the current signal gets
the very one that the others were sent.
"""

from collections import deque
from collections.abc import Callable, Iterable
from uuid import uuid4

from backend.analysis.sentiment import KEPT_MINUTES, SentimentEngine
from backend.analysis.signals import SignalEngine
from backend.clock import iso
from backend.market.market import Market
from backend.market.models import Assessment, Sentiment
from backend.protocol import Payload
from backend.streaming.candle_inbox import CandleInbox

# A signal that has not changed is published again once the last one is older than this.
SIGNAL_MAX_AGE_S = 60.0
# Both engines are rebuilt from this much: what the sentiment reads, which is far more than the
# slowest moving average remembers.
HISTORY_CANDLES = KEPT_MINUTES + 1
# What the REST calls can answer: some 100 minutes of a symbol that does not change, 20 MB with
# the largest number of symbols; of all symbols together the newest; a day of sentiment minutes.
SIGNALS_KEPT_PER_SYMBOL = 100
SIGNALS_KEPT = 1_000
SENTIMENTS_KEPT = 24 * 60
# Of the day before the process began, read off the feed's history: a point each quarter of an hour,
# 1 ms each.
RECALLED_STEP_MINUTES = 15
RECALLED = 24 * 60 // RECALLED_STEP_MINUTES
# The history shows this much minute by minute: with a day of quarters about 60 KB of JSON.
DENSE_MINUTES = 60


def random_id() -> str:
    """An id that no other process or run gives."""
    return uuid4().hex


class _Desk:
    """One symbol's engine, and what was published of it."""

    def __init__(self, symbol: str) -> None:
        self.engine = SignalEngine(symbol)
        self.published: deque[Payload] = deque(maxlen=SIGNALS_KEPT_PER_SYMBOL)
        # Monotonic seconds; None until the first cycle after a signal was published for a snapshot.
        self.published_at: float | None = None


class Analyst:
    """Signals of each symbol and the sentiment of all, from a `Market`.

    The work is done by whoever asks. `pause` is called between
    symbols when several are rebuilt, about 1.5 ms each, so that others get a turn.
    """

    def __init__(
        self,
        market: Market,
        symbols: Iterable[str],
        new_id: Callable[[], str] = random_id,
        pause: Callable[[], object] = lambda: None,
    ) -> None:
        self._market = market
        self._new_id = new_id
        self._pause = pause
        self._desks = {symbol: _Desk(symbol) for symbol in symbols}
        self._sentiment = SentimentEngine(tuple(self._desks))
        self._signals: deque[Payload] = deque(maxlen=SIGNALS_KEPT)
        self._sentiments: deque[Payload] = deque(maxlen=SENTIMENTS_KEPT)
        self._recalled: list[Payload] = []
        self._recall_due = False
        self._reading: Sentiment | None = None
        self._inbox = CandleInbox(market, self._desks, HISTORY_CANDLES)

    def close(self) -> None:
        """Stop listening to the market."""
        self._inbox.close()

    def signal(self, symbol: str) -> Payload | None:
        """The symbol's current signal, published now if there was none.

        None for a symbol that is not followed, and before there is enough data.
        """
        desk = self._desks.get(symbol)
        if desk is None:
            return None
        if desk.published:
            return desk.published[-1]
        self._catch_up(symbol, desk)
        assessment = self._assess(symbol, desk)
        return self._publish(desk, assessment) if assessment else None

    def cycle(self, now_monotonic: float) -> list[Payload]:
        """Publish and return what is due now.

        That is one signal for each symbol whose level or reason changed, or whose last one is over
        `SIGNAL_MAX_AGE_S` old. `now_monotonic` is in seconds.
        """
        self._refresh()
        due = []
        for symbol, desk in self._desks.items():
            assessment = self._assess(symbol, desk)
            if assessment and self._is_due(desk, assessment, now_monotonic):
                due.append(self._publish(desk, assessment))
                desk.published_at = now_monotonic
        return due

    def recent_signals(self, symbol: str | None = None, limit: int = 50) -> list[Payload]:
        """The newest published signals of one symbol or of all, newest first."""
        if symbol is None:
            return _newest(self._signals, limit)
        desk = self._desks.get(symbol)
        return _newest(desk.published, limit) if desk else []

    def sentiment(self) -> Payload | None:
        """The sentiment at the market's newest complete minute; None before there is enough data.

        It keeps its id until the next minute, or a late candle, changes it.
        """
        self._refresh()
        reading = self._sentiment.read()
        if reading is not None and reading != self._reading:
            if self._reading and self._reading.time_ms == reading.time_ms:
                self._sentiments.pop()
            self._reading = reading
            self._sentiments.append(self._sentiment_payload(reading))
        return self._sentiments[-1] if self._sentiments else None

    def sentiment_history(self, limit: int = SENTIMENTS_KEPT) -> list[Payload]:
        """The newest sentiments, newest first: one a minute for the last hour, a point each quarter
        of an hour before that, and before the first one published what `recall` has found."""
        published = _newest(self._sentiments, SENTIMENTS_KEPT)
        first = published[-1]["timestamp"] if published else ""
        quarters = (
            each
            for each in published[DENSE_MINUTES:]
            if int(each["timestamp"][14:16]) % RECALLED_STEP_MINUTES == 0
        )
        earlier = (each for each in self._recalled if each["timestamp"] < first)
        return [*published[:DENSE_MINUTES], *quarters, *earlier][:limit]

    def recall(self) -> None:
        """Read the sentiment of the past day off the feed's history, where that is new.

        A reading depends on candles before it only, so it is what would have been published then.
        `pause` is called between readings.
        """
        if not self._recall_due:
            return
        self._recall_due = False
        recalled = []
        for number in range(1, RECALLED + 1):
            reading = self._sentiment.past(number * RECALLED_STEP_MINUTES)
            if reading is None:
                break
            recalled.append(self._sentiment_payload(reading))
            self._pause()
        self._recalled = recalled

    def _refresh(self) -> None:
        for symbol, desk in self._desks.items():
            if self._catch_up(symbol, desk):
                self._pause()

    def _catch_up(self, symbol: str, desk: _Desk) -> bool:
        """Take in what has closed; whether the symbol was read anew, which takes a while."""
        history, candles = self._inbox.take(symbol)
        if history is not None:
            self._recall_due = True
            desk.engine.rebuild(history)
            self._sentiment.load(symbol, history)
        for candle in candles:
            desk.engine.update(candle)
            self._sentiment.update(symbol, candle)
        return history is not None

    def _assess(self, symbol: str, desk: _Desk) -> Assessment | None:
        return desk.engine.assess(self._market.forming(symbol), self._market.time_ms(symbol))

    def _is_due(self, desk: _Desk, assessment: Assessment, now: float) -> bool:
        if not desk.published:
            return True
        if desk.published_at is None:
            desk.published_at = now
        last = desk.published[-1]
        changed = (last["signal"], last["reason"]) != (assessment.level, assessment.reason)
        return changed or now - desk.published_at > SIGNAL_MAX_AGE_S

    def _publish(self, desk: _Desk, assessment: Assessment) -> Payload:
        payload = {
            "id": self._new_id(),
            "symbol": assessment.symbol,
            "signal": assessment.level.value,
            "strength": round(assessment.strength, 2),
            "reason": assessment.reason.value,
            "price": assessment.price,
            "score": round(assessment.score, 4),
            "timestamp": iso(assessment.time_ms),
        }
        desk.published.append(payload)
        self._signals.append(payload)
        return payload

    def _sentiment_payload(self, reading: Sentiment) -> Payload:
        return {
            "id": self._new_id(),
            "overall_sentiment": reading.overall,
            "market_fear_greed": round(reading.index),
            "market_mood": reading.mood,
            "confidence": round(reading.confidence, 2),
            "trending_topics": list(reading.trending_topics),
            "components": {name: round(score, 1) for name, score in reading.components.items()},
            "timestamp": iso(reading.time_ms),
        }


def _newest(published: deque[Payload], limit: int) -> list[Payload]:
    return [published[-i] for i in range(1, min(max(limit, 0), len(published)) + 1)]
