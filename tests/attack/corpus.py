"""Inputs for each level of what a client can send, and what becomes of them when they are damaged.

Seeds are what clients send and what has broken servers before; `damaged` makes as many more as are
wanted, the same ones for the same `Random`.
"""

import json
import random
import zlib
from collections.abc import Callable, Iterator

import msgpack

from benchmarks.load.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    PING,
    PONG,
    RSV1,
    TEXT,
    client_frame,
)
from benchmarks.load.handshake import STREAM_PATH, upgrade

Damage = Callable[[random.Random, bytes, bytes], bytes]

PACKETS = [
    b'40{"token":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"}',
    b"40",
    b"40/admin,",
    b"41",
    b'42["subscribe",{"symbols":["BTC","ETH"],"realtime":true,"fields":["price"]}]',
    b'42["unsubscribe",{"symbols":["BTC"]}]',
    b'4217["heartbeat",{"client_time":1700000000000}]',
    b'42["authenticate",{"token":"x"}]',
    b'42["subscribe",{"symbols":[]},{"symbols":["BTC"]}]',
    b'42["unknown",null,true,1e400,-0.0,"\\ud800"]',
    b'42["' + b"[" * 200 + b"]" * 200 + b'"]',
    b"42" + b"[" * 5_000,
    b'42{"subscribe":1}',
    b"42[]",
    b"42[null]",
    b"43[1]",
    b"4317[]",
    b'451-["subscribe",{"_placeholder":true,"num":0}]',
    b'4510-["subscribe",{"_placeholder":true,"num":9}]',
    b'45999999999999-["subscribe"]',
    b'451-17["subscribe",{"_placeholder":true,"num":-1}]',
    b"461-17[]",
    b"44",
    b"47",
    b"4",
    b"0",
    b"1",
    b"2probe",
    b"3probe",
    b"2",
    b"3",
    b"5",
    b"6",
    b"9",
    b"",
    '42["é\u2028\U0001f600"]'.encode(),
]
BINARY_PACKETS = [
    msgpack.packb(packet)
    for packet in (
        {"type": 0, "nsp": "/", "data": {"token": "x"}},
        {"type": 2, "nsp": "/", "data": ["subscribe", {"symbols": ["BTC"]}]},
        {"type": 2, "nsp": "/", "data": ["subscribe", {"symbols": ["BTC"]}], "id": 7},
        {"type": 3, "nsp": "/", "data": [1], "id": 7},
        {"type": 1, "nsp": "/"},
        {"type": 5, "nsp": "/", "data": ["subscribe", b"x"], "attachments": 1},
        {"type": 2, "nsp": 5, "data": "x"},
        [1, 2, 3],
        7,
    )
] + [
    b"\xdf\xff\xff\xff\xff",  # a map of four thousand million entries
    b"\xdd\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\x91" * 3_000,  # lists in lists
    b"\x81\xa4type" * 1_000,
    b"\xc1",
    b"\xc7\xff\x05",
    b"\xd6\xff\x00\x00\x00\x00",  # a timestamp
]
EVENTS = [
    [name, payload]
    for name in ("subscribe", "unsubscribe", "authenticate", "heartbeat", "connect", "error", "")
    for payload in (
        None,
        {},
        [],
        "x",
        -1,
        1e308,
        {"symbols": None},
        {"symbols": "BTC"},
        {"symbols": ["BTC", 7, None, ["x"], {"a": "b"}]},
        {"symbols": ["btc", "", "B" * 200, "\U0001f600", "\x00", "../../etc"]},
        {"symbols": ["BTC"], "fields": "price", "realtime": "yes"},
        {"symbols": ["BTC"], "fields": [1, "price", "__class__"]},
        {"symbols": ["BTC"], "resume": {"epoch": 1, "offset": "x"}, "candles": ["9z"]},
        {"token": ["x"]},
        {"token": "a.b.c"},
        {"client_time": {"a": 1}},
        {"client_time": 2**70},
        {"client_time": "x" * 100},
        {"__proto__": {"x": 1}, "constructor": 1},
    )
]


def deflated(data: bytes) -> bytes:
    """The payload of a compressed message (RFC 7692)."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return (deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


FRAMES = [
    client_frame(b'42["subscribe",{"symbols":["BTC"]}]'),
    client_frame(b"2"),
    client_frame(b"", PING),
    client_frame(b"x" * 125, PING),
    client_frame(b"x" * 126, PING),
    client_frame(b"", PONG),
    client_frame(b"\x03\xe8bye", CLOSE),
    client_frame(b"\x03", CLOSE),
    client_frame(b"\x00\x01\xff\xff", CLOSE),
    client_frame(b"", CLOSE),
    client_frame(b"4", TEXT, 0) + client_frame(b"2[]", CONTINUATION),
    client_frame(b"", CONTINUATION),
    client_frame(b"4", TEXT, 0) + client_frame(b"2", TEXT),
    client_frame(b"4", TEXT, 0) + client_frame(b"", PING) + client_frame(b"0", CONTINUATION),
    client_frame(deflated(b"6"), TEXT, FIN | RSV1),
    client_frame(deflated(bytes(1_000_000)), TEXT, FIN | RSV1),
    client_frame(b"\xff\xff\xff", TEXT, FIN | RSV1),
    client_frame(b"\xff\xfe", TEXT),
    client_frame(b"x" * 20_000),
    client_frame(b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa1x", BINARY),
    b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00",
    b"\x81\xff\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00x",
    b"\x81\x05hello",  # not masked
    b"\xf1\x80\x00\x00\x00\x00",
    b"\x83\x80\x00\x00\x00\x00",
]
REQUESTS = [
    b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/market/candles?symbol=BTC&limit=1 HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n",
    b"GET /api/market/quotes?symbols=BTC,%00,%ff,BTC HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/signals?limit=99999999999999999999 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /" + b"a" * 300 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET //evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b'Content-Length: 27\r\n\r\n{"username":"a","password":',
    b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"POST /api/auth/refresh HTTP/1.1\r\nHost: x\r\nCookie: crs_refresh=x\r\n"
    b"X-Refresh-Cookie: 1\r\nContent-Length: 0\r\n\r\n",
    b"GET /api/auth/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a.b.c\r\n\r\n",
    b"OPTIONS /api/auth/login HTTP/1.1\r\nHost: x\r\nOrigin: https://x\r\n"
    b"Access-Control-Request-Method: POST\r\n\r\n",
    b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: x\r\n"
    b"Content-Length: 2\r\n\r\n40",
    upgrade(STREAM_PATH, deflate=True),
    b"HEAD / HTTP/1.0\r\n\r\n",
    b"TRACE /health HTTP/1.1\r\nHost: x\r\nMax-Forwards: 0\r\n\r\n",
]
BODIES = [
    b"\x1e".join((b"40", b'42["subscribe",{"symbols":["BTC"]}]', b"3")),
    b"\x1e" * 50,
    b"bAAAA\x1ebAAA\x1eb!",
    b'451-["subscribe",{"_placeholder":true,"num":0}]\x1ebAAAA',
    b"2probe\x1e5",
    b"1",
    b"",
]
# What parsers trip over when it is in an unexpected place.
TOKENS = [
    b"\x00",
    b"\xff",
    b"\r\n",
    b"\n",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b":",
    b",",
    b"-1",
    b"0",
    b"9" * 30,
    b"1e999",
    b"NaN",
    b"null",
    b'"',
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"[" * 50,
    b"{" * 50,
    b'{"_placeholder":true,"num":0}',
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"\x1e",
    b"%00",
    b"\xc3\x28",
    b"\xf0\x9f\x98\x80",
    b"A" * 1_000,
]


def _flip(rng: random.Random, data: bytes, _: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _overwrite(rng: random.Random, data: bytes, _: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + rng.randbytes(rng.choice((1, 2, 4, 8))) + data[at + 1 :]


def _insert(rng: random.Random, data: bytes, _: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(TOKENS) + data[at:]


def _remove(rng: random.Random, data: bytes, _: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.randint(1, 1 + len(data) // 4) :]


def _cut(rng: random.Random, data: bytes, _: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _repeat(rng: random.Random, data: bytes, _: bytes) -> bytes:
    at = rng.randrange(len(data))
    piece = data[at : at + rng.randint(1, 32)]
    return data[:at] + piece * rng.choice((2, 10, 100)) + data[at:]


def _splice(rng: random.Random, data: bytes, other: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


DAMAGES: tuple[Damage, ...] = (_flip, _overwrite, _insert, _remove, _cut, _repeat, _splice)


def damaged(rng: random.Random, seeds: list[bytes], bytes_max: int = 20_000) -> Iterator[bytes]:
    """Endlessly one seed after the other, with some damage, or with none."""
    while True:
        data = rng.choice(seeds)
        for _ in range(rng.choice((0, 1, 1, 1, 2, 4))):
            if data:
                data = rng.choice(DAMAGES)(rng, data, rng.choice(seeds))
        yield data[:bytes_max]


def events() -> list[bytes]:
    """`EVENTS` as packets, with and without an acknowledgement."""
    texts = [json.dumps(event).encode() for event in EVENTS]
    return [b"42" + text for text in texts] + [b"427" + text for text in texts]
