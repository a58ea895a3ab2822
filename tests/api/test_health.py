"""How the process is, said without waiting."""

import logging
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from backend.api.health import Dependencies
from backend.offload import Overloaded
from backend.storage.faults import Fault, StorageUnavailable
from tests.conftest import StartServer
from tests.servers import adjusted, wait_until


def test_health_has_the_fields_of_the_contract(start_server: StartServer) -> None:
    server = start_server()
    answer = server.get("/health")
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "ok" and body["version"]
    assert body["uptime_seconds"] >= 0 and body["connections"] == 0
    assert body["feed"]["name"] == "simulated" and body["feed"]["state"] == "live"
    assert body["feed"]["last_update"].endswith("Z")


# How long a feed, and a symbol, may be silent.
STALE_AFTER = ("backend.market.state.STALE_AFTER_S", "backend.market.feed_watch.STALE_AFTER_S")


def test_a_recording_that_has_ended_degrades_the_health_and_makes_quotes_stale(
    start_server: StartServer, tmp_path: Path
) -> None:
    recording = tmp_path / "BTC-USD-1m.csv"
    recording.write_text(
        "open_time_ms,open,high,low,close,volume\n"
        "1700000040000,100,110,90,105,2\n"
        "1700000100000,105,115,95,110,3\n"
    )
    server = start_server(
        **adjusted(dict.fromkeys(STALE_AFTER, 2)),
        MARKET_FEED=f"replay:{recording}",
        REPLAY_SPEED="100000",
        WEBSOCKET_AUTH_REQUIRED="false",
    )

    def degraded() -> Any:
        answer = server.get("/health")
        return answer.json() if answer.status_code == 503 else None

    body = wait_until(degraded, "the feed to go stale")
    assert body["status"] == "degraded"
    assert body["feed"]["state"] == "ended" and body["feed"]["stale"] is True
    # Who comes now is told so on the stream, as everybody is.
    assert server.get("/ready").status_code == 200
    quote = server.get("/api/market/quotes?symbols=BTC").json()["quotes"]["BTC"]
    assert quote["stale"] is True and quote["price"] == 110
    # Told the same after a reload as on the stream.
    status = server.get("/api/market/symbols").json()["feed_status"]
    assert status["state"] == "ended" and status["since"] == body["feed"]["since"]
    assert status["replay"] == {
        "speed": 100000,
        "loop": False,
        "position": "2023-11-14T22:15:59.999Z",
        "begin": "2023-11-14T22:15:00.000Z",
        "end": "2023-11-14T22:16:00.000Z",
    }


def test_what_is_out_of_reach_is_logged_when_it_changes_and_not_in_between(
    caplog: pytest.LogCaptureFixture,
) -> None:
    up = True

    def ping() -> None:
        if not up:
            raise ConnectionError("no route")

    dependencies = Dependencies({"database": ping})
    with caplog.at_level(logging.INFO):
        dependencies.check()
        up = False
        dependencies.check()
        dependencies.check()
        assert dependencies.faults == {"database": "unreachable"}
        up = True
        dependencies.check()
    assert dependencies.faults == {}
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (StorageUnavailable("attempt to write a readonly database", Fault.READ_ONLY), "read_only"),
        (StorageUnavailable("connection to db.internal failed"), "unreachable"),
        (Overloaded("waited 2.0 s"), "locked"),
        (ConnectionError("redis://:secret@cache.internal"), "unreachable"),
    ],
)
def test_what_is_wrong_is_said_in_a_word_that_names_no_host(error: Exception, fault: str) -> None:
    def ping() -> None:
        raise error

    dependencies = Dependencies({"it": ping})
    dependencies.check()
    assert dependencies.faults == {"it": fault}


def test_metrics_name_what_an_operator_asks_for(start_server: StartServer) -> None:
    text = start_server().get("/metrics").text
    for name in (
        "crs_connections",
        "crs_emits_total",
        "crs_deliveries_total",
        "crs_tick_seconds_bucket",
        "crs_feed_age_seconds",
        "crs_auth_failures_total",
        "crs_dropped_data",
        "crs_task_errors_total",
    ):
        assert f"# HELP {name.removesuffix('_bucket')}" in text or name in text


def test_metrics_can_be_kept_to_a_token_or_to_addresses(start_server: StartServer) -> None:
    server = start_server(METRICS_TOKEN="a token of the tests", METRICS_ADDRESSES="127.7.0.0/16")
    refused = server.get("/metrics")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    bearer = {"Authorization": "Bearer a token of the tests"}
    assert server.get("/metrics", headers=bearer).status_code == 200
    wrong = {"Authorization": "Bearer another"}
    assert server.get("/metrics", headers=wrong).status_code == 403
    with requests.Session() as session:
        session.mount("http://", SourceAddress("127.7.0.1"))
        assert session.get(f"{server.url}/metrics", timeout=60).status_code == 200


class SourceAddress(HTTPAdapter):
    """Asks from another address of this machine."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> Any:
        return super().init_poolmanager(*args, source_address=(self._address, 0), **options)
