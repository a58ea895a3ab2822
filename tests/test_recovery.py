"""The stock JavaScript client that asks for it gets its connection back, with what it has missed;
others notice nothing."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Connect, StartServer
from tests.recovering import STOCK, SYMBOLS, Asks, asking, last_heard, own_engine, subscribed
from tests.servers import Server, bearer
from tests.stream_clients import TRANSPORTS, PythonClient, RawClient, said


@pytest.fixture(scope="module")
def talkative(_start: StartServer) -> Iterator[Server]:
    """A server that says something to everybody ten times a second."""
    server = _start(SENTIMENT_INTERVAL="0.1", SIGNAL_INTERVAL="0.1", MARKET_INTERVAL="0.2")
    yield server
    assert server.stop() == 0
    assert "Traceback" not in server.output()


def ended(server: Server, outcome: str) -> float:
    """How many clients' coming back has ended in this way."""
    return server.metric(f'crs_recoveries_total{{outcome="{outcome}"}}')


# --- those who ask --------------------------------------------------------------------------------


# Events in which a client is away; in a quarter of a minute there are 150.
AWAY = [6, pytest.param(150, marks=pytest.mark.soak)]


@own_engine
@pytest.mark.parametrize("away", AWAY)
@pytest.mark.parametrize("how", ["here", "unnoticed"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_cut_connection_comes_back_with_what_it_missed(
    transport: str, how: str, away: int, talkative: Server, connect: Connect
) -> None:
    witness = connect(to=talkative)
    witness.emit("subscribe", {"symbols": SYMBOLS})
    witness.wait("subscription_confirmed")
    client = connect("node", transport, asking(talkative.token), to=talkative)
    before = subscribed(client)
    assert before["recovered"] is False
    client.cut(how)
    last = last_heard(client)
    mark = len(client.heard)
    witness.wait("sentiment_update", lambda told: told["offset"] > last + away)

    after = client.come_back(talkative.url)
    assert after == {"id": before["id"], "recovered": True, "pid": before["pid"]}
    assert client.wait("connection_status")["status"] == "connected"
    live = last + away + 6
    newest = client.wait("sentiment_update", lambda told, *_: told["offset"] > live)["offset"]
    witness.wait("sentiment_update", lambda told: told["offset"] >= newest)
    begun = client.all("subscription_confirmed")[0]["offset"]
    # Over the cut, and with nothing of before it after it.
    assert said(client.heard, begun, newest) == said(witness.heard, begun, newest)
    assert said(client.heard[mark:], 0, last) == []

    update = client.wait("market_update")
    assert {symbol: set(quote) for symbol, quote in update.items()} == {
        symbol: {"symbol", "price"} for symbol in SYMBOLS
    }
    client.wait("price_update")
    for symbol in SYMBOLS:
        client.wait("candle", lambda event, wanted=symbol: event["symbol"] == wanted)
    assert len(client.all("subscription_confirmed")) == 1


@own_engine
def test_two_clients_come_back_as_themselves_as_often_as_they_like(
    talkative: Server, connect: Connect
) -> None:
    clients = [
        connect("node", transport, asking(talkative.token), to=talkative)
        for transport in ("websocket", "polling")
    ]
    before = [subscribed(client) for client in clients]
    recovered = ended(talkative, "recovered")
    for how in ("here", "unnoticed", "here"):
        for client in clients:
            client.cut(how)
        last = [last_heard(client) for client in clients]
        after = [client.come_back(talkative.url) for client in clients]
        for old, new in zip(before, after, strict=True):
            assert new == {**old, "recovered": True}
        for client, heard in zip(clients, last, strict=True):
            client.wait("sentiment_update", lambda told, *_, h=heard: told["offset"] > h + 3)
    assert before[0]["id"] != before[1]["id"]
    assert ended(talkative, "recovered") == recovered + 6
    for client in clients:
        offsets = [told["offset"] for told in said(client.heard, last_heard(client) - 12, 10**9)]
        assert offsets == sorted(set(offsets))


@own_engine
def test_who_was_cut_in_the_midst_of_an_answer_is_not_recovered(
    start_server: StartServer, asks: Asks
) -> None:
    quiet = start_server(SENTIMENT_INTERVAL="3600", SIGNAL_INTERVAL="3600")
    quiet.wait_for_signals(["BTC", "ETH"])
    for symbols, heard in ((["BTC"], 0), (["BTC", "ETH"], 0), (["BTC", "ETH"], 1)):
        client = asks(quiet)
        shown = client.shown()
        client.send(f'42["subscribe",{json.dumps({"symbols": symbols})}]')
        signals = [json.loads(client.receive('42["trading_signal"')[2:]) for _ in symbols]
        assert [len(each) for each in signals] == [2] * (len(symbols) - 1) + [3]
        client.close()
        if heard:
            shown["offset"] = signals[-1][2]
        again = asks(quiet, **shown)
        assert (again.told["sid"] == client.told["sid"]) is bool(heard)
        assert (again.told["pid"] == client.told["pid"]) is bool(heard)
    assert (ended(quiet, "unanswered"), ended(quiet, "recovered")) == (2, 1)


@own_engine
def test_who_has_left_is_not_recovered(talkative: Server, connect: Connect) -> None:
    client = connect("node", auth=asking(talkative.token), to=talkative)
    before = subscribed(client)
    client.end()
    after = client.come_back(talkative.url)
    assert not after["recovered"]
    assert after["id"] != before["id"] and after["pid"] != before["pid"]


@own_engine
def test_a_private_id_is_nothing_in_the_hands_of_another_user(
    talkative: Server, asks: Asks
) -> None:
    client = asks(talkative)
    shown = client.shown()
    stranger = asks(talkative, talkative.new_login()["access_token"], **shown)
    assert stranger.told["sid"] != client.told["sid"]
    assert stranger.told["pid"] != client.told["pid"]
    client.place()  # and nothing happens to whose it is
    assert ended(talkative, "another_user") == 1


@own_engine
def test_what_was_logged_out_does_not_come_back(talkative: Server, asks: Asks) -> None:
    login = talkative.new_login()
    client = asks(talkative, login["access_token"])
    shown = client.shown()
    headers = bearer(login["access_token"])
    assert talkative.post("/api/auth/logout", headers=headers).ok
    assert any('"token_revoked"' in packet for packet in client.receive_until_closed())
    again = asks(talkative, login["access_token"], **shown)
    assert set(again.told) == {"sid"} and again.told["sid"] != client.told["sid"]
    assert any('"token_revoked"' in packet for packet in again.receive_until_closed())


@own_engine
def test_of_two_that_show_one_private_id_the_later_has_it_and_the_other_is_sent_away(
    talkative: Server, asks: Asks
) -> None:
    first = asks(talkative)
    shown = first.shown()
    second = asks(talkative, **shown)
    assert second.told == first.told
    assert first.receive_until_closed()[-1] == "41", "its client would come back for it"
    third = asks(talkative, pid=shown["pid"], offset=second.place())
    assert third.told == first.told
    assert "41" in second.receive_until_closed()
    third.place()


@own_engine
def test_whatever_a_client_shows_it_is_new(talkative: Server, asks: Asks) -> None:
    for pid in (None, 7, True, [], {"a": 1}, "", "unknown", "\0\n ü", "x" * 999):
        for offset in (None, 7, True, [], {}, "", "x", "x:1", "x:-1", "9" * 9_999):
            client = asks(talkative, pid=pid, offset=offset)
            assert set(client.told) == {"sid", "pid"} and client.told["pid"] != pid
            client.receive('42["connection_status"')
            client.close()


@own_engine
def test_a_place_that_was_never_given_is_none(talkative: Server, asks: Asks) -> None:
    for place in ("x{epoch}:5", "{epoch}:" + "9" * 30):
        client = asks(talkative)
        shown = client.shown()
        epoch = shown["offset"].split(":")[0]
        again = asks(talkative, pid=shown["pid"], offset=place.format(epoch=epoch))
        assert again.told["sid"] != client.told["sid"]


# --- those who do not -----------------------------------------------------------------------------


def shape(packet: str) -> tuple[str, int]:
    """The event of a packet, and how many arguments it has."""
    event, *arguments = json.loads(packet[2:])
    return event, len(arguments)


def test_who_does_not_ask_is_sent_nothing_more(talkative: Server, asks: Asks) -> None:
    for auth in ({}, {"recovery": False}, {"recovery": 1}, {"pid": "x", "offset": "x:1"}):
        other = asks(talkative)
        client = RawClient(talkative.url)
        client.send("40" + json.dumps({"token": talkative.token, **auth}))
        assert set(json.loads(client.receive("40")[2:])) == {"sid"}
        for each in (other, client):
            each.send('42["subscribe",{"symbols":["BTC"]}]')
            each.receive('42["trading_signal"')
        plain = client.receive('42["sentiment_update"')
        assert shape(plain) == ("sentiment_update", 1)
        placed = other.receive('42["sentiment_update"')
        while json.loads(placed[2:])[1] != json.loads(plain[2:])[1]:
            placed = other.receive('42["sentiment_update"')
        # The same bytes, but for what only those are sent who asked for it.
        assert placed == plain if STOCK else placed.startswith(plain[:-1] + ',"')
        client.close()


def test_handlers_of_one_argument_go_on_beside_those_who_ask(talkative: Server, asks: Asks) -> None:
    other = asks(talkative)
    client = PythonClient(talkative.url, {"token": talkative.token})
    heard: list[Any] = []
    client.client.on("sentiment_update", heard.append)  # fails where there are two
    client.client.on("trading_signal", heard.append)
    client.emit("subscribe", {"symbols": SYMBOLS})
    client.wait("subscription_confirmed")
    for _ in range(5):
        other.receive('42["sentiment_update"')
    client.ack("heartbeat", {})
    assert len(heard) > len(SYMBOLS)
    client.close()


@pytest.mark.skipif(not STOCK, reason="of the stock engine only")
def test_the_stock_engine_takes_who_asks_for_one_like_any_other(
    talkative: Server, asks: Asks
) -> None:
    client = asks(talkative)
    assert set(client.told) == {"sid"}
    assert shape(client.receive('42["sentiment_update"')) == ("sentiment_update", 1)
    client.close()
