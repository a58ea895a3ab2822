"""Reads the market, and says what follows from it: the signal of each symbol, the mood of all.

Only one process of those that share a stream does this; what it says is known from `Published`.
"""

from collections.abc import Callable, Iterable, Iterator
from uuid import uuid4

from backend import green
from backend.analysis.sentiment import KEPT_MINUTES, SentimentEngine
from backend.clock import DAY_MINUTES, iso
from backend.market.market import Market
from backend.market.models import Assessment, Sentiment
from backend.protocol import Payload
from backend.streaming.candle_inbox import CandleInbox
from backend.streaming.published import QUARTER_MINUTES, Levels
from backend.streaming.rater import Rater

# A signal that has not changed is published again once the last one is older than this.
SIGNAL_MAX_AGE_S = 60.0
# What the sentiment reads.
HISTORY_CANDLES = KEPT_MINUTES + 1
# Symbols whose closed minutes are taken in between two pauses, in half a millisecond.
SYMBOLS_AT_ONCE = 25
# Of the day before the process began, read off the feed's history: 1 ms each.
RECALLED = DAY_MINUTES // QUARTER_MINUTES


def random_id() -> str:
    """An id that no other process or run gives."""
    return uuid4().hex


class Analyst:
    """Signals of each symbol and the sentiment of those that stay, from a `Market`.

    The work is done by whoever asks. `pause` is called between symbols when several are read anew,
    about a millisecond each, so that others get a turn. Who asks for the sentiment does not wait
    for ratings, which take longer to be read.
    """

    def __init__(
        self,
        market: Market,
        symbols: Iterable[str],
        rater: Rater,
        said: Callable[[str], Payload | None],
        new_id: Callable[[], str] = random_id,
        pause: Callable[[], object] = lambda: None,
        mood_of: Iterable[str] | None = None,
    ) -> None:
        """`said` knows the signal of a symbol that was said last. The sentiment is that of
        `mood_of` (None: of `symbols`), whatever comes and goes: else it would tell of that."""
        self._said = said
        self._new_id = new_id
        self._pause = pause
        self._symbols = tuple(symbols)
        # Monotonic seconds; none until the first cycle that finds a signal said outside of cycles.
        self._said_at: dict[str, float] = {}
        # Symbols that somebody waits for and that are not read yet, in the order of their coming.
        self._awaited: dict[str, None] = {}
        self._rater = rater
        self._moody = self._symbols if mood_of is None else tuple(mood_of)
        self._sentiment = SentimentEngine(self._moody, pause)
        # While one reads the sentiment, which pauses, nobody else changes what it is read from.
        self._reading_turn = green.Semaphore(1)
        self._recall_due = False
        self._reading: Sentiment | None = None
        self._latest: Payload | None = None
        self._inbox = CandleInbox(market, self._moody, HISTORY_CANDLES)

    def close(self) -> None:
        """Stop listening to the market."""
        self._inbox.close()
        self._rater.close()

    def follow(self, symbol: str) -> None:
        """Rate one symbol more, which the market carries by now."""
        self._symbols = (*self._symbols, symbol)
        self._rater.follow(symbol)

    def unfollow(self, symbol: str) -> None:
        """Rate a symbol no more."""
        self._symbols = tuple(other for other in self._symbols if other != symbol)
        self._said_at.pop(symbol, None)
        self._rater.unfollow(symbol)

    def first_signal(self, symbol: str) -> Payload | None:
        """A signal to say of a symbol of which none was said yet; None where there is one, or not
        enough data, or where the cycle that is about to read the symbol, before others now, says
        it."""
        if self._said(symbol) is None and not self._rater.has_read(symbol):
            self._awaited[symbol] = None
        return self._first(symbol)

    def due_signals(self, now_monotonic: float) -> Iterator[Payload]:
        """What is to be said now: one signal for each symbol whose level or reason changed, or
        whose last one is over `SIGNAL_MAX_AGE_S` old. `now_monotonic` is in seconds.

        A signal counts as said when the next one is asked for.
        """
        for number, symbol in enumerate(self._in_turn(), 1):
            self._rater.catch_up(symbol)
            # At a start all are read anew, one after the other; nobody waits for the last.
            if (first := self._first(symbol)) is not None:
                yield first
                self._said_at[symbol] = now_monotonic
                self._pause()
            elif number % SYMBOLS_AT_ONCE == 0:
                self._pause()
        for assessment in self._rater.assess(self._symbols):
            if self._is_due(assessment, now_monotonic):
                yield self._signal_payload(assessment)
                self._said_at[assessment.symbol] = now_monotonic

    def changed_levels(self) -> Levels | None:
        """As `Rater.changed_levels`; as of when signals were last looked for."""
        return self._rater.changed_levels()

    def sentiment(self) -> Payload | None:
        """The sentiment at the market's newest complete minute; None before there is enough data.

        It keeps its id until the next minute, or a late candle, changes it.
        """
        with self._reading_turn:
            self._refresh()
            reading = self._sentiment.read()
        if reading is not None and reading != self._reading:
            self._reading = reading
            self._latest = self._sentiment_payload(reading)
        return self._latest

    def recall(self) -> list[Payload] | None:
        """Read the sentiment of the past day off the feed's history, newest first; None where
        that is not new.

        A reading depends on candles before it only, so it is what would have been said then.
        `pause` is called between readings.
        """
        if not self._recall_due:
            return None
        self._recall_due = False
        recalled = []
        for number in range(1, RECALLED + 1):
            with self._reading_turn:
                reading = self._sentiment.past(number * QUARTER_MINUTES)
            if reading is None:
                break
            recalled.append(self._sentiment_payload(reading))
            self._pause()
        return recalled

    def _first(self, symbol: str) -> Payload | None:
        if self._said(symbol) is not None or not self._rater.has_read(symbol):
            return None
        self._rater.catch_up(symbol)
        found = next(self._rater.assess((symbol,)), None)
        return None if found is None else self._signal_payload(found)

    def _in_turn(self) -> Iterator[str]:
        """All symbols; those that somebody has come to wait for meanwhile go ahead."""
        left = dict.fromkeys(reversed(self._symbols))
        while left:
            symbol = next(iter(self._awaited), next(reversed(left)))
            self._awaited.pop(symbol, None)
            if symbol in left:
                del left[symbol]
                yield symbol

    def _refresh(self) -> None:
        for number, symbol in enumerate(self._moody, 1):
            history, candles = self._inbox.take(symbol)
            for candle in candles:
                self._sentiment.update(symbol, candle)
            if history is not None:
                self._recall_due = True
                self._sentiment.load(symbol, history)
            if history is not None or number % SYMBOLS_AT_ONCE == 0:
                self._pause()

    def _is_due(self, assessment: Assessment, now: float) -> bool:
        last = self._said(assessment.symbol)
        if last is None:
            return True
        said_at = self._said_at.setdefault(assessment.symbol, now)
        # What a process of another version or setting has said may be of another timeframe.
        before = (last.get("timeframe"), last["signal"], last["reason"])
        changed = before != (assessment.timeframe, assessment.level, assessment.reason)
        return changed or now - said_at > SIGNAL_MAX_AGE_S

    def _signal_payload(self, assessment: Assessment) -> Payload:
        return {
            "id": self._new_id(),
            "symbol": assessment.symbol,
            "timeframe": assessment.timeframe,
            "signal": assessment.level.value,
            "strength": round(assessment.strength, 2),
            "reason": assessment.reason.value,
            "price": assessment.price,
            "score": round(assessment.score, 4),
            "timestamp": iso(assessment.time_ms),
        }

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
