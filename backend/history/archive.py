"""The candles in the database, of every source, symbol and interval.

All of it blocks: a server calls it through `Offload.read_candles` and `Offload.write_candles`.
Each method is one transaction, so that what was cut off in the middle has not been begun. Every
method may raise `StorageUnavailable`.
"""

from collections.abc import Collection, Mapping

import numpy as np
from sqlalchemy import ColumnElement, and_, delete, select

from backend.history.blocks import BLOCK_CANDLES, block_of, unpack
from backend.history.series import up_to
from backend.history.transaction import (
    AllSeries,
    all_series,
    climb,
    ensured,
    extend,
    oldest,
    save,
)
from backend.market.candles import BASE_INTERVAL, INTERVALS, empty_candles
from backend.market.models import OPEN_TIME, CandleArray
from backend.storage.database import Database
from backend.storage.schema import candle_blocks, candle_series


class Archive:
    """Candles by source: the name of a feed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- reading ----------------------------------------------------------------------------------

    def read(
        self, source: str, symbol: str, interval: str, limit: int, before_ms: int | None = None
    ) -> CandleArray:
        """The newest candles (n <= limit, 7) of those that open before `before_ms` (None: of
        all), oldest first."""
        span = select(candle_blocks.c.block, candle_blocks.c.candles).join(candle_series)
        span = span.where(_of(source, symbol, interval)).order_by(candle_blocks.c.block.desc())
        found: list[CandleArray] = []
        wanted = limit
        until = None if before_ms is None else block_of(before_ms - 1, INTERVALS[interval])
        with self._database.read() as connection:
            while wanted > 0:
                page = span if until is None else span.where(candle_blocks.c.block <= until)
                # One more than a limit fills: the newest is seldom full.
                rows = connection.execute(page.limit(wanted // BLOCK_CANDLES + 2)).all()
                if not rows:
                    break
                for row in rows:
                    candles = unpack(row.candles)
                    if before_ms is not None:
                        candles = candles[candles[:, OPEN_TIME] < before_ms]
                    found.append(candles)
                    wanted -= len(candles)
                until = rows[-1].block - 1
        return np.concatenate(found[::-1])[-limit:] if found else empty_candles()

    def read_between(
        self, source: str, symbol: str, interval: str, since_ms: int, before_ms: int
    ) -> CandleArray:
        """The candles that open at `since_ms` or later, and before `before_ms`, oldest first."""
        first, last = (block_of(ms, INTERVALS[interval]) for ms in (since_ms, before_ms - 1))
        with self._database.read() as connection:
            rows = connection.execute(
                select(candle_blocks.c.candles)
                .join(candle_series)
                .where(_of(source, symbol, interval), candle_blocks.c.block.between(first, last))
                .order_by(candle_blocks.c.block)
            ).all()
        candles = np.concatenate([empty_candles(), *(unpack(row.candles) for row in rows)])
        times = candles[:, OPEN_TIME]
        wanted: CandleArray = candles[(times >= since_ms) & (times < before_ms)]
        return wanted

    def series(self, source: str) -> AllSeries:
        """Every series of a source."""
        with self._database.read() as connection:
            return all_series(connection, candle_series.c.source == source)

    # --- writing ----------------------------------------------------------------------------------

    def write_minutes(
        self, source: str, minutes: Mapping[str, CandleArray], given: Collection[str], whole: bool
    ) -> None:
        """Closed minutes of some symbols, in order of time, and all that is rolled up from them.

        They take the place of those of the same time. The source gives candles of `given`
        intervals itself; `whole` says that it had none before these.
        """
        with self._database.write() as connection:
            series = ensured(connection, source, minutes)
            for symbol, candles in minutes.items():
                extend(series, symbol, candles, given, whole)
            climb(connection, series, dict(minutes), BASE_INTERVAL, given)
            save(connection, series)

    def write_past(
        self,
        source: str,
        symbol: str,
        interval: str,
        candles: CandleArray,
        since_ms: int | None,
        given: Collection[str],
    ) -> None:
        """The source's own candles that come right before those that are known, in order of time:
        all that open at `since_ms` or later, of which there may be none. None: nor are there any
        before."""
        with self._database.write() as connection:
            series = ensured(connection, source, (symbol,))
            own, base = series[symbol, interval], series[symbol, BASE_INTERVAL]
            if since_ms is not None:
                own.since_ms = since_ms
                if interval != BASE_INTERVAL and base.since_ms is not None:
                    ours = up_to(base.since_ms, interval)
                    candles = candles[candles[:, OPEN_TIME] < ours]
            else:
                own.exhausted = True
                # What its first candle is a part of is as whole as it will ever be.
                candles = oldest(connection, own, interval)
            climb(connection, series, {symbol: candles}, interval, given)
            save(connection, series)

    def forget(self, source: str, interval: str, before_ms: int) -> None:
        """Delete the blocks that end before then."""
        with self._database.write() as connection:
            ids = select(candle_series.c.id).where(
                candle_series.c.source == source, candle_series.c.interval == interval
            )
            connection.execute(
                delete(candle_blocks).where(
                    candle_blocks.c.series_id.in_(ids),
                    candle_blocks.c.block < block_of(before_ms, INTERVALS[interval]),
                )
            )

    def clear(self, source: str) -> None:
        """Delete all of a source."""
        with self._database.write() as connection:
            ids = select(candle_series.c.id).where(candle_series.c.source == source)
            connection.execute(delete(candle_blocks).where(candle_blocks.c.series_id.in_(ids)))
            connection.execute(delete(candle_series).where(candle_series.c.source == source))


def _of(source: str, symbol: str, interval: str) -> ColumnElement[bool]:
    return and_(
        candle_series.c.source == source,
        candle_series.c.symbol == symbol,
        candle_series.c.interval == interval,
    )
