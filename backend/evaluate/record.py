"""How good the signals of recordings were: the table that a server has of what it said."""

from collections.abc import Mapping
from dataclasses import astuple

from backend.analysis.board import LevelChange, RatingBoard
from backend.analysis.levels import HeldLevel
from backend.analysis.record_table import BASIS_POINTS, RecordRow, by_kind, record_table
from backend.analysis.rows import scores_each_minute
from backend.analysis.track_record import SymbolRecord, timeframe_code
from backend.clock import MINUTE_MS
from backend.evaluate.tables import table
from backend.market.candles import BASE_INTERVAL, INTERVALS
from backend.market.models import CLOSE, OPEN_TIME, CandleArray

# The rule from before levels were held, for comparison.
AS_RATED = f"{BASE_INTERVAL}, as rated"


def record_text(histories: Mapping[str, CandleArray], cost_bp: float = 0.0) -> str:
    """Every level of each timeframe over each horizon, over all histories (by name) together.
    `cost_bp` is what each buying or selling costs, in basis points."""
    cost = 2 * cost_bp / BASIS_POINTS
    held, rated = [], []
    for candles in histories.values():
        held.append(_judged(held_levels(candles), candles))
        rated.append(_judged(rated_levels(candles), candles))
    lines = [
        [name, *_cells(row)]
        for name, symbols, timeframe in (
            (AS_RATED, rated, BASE_INTERVAL),
            *((timeframe, held, timeframe) for timeframe in INTERVALS),
        )
        for row in record_table(
            [by_kind(record.notes) for record in symbols], timeframe_code(timeframe), cost=cost
        )
        if row.count
    ]
    heads = ["timeframe", "signal", "after", "signals", "right", "any time", "mean excess, bp"]
    return table([*heads, "90 % interval", "left out"], lines)


def held_levels(candles: CandleArray) -> list[LevelChange]:
    """What a server says of these minutes (n, 7), on every timeframe."""
    board = RatingBoard(("",))
    board.load("", candles)
    return board.changes()


def rated_levels(candles: CandleArray) -> list[LevelChange]:
    """What it would say if a minute's rating were said as it is, each time that it changes."""
    rule = HeldLevel(1, 0.0, 0.0)
    changes = []
    for places, scores in scores_each_minute(candles, candles):
        closed = candles[places][:, [OPEN_TIME, CLOSE]].tolist()
        for (opened, price), score in zip(closed, scores.tolist(), strict=True):
            if rule.update(score):
                assert rule.level is not None
                time_ms = int(opened) + MINUTE_MS
                changes.append(LevelChange("", BASE_INTERVAL, time_ms, rule.level, score, price))
    return changes


def _judged(changes: list[LevelChange], candles: CandleArray) -> SymbolRecord:
    record = SymbolRecord()
    record.note(changes)
    record.judge(candles)
    return record


def _cells(row: RecordRow) -> list[str]:
    level, horizon, count, right, base_rate, excess, interval, left_out = astuple(row)
    between = "too few" if interval is None else f"{interval[0]:+.1f} to {interval[1]:+.1f}"
    shares = [f"{right / count:.0%}", f"{base_rate:.0%}"]
    return [level, horizon, str(count), *shares, f"{excess:+.1f}", between, str(left_out)]
