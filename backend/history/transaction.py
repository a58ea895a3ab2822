"""What is done to series and blocks within one transaction of the archive."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, and_, bindparam, select, update

from backend.clock import DAY_MS
from backend.history.blocks import in_blocks, pack, unpack
from backend.history.series import LADDER, Series, longer, rolled_since
from backend.market.candles import BASE_INTERVAL, INTERVALS, empty_candles, merge, roll_up
from backend.market.models import OPEN_TIME, CandleArray
from backend.storage.database import inserting, put
from backend.storage.schema import candle_blocks, candle_series

# Minutes that are further apart have an interruption between them that no feed fills.
BREAK_MS = 7 * DAY_MS

# (symbol, interval) -> its series.
AllSeries = dict[tuple[str, str], Series]


def all_series(connection: Connection, where: ColumnElement[bool]) -> AllSeries:
    return {
        (row.symbol, row.interval): Series(row.id, row.since_ms, row.until_ms, row.exhausted)
        for row in connection.execute(select(candle_series).where(where))
    }


def ensured(connection: Connection, source: str, symbols: Collection[str]) -> AllSeries:
    """The series of these symbols, made where they are new."""
    where = and_(candle_series.c.source == source, candle_series.c.symbol.in_(symbols))
    series = all_series(connection, where)
    missing = [
        {"source": source, "symbol": symbol, "interval": interval, "exhausted": False}
        for symbol in symbols
        for interval in LADDER
        if (symbol, interval) not in series
    ]
    if not missing:
        return series
    connection.execute(inserting(connection, candle_series).on_conflict_do_nothing(), missing)
    return all_series(connection, where)


def save(connection: Connection, series: AllSeries) -> None:
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


def extend(
    series: AllSeries, symbol: str, minutes: CandleArray, given: Collection[str], whole: bool
) -> None:
    """Note what these minutes add to what is known."""
    base, times = series[symbol, BASE_INTERVAL], minutes[:, OPEN_TIME]
    # Of minutes with an interruption among them nothing is missing after the last one.
    begins = np.flatnonzero(np.diff(times, prepend=-np.inf) > BREAK_MS)
    first, last = int(times[begins[-1]]), int(times[-1])
    if base.until_ms is not None and _breaks_off(times, base.until_ms):
        base.since_ms = None
        if BASE_INTERVAL in given:  # a source of the past can be asked for what lies between
            for interval in given:
                series[symbol, interval].since_ms = None
                series[symbol, interval].exhausted = False
    base.since_ms = first if base.since_ms is None else min(base.since_ms, first)
    base.until_ms = last if base.until_ms is None else max(base.until_ms, last)
    base.exhausted = base.exhausted or whole


def _breaks_off(times: NDArray[np.float64], until_ms: int) -> bool:
    """Whether there is an interruption among those of these minutes that come after one."""
    later = times[times > until_ms]
    return bool((np.diff(later, prepend=until_ms) > BREAK_MS).any())


def climb(
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
        put(connection, candle_blocks, written)
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


def oldest(connection: Connection, series: Series, interval: str) -> CandleArray:
    """The oldest candle of a series, or none."""
    row = connection.execute(
        select(candle_blocks.c.candles)
        .where(candle_blocks.c.series_id == series.id)
        .order_by(candle_blocks.c.block)
        .limit(1)
    ).one_or_none()
    return empty_candles() if row is None else unpack(row.candles)[:1]
