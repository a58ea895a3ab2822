"""What one process of all does: it has the market read, and says what follows from it."""

from collections.abc import Callable, Iterable

from backend.clock import Clock
from backend.journal.journal import Journal
from backend.protocol import SENTIMENT_UPDATE, TRADING_SIGNAL, Payload
from backend.streaming.analyst import Analyst
from backend.streaming.published import Levels


class Producer:
    """Says in the journal what an analyst finds. Each method may raise `NotSaid`: what could not
    be said is said the next time, if it is still true then."""

    def __init__(
        self,
        analyst: Analyst,
        journal: Journal,
        recalled: Callable[[list[Payload]], None],
        held: Callable[[Levels], None],
        clock: Clock,
    ) -> None:
        """`recalled` is called with the sentiments of the day before the first one, newest first,
        whenever they are read anew, `held` with the levels of all symbols when one has changed."""
        self._analyst = analyst
        self._journal = journal
        self._recalled = recalled
        self._held = held
        self._clock = clock

    def say_signals(self) -> None:
        """The signals that are due."""
        for signal in self._analyst.due_signals(self._clock.monotonic()):
            self._say_signal(signal)
        self._tell_levels()

    def say_sentiment(self) -> None:
        """The present sentiment, whether it has changed or not: its cadence is a promise."""
        sentiment = self._analyst.sentiment()
        if sentiment is not None:
            self._journal.say(SENTIMENT_UPDATE, None, sentiment)

    def recall(self) -> None:
        """The sentiments of the past day, where the history is new."""
        recalled = self._analyst.recall()
        if recalled is not None:
            self._recalled(recalled)

    def say_first(self, symbols: Iterable[str]) -> None:
        """The signals of those symbols of which none was said yet."""
        for symbol in symbols:
            signal = self._analyst.first_signal(symbol)
            if signal is not None:
                self._say_signal(signal)
                self._tell_levels()

    def _tell_levels(self) -> None:
        levels = self._analyst.changed_levels()
        if levels is not None:
            self._held(levels)

    def _say_signal(self, signal: Payload) -> None:
        self._journal.say(TRADING_SIGNAL, signal["symbol"], signal)
