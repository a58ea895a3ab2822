"""How good the signals of recordings were: the table that a server has of what it said."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple

from backend.analysis.board import RatingBoard
from backend.analysis.level_changes import NO_CHANGES, Changes, change_row, changes_of
from backend.analysis.levels import HeldLevel
from backend.analysis.outcomes import SymbolOutcomes
from backend.analysis.record_table import BASIS_POINTS, RecordRow, record_table
from backend.analysis.rows import scores_each_minute
from backend.analysis.track_record import SymbolRecord, timeframe_code
from backend.evaluate.candle_files import candle_interval
from backend.evaluate.tables import table
from backend.market.candles import INTERVALS
from backend.market.models import CLOSE, OPEN_TIME, CandleArray

# The rule from before levels were held, for comparison.
AS_RATED = "as rated"


def record_text(histories: Mapping[str, CandleArray], cost_bp: float = 0.0) -> str:
    """Every level of each timeframe over each horizon, over all histories (by name) together that
    have candles of one length, from the shortest on. `cost_bp` is what each buying or selling
    costs, in basis points."""
    cost = 2 * cost_bp / BASIS_POINTS
    by_interval: dict[str, list[CandleArray]] = {interval: [] for interval in INTERVALS}
    for candles in histories.values():
        by_interval[candle_interval(candles)].append(candles)
    lines = [
        [interval, *line]
        for interval, together in by_interval.items()
        for line in _lines(together, interval, cost)
    ]
    heads = ["candles", "timeframe", "signal", "after", "signals", "right", "any time"]
    return table([*heads, "mean excess, bp", "90 % interval", "left out"], lines)


def held_levels(candles: CandleArray, interval: str) -> Changes:
    """What a server says of these candles (n, 7), on every timeframe from theirs on."""
    candle_ms = INTERVALS[interval]
    timeframes = {name: length for name, length in INTERVALS.items() if length >= candle_ms}
    board = RatingBoard(("",), timeframes, candle_ms)
    board.load("", candles)
    return board.changes().get("", NO_CHANGES)


def rated_levels(candles: CandleArray, interval: str) -> Changes:
    """What it would say if a candle's rating were said as it is, each time that it changes."""
    rule = HeldLevel(1, 0.0, 0.0)
    rows = []
    for places, scores in scores_each_minute(candles, candles):
        closed = candles[places][:, [OPEN_TIME, CLOSE]].tolist()
        for (opened, price), score in zip(closed, scores.tolist(), strict=True):
            if rule.update(score):
                assert rule.level is not None
                time_ms = int(opened) + INTERVALS[interval]
                rows.append(change_row(time_ms, INTERVALS[interval], rule.level, score, price))
    return changes_of(rows)


def _lines(histories: Sequence[CandleArray], interval: str, cost: float) -> list[list[str]]:
    """Of histories of one kind of candles; a timeframe or a horizon that is shorter has none."""
    held, rated = [], []
    for candles in histories:
        held.append(_judged(held_levels(candles, interval), candles, interval))
        rated.append(_judged(rated_levels(candles, interval), candles, interval))
    return [
        [name, *_cells(row)]
        for name, symbols, timeframe in (
            (f"{interval}, {AS_RATED}", rated, interval),
            *((timeframe, held, timeframe) for timeframe in INTERVALS),
        )
        for row in record_table(
            [SymbolOutcomes.of_notes(record.notes) for record in symbols],
            timeframe_code(timeframe),
            cost=cost,
        )
        if row.count
    ]


def _judged(changes: Changes, candles: CandleArray, interval: str) -> SymbolRecord:
    record = SymbolRecord(candle_ms=INTERVALS[interval])
    record.note(changes)
    record.judge(candles)
    return record


def _cells(row: RecordRow) -> list[str]:
    level, horizon, count, right, base_rate, excess, interval, left_out = astuple(row)
    between = "too few" if interval is None else f"{interval[0]:+.1f} to {interval[1]:+.1f}"
    shares = [f"{right / count:.0%}", f"{base_rate:.0%}"]
    return [level, horizon, str(count), *shares, f"{excess:+.1f}", between, str(left_out)]
