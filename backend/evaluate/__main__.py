"""`python -m backend.evaluate FILE...`: what the numbers are worth, as a table."""

import argparse
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from backend.clock import SystemClock
from backend.evaluate.candle_files import candle_interval, read_candles
from backend.evaluate.daily import daily_table
from backend.evaluate.forecast import forecast_table
from backend.evaluate.levels import levels_table
from backend.evaluate.record import record_text
from backend.evaluate.sentiment import sentiment_table
from backend.market.candles import BASE_INTERVAL
from backend.market.models import CandleArray

# Of minutes, and of nothing longer.
TABLES: dict[str, Callable[[Mapping[str, CandleArray]], str]] = {
    "forecast": forecast_table,
    "levels": levels_table,
    "sentiment": sentiment_table,
}


RECORD, DAILY = "record", "daily"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; its exit status: 0 done, 1 a file can't be used, 2 bad usage."""
    parser = argparse.ArgumentParser(prog="python -m backend.evaluate", description=__doc__)
    of = [RECORD, *TABLES, DAILY]
    parser.add_argument("--of", choices=of, default=RECORD, help="which numbers")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="recordings")
    parser.add_argument("--published", type=Path, help="for daily: a CSV of date,value")
    parser.add_argument(
        "--cost-bp", type=float, default=0.0, help="for the record: basis points per side"
    )
    options = parser.parse_args(arguments)
    if options.of == DAILY and options.published is None:
        parser.error(f"--of {DAILY} compares with --published")
    tables = TABLES | {
        RECORD: partial(record_text, cost_bp=options.cost_bp),
        DAILY: partial(daily_table, published=options.published),
    }
    histories: dict[str, CandleArray] = {}
    for path in options.files:
        try:
            found = read_candles(path, SystemClock())
        except OSError as error:
            print(f"{path}: {error.strerror or error}", file=sys.stderr)
            return 1
        for symbol, candles in found.items():
            interval = candle_interval(candles)
            if options.of in TABLES and interval != BASE_INTERVAL:
                print(f"{path}: candles of {interval} have no {options.of}", file=sys.stderr)
                return 1
            histories[f"{path.name} {symbol}"] = candles
    print(tables[options.of](histories))
    return 0


if __name__ == "__main__":
    sys.exit(main())
