"""400 symbols on a feed of 3,000 trades a second: `python -m benchmarks.busy_feed`.

Starts the application on a local exchange (`load/firehose.py`) and some clients, one of them with
every symbol, and says how late ticks came, how long the hub was held and by whom, and what share of
a core that took: first while histories load, then when they have. Two minutes; the application has
the first core to itself, the exchange and the clients the last one.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import socketio

from backend.config_values import PROJECT_ROOT
from benchmarks.machine import LOAD_CORE, SERVER_CORE, cpu_seconds, rss_bytes

SUBSCRIBED_AT_ONCE = 100
BASKET_SYMBOLS = 20
READY_SECONDS_MAX = 60.0
LATE_MS, HELD_MS = 100.0, 5.0
# Who held the hub for longest.
CULPRITS_SHOWN = 12


class Client:
    """Notes, of each tick, when it came and how old its newest quote was then."""

    def __init__(self, url: str, symbols: list[str]) -> None:
        self.ticks: list[tuple[float, float]] = []
        self._client = socketio.Client(reconnection=False)
        self._client.on("market_update", self._note)
        self._client.connect(url, transports=["websocket"])
        for begin in range(0, len(symbols), SUBSCRIBED_AT_ONCE):
            part = symbols[begin : begin + SUBSCRIBED_AT_ONCE]
            self._client.call("subscribe", {"symbols": part}, timeout=60)

    def _note(self, quotes: dict[str, Any]) -> None:
        now = time.time()
        newest = max(quote["timestamp"] for quote in quotes.values())
        late_ms = 1e3 * (now - datetime.fromisoformat(newest).timestamp())
        self.ticks.append((now, late_ms))

    def close(self) -> None:
        self._client.disconnect()


def main() -> int:
    options = _options()
    os.sched_setaffinity(0, {LOAD_CORE})
    symbols = [f"S{number:03}" for number in range(options.symbols)]
    exchange = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.load.firehose", ",".join(symbols), str(options.trades)],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert exchange.stdout is not None
    ws_url, rest_url = exchange.stdout.readline().split()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            _measure(Path(folder), symbols, ws_url, rest_url, options)
        finally:
            exchange.kill()
            exchange.wait()
    return 0


def _measure(
    folder: Path, symbols: list[str], ws_url: str, rest_url: str, options: argparse.Namespace
) -> None:
    environment = {
        **os.environ,
        "PORT": "0",
        "DATABASE_URL": f"sqlite:///{folder}/bench.db",
        "JWT_SECRET_KEY": "of a benchmark, and of nothing else",
        "WEBSOCKET_AUTH_REQUIRED": "false",
        "SYMBOLS": ",".join(symbols),
        "MARKET_FEED": "binance",
        "BINANCE_WS_URL": ws_url,
        "BINANCE_REST_URL": rest_url,
        "HOLDS_FILE": f"{folder}/holds.json",
    }
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.apps.held"],
            cwd=PROJECT_ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE}),
        )
    try:
        began = time.time()
        url = _url(server, folder / "log")
        chosen = random.Random(1)
        clients = [Client(url, symbols)]
        clients += [Client(url, chosen.sample(symbols, BASKET_SYMBOLS)) for _ in range(10)]
        met = time.time()
        loaded = _wait_for_histories(url, options.load_seconds)
        cpu, at = cpu_seconds(server.pid), time.time()
        print(f"histories: {loaded:.0f} s, {100 * cpu / (at - began):.0f} % of a core till then")
        time.sleep(options.seconds)
        share = (cpu_seconds(server.pid) - cpu) / (time.time() - at)
        memory = rss_bytes(server.pid) / 1e6
        health = json.load(urlopen(f"{url}/health"))
        ticks = [list(client.ticks) for client in clients]
        for client in clients:
            client.close()
    finally:
        server.terminate()
        server.wait()
    holds = json.loads((folder / "holds.json").read_text())
    print(f"then, for {options.seconds:.0f} s: {100 * share:.0f} % of a core, {memory:.0f} MB")
    print(f"feed {health['feed']['state']}: {health['feed']['detail'][:100] or 'all is well'}")
    for name, begin, end in (("while loading", met, at), ("then", at, at + options.seconds)):
        print(f"\n{name}:")
        _print_ticks(ticks, begin, end)
        _print_holds([each for each in holds if begin <= began + each["at_s"] < end])


def _print_ticks(clients: list[list[tuple[float, float]]], begin: float, end: float) -> None:
    late = sorted(late_ms for ticks in clients for at, late_ms in ticks if begin <= at < end)
    gaps = [
        1e3 * (after - before)
        for ticks in clients
        for (before, _), (after, _) in zip(ticks, ticks[1:], strict=False)
        if begin <= before and after < end
    ]
    if late:
        print(
            f"  {len(late)} ticks, old by {late[len(late) // 2]:.1f} ms (median), "
            f"{late[int(0.99 * len(late))]:.1f} (99 %), {late[-1]:.1f} (most); "
            f"{sum(each > LATE_MS for each in late)} over {LATE_MS:.0f} ms; "
            f"from one to the next {min(gaps, default=0):.0f} to {max(gaps, default=0):.0f} ms"
        )


def _print_holds(holds: list[dict[str, Any]]) -> None:
    over = [each for each in holds if each["cpu_ms"] > HELD_MS]
    longest = max((each["cpu_ms"] for each in holds), default=0.0)
    print(
        f"  hub: {len(holds)} times held for over 1 ms of CPU or wall time, {len(over)} times for "
        f"over {HELD_MS:.0f} ms of CPU time, {sum(each['full_collection'] for each in over)} of "
        f"these in a full garbage collection; at most {longest:.1f} ms"
    )
    worst: dict[str, float] = {}
    times: Counter[str] = Counter()
    for each in holds:
        worst[each["who"]] = max(each["cpu_ms"], worst.get(each["who"], 0.0))
        times[each["who"]] += 1
    for who in sorted(worst, key=worst.__getitem__, reverse=True)[:CULPRITS_SHOWN]:
        print(f"    {worst[who]:6.1f} ms at most, {times[who]:5} times: {who[:150]}")


def _url(server: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline and server.poll() is None:
        told = log.read_text()
        if "is ready at " in told:
            return told.split("is ready at ")[1].split()[0]
        time.sleep(0.02)
    raise SystemExit(f"the server did not start: {log.read_text()[-2000:]}")


def _wait_for_histories(url: str, most_s: float) -> float:
    """Until the feed says no more that histories load, at most for so long; how long that was."""
    began = time.monotonic()
    while time.monotonic() - began < most_s:
        feed = json.load(urlopen(f"{url}/health"))["feed"]
        if feed["state"] == "live" and "loading" not in feed["detail"]:
            break
        threading.Event().wait(1)
    return time.monotonic() - began


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.busy_feed", description=__doc__)
    parser.add_argument("--symbols", type=int, default=400)
    parser.add_argument("--trades", type=float, default=3_000, help="a second")
    parser.add_argument("--seconds", type=float, default=65, help="measured once all is loaded")
    parser.add_argument("--load-seconds", type=float, default=60, help="waited for histories")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
