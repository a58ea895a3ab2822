"""A live market table in the terminal: the script to start your own client from.

    python examples/python_client.py --symbols BTC,ETH,ADA

Needs `python-socketio`, `requests`, `websocket-client` and `rich`. Registers the user if there is
none of that name yet, logs in, subscribes, and shows quotes, sentiment and signals as they come.
Keeps its login fresh while it runs, and comes back by itself when the server or the network goes
away, to the signals and readings that it has missed. Ctrl-C ends it.
"""

import argparse
import getpass
import os
import random
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import requests
import socketio
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

HTTP_TIMEOUT = 10
RECONNECT_SECONDS = (1, 30)
# Twice as many as the server sends again to those who missed them.
OFFSETS_KEPT = 1_000
SIGNALS_SHOWN = 6
SIGNAL_STYLES = {
    "STRONG_BUY": "bold green",
    "BUY": "green",
    "SELL": "red",
    "STRONG_SELL": "bold red",
}


class LoginFailed(Exception):
    """The server refused the name or the password."""


class Account:
    """Logs in over REST and keeps an access token fresh."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self._url = url
        self._credentials = {"username": username, "password": password}
        self._tokens: dict[str, Any] = {}
        self._lock = threading.Lock()

    def log_in(self) -> None:
        """Log in, registering first where the name is new; raises `LoginFailed`."""
        self._post("register", self._credentials)  # 409 for a name that is taken, by us perhaps
        answer = self._post("login", self._credentials)
        if not answer.ok:
            raise LoginFailed(answer.json()["error"]["message"])
        self._tokens = answer.json()

    def token(self) -> str:
        return str(self._tokens["access_token"])

    def refresh(self) -> str:
        """A fresh access token. A refresh token works once: the answer brings the next one."""
        with self._lock:
            answer = self._post("refresh", {"refresh_token": self._tokens["refresh_token"]})
            if answer.ok:
                self._tokens = answer.json()
            else:
                self.log_in()
            return self.token()

    def _post(self, action: str, body: dict[str, str]) -> requests.Response:
        return requests.post(f"{self._url}/api/auth/{action}", json=body, timeout=HTTP_TIMEOUT)


class Screen:
    """What has arrived so far, drawn as a table."""

    def __init__(self) -> None:
        self.status = Text("connecting", style="yellow")
        self.rejected: list[dict[str, str]] = []
        self.quotes: dict[str, dict[str, Any]] = {}
        self.moves: dict[str, int] = {}
        self.latest: dict[str, dict[str, Any]] = {}
        self.signals: deque[dict[str, Any]] = deque(maxlen=SIGNALS_SHOWN)
        self.sentiment: dict[str, Any] | None = None

    def take_quotes(self, update: dict[str, dict[str, Any]]) -> None:
        for symbol, quote in update.items():
            before = self.quotes.get(symbol, quote)
            # Another exchange's price is no move of the market.
            last = before["price"] if before["source"] == quote["source"] else quote["price"]
            self.moves[symbol] = (quote["price"] > last) - (quote["price"] < last)
        self.quotes.update(update)

    def take_signal(self, signal: dict[str, Any]) -> None:
        self.latest[signal["symbol"]] = signal
        self.signals.appendleft(signal)

    def __rich__(self) -> Group:
        rejections = (
            Text(f"{each['symbol']}: {each['message']}", style="yellow") for each in self.rejected
        )
        return Group(self.status, *rejections, self._sentiment(), self._quotes(), self._signals())

    def _sentiment(self) -> Text:
        if self.sentiment is None:
            return Text("no sentiment yet", style="dim")
        fear_greed = self.sentiment["market_fear_greed"]
        style = "green" if fear_greed > 60 else "red" if fear_greed < 40 else "yellow"
        return Text.assemble(
            ("Fear & greed ", "dim"),
            (f"{fear_greed}/100 {self.sentiment['overall_sentiment']}", style),
            (f"  confidence {self.sentiment['confidence']:.2f}  trending ", "dim"),
            ", ".join(self.sentiment["trending_topics"]) or "nothing",
        )

    def _quotes(self) -> Table:
        table = Table(expand=False, header_style="dim")
        for title in ("", "Price", "24 h", "Volume 24 h", "Signal"):
            table.add_column(title, justify="left" if title in ("", "Signal") else "right")
        for symbol, quote in sorted(self.quotes.items()):
            move = self.moves.get(symbol, 0)
            signal = self.latest.get(symbol)
            level = signal["signal"] if signal else ""
            table.add_row(
                Text(symbol, style="bold dim" if quote["stale"] else "bold"),
                Text(price(quote["price"]), style={1: "green", -1: "red"}.get(move, "")),
                Text(f"{quote['change_24h']:+.2f} %", style=sign_style(quote["change_24h"])),
                f"{quote['volume_24h']:,.0f}",
                Text(level.replace("_", " ").lower(), style=SIGNAL_STYLES.get(level, "dim")),
            )
        return table

    def _signals(self) -> Panel:
        lines = [
            Text.assemble(
                (clock_time(signal["timestamp"]) + "  ", "dim"),
                f"{signal['symbol']:<6}",
                (f"{signal['signal']:<12}", SIGNAL_STYLES.get(signal["signal"], "dim")),
                f"{signal['strength']:.2f}  {signal['reason']}",
            )
            for signal in self.signals
        ]
        return Panel(Group(*lines), title="Signals (not advice)", title_align="left", style="dim")


def price(value: float) -> str:
    """Two decimals for what costs over ten dollars, six for what costs cents."""
    return f"{value:,.2f}" if value >= 10 else f"{value:,.6f}"


def sign_style(value: float) -> str:
    return "green" if value > 0 else "red" if value < 0 else ""


def clock_time(timestamp: str) -> str:
    return f"{datetime.fromisoformat(timestamp).astimezone():%H:%M:%S}"


class Resumption:
    """Gives each signal and sentiment once, in order, over one connection after another.

    The server numbers them: offsets grow, in an epoch that ends when the server forgets. Each event
    comes in a thread of its own, as python-socketio has it, so that one may overtake another.
    """

    def __init__(self, give: Callable[[str, dict[str, Any]], None]) -> None:
        self._give = give
        self._lock = threading.RLock()
        self._given: deque[int] = deque(maxlen=OFFSETS_KEPT)
        self._held: list[tuple[str, dict[str, Any]]] | None = []
        self._epoch: str | None = None
        self._offset = 0

    def place(self) -> dict[str, Any] | None:
        """What `subscribe` takes as `resume`."""
        return None if self._epoch is None else {"epoch": self._epoch, "offset": self._offset}

    def hold(self) -> None:
        """A connection begins with what is new; what was missed comes after that. Keep all of it
        until the server has acknowledged `subscribe`."""
        with self._lock:
            self._held = []

    def is_over(self, confirmation: dict[str, Any]) -> bool:
        """Whether the server says, unasked, that it has forgotten."""
        with self._lock:
            return self._held is None and confirmation["epoch"] != self._epoch

    def go_on(self, confirmation: dict[str, Any]) -> None:
        """The server has said where it goes on, and what was missed."""
        with self._lock:
            if confirmation["epoch"] != self._epoch:
                self._epoch, self._offset = confirmation["epoch"], 0
                self._given.clear()
            self._offset = max(self._offset, confirmation["offset"])
            held, self._held = self._held or [], None
            for event, said in sorted(held, key=lambda each: each[1]["offset"]):
                self.take(event, said)

    def take(self, event: str, said: dict[str, Any]) -> None:
        """A signal or a sentiment has come."""
        with self._lock:
            if self._held is not None:
                self._held.append((event, said))
            elif said["offset"] not in self._given:
                self._given.append(said["offset"])
                self._offset = max(self._offset, said["offset"])
                self._give(event, said)


class Stream:
    """One Socket.IO connection after another, for as long as the program runs."""

    def __init__(
        self, url: str, request: dict[str, Any], account: Account, note: Callable[[str], None]
    ) -> None:
        """`request` is what to subscribe to; `note` prints a line."""
        self._url = url
        self._request = request
        self._account = account
        self._note = note
        self._expired = False
        self._asked_to_wait: float | None = None
        self.screen = Screen()
        self._resumption = Resumption(self._show)
        self.client = socketio.Client(reconnection=False)
        self.client.on("connection_status", self._on_status)
        self.client.on("auth_error", self._on_auth_error)
        self.client.on("subscription_confirmed", self._on_confirmed)
        self.client.on("market_update", self.screen.take_quotes)
        self.client.on("price_update", self._on_price)
        for event in ("trading_signal", "sentiment_update"):
            self.client.on(event, partial(self._resumption.take, event))
        self.client.on("server_shutdown", self._on_shutdown)

    def run(self) -> None:
        """Connect, and connect again whenever the connection ends; never returns."""
        wait, most = RECONNECT_SECONDS
        while True:
            try:
                token = self._account.refresh() if self._expired else self._account.token()
                self._expired = False
                self._resumption.hold()
                self.client.connect(self._url, auth={"token": token}, transports=["websocket"])
                wait = RECONNECT_SECONDS[0]
                self.client.wait()
                reason = "connection lost"
            except (socketio.exceptions.ConnectionError, requests.RequestException) as error:
                reason = f"out of reach ({type(error).__name__})"
            # Not all at the same moment, when it is the server that was away.
            pause = self._asked_to_wait or wait * random.uniform(0.5, 1)
            self._asked_to_wait = None
            self.screen.status = Text(f"{reason}; again in {pause:.1f} s", style="red")
            time.sleep(pause)
            wait = min(2 * wait, most)

    def _on_status(self, status: dict[str, Any]) -> None:
        if status["status"] == "connected":
            # Only now has the server accepted the token.
            self._subscribe()
        elif status["status"] == "token_expiring":
            self.client.emit("authenticate", {"token": self._account.refresh()})
        elif status["status"] == "feed_changed":
            # Whoever holds candles or ratings loads them anew; quotes bring all that is shown here.
            self._note(status["message"])
        self.screen.status = Text.assemble(
            ("● ", "green"), f"{self._url}  feed: {status['feed']}  ", (status["message"], "dim")
        )

    def _subscribe(self) -> None:
        place = self._resumption.place()
        request = self._request if place is None else {**self._request, "resume": place}
        self.client.emit("subscribe", request, callback=self._on_answer)

    def _on_answer(self, answer: dict[str, Any]) -> None:
        # The acknowledgement: what was missed has come by now.
        if "error" not in answer:
            self._resumption.go_on(answer)
            if "recovered" in answer:
                self._say_recovered(answer["recovered"])
        elif "retry_after_ms" in answer["error"]:
            time.sleep(answer["error"]["retry_after_ms"] / 1000)
            if self.client.connected:
                self._subscribe()
        else:
            self.screen.status = Text(answer["error"]["message"], style="red")

    def _say_recovered(self, recovered: bool) -> None:
        self._note("Back, with all that was missed" if recovered else "Back; some may be missing")

    def _on_auth_error(self, refusal: dict[str, Any]) -> None:
        # The server ends the connection after this; `run` comes back with a fresh token.
        self._expired = True
        self.screen.status = Text(refusal["error"], style="red")

    def _on_confirmed(self, confirmation: dict[str, Any]) -> None:
        self.screen.rejected = confirmation["rejected"]
        if self._resumption.is_over(confirmation):
            self._resumption.go_on(confirmation)
            self._say_recovered(False)

    def _on_shutdown(self, shutdown: dict[str, Any]) -> None:
        self._asked_to_wait = shutdown["reconnect_after_ms"] / 1000

    def _on_price(self, update: dict[str, Any]) -> None:
        quote = self.screen.quotes.get(update["symbol"])
        if quote is not None:
            known = {name: value for name, value in update.items() if name in quote}
            self.screen.take_quotes({update["symbol"]: {**quote, **known}})

    def _show(self, event: str, said: dict[str, Any]) -> None:
        if event == "trading_signal":
            self.screen.take_signal(said)
        else:
            self.screen.sentiment = said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:5000", help="where the server is")
    parser.add_argument("--user", default=getpass.getuser(), help="the account's name")
    parser.add_argument(
        "--password",
        default=os.environ.get("CRS_PASSWORD"),
        help="better given as CRS_PASSWORD in the environment; asked for if neither is",
    )
    parser.add_argument("--symbols", default="BTC,ETH,SOL,ADA,LINK", help="comma-separated")
    parser.add_argument("--realtime", action="store_true", help="every price change, not ticks")
    parser.add_argument("--seconds", type=float, help="end by itself after so long")
    options = parser.parse_args()

    password = options.password or getpass.getpass(f"Password of {options.user}: ")
    account = Account(options.url.rstrip("/"), options.user, password)
    try:
        account.log_in()
    except LoginFailed as error:
        print(f"Login failed: {error}", file=sys.stderr)
        return 1
    except requests.RequestException as error:
        print(f"{options.url} is out of reach: {type(error).__name__}", file=sys.stderr)
        return 1

    console = Console()
    request = {"symbols": options.symbols.split(","), "realtime": options.realtime}
    stream = Stream(options.url, request, account, console.print)
    threading.Thread(target=stream.run, daemon=True).start()
    try:
        with Live(stream.screen, console=console, refresh_per_second=8):
            threading.Event().wait(options.seconds)
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
