"""How good signals have been, as JSON."""

from collections.abc import Container, Iterable

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from backend.analysis.record_table import RecordRow
from backend.api.errors import ApiError
from backend.history.record_reader import WINDOWS, RecordReader
from backend.market.candles import INTERVALS
from backend.protocol import UNKNOWN_SYMBOL, VALIDATION_FAILED, Payload

DEFAULT_WINDOW = "30d"
# Of a share, and of basis points: more than an interval is ever narrow.
SHARE_DIGITS, EXCESS_DIGITS = 4, 2


def record_blueprint(
    record: RecordReader, symbols: Container[str], default_timeframe: str
) -> Blueprint:
    """The public, read-only route over the track record."""
    blueprint = Blueprint("record", __name__)

    @blueprint.get("/api/signals/record")
    def signal_record() -> ResponseReturnValue:
        symbol = request.args.get("symbol") or None
        if symbol is not None and symbol not in symbols:
            raise ApiError(400, UNKNOWN_SYMBOL, f"This server does not carry {symbol[:32]!r}")
        timeframe = _choice("timeframe", INTERVALS, default_timeframe)
        window = _choice("window", WINDOWS, DEFAULT_WINDOW)
        rows = record.record(symbol, timeframe, window)
        return jsonify(
            symbol=symbol,
            timeframe=timeframe,
            window=window,
            record=[_payload(row) for row in rows],
        )

    return blueprint


def _choice(name: str, choices: Iterable[str], default: str) -> str:
    value = request.args.get(name, default)
    if value not in choices:
        allowed = f"one of {', '.join(choices)}"
        raise ApiError(400, VALIDATION_FAILED, f"There is no such {name}", {name: allowed})
    return value


def _payload(row: RecordRow) -> Payload:
    return {
        "signal": row.level.value,
        "horizon": row.horizon,
        "count": row.count,
        "right": row.right,
        "base_rate": None if row.base_rate is None else round(row.base_rate, SHARE_DIGITS),
        "mean_excess_bp": (
            None if row.mean_excess_bp is None else round(row.mean_excess_bp, EXCESS_DIGITS)
        ),
        "interval_90_bp": (
            None
            if row.interval_bp is None
            else [round(edge, EXCESS_DIGITS) for edge in row.interval_bp]
        ),
        "left_out": row.left_out,
    }
