"""Bid and ask: what a book brings to a quote, and what it does not."""

from backend.market.models import BookTop
from tests.market.samples import trade


def test_bid_and_ask_are_absent_until_there_is_a_book(market):
    market.apply_trade(trade(0, 10.0))
    assert (market.quote("BTC").bid, market.quote("BTC").ask) == (None, None)
    market.apply_book(BookTop("BTC", 9.9, 10.1))
    assert (market.quote("BTC").bid, market.quote("BTC").ask) == (9.9, 10.1)
    assert market.quote("ETH") is None


def test_a_book_brings_no_price_and_calls_nobody(market):
    called = []
    market.on_price(called.append)
    market.apply_book(BookTop("BTC", 9.9, 10.1))
    assert market.quote("BTC") is None
    assert called == []


def test_books_are_numbered_only_where_somebody_has_looked(market):
    """However often a book changes: quotes of one `seq` are the same, and it stays small."""
    market.apply_trade(trade(0, 10.0))
    seen = {}
    for number in range(1, 1001):
        market.apply_book(BookTop("BTC", 9.0 + number / 1e4, 10.0))
        if number % 100 == 0:
            for _ in range(3):
                quote = market.quote("BTC")
                assert seen.setdefault(quote.seq, quote) == quote
    assert list(seen) == list(range(1, 11))
    market.apply_book(BookTop("BTC", 9.1, 10.0))
    assert market.quote("BTC").seq == 10


def test_a_crossed_or_mad_book_changes_nothing(market):
    market.apply_trade(trade(0, 10.0))
    market.apply_book(BookTop("BTC", 9.9, 10.1))
    for bid, ask in ((10.2, 10.1), (0.0, 10.0), (float("nan"), 10.0), (9.0, float("inf"))):
        market.apply_book(BookTop("BTC", bid, ask))
    market.apply_book(BookTop("DOGE", 1.0, 2.0))
    assert (market.quote("BTC").bid, market.quote("BTC").ask) == (9.9, 10.1)
    assert market.drops == {"inconsistent": 2, "non_positive": 1, "nan": 1, "unknown_symbol": 1}


def test_a_book_is_a_sign_of_life(market, clock):
    market.apply_trade(trade(0, 10.0))
    clock.advance(16)
    market.apply_book(BookTop("BTC", 9.9, 10.1))
    assert not market.stale("BTC")
