"""The candles in the database, of every source, symbol and interval.

All of it blocks: a server calls it through `Offload.read_candles` and `Offload.write_candles`.
Each method is one transaction, so that what was cut off in the middle has not been begun. Every
method may raise `StorageUnavailable`.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from backend.clock import DAY_MS
from backend.history.blocks import BLOCK_CANDLES, block_of, in_blocks, pack, unpack
from backend.history.series import LADDER, Series, longer, rolled_since, up_to
from backend.market.candles import BASE_INTERVAL, INTERVALS, empty_candles, merge, roll_up
from backend.market.models import OPEN_TIME, CandleArray
from backend.storage.database import Database
from backend.storage.schema import candle_blocks, candle_series

# Minutes that are further apart have an interruption between them that no feed fills.
BREAK_MS = 7 * DAY_MS

# (symbol, interval) -> its series.
AllSeries = dict[tuple[str, str], Series]


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
            return _series(connection, candle_series.c.source == source)

    # --- writing ----------------------------------------------------------------------------------

    def write_minutes(
        self, source: str, minutes: Mapping[str, CandleArray], given: Collection[str], whole: bool
    ) -> None:
        """Closed minutes of some symbols, in order of time, and all that is rolled up from them.

        They take the place of those of the same time. The source gives candles of `given`
        intervals itself; `whole` says that it had none before these.
        """
        with self._database.write() as connection:
            series = _ensured(connection, source, minutes)
            for symbol, candles in minutes.items():
                _extend(series, symbol, candles, given, whole)
            _climb(connection, series, dict(minutes), BASE_INTERVAL, given)
            _save(connection, series)

    def write_past(
        self,
        source: str,
        symbol: str,
        interval: str,
        candles: CandleArray,
        given: Collection[str],
    ) -> None:
        """The source's own candles that come right before those that are known, in order of time;
        none: there are none before."""
        with self._database.write() as connection:
            series = _ensured(connection, source, (symbol,))
            own, base = series[symbol, interval], series[symbol, BASE_INTERVAL]
            if len(candles):
                own.since_ms = int(candles[0, OPEN_TIME])
                if interval != BASE_INTERVAL and base.since_ms is not None:
                    ours = up_to(base.since_ms, interval)
                    candles = candles[candles[:, OPEN_TIME] < ours]
            else:
                own.exhausted = True
                # What its first candle is a part of is as whole as it will ever be.
                candles = _first(connection, own, interval)
            _climb(connection, series, {symbol: candles}, interval, given)
            _save(connection, series)

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


# --- within a transaction ------------------------------------------------------------------------


def _of(source: str, symbol: str, interval: str) -> ColumnElement[bool]:
    return and_(
        candle_series.c.source == source,
        candle_series.c.symbol == symbol,
        candle_series.c.interval == interval,
    )


def _series(connection: Connection, where: ColumnElement[bool]) -> AllSeries:
    return {
        (row.symbol, row.interval): Series(row.id, row.since_ms, row.until_ms, row.exhausted)
        for row in connection.execute(select(candle_series).where(where))
    }


def _insert(connection: Connection, table: Any) -> Any:
    """An INSERT that has a clause for what is there already, which both databases write alike."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)


def _ensured(connection: Connection, source: str, symbols: Collection[str]) -> AllSeries:
    """The series of these symbols, made where they are new."""
    where = and_(candle_series.c.source == source, candle_series.c.symbol.in_(symbols))
    series = _series(connection, where)
    missing = [
        {"source": source, "symbol": symbol, "interval": interval, "exhausted": False}
        for symbol in symbols
        for interval in LADDER
        if (symbol, interval) not in series
    ]
    if not missing:
        return series
    connection.execute(_insert(connection, candle_series).on_conflict_do_nothing(), missing)
    return _series(connection, where)


def _save(connection: Connection, series: AllSeries) -> None:
    known = update(candle_series).where(candle_series.c.id == bindparam("series"))
    connection.execute(
        known.values(
            since_ms=bindparam("since"),
            until_ms=bindparam("until"),
            exhausted=bindparam("none_before"),
        ),
        [
            {
                "series": each.id,
                "since": each.since_ms,
                "until": each.until_ms,
                "none_before": each.exhausted,
            }
            for each in series.values()
        ],
    )


def _extend(
    series: AllSeries, symbol: str, minutes: CandleArray, given: Collection[str], whole: bool
) -> None:
    """Note what these minutes add to what is known."""
    base = series[symbol, BASE_INTERVAL]
    first, last = int(minutes[0, OPEN_TIME]), int(minutes[-1, OPEN_TIME])
    if base.until_ms is not None and first - base.until_ms > BREAK_MS:
        base.since_ms = None
        if BASE_INTERVAL in given:  # a source of the past can be asked for what lies between
            for interval in given:
                series[symbol, interval].since_ms = None
                series[symbol, interval].exhausted = False
    base.since_ms = first if base.since_ms is None else min(base.since_ms, first)
    base.until_ms = last if base.until_ms is None else max(base.until_ms, last)
    base.exhausted = base.exhausted or whole


def _climb(
    connection: Connection,
    series: AllSeries,
    candles: dict[str, CandleArray],
    interval: str,
    given: Collection[str],
) -> None:
    """Store candles of an interval by symbol, and the longer ones that they are part of."""
    step: str | None = interval
    while step is not None and candles:
        around = _merge(connection, series, candles, step)
        above = longer(step)
        if above is None:
            return
        rolled: dict[str, CandleArray] = {}
        for symbol, touched in candles.items():
            own = {name: series[symbol, name] for name in LADDER}
            since = rolled_since(own, given, above)
            found = _rolled(touched, around[symbol], INTERVALS[above])
            found = found[found[:, OPEN_TIME] >= since]
            if len(found):
                rolled[symbol] = found
        step, candles = above, rolled


def _rolled(touched: CandleArray, around: CandleArray, interval_ms: int) -> CandleArray:
    """The longer candles of which those touched are part, from all candles around them."""
    rolled = roll_up(around, interval_ms)
    buckets = np.unique(touched[:, OPEN_TIME] // interval_ms * interval_ms)
    found: CandleArray = rolled[np.isin(rolled[:, OPEN_TIME], buckets)]
    return found


def _merge(
    connection: Connection, series: AllSeries, candles: Mapping[str, CandleArray], interval: str
) -> dict[str, CandleArray]:
    """Put candles into their blocks; by symbol, all that these blocks hold then."""
    parts = {
        (series[symbol, interval].id, block): part
        for symbol, rows in candles.items()
        for block, part in in_blocks(rows, INTERVALS[interval])
    }
    held = _blocks(connection, list(parts))
    around: dict[int, list[CandleArray]] = {}
    written = []
    for (series_id, block), part in parts.items():
        known = held.get((series_id, block))
        whole = part if known is None else merge(known, part)
        around.setdefault(series_id, []).append(whole)
        if known is None or not np.array_equal(known, whole):
            written.append({"series_id": series_id, "block": block, "candles": pack(whole)})
    if written:
        statement = _insert(connection, candle_blocks)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["series_id", "block"],
                set_={"candles": statement.excluded.candles},
            ),
            written,
        )
    return {
        symbol: np.concatenate([empty_candles(), *around.get(series[symbol, interval].id, ())])
        for symbol in candles
    }


def _blocks(
    connection: Connection, keys: list[tuple[int, int]]
) -> dict[tuple[int, int], CandleArray]:
    """Those of these blocks that there are. Nobody else changes them before the end."""
    if not keys:
        return {}
    # Not by their names, for which SQLite would read the whole table.
    blocks = [block for _series_id, block in keys]
    rows = connection.execute(
        select(candle_blocks)
        .where(
            candle_blocks.c.series_id.in_({series_id for series_id, _block in keys}),
            candle_blocks.c.block.between(min(blocks), max(blocks)),
        )
        .with_for_update()
    )
    wanted = set(keys)
    return {
        key: unpack(row.candles) for row in rows if (key := (row.series_id, row.block)) in wanted
    }


def _first(connection: Connection, series: Series, interval: str) -> CandleArray:
    """The oldest candle of a series, or none."""
    row = connection.execute(
        select(candle_blocks.c.candles)
        .where(candle_blocks.c.series_id == series.id)
        .order_by(candle_blocks.c.block)
        .limit(1)
    ).one_or_none()
    return empty_candles() if row is None else unpack(row.candles)[:1]
