"""Candles are encoded once, and always as they are now."""

import json

import numpy as np

from backend.api.candle_json import CANDLES_MAX, ROWS_AT_ONCE, SERIES_MAX, CandleJson
from backend.market.models import CLOSE, CandleArray

MINUTE_MS = 60_000


def candles(count: int, first: int = 0) -> CandleArray:
    rows = np.zeros((count, 7))
    rows[:, 0] = (np.arange(count) + first) * MINUTE_MS
    rows[:, 1:] = rows[:, :1] / MINUTE_MS + 0.1
    return rows


def closes(encoded: bytes) -> list[float]:
    return [candle["close"] for candle in json.loads(encoded)["candles"]]


def test_a_candle_has_its_fields_and_its_instant() -> None:
    answer = json.loads(CandleJson().encode("BTC", "1m", candles(1, first=1), lambda: None))
    assert (answer["symbol"], answer["interval"]) == ("BTC", "1m")
    (candle,) = answer["candles"]
    assert candle["time"] == "1970-01-01T00:01:00.000Z"
    assert candle.keys() == {"time", "open", "high", "low", "close", "volume", "quote_volume"}


def test_repairs_and_the_forming_candle_are_always_the_present_ones() -> None:
    encoder = CandleJson()
    rows = candles(10)
    encoder.encode("BTC", "1m", rows, lambda: None)
    later = np.vstack([rows[3:], candles(2, first=10)])
    later[[2, -1], CLOSE] = (77.0, 99.0)
    assert closes(encoder.encode("BTC", "1m", later, lambda: None)) == later[:, CLOSE].tolist()
    assert closes(encoder.encode("BTC", "1m", rows, lambda: None)) == rows[:, CLOSE].tolist()


def test_series_do_not_mix() -> None:
    encoder = CandleJson()
    one, other = candles(3), candles(3) + [0, 5, 5, 5, 5, 5, 5]
    encoder.encode("BTC", "1m", one, lambda: None)
    assert closes(encoder.encode("ETH", "1m", other, lambda: None)) == other[:, CLOSE].tolist()


def test_others_have_their_turn_while_much_is_new_and_only_then() -> None:
    rests: list[int] = []
    encoder = CandleJson()
    rows = candles(4 * ROWS_AT_ONCE)
    encoder.encode("BTC", "1m", rows, lambda: rests.append(1))
    assert len(rests) == 3
    encoder.encode("BTC", "1m", rows, lambda: rests.append(1))
    assert len(rests) == 3


def test_the_series_that_are_kept_are_bounded() -> None:
    encoder = CandleJson()
    for number in range(SERIES_MAX + 10):
        encoder.encode(str(number), "1m", candles(1), lambda: None)
    assert len(encoder._series) == SERIES_MAX


def test_who_asks_for_what_is_being_encoded_shares_it() -> None:
    encoder = CandleJson()
    rows = candles(4 * ROWS_AT_ONCE)
    waits: list[int] = []

    def ask_too() -> None:
        waits.append(0)
        if len(waits) == 1:
            encoder.encode("BTC", "1m", rows, lambda: waits.append(1))

    assert closes(encoder.encode("BTC", "1m", rows, ask_too)) == rows[:, CLOSE].tolist()
    assert len(encoder._series["BTC", "1m"]) == len(rows)
    # The second did without the part that the first had encoded.
    assert waits.count(1) == 2


def test_candles_that_nobody_asks_for_any_more_are_let_go() -> None:
    encoder = CandleJson()
    for first in range(0, 5 * CANDLES_MAX, 500):
        encoder.encode("BTC", "1m", candles(600, first), lambda: None)
    assert len(encoder._series["BTC", "1m"]) <= CANDLES_MAX
