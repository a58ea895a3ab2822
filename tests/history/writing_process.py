"""A process that writes candles as fast as it can, until it is killed: `URL SYMBOLS`.

It takes up where the one before ended. Minutes first come as trades may have made them, then as
the exchange has them. Each line that it prints says up to which minute the latter are stored.
"""

import sys

from backend.clock import SystemClock
from backend.history.archive import Archive
from backend.history.history import History
from backend.history.looks import Looks
from backend.market.market import Market
from backend.market.models import OPEN_TIME, QUOTE_VOLUME, VOLUME, CandleArray
from backend.metrics import Metrics
from backend.storage.database import Database
from tests.history.conftest import MINUTE, START, Inline, made_up
from tests.silent_feeds import SilentFeed

# More than two runs of fifty get to write.
TRUTH_MINUTES = 400_000
BATCH = 7


def truth() -> CandleArray:
    """The exchange's candles, of every symbol."""
    return made_up(START, TRUTH_MINUTES)


def main(url: str, symbols: list[str]) -> None:
    database = Database(url, durable=True)
    database.migrate()
    archive = Archive(database)
    clock = SystemClock()
    market = Market(symbols, clock, SilentFeed.name)
    history = History(
        market,
        SilentFeed(),
        archive,
        Inline(),  # type: ignore[arg-type]
        {},
        Looks(),
        lambda _seconds: None,
        clock,
        Metrics(),
    )
    history.start(lambda *_: None)
    rows = truth()
    # They are written together, so one has as many as another.
    held = market.closed_candles(symbols[0], 1)
    begin = (int(held[-1, OPEN_TIME]) - START) // MINUTE + 1 if len(held) else 0
    print("began", begin, flush=True)
    for at in range(begin, TRUTH_MINUTES, BATCH):
        fresh, settled = rows[at : at + BATCH].copy(), rows[max(0, at - 2 * BATCH) : at]
        fresh[:, [VOLUME, QUOTE_VOLUME]] /= 2  # half of the trades were missed
        for symbol in symbols:
            market.load_history(symbol, fresh)
            if len(settled):
                market.load_history(symbol, settled)
        if not history.flush():
            raise SystemExit("could not write")
        print("stored", at, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2].split(","))
