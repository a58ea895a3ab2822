"""Record what a Python client of the stream receives, as JSON lines of [event, payload].

Usage: record.py URL USERNAME PASSWORD SECONDS SYMBOL...
"""

import json
import sys
import urllib.request

import socketio

EVENTS = ("market_update", "sentiment_update", "trading_signal")


def login(url: str, username: str, password: str) -> str:
    """An access token."""
    request = urllib.request.Request(
        f"{url}/api/auth/login",
        json.dumps({"username": username, "password": password}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        token: str = json.load(response)["access_token"]
    return token


def record(event: str, data: object) -> None:
    # In one piece: handlers run in threads of their own.
    sys.stdout.write(f"{json.dumps([event, data])}\n")
    sys.stdout.flush()


def main() -> None:
    url, username, password, seconds, *symbols = sys.argv[1:]
    client = socketio.Client()
    for event in EVENTS:
        client.on(event, lambda data, event=event: record(event, data))
    client.on("connection_status", lambda _: client.emit("subscribe", {"symbols": symbols}))
    client.connect(url, auth={"token": login(url, username, password)})
    client.sleep(float(seconds))
    client.disconnect()


if __name__ == "__main__":
    main()
