"""Stock clients that record what they hear: python-socketio in this process, socket.io-client in
Node, and a raw Engine.IO WebSocket for what no stock client would send."""

import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import socketio
import websocket

from tests.servers import PATIENCE

NODE_CLIENT = Path(__file__).resolve().parent / "clients" / "client.mjs"

TRANSPORTS: dict[str, list[str] | None] = {
    "websocket": ["websocket"],
    "polling": ["polling"],
    "upgrade": None,
}

Line = tuple[str, tuple[Any, ...]]


def said(heard: list[Line], after: int, until: int) -> list[dict[str, Any]]:
    """Of what was heard, the events that may be resumed, with offsets of this range."""
    events = [args[0] for name, args in heard if name in ("sentiment_update", "trading_signal")]
    return [each for each in events if after < each["offset"] <= until]


class Recorder:
    """The events of one client in their order; `heard` never forgets, `wait` looks from a mark."""

    def __init__(self) -> None:
        self.heard: list[Line] = []
        self._changed = threading.Condition()
        self._mark = 0

    def record(self, name: str, *args: Any) -> None:
        with self._changed:
            self.heard.append((name, args))
            self._changed.notify_all()

    def wait(self, name: str, matching: Callable[..., Any] = lambda *_: True) -> Any:
        """The first argument of the next event `name` that matches; consumes up to there."""

        def found() -> int | None:
            for index in range(self._mark, len(self.heard)):
                event, args = self.heard[index]
                if event == name and matching(*args):
                    return index
            return None

        with self._changed:
            if not self._changed.wait_for(lambda: found() is not None, PATIENCE):
                pytest.fail(f"no {name} within {PATIENCE:.0f} s; heard {self.heard}")
            index = found()
            assert index is not None
            self._mark = index + 1
            args = self.heard[index][1]
            return args[0] if args else None

    def all(self, name: str) -> list[Any]:
        """The first arguments of all events `name` so far."""
        return [args[0] if args else None for event, args in list(self.heard) if event == name]


def keep_order(client: socketio.Client) -> None:
    """Have messages handled one after the other: the library starts a thread for each, and on a
    loaded machine they overtake each other."""
    trigger = client.eio._trigger_event

    def in_order(event: str, *args: Any, run_async: bool = False, **options: Any) -> Any:
        return trigger(event, *args, run_async=False, **options)

    client.eio._trigger_event = in_order


class PythonClient(Recorder):
    """python-socketio's own client."""

    def __init__(
        self, url: str, auth: Any = None, transport: str = "websocket", **options: Any
    ) -> None:
        super().__init__()
        # Both are let go of by the library in silence, once the server has ended a connection.
        self._http = requests.Session()
        self._websocket: Any = None
        self.client = socketio.Client(reconnection=False, http_session=self._http, **options)
        keep_order(self.client)
        self.client.on("*", self.record)
        self.client.on("connect", lambda: self.record("connect"))
        self.client.on("disconnect", lambda *args: self.record("disconnect", *args))
        self.client.connect(url, auth=auth, transports=TRANSPORTS[transport], wait_timeout=PATIENCE)
        self._websocket = self.client.eio.ws

    def emit(self, event: str, *args: Any) -> None:
        self.client.emit(event, tuple(args))

    def ack(self, event: str, *args: Any) -> Any:
        return self.client.call(event, tuple(args), timeout=PATIENCE)

    def close(self) -> None:
        self.client.disconnect()
        self.client.shutdown()
        # A polling client's writer would wait for its next packet for another 50 s.
        self.client.eio.queue.put(None)
        for task in (self.client.eio.read_loop_task, self.client.eio.write_loop_task):
            if task is not None:
                task.join(PATIENCE)
        if self._websocket is not None:
            self._websocket.shutdown()
        self._http.close()


class NodeClient(Recorder):
    """socket.io-client in a Node process of its own."""

    def __init__(
        self, url: str, auth: Any = None, transport: str = "websocket", **options: Any
    ) -> None:
        super().__init__()
        if auth is not None:
            options["auth"] = auth
        if TRANSPORTS[transport] is not None:
            options["transports"] = TRANSPORTS[transport]
        self._process = subprocess.Popen(
            ["node", str(NODE_CLIENT), url, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            name, *args = json.loads(line)
            self.record(name, *args)

    def _say(self, command: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def emit(self, event: str, *args: Any) -> None:
        self._say([event, *args])

    def ack(self, event: str, *args: Any) -> Any:
        self._say({"ack": [event, *args]})
        return self.wait("ack")

    def cut(self, how: str = "here") -> None:
        """Have the transport fail; "unnoticed": the server sees nothing of it."""
        self._say({"cut": how})
        self.wait("disconnect")

    def come_back(self, url: str) -> dict[str, Any]:
        """Connect again; what the socket is then: `id`, `recovered`, `pid`."""
        self._say({"connect": url})
        return self.connection()

    def connection(self) -> dict[str, Any]:
        """What the socket is once it is connected."""
        self.wait("connect")
        return dict(next(args[1] for name, args in reversed(self.heard) if name == "connect"))

    def end(self) -> None:
        """Have the socket end its connection."""
        self._say({"close": True})
        self.wait("disconnect")

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._reader.join()
        self._process.stdout.close()


class RawClient:
    """A WebSocket that speaks Engine.IO as the test says, packet by packet."""

    def __init__(self, url: str) -> None:
        address = url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
        self.socket = websocket.create_connection(address, timeout=PATIENCE)
        self.opened = json.loads(self.socket.recv()[1:])

    def send(self, text: str) -> None:
        self.socket.send(text)

    def receive_until_closed(self) -> list[str]:
        """All that comes before the server closes; answers pings."""
        heard: list[str] = []
        try:
            while message := self.socket.recv():
                if message == "2":
                    self.socket.send("3")
                heard.append(message)
        except (websocket.WebSocketConnectionClosedException, ConnectionError):
            pass
        self.socket.shutdown()
        return heard

    def receive(self, prefix: str) -> str:
        """The next message that starts with `prefix`."""
        while True:
            message = str(self.socket.recv())
            if message.startswith(prefix):
                return message

    def close(self) -> None:
        self.socket.shutdown()
