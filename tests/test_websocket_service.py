"""The stream as its clients see it: stock Python and Node clients on every transport."""

import json
from pathlib import Path
from typing import Any

import pytest

from backend import protocol
from backend.protocol import BOOK_FIELDS, QUOTE_FIELDS
from tests.conftest import SHARED_SYMBOLS, STACKS, Connect, StartServer
from tests.servers import Server
from tests.stream_clients import RawClient

# --- accepted -------------------------------------------------------------------------------------


def test_a_client_with_a_token_is_accepted_and_gets_its_symbols(
    way: tuple[str, str], connect: Connect, server: Server
) -> None:
    client = connect(*way)
    status = client.wait("connection_status")
    assert status["status"] == "connected"
    assert status["user_id"] == server.tokens["user"]["id"]
    assert status["feed"] == "simulated"
    assert status["server"] == protocol.VERSION
    assert status["message"] and status["timestamp"].endswith("Z")
    sentiment = client.wait("sentiment_update")
    assert 0 <= sentiment["market_fear_greed"] <= 100
    client.emit("subscribe", {"symbols": ["BTC", "ADA"]})
    confirmation = client.wait("subscription_confirmed")
    assert confirmation["symbols"] == ["BTC", "ADA"]
    assert confirmation["rejected"] == []
    assert confirmation["subscribed"] == ["BTC", "ADA"]
    for _ in range(3):  # the snapshot, and two ticks
        update = client.wait("market_update")
        assert set(update) == {"BTC", "ADA"}
        assert set(update["BTC"]) == set(QUOTE_FIELDS) - set(BOOK_FIELDS)


def test_the_confirmation_comes_before_the_snapshot_and_the_current_signals(
    server: Server, connect: Connect
) -> None:
    server.wait_for_signals(["BTC", "ETH"])
    client = connect()
    client.wait("connection_status")
    client.emit("subscribe", {"symbols": ["BTC", "ETH"]})
    for _ in range(2):
        client.wait("trading_signal")
    names = [name for name, _ in client.heard]
    first = names.index("subscription_confirmed")
    assert names[first + 1] == "market_update"
    assert names[first + 2 : first + 4] == ["trading_signal", "trading_signal"]


def test_a_quote_has_the_types_of_the_contract_and_seq_grows(connect: Connect) -> None:
    client = connect()
    client.emit("subscribe", {"symbols": ["BTC"]})
    quotes = [client.wait("market_update")["BTC"] for _ in range(6)]
    # It may stand still for that long.
    traded = client.wait("market_update", lambda update: update["BTC"]["seq"] > quotes[0]["seq"])
    quotes.append(traded["BTC"])
    for quote in quotes:
        assert quote["symbol"] == "BTC"
        assert all(type(quote[name]) in (int, float) for name in ("price", "change_24h"))
        assert quote["volume_24h"] > 0 and quote["stale"] is False
        assert quote["timestamp"].endswith("Z") and len(quote["timestamp"]) == 24
    seqs = [quote["seq"] for quote in quotes]
    assert seqs == sorted(seqs)
    for before, after in zip(quotes, quotes[1:], strict=False):
        if before["seq"] == after["seq"]:
            assert before == after


def test_two_accepted_clients_hear_the_same_signal_and_sentiment(connect: Connect) -> None:
    clients = [connect(), connect("node")]
    for client in clients:
        client.emit("subscribe", {"symbols": ["SOL"]})
    one, two = (client.wait("trading_signal") for client in clients)
    assert one == two
    assert one["symbol"] == "SOL"
    assert one["signal"] in {"STRONG_BUY", "BUY", "HOLD", "SELL", "STRONG_SELL"}
    assert 0.5 <= one["strength"] <= 1 and -1 <= one["score"] <= 1
    assert one["id"] and one["price"] > 0 and one["reason"]


def test_sentiment_keeps_its_cadence(connect: Connect) -> None:
    client = connect()
    updates = [client.wait("sentiment_update") for _ in range(3)]
    for update in updates:
        assert update["overall_sentiment"] in {
            "POSITIVE",
            "NEUTRAL",
            "NEGATIVE",
            "BULLISH",
            "BEARISH",
        }
        assert update["market_mood"] in {"BULLISH", "BEARISH", "NEUTRAL"}
        assert 0 <= update["confidence"] <= 1
        assert all(isinstance(topic, str) for topic in update["trending_topics"])
        assert all(0 <= value <= 100 for value in update["components"].values())


def test_without_a_subscription_there_is_no_market_data(connect: Connect) -> None:
    silent, other = connect(), connect()
    other.emit("subscribe", {"symbols": ["BTC"], "realtime": True})
    for _ in range(4):
        other.wait("market_update")
    silent.wait("sentiment_update")
    heard = {name for name, _ in silent.heard}
    assert heard <= {"connect", "connection_status", "sentiment_update"}


# --- subscriptions --------------------------------------------------------------------------------


def test_the_acknowledgement_is_the_confirmation(connect: Connect) -> None:
    for stack in STACKS:
        client = connect(stack)
        client.wait("connection_status")
        answer = client.ack("subscribe", {"symbols": ["BTC"]})
        assert answer == client.all("subscription_confirmed")[0]
        answer = client.ack("unsubscribe", {"symbols": ["BTC"]})
        assert answer == client.all("unsubscription_confirmed")[0]


def test_subscriptions_add_up_and_unsubscribing_takes_away(connect: Connect) -> None:
    client = connect()
    assert client.ack("subscribe", {"symbols": ["BTC"]})["subscribed"] == ["BTC"]
    assert client.ack("subscribe", {"symbols": ["ETH", "BTC"]})["subscribed"] == ["BTC", "ETH"]
    client.wait("market_update", lambda update: set(update) == {"BTC", "ETH"})
    left = client.ack("unsubscribe", {"symbols": ["BTC", "XYZ", "ADA"]})
    assert left["symbols"] == ["BTC", "ADA"]
    assert left["subscribed"] == ["ETH"]
    assert [rejection["symbol"] for rejection in left["rejected"]] == ["XYZ"]
    client.wait("market_update", lambda update: set(update) == {"ETH"})
    gone = client.ack("unsubscribe")
    assert (gone["symbols"], gone["subscribed"]) == (["ETH"], [])
    updates = len(client.all("market_update"))
    client.wait("sentiment_update")
    client.wait("sentiment_update")
    assert len(client.all("market_update")) == updates


def test_unusable_symbols_are_rejected_and_the_others_served(connect: Connect) -> None:
    client = connect()
    bad = ["btc", "bitcoin", "B" * 200, "🚀", "ZZZZ"]
    answer = client.ack("subscribe", {"symbols": [*bad, "ETH"]})
    assert answer["symbols"] == ["ETH"]
    assert [rejection["symbol"] for rejection in answer["rejected"]] == bad
    assert all(r["code"] and r["message"] for r in answer["rejected"])
    client.wait("market_update", lambda update: set(update) == {"ETH"})


def test_fields_cut_quotes_down_and_the_symbol_stays(connect: Connect) -> None:
    client = connect()
    client.emit("subscribe", {"symbols": ["BTC"], "fields": ["price", "seq"]})
    for _ in range(2):
        assert set(client.wait("market_update")["BTC"]) == {"symbol", "price", "seq"}


def test_realtime_prices_come_between_ticks_with_what_they_were(connect: Connect) -> None:
    client = connect()
    client.emit("subscribe", {"symbols": list(SHARED_SYMBOLS), "realtime": True})
    updates = [client.wait("price_update") for _ in range(10)]
    assert {update["symbol"] for update in updates} <= set(SHARED_SYMBOLS)
    for update in updates:
        assert set(update) == {
            "symbol",
            "price",
            "previous_price",
            "change_24h",
            "timestamp",
            "seq",
        }
        assert update["price"] != update["previous_price"]
    for symbol in SHARED_SYMBOLS:
        seqs = [update["seq"] for update in updates if update["symbol"] == symbol]
        assert seqs == sorted(set(seqs))


@pytest.mark.parametrize(
    ("event", "args", "code"),
    [
        ("subscribe", [], "invalid_payload"),
        ("subscribe", ["BTC"], "invalid_payload"),
        ("subscribe", [["BTC"]], "invalid_payload"),
        ("subscribe", [{"symbols": "BTC"}], "invalid_symbols"),
        ("subscribe", [{"symbols": [1, 2]}], "invalid_symbols"),
        ("subscribe", [{}], "invalid_symbols"),
        ("subscribe", [{"symbols": ["BTC"] * 101}], "too_many_symbols"),
        ("subscribe", [{"symbols": ["BTC"], "fields": ["prize"]}], "invalid_fields"),
        ("subscribe", [{"symbols": ["BTC"], "realtime": "yes"}], "invalid_payload"),
        ("unsubscribe", ["BTC"], "invalid_payload"),
        ("unsubscribe", [{"symbols": "BTC"}], "invalid_symbols"),
        ("heartbeat", [{"client_time": {}}], "invalid_payload"),
        ("no_such_event", [{"x": 1}], "unknown_event"),
        ("connect", [{}], "unknown_event"),
        ("disconnect", [], "unknown_event"),
        ("message", ["hello"], "unknown_event"),
    ],
)
def test_bad_input_gets_its_error_and_changes_nothing(
    event: str, args: list[Any], code: str, server: Server
) -> None:
    client = RawClient(server.url)
    try:
        client.send("40" + json.dumps({"token": server.token}))
        client.receive("40")
        client.send('42["subscribe",{"symbols":["ETH"]}]')
        client.receive('42["market_update"')
        client.send("42" + json.dumps([event, *args]))
        error = _parse(client.receive('42["error"'))[1]
        assert error["code"] == code
        assert error["event"] == event
        assert error["message"]
        for _ in range(2):
            assert set(_parse(client.receive('42["market_update"'))[1]) == {"ETH"}
    finally:
        client.close()
    assert "Traceback" not in server.output()


def test_a_refused_request_is_acknowledged_with_its_error(connect: Connect) -> None:
    answer = connect().ack("subscribe", {"symbols": 7})
    assert answer["error"]["code"] == "invalid_symbols"


def test_a_heartbeat_is_acknowledged_with_both_times(connect: Connect) -> None:
    answer = connect().ack("heartbeat", {"client_time": 1_700_000_000_123})
    assert answer["client_time"] == 1_700_000_000_123
    assert answer["server_time"].endswith("Z")


def test_clients_are_told_when_the_feed_ends(
    start_server: StartServer, connect: Connect, tmp_path: Path
) -> None:
    recording = tmp_path / "BTC-USD-1m.csv"
    rows = (f"{1_700_000_040_000 + 60_000 * n},100,101,99,{100 + n % 2},1" for n in range(30))
    recording.write_text("\n".join(("open_time_ms,open,high,low,close,volume", *rows)))
    # A minute of the recording takes a tenth of a second, so its end is seconds away.
    server = start_server(MARKET_FEED=f"replay:{recording}", REPLAY_SPEED="600")
    client = connect(to=server)
    assert client.wait("connection_status")["feed"] == "replay"
    status = client.wait("connection_status", lambda s: s["status"] == "feed_degraded")
    assert status["feed_state"] == "ended" and status["message"]


def _parse(message: str) -> Any:
    """The arguments of an event in its wire form, `42[...]`."""
    return json.loads(message[2:])
