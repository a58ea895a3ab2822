"""Candles as CSV, in the columns that a replay reads, piece by piece."""

from collections.abc import Callable, Iterable, Iterator

from backend.market.models import OPEN_TIME, CandleArray

HEADER = b"open_time_ms,open,high,low,close,volume,quote_volume\n"
# Encoded between two rests: half a millisecond's worth.
ROWS_AT_ONCE = 128


def csv_lines(pages: Iterable[CandleArray], rest: Callable[[], None]) -> Iterator[bytes]:
    """A header, then a line for each candle. `rest` lets others have their turn, and may yield."""
    yield HEADER
    for page in pages:
        for begin in range(0, len(page), ROWS_AT_ONCE):
            rows = page[begin : begin + ROWS_AT_ONCE].tolist()
            yield b"".join([_line(row) for row in rows])
            rest()


def _line(row: list[float]) -> bytes:
    numbers = ",".join(map(repr, row[OPEN_TIME + 1 :]))
    return f"{int(row[OPEN_TIME])},{numbers}\n".encode()
