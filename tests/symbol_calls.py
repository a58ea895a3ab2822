"""What is asked of a server's symbols."""

from typing import Any

import requests

from tests.servers import Server, bearer


def add(server: Server, symbol: Any, token: str | None = None) -> requests.Response:
    """Have a symbol added, by the user of the token or by the one whom tests share."""
    headers = bearer(token or server.token)
    return server.post("/api/market/symbols", {"symbol": symbol}, headers=headers)


def served(server: Server) -> list[str]:
    return [each["symbol"] for each in server.get("/api/market/symbols").json()["symbols"]]
