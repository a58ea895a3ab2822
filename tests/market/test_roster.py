"""What is served, and who is told when that changes."""

from backend.market.roster import Roster


class Listener:
    def __init__(self, name, heard):
        self.name, self.heard = name, heard

    def follow(self, symbol):
        self.heard.append((self.name, "+", symbol))

    def unfollow(self, symbol):
        self.heard.append((self.name, "-", symbol))


def test_configured_symbols_come_first_and_always_stay():
    roster = Roster(["BTC", "ETH"], ["SUI", "BTC"])
    assert list(roster) == ["BTC", "ETH", "SUI"] and roster.added == ("SUI",)
    assert not roster.remove("BTC")
    assert not roster.remove("TON")
    assert roster.remove("SUI")
    assert list(roster) == ["BTC", "ETH"] and "SUI" not in roster


def test_each_change_is_told_once_and_what_goes_in_the_opposite_order():
    heard = []
    roster = Roster(["BTC"])
    roster.tell(Listener("market", heard))
    roster.tell(Listener("clients", heard))
    assert roster.add("SUI") and not roster.add("SUI")
    assert roster.remove("SUI") and not roster.remove("SUI")
    assert heard == [
        ("market", "+", "SUI"),
        ("clients", "+", "SUI"),
        ("clients", "-", "SUI"),
        ("market", "-", "SUI"),
    ]


def test_who_goes_through_them_meanwhile_sees_what_there_was():
    roster = Roster(["BTC"])
    seen = [roster.add(f"A{symbol}") for symbol in roster]
    assert seen == [True] and list(roster) == ["BTC", "ABTC"]
