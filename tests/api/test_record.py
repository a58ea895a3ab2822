"""`GET /api/signals/record` of a real server: of its own history, in the words of the protocol."""

import time
from typing import Any

import pytest

from backend.analysis.levels import LADDER
from backend.analysis.track_record import HORIZONS
from tests.servers import Server, wait_until

PATH = "/api/signals/record"


def test_a_server_has_the_record_of_its_history_soon_after_its_start(server: Server) -> None:
    def judged() -> Any:
        time.sleep(0.5)  # not more often than it is let in
        rows = server.get(f"{PATH}?timeframe=1m").json()["record"]
        return rows if rows[0]["count"] else None

    rows = wait_until(judged, "a record", 240)
    assert [(row["horizon"], row["signal"]) for row in rows] == [
        (horizon, level.value) for horizon in HORIZONS for level in LADDER
    ]
    for row in rows:
        count, right, rate = row["count"], row["right"], row["base_rate"]
        assert 0 <= right <= count and 0 < rate < 1
    first = rows[0]
    low, high = first["interval_90_bp"]
    assert low < first["mean_excess_bp"] < high
    # Of one symbol fewer, and of what ended within a day fewer still.
    all_of_them, one, day = (
        sum(row["count"] for row in server.get(f"{PATH}?timeframe=1m&{query}").json()["record"])
        for query in ("window=all", "window=all&symbol=BTC", "window=24h&symbol=BTC")
    )
    assert all_of_them > one > day > 0


def test_what_is_not_asked_for_is_the_default(server: Server) -> None:
    answer = server.get(PATH).json()
    assert (answer["symbol"], answer["timeframe"], answer["window"]) == (None, "1h", "30d")
    assert len(answer["record"]) == 20


@pytest.mark.parametrize(
    ("query", "code", "fields"),
    [
        ("symbol=NOPE", "unknown_symbol", []),
        ("timeframe=2h", "validation_failed", ["timeframe"]),
        ("timeframe=", "validation_failed", ["timeframe"]),
        ("window=1h", "validation_failed", ["window"]),
        ("window=24H", "validation_failed", ["window"]),
    ],
)
def test_bad_values_are_named(server: Server, query: str, code: str, fields: list[str]) -> None:
    answer = server.get(f"{PATH}?{query}")
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == code
    assert list(error.get("fields", {})) == fields
