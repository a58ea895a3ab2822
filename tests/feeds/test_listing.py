"""What a feed lists: how it is looked through, how long it is kept, and lies about it."""

import json

import pytest

from backend.feeds.json_stream import PIECE_BYTES, json_items
from backend.feeds.listing import (
    FRESH_S,
    KEPT_S,
    LISTED_MAX,
    RETRY_S,
    Catalogue,
    Listed,
    Listings,
    ListingUnavailable,
    listed_in,
)


def test_what_fits_best_comes_first():
    names = {"ETH": "Ethereum", "ETC": "Ethereum Classic", "STETH": "Staked", "BTC": "Bitcoin"}
    catalogue = Catalogue({**names, "ETHFI": "ether.fi"})
    assert catalogue.search("eth", 9) == ["ETH", "ETHFI", "ETC", "STETH"]
    assert catalogue.search("CLASSIC", 9) == ["ETC"]
    assert catalogue.search("e", 2) == ["ETC", "ETH"]
    assert catalogue.search("zzz", 9) == []


def test_a_listing_is_asked_for_once_an_hour_and_outlives_an_outage(clock):
    answers, asked = [{"BTC": "Bitcoin"}], []

    def fetch(source):
        asked.append(source)
        if not answers:
            raise ListingUnavailable("away")
        return answers[-1]

    listings = Listings(fetch, clock)
    assert listings.of("x").names == listings.of("x").names == {"BTC": "Bitcoin"}
    assert asked == ["x"]
    answers.clear()
    clock.sleep(FRESH_S)
    assert listings.of("x").names == listings.of("x").names == {"BTC": "Bitcoin"}
    assert len(asked) == 2, "a source that is away is not asked by everybody"
    clock.sleep(RETRY_S)
    assert listings.of("x").names and len(asked) == 3
    clock.sleep(KEPT_S)
    with pytest.raises(ListingUnavailable):
        listings.of("x")
    answers.append({"ETH": "Ethereum"})
    clock.sleep(RETRY_S)
    assert listings.of("x").names == {"ETH": "Ethereum"}


def test_what_nobody_could_ask_for_is_left_out_and_too_much_is_refused():
    found = [Listed("BTC"), Listed("btc"), Listed("A" * 16), None, Listed("X", "n" * 500)]
    assert listed_in(found) == {"BTC": "Bitcoin", "X": "n" * 60}
    with pytest.raises(ValueError):
        listed_in([])
    with pytest.raises(ValueError):
        listed_in(Listed(f"S{number}") for number in range(LISTED_MAX + 1))


def test_a_long_answer_is_read_with_pauses():
    pauses = []
    body = json.dumps({"symbols": [{"n": n} for n in range(3_000)]}).encode()
    found = list(json_items([body], "symbols.item", lambda: pauses.append(1)))
    assert [each["n"] for each in found] == list(range(3_000))
    assert len(pauses) == -(-len(body) // PIECE_BYTES)
    members = json.dumps({"error": [], "result": {"A": {"n": 1}, "B": {"n": 2}}}).encode()
    assert list(json_items([members[:9], members[9:]], "result", lambda: None)) == [
        {"n": 1},
        {"n": 2},
    ]


@pytest.mark.parametrize("body", [b"", b"{", b"[1, 2]", b'["x"]', b"\xff", b'{"item": NaN}'])
def test_what_is_no_such_json_is_a_value_error(body):
    with pytest.raises(ValueError):
        list(json_items([body], "item", lambda: None))
