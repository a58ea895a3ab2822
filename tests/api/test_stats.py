"""The figures of the installation, and who may see them."""

from typing import Any

import pytest

from tests.conftest import STACKS, Connect, StartServer
from tests.servers import PASSWORD, Server, bearer, wait_until

SYMBOLS = ["BTC", "ETH"]


def named(server: Server, username: str) -> dict[str, Any]:
    account = {"username": username, "password": PASSWORD}
    assert server.post("/api/auth/register", account).status_code == 201
    return dict(server.post("/api/auth/login", account).json())


def test_the_first_user_sees_the_figures_and_no_other_does(start_server: StartServer) -> None:
    server = start_server(PROCESS_NAME="alone")
    first, second = named(server, "first"), named(server, "second")
    assert server.get("/api/stats").status_code == 401
    refused = server.get("/api/stats", headers=bearer(second["access_token"]))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    seen = server.get("/api/stats", headers=bearer(first["access_token"]))
    assert seen.status_code == 200
    body = seen.json()
    assert body["complete"] is True
    (process,) = body["processes"]
    assert (process["name"], process["leads"]) == ("alone", True)
    assert body["total"] == process["figures"]


def test_where_some_are_named_they_see_the_figures_instead(start_server: StartServer) -> None:
    server = start_server(ADMIN_USERS="Alice, bob")
    tokens = {name: named(server, name)["access_token"] for name in ("first", "alice", "BOB")}
    statuses = {
        name: server.get("/api/stats", headers=bearer(token)).status_code
        for name, token in tokens.items()
    }
    assert statuses == {"first": 403, "alice": 200, "BOB": 200}


@pytest.mark.parametrize("stack", STACKS)
def test_connections_are_counted_by_what_they_are_and_what_they_do(
    stack: str, start_server: StartServer, connect: Connect
) -> None:
    server = start_server(MARKET_INTERVAL="0.2")
    login = named(server, "first")

    def figures() -> dict[str, Any]:
        return dict(server.get("/api/stats", headers=bearer(login["access_token"])).json()["total"])

    def client(transport: str) -> Any:
        found = connect(stack, transport, {"token": login["access_token"]}, to=server)
        found.wait("connection_status")
        return found

    polling, upgraded = client("polling"), client("upgrade")
    polling.emit("subscribe", {"symbols": SYMBOLS, "realtime": True})
    confirmed = polling.wait("subscription_confirmed")
    upgraded.emit("subscribe", {"symbols": ["BTC"]})
    for each in (polling, upgraded):
        for _ in range(2):
            each.wait("market_update")
    polling.wait("price_update")
    upgrades = f'crs_clients{{client="{stack}",transport="websocket"}}'
    wait_until(lambda: server.metric(upgrades) == 1, "the upgrade")
    now = figures()
    assert now["connections"] == 2
    assert now["transports"] == {"websocket": 1, "polling": 1}
    assert now["clients"] == {"browser": 0, "node": 0, "python": 0, "other": 0, stack: 2}
    assert now["subscriptions"] == {"BTC": 2, "ETH": 1}
    for event in ("market_update", "price_update"):
        late = now["lateness"][event]
        # A snapshot is a delivery too, but nothing that could be late.
        assert 0 < late["count"] <= now["deliveries"][event]
        assert late["up_to"]["+Inf"] == late["count"]

    place = {"epoch": confirmed["epoch"], "offset": confirmed["offset"]}
    again = client("polling")
    for resume in (place, place, {**place, "epoch": "another"}, {**place, "offset": 10**9}):
        again.emit("subscribe", {"symbols": SYMBOLS, "resume": resume})
        again.wait("subscription_confirmed")
    polling.close()
    wait_until(lambda: server.get("/health").json()["connections"] == 2, "one to go")
    now = figures()
    assert now["reconnects"] == {stack: 1}
    assert now["resumes"] == {"recovered": 2, "epoch": 1, "ahead": 1}
    assert now["durations"][stack]["count"] == 1
    assert server.metric(f'crs_clients{{client="{stack}",transport="polling"}}') == 1
    assert server.metric('crs_symbol_subscriptions{symbol="BTC"}') == 2
    assert server.metric('crs_resumes_total{outcome="recovered"}') == 2
    assert server.metric(f'crs_connection_seconds_count{{client="{stack}"}}') == 1
