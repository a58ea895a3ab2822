"""What makes the parts of whoever produces: this process, or in turn each of several."""

from collections.abc import Callable

from backend.assembly.ground import Ground
from backend.assembly.stores import Stores
from backend.feeds import begins_anew, create_feed, feed_names
from backend.feeds.base import Feed
from backend.history.history import History
from backend.history.looks import Looks
from backend.history.remembered import Remembered
from backend.market.market import Market
from backend.market.roster import Roster
from backend.streaming.analyst import Analyst
from backend.streaming.desk import Desk
from backend.streaming.keeper import Keeper, Learner
from backend.streaming.pace import Pace
from backend.streaming.published import Published
from backend.streaming.rater import Rater
from backend.streaming.track_record import TrackRecord

# The name of the ratings' states in the database.
SIGNALS = "signals"


class Desks:
    """Makes desks, each of which works on a market of its own."""

    def __init__(self, ground: Ground, stores: Stores, roster: Roster, looks: Looks) -> None:
        """`looks` says whose past is to be loaded first."""
        self._ground = ground
        self._stores = stores
        self._roster = roster
        self._looks = looks
        self._remembered = Remembered(stores.archive, ground.offload, ground.metrics)

    def desk(self, market: Market, published: Published) -> Desk:
        """What works on a market, and goes on from what was published."""
        ground, settings = self._ground, self._ground.settings
        feed = create_feed(
            settings,
            market.symbols,
            market,
            ground.clock,
            ground.metrics.feed_lag.add,
            self._remembered.minutes,
        )
        history = self._history(market, feed)
        record = self._record(market, feed)
        rater = Rater(
            market,
            market.symbols,
            settings.signal_timeframe,
            history.earlier_candles(),
            Pace(ground.sleep, ground.clock),
            record.note,
            ground.offload.compute,
        )
        analyst = Analyst(
            market,
            market.symbols,
            rater,
            published.signal,
            pause=Pace(ground.sleep, ground.clock),
            mood_of=settings.symbols,
        )
        keeper = self.keeper(SIGNALS, rater)
        return Desk(market, feed, history, analyst, keeper, record, ground.spawn)

    def keeper(
        self, name: str, learner: Learner, may_write: Callable[[], bool] = lambda: True
    ) -> Keeper:
        """What keeps the states of a learner of that name."""
        ground, settings = self._ground, self._ground.settings
        return Keeper(
            name,
            feed_names(settings),
            self._stores.learnt,
            ground.offload,
            ground.sleep,
            ground.clock,
            ground.metrics,
            learner,
            () if begins_anew(settings) else self._roster,
            may_write,
        )

    def _history(self, market: Market, feed: Feed) -> History:
        ground = self._ground
        return History(
            market,
            feed,
            self._stores.archive,
            ground.offload,
            ground.settings.candle_retention_days,
            self._looks,
            ground.sleep,
            ground.clock,
            ground.metrics,
        )

    def _record(self, market: Market, feed: Feed) -> TrackRecord:
        ground = self._ground
        return TrackRecord(
            market,
            feed,
            self._stores.records,
            ground.offload,
            ground.sleep,
            ground.clock,
            ground.metrics,
        )
