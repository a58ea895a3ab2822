"""A WebSocket and long-polling client that sends exactly the bytes a test asks for."""

import json
import socket
import struct
import zlib
from typing import Any

import requests

PATIENCE = 30.0
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MASK = b"\x12\x34\x56\x78"


def masked(payload: bytes) -> bytes:
    return bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload))


def client_frame(
    opcode: int, payload: bytes, final: bool = True, rsv: int = 0, length: int | None = None
) -> bytes:
    """A masked frame; `length` lies about the payload's."""
    size = len(payload) if length is None else length
    first = (0x80 if final else 0) | rsv << 4 | opcode
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first, 0xFE, size)
    else:
        head = struct.pack("!BBQ", first, 0xFF, size)
    return head + MASK + masked(payload)


class Closed(Exception):
    """The server has ended the connection; `code` is that of its close frame, if it sent one."""

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class WebSocket:
    """A connection; `headers` are those of the server's answer, in lower case."""

    def __init__(
        self, url: str, query: str = "EIO=4&transport=websocket", extensions: str = ""
    ) -> None:
        host, port = url.removeprefix("http://").split(":")
        self.sock = socket.create_connection((host, int(port)), timeout=PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        offer = f"Sec-WebSocket-Extensions: {extensions}\r\n" if extensions else ""
        self.sock.sendall(
            f"GET /socket.io/?{query} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n{offer}"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        self._rest = b""
        head = self._until(b"\r\n\r\n").decode()
        status, *lines = head.split("\r\n")
        self.status = int(status.split()[1])
        self.headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines if line)
        }
        self.compressed = 0
        self.sizes: list[int] = []

    def __enter__(self) -> "WebSocket":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, packet: str | bytes) -> None:
        if isinstance(packet, str):
            self.sock.sendall(client_frame(TEXT, packet.encode()))
        else:
            self.sock.sendall(client_frame(BINARY, packet))

    def receive(self) -> str | bytes:
        """The next message; raises `Closed`. Answers nothing by itself."""
        opcode, payload = self.receive_frame()
        if opcode == CLOSE:
            code = int.from_bytes(payload[:2], "big") if payload else None
            raise Closed(code, payload[2:].decode())
        return payload.decode() if opcode == TEXT else payload

    def receive_frame(self) -> tuple[int, bytes]:
        first, second = self._exactly(2)
        length = second & 0x7F
        if length > 125:
            length = int.from_bytes(self._exactly(2 if length == 126 else 8), "big")
        payload = self._exactly(length)
        self.sizes.append(length)
        if first & 0x40:
            self.compressed += 1
            payload = zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff")
        return first & 0x0F, payload

    def receive_until(self, prefix: str) -> str:
        """The next text that starts with `prefix`; answers pings on the way."""
        while True:
            message = self.receive()
            if message == "2":
                self.send("3")
            if isinstance(message, str) and message.startswith(prefix):
                return message

    def closed(self) -> Closed:
        """How the server ends the connection; reads what comes before."""
        try:
            while True:
                self.receive()
        except Closed as closed:
            return closed
        except ConnectionResetError:
            return Closed(None)

    def connect(self, auth: str = "") -> None:
        """The Engine.IO and Socket.IO handshakes."""
        self.receive_until("0")
        self.send("40" + auth)
        self.receive_until("40")
        self.receive_until('42["auth"')

    def ask(self, event: str, *args: Any) -> Any:
        """Emit with an acknowledgement, and return its first argument."""
        self.send("429" + json.dumps([event, *args]))
        answer = json.loads(self.receive_until("439")[3:])
        return answer[0] if answer else None

    def _exactly(self, count: int) -> bytes:
        while len(self._rest) < count:
            self._more()
        data, self._rest = self._rest[:count], self._rest[count:]
        return data

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._rest:
            self._more()
        data, self._rest = self._rest.split(mark, 1)
        return data

    def _more(self) -> None:
        data = self.sock.recv(65_536)
        if not data:
            raise Closed(None)
        self._rest += data


class Poller:
    """A session over long polling."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = requests.Session()
        self.http.headers["Connection"] = "close"
        answer = self.request("GET")
        assert answer.status_code == 200, answer.text
        self.opened = json.loads(answer.text[1:])
        self.sid = self.opened["sid"]

    def __enter__(self) -> "Poller":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    @property
    def query(self) -> str:
        return f"EIO=4&transport=polling&sid={self.sid}"

    def request(self, method: str, body: bytes | None = None) -> requests.Response:
        query = self.query if hasattr(self, "sid") else "EIO=4&transport=polling"
        return self.http.request(
            method, f"{self.url}/socket.io/?{query}", data=body, timeout=PATIENCE
        )

    def post(self, *packets: str) -> requests.Response:
        return self.request("POST", "\x1e".join(packets).encode())

    def poll(self) -> list[str]:
        answer = self.request("GET")
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.text.split("\x1e")

    def connect(self) -> None:
        """Connect to the echo application."""
        assert self.post("40").status_code == 200
        self.poll_until('42["auth"')

    def poll_until(self, prefix: str) -> list[str]:
        """All packets up to the poll that has one starting with `prefix`; answers pings."""
        heard: list[str] = []
        while not any(packet.startswith(prefix) for packet in heard):
            packets = self.poll()
            if "2" in packets:
                self.post("3")
            heard += packets
        return heard
