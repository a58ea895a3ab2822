"""What the example client gives its screen, over one connection after another."""

import importlib.util
from types import ModuleType
from typing import Any

import pytest

from tests.servers import ROOT


@pytest.fixture(scope="module")
def example() -> ModuleType:
    """The example, as a module."""
    spec = importlib.util.spec_from_file_location(
        "python_client", ROOT / "examples" / "python_client.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Client:
    """A resumption, and the offsets that it gave."""

    def __init__(self, example: ModuleType) -> None:
        self.given: list[int] = []
        self.resumption = example.Resumption(lambda _, said: self.given.append(said["offset"]))

    def hear(self, *offsets: int) -> None:
        for offset in offsets:
            self.resumption.take("trading_signal", {"offset": offset})

    def connect(self, *before: int, **confirmation: Any) -> None:
        """A connection that says `before` until it acknowledges `subscribe`."""
        self.resumption.hold()
        self.hear(*before)
        self.resumption.go_on({"epoch": "e", **confirmation})


def test_another_exchanges_price_is_no_move(example: ModuleType) -> None:
    screen = example.Screen()
    for price, source, move in ((1, "binance", 0), (2, "binance", 1), (1, "kraken", 0)):
        screen.take_quotes({"BTC": {"price": price, "source": source}})
        assert screen.moves["BTC"] == move


@pytest.fixture
def client(example: ModuleType) -> Client:
    """One that has heard 3 to 6."""
    client = Client(example)
    assert client.resumption.place() is None
    client.connect(4, 3, offset=5)
    client.hear(6)
    assert client.given == [3, 4, 6]
    assert client.resumption.place() == {"epoch": "e", "offset": 6}
    client.given.clear()
    return client


def test_what_was_missed_is_given_once_and_in_order(client: Client) -> None:
    client.connect(9, 11, 7, 8, 9, offset=6, recovered=True)
    client.hear(10, 11, 12)
    # Each event has a thread: 10 was overtaken.
    assert client.given == [7, 8, 9, 11, 10, 12]
    assert client.resumption.place() == {"epoch": "e", "offset": 12}


def test_a_connection_that_was_not_acknowledged_changes_nothing(client: Client) -> None:
    client.resumption.hold()
    client.hear(9, 7)
    client.connect(9, 7, 8, offset=6, recovered=True)
    assert client.given == [7, 8, 9]


def test_a_snapshot_brings_nothing_that_was_given(client: Client) -> None:
    client.connect(900, 6, 850, offset=900, recovered=False)
    assert client.given == [850, 900]
    assert client.resumption.place() == {"epoch": "e", "offset": 900}


def test_another_epoch_counts_anew(client: Client) -> None:
    client.connect(3, 1, epoch="f", offset=3, recovered=False)
    client.hear(4)
    assert client.given == [1, 3, 4]
    assert client.resumption.place() == {"epoch": "f", "offset": 4}


def test_the_end_of_an_epoch_is_noticed_on_a_connection_that_stands(client: Client) -> None:
    over = {"epoch": "f", "offset": 2, "recovered": False}
    assert client.resumption.is_over(over)
    client.resumption.go_on(over)
    assert not client.resumption.is_over(over)
    client.resumption.hold()
    assert not client.resumption.is_over({"epoch": "g", "offset": 1})
