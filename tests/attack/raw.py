"""HTTP as bytes: sent as a test says, and what comes taken apart as a proxy would."""

import socket
from dataclasses import dataclass

from tests.servers import PATIENCE

NO_BODY = (204, 304)


@dataclass(frozen=True)
class Answer:
    """One answer; `headers` in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def exchange(
    port: int,
    *pieces: bytes,
    timeout: float = PATIENCE,
    source: str = "127.0.0.1",
    until: bytes | None = None,
) -> bytes:
    """Send, and read until the server closes, or says `until`; raises TimeoutError where it does
    neither. Comes from the address `source`."""
    with socket.create_connection(
        ("127.0.0.1", port), timeout=timeout, source_address=(source, 0)
    ) as connection:
        data = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            while (until is None or until not in data) and (more := connection.recv(65_536)):
                data += more
        except ConnectionError:
            pass  # what was refused before it was sent whole
    return data


def answers(data: bytes) -> list[Answer]:
    """The answers in a stream of bytes, which has to end with the last one."""
    found = []
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        assert end, f"an answer has no end of its headers: {head[:200]!r}"
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        code = int(status.split()[1])
        body, data = _body(code, headers, data)
        found.append(Answer(code, headers, body))
    return found


def _body(status: int, headers: dict[str, str], data: bytes) -> tuple[bytes, bytes]:
    if status < 200 or status in NO_BODY:
        return b"", data
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while True:
            size, _, data = data.partition(b"\r\n")
            length = int(size, 16)
            body, data = body + data[:length], data[length + 2 :]
            if not length:
                return body, data
    length = int(headers["content-length"]) if "content-length" in headers else len(data)
    return data[:length], data[length:]
