"""Clients that ask for the recovery of their connection's state."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.servers import Server
from tests.stream_clients import NodeClient, RawClient

SYMBOLS = ["BTC", "ETH"]
SUBSCRIPTION = {"symbols": SYMBOLS, "fields": ["price"], "realtime": True}
STOCK = os.environ.get("FANOUT_ENGINE") == "stock"

own_engine = pytest.mark.skipif(STOCK, reason="the stock engine recovers nobody")


def asking(token: str, **more: Any) -> dict[str, Any]:
    return {"token": token, "recovery": True, **more}


def subscribed(client: NodeClient) -> dict[str, Any]:
    """Subscribe, and hear something live; what the client's socket is."""
    connection = client.connection()
    client.emit("subscribe", SUBSCRIPTION)
    confirmed = client.wait("subscription_confirmed")
    client.wait("sentiment_update", lambda told, *_: told["offset"] > confirmed["offset"])
    return connection


def last_heard(client: NodeClient) -> int:
    """The place of the last event that had one."""
    places = [args[-1] for _, args in client.heard if args and isinstance(args[-1], str)]
    return int([each for each in places if ":" in each][-1].split(":")[1])


class Asking(RawClient):
    """A raw client that asks for recovery; `told` is the answer to its CONNECT."""

    def __init__(self, server: Server, token: str = "", **more: Any) -> None:
        super().__init__(server.url)
        self.send("40" + json.dumps(asking(token or server.token, **more)))
        self.told = json.loads(self.receive("40")[2:])

    def place(self) -> str:
        """That of the next event that is for everybody."""
        return str(json.loads(self.receive('42["sentiment_update"')[2:])[2])

    def shown(self) -> dict[str, str]:
        """What it would show if it came back now."""
        return {"pid": self.told["pid"], "offset": self.place()}


Asks = Callable[..., Asking]
