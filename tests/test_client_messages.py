"""What clients send is validated before anything else happens."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import protocol
from backend.client_messages import (
    RequestError,
    Return,
    parse_heartbeat,
    parse_return,
    parse_subscribe,
    parse_token,
    parse_unsubscribe,
    wants_recovery,
)
from backend.protocol import QUOTE_FIELDS

KNOWN = {"BTC": None, "ETH": None, "ADA": None}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)


def code_of(parse: Any, *args: Any) -> str:
    with pytest.raises(RequestError) as caught:
        parse(*args, KNOWN)
    return caught.value.code


def test_symbols_are_accepted_in_the_order_of_the_request_and_once() -> None:
    request = parse_subscribe(({"symbols": ["ETH", "BTC", "ETH"]},), KNOWN)
    assert request.symbols.accepted == ("ETH", "BTC")
    assert request.symbols.rejected == ()


@pytest.mark.parametrize(
    ("symbol", "code"),
    [
        ("XYZ", protocol.UNKNOWN_SYMBOL),
        ("btc", protocol.MALFORMED_SYMBOL),
        ("bitcoin", protocol.MALFORMED_SYMBOL),
        ("", protocol.MALFORMED_SYMBOL),
        ("B" * 200, protocol.MALFORMED_SYMBOL),
        ("🚀", protocol.MALFORMED_SYMBOL),
        ("BTC\n", protocol.MALFORMED_SYMBOL),
    ],
)
def test_a_symbol_that_cannot_be_served_is_rejected_beside_the_others(
    symbol: str, code: str
) -> None:
    symbols = parse_subscribe(({"symbols": [symbol, "ADA"]},), KNOWN).symbols
    assert symbols.accepted == ("ADA",)
    assert [(r["symbol"], r["code"]) for r in symbols.rejected] == [(symbol, code)]
    assert symbols.rejected[0]["message"]


@pytest.mark.parametrize("args", [(), (None,), ("BTC",), (["BTC"],), (7,), ({}, {})])
def test_a_payload_that_is_not_one_object_is_refused(args: tuple[Any, ...]) -> None:
    assert code_of(parse_subscribe, args) == protocol.INVALID_PAYLOAD


@pytest.mark.parametrize("symbols", [None, "BTC", {"BTC": 1}, 7, [1], ["BTC", None], [["BTC"]]])
def test_symbols_have_to_be_a_list_of_strings(symbols: Any) -> None:
    assert code_of(parse_subscribe, ({"symbols": symbols},)) == protocol.INVALID_SYMBOLS


def test_a_request_holds_at_most_100_symbols() -> None:
    parse_subscribe(({"symbols": ["BTC"] * 100},), KNOWN)
    assert code_of(parse_subscribe, ({"symbols": ["BTC"] * 101},)) == protocol.TOO_MANY_SYMBOLS


def test_fields_come_in_the_order_of_a_quote_with_the_symbol() -> None:
    request = parse_subscribe(({"symbols": [], "fields": ["seq", "price"]},), KNOWN)
    assert request.fields == ("symbol", "price", "seq")


def test_what_a_quote_has_on_request_only_may_be_named() -> None:
    request = parse_subscribe(({"symbols": [], "fields": ["received_at", "ask"]},), KNOWN)
    assert request.fields == ("symbol", "ask", "received_at")
    assert "received_at" not in QUOTE_FIELDS


@pytest.mark.parametrize("fields", ["price", [1], ["prize"], [["price"]], 7])
def test_fields_that_a_quote_does_not_have_are_refused(fields: Any) -> None:
    payload = {"symbols": ["BTC"], "fields": fields}
    assert code_of(parse_subscribe, (payload,)) == protocol.INVALID_FIELDS


def test_realtime_is_a_boolean() -> None:
    assert parse_subscribe(({"symbols": [], "realtime": False},), KNOWN).realtime is False
    payload = {"symbols": ["BTC"], "realtime": "yes"}
    assert code_of(parse_subscribe, (payload,)) == protocol.INVALID_PAYLOAD


@pytest.mark.parametrize("args", [(), (None,), ({},), ({"symbols": None},)])
def test_unsubscribing_without_symbols_means_all_of_them(args: tuple[Any, ...]) -> None:
    assert parse_unsubscribe(args, KNOWN) is None


@pytest.mark.parametrize("client_time", [0, -1.5, 1_700_000_000_000, "2026-01-01T00:00:00Z", None])
def test_a_heartbeat_echoes_the_time_it_was_given(client_time: Any) -> None:
    assert parse_heartbeat(({"client_time": client_time},)) == client_time


@pytest.mark.parametrize("client_time", [True, [], {}, "x" * 65, 2**60])
def test_a_heartbeat_does_not_echo_what_is_no_time(client_time: Any) -> None:
    with pytest.raises(RequestError):
        parse_heartbeat(({"client_time": client_time},))


@given(st.lists(json_values, max_size=3).map(tuple))
def test_no_payload_raises_anything_but_a_request_error(args: tuple[Any, ...]) -> None:
    for parse in (
        lambda: parse_subscribe(args, KNOWN),
        lambda: parse_unsubscribe(args, KNOWN),
        lambda: parse_heartbeat(args),
        lambda: parse_token(args),
    ):
        try:
            parse()
        except RequestError as error:
            assert error.code


@pytest.mark.parametrize(
    ("resume", "place"),
    [
        (None, None),
        ({"epoch": "a", "offset": 7}, protocol.Place("a", 7)),
        ({"epoch": "a", "offset": "7"}, protocol.Place("a", 7)),
        ({"epoch": "a", "offset": "1-0"}, protocol.Place("a", None)),
        ({"epoch": "a", "offset": -1}, protocol.Place("a", -1)),
    ],
)
def test_a_place_to_resume_from_is_what_the_server_gave(
    resume: Any, place: protocol.Place | None
) -> None:
    assert parse_subscribe(({"symbols": [], "resume": resume},), KNOWN).resume == place


@pytest.mark.parametrize(
    "resume",
    [
        7,
        "a",
        [],
        {},
        {"epoch": "a"},
        {"offset": 1},
        {"epoch": 1, "offset": 1},
        {"epoch": "a", "offset": True},
        {"epoch": "a", "offset": 1.5},
        {"epoch": "a" * 65, "offset": 1},
        {"epoch": "a", "offset": "1" * 65},
        {"epoch": "a", "offset": 10**70},
    ],
)
def test_anything_else_is_no_place(resume: Any) -> None:
    assert code_of(parse_subscribe, ({"symbols": [], "resume": resume},)) == (
        protocol.INVALID_PAYLOAD
    )


# --- recovery -------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", [None, {}, "recovery", {"recovery": 1}, {"recovery": "true"}])
def test_recovery_is_asked_for_by_true_alone(auth: Any) -> None:
    assert not wants_recovery(auth)
    assert wants_recovery({"recovery": True})


def test_a_place_is_shown_as_it_was_told() -> None:
    place = protocol.Place("e", 7)
    shown = parse_return({"pid": "p", "offset": str(place)})
    assert shown == Return("p", place)
    shown = parse_return({"pid": "p", "offset": f"{place}:3"})
    assert shown == Return("p", place, 3)


@pytest.mark.parametrize("pid", [None, 1, True, [], {}, "p" * 65, "\ud800", "é"])
def test_what_is_no_private_id_is_not_looked_up(pid: Any) -> None:
    assert parse_return({"pid": pid, "offset": "e:7"}) is None


@pytest.mark.parametrize(
    "offset",
    [
        None,
        7,
        True,
        [],
        {},
        "",
        "7",
        ":7",
        "e:",
        "e:-7",
        "e:7.0",
        "e:٧",
        "e:7:",
        "e:7:x",
        "e:7:1:1",
        "e:" + "7" * 63,
    ],
)
def test_what_is_no_place_is_not_looked_up(offset: Any) -> None:
    assert parse_return({"pid": "p", "offset": offset}) is None
