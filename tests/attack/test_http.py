"""HTTP is read as strictly as a proxy in front needs it: nobody can be of two minds about where a
request ends (RFC 9112), and no request is read out of a body."""

import json
import socket
import time

import pytest

from benchmarks.load.handshake import STREAM_PATH
from tests.attack.raw import Answer, answers, exchange
from tests.attack.siege import port_of
from tests.conftest import StartServer
from tests.fanout.raw_clients import Poller
from tests.servers import Server

pytestmark = pytest.mark.served

# Far more than an answer takes, far less than what an unfinished request is waited for.
PATIENCE = 12.0
# What would be answered if a body, or what follows a refused request, were read as a request.
SMUGGLED = b"GET /health HTTP/1.1\r\nHost: smuggled\r\n\r\n"
HOST = b"Host: localhost\r\n"
# One reads its body, the other refuses without a look at it.
TARGETS = {"read": b"POST /api/auth/login", "refused": b"POST /health"}
JSON = b"Content-Type: application/json\r\n"


def talk(server: Server, *pieces: bytes) -> list[Answer]:
    return answers(exchange(port_of(server), *pieces, timeout=PATIENCE))


def statuses(server: Server, *pieces: bytes) -> list[int]:
    return [answer.status for answer in talk(server, *pieces)]


def post(target: bytes, headers: bytes, body: bytes = SMUGGLED) -> bytes:
    return target + b" HTTP/1.1\r\n" + HOST + JSON + headers + b"\r\n" + body


LENGTH = b"%d" % len(SMUGGLED)
# Headers of a request whose end can't be told for certain.
UNCLEAR = {
    "lengths that differ": b"Content-Length: 0\r\nContent-Length: %b\r\n" % LENGTH,
    "lengths that differ, the other way": b"Content-Length: %b\r\nContent-Length: 0\r\n" % LENGTH,
    "lengths that differ in one header": b"Content-Length: 0, %b\r\n" % LENGTH,
    "length with a plus": b"Content-Length: +0\r\n",
    "length below zero": b"Content-Length: -1\r\n",
    "length in hexadecimal": b"Content-Length: 0x0\r\n",
    "length with an underscore": b"Content-Length: 1_0\r\n",
    "length of two numbers": b"Content-Length: 0 0\r\n",
    "length that is empty": b"Content-Length: \r\n",
    "length that is text": b"Content-Length: none\r\n",
    "length in other digits": "Content-Length: \u0660\r\n".encode(),
    "length with NUL": b"Content-Length: 0\x00\r\n",
    "length with a fraction": b"Content-Length: 0.0\r\n",
    "length with a vertical tab": b"Content-Length: \x0b0\r\n",
    "space before the colon of the length": b"Content-Length : 0\r\n",
    "tab before the colon of the length": b"Content-Length\t: 0\r\n",
    "length and chunks": b"Content-Length: %b\r\nTransfer-Encoding: chunked\r\n" % LENGTH,
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: %b\r\n" % LENGTH,
    "chunks twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "chunks twice in one header": b"Transfer-Encoding: chunked, chunked\r\n",
    "chunks and identity": b"Transfer-Encoding: chunked, identity\r\n",
    "identity": b"Transfer-Encoding: identity\r\n",
    "gzip": b"Transfer-Encoding: gzip, chunked\r\n",
    "an unknown encoding": b"Transfer-Encoding: xchunked\r\n",
    "chunks with NUL": b"Transfer-Encoding: chunked\x00\r\n",
    "chunks with a vertical tab": b"Transfer-Encoding: \x0bchunked\r\n",
    "chunks in quotes": b'Transfer-Encoding: "chunked"\r\n',
    "chunks with a parameter": b"Transfer-Encoding: chunked;q=1\r\n",
    "an empty encoding": b"Transfer-Encoding: \r\n",
    "space before the colon of the encoding": b"Transfer-Encoding : chunked\r\n",
    "folded encoding": b"Transfer-Encoding:\r\n chunked\r\n",
    "folded header": b"X: a\r\n b\r\nContent-Length: 0\r\n",
    "a header hidden in a fold": b"X: a\r\n\tTransfer-Encoding: chunked\r\nContent-Length: 0\r\n",
    "carriage return in a header": b"X: a\rTransfer-Encoding: chunked\r\nContent-Length: 0\r\n",
    "NUL in a header": b"X: a\x00b\r\nContent-Length: 0\r\n",
    "a line without a colon": b"Content-Length: 0\r\nnonsense\r\n",
    "a header without a name": b": nothing\r\nContent-Length: 0\r\n",
    "a name with a space": b"Con tent: x\r\nContent-Length: 0\r\n",
    "a name in brackets": b"(X): y\r\nContent-Length: 0\r\n",
    "two hosts": b"Host: other\r\nContent-Length: 0\r\n",
}
# Bodies in chunks that can't be right.
CHUNKS = {
    "a size in hexadecimal notation": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a size with a plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "a size below zero": b"-5\r\nhello\r\n0\r\n\r\n",
    "a size with an underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
    "a size after a space": b" 5\r\nhello\r\n0\r\n\r\n",
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "a size that is none": b"G\r\nhello\r\n0\r\n\r\n",
    "a size beyond all numbers": b"f" * 40 + b"\r\nhello\r\n0\r\n\r\n",
    "a line that ends early": b"5\nhello\r\n0\r\n\r\n",
    "a chunk that is longer": b"5\r\nhello, world\r\n0\r\n\r\n",
    "a chunk that does not end": b"5\r\nhello0\r\n\r\n",
    "a carriage return alone": b"5\rhello\r\n0\r\n\r\n",
}
LINES = {
    "no version": b"GET /health\r\n",
    "no version, one line": b"GET /health\r\n" + HOST,
    "a later version": b"GET /health HTTP/2.0\r\n" + HOST,
    "a version with two digits": b"GET /health HTTP/1.10\r\n" + HOST,
    "a version in small letters": b"GET /health http/1.1\r\n" + HOST,
    "words behind the version": b"GET /health HTTP/1.1 x\r\n" + HOST,
    "two spaces": b"GET  /health HTTP/1.1\r\n" + HOST,
    "a tab": b"GET\t/health\tHTTP/1.1\r\n" + HOST,
    "a space in the path": b"GET /he alth HTTP/1.1\r\n" + HOST,
    "a method in brackets": b"(GET) /health HTTP/1.1\r\n" + HOST,
    "no method": b" /health HTTP/1.1\r\n" + HOST,
    "nothing but spaces": b"   \r\n" + HOST,
    "NUL in the path": b"GET /he\x00alth HTTP/1.1\r\n" + HOST,
    "a control character in the path": b"GET /he\x1balth HTTP/1.1\r\n" + HOST,
    "a carriage return in the path": b"GET /he\ralth HTTP/1.1\r\n" + HOST,
    "a path without a slash": b"GET health HTTP/1.1\r\n" + HOST,
    "no host": b"GET /health HTTP/1.1\r\n",
    "a space before the first header": b"GET /health HTTP/1.1\r\n " + HOST,
    "TLS": bytes.fromhex("16030100c8010000c403036d") + b"\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n",
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", UNCLEAR)
def test_a_request_whose_end_is_unclear_is_refused(name: str, target: str, server: Server) -> None:
    assert statuses(server, post(TARGETS[target], UNCLEAR[name])) in ([400], [501])


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", CHUNKS)
def test_chunks_that_are_none_are_refused_and_end_the_connection(
    name: str, target: str, server: Server
) -> None:
    request = post(TARGETS[target], b"Transfer-Encoding: chunked\r\n", CHUNKS[name] + SMUGGLED)
    # A route that does not read the body may answer what it answers, but not read on.
    assert statuses(server, request) in ([400], [405] if target == "refused" else [400])


@pytest.mark.parametrize("name", LINES)
def test_what_is_no_request_is_refused(name: str, server: Server) -> None:
    answer, *others = statuses(server, LINES[name] + b"\r\n" + SMUGGLED)
    assert answer in (400, 405, 505)
    assert others == []


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n" + HOST,
        b"GET /health HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 200_000 + b"\r\n",
        b"GET /health HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 30_000,
        b"G" * 200_000 + b"\r\n",
    ],
    ids=["path", "header", "headers", "method"],
)
def test_a_head_that_is_too_long_is_refused(head: bytes, server: Server) -> None:
    assert statuses(server, head + b"\r\n" + SMUGGLED) in ([400], [414], [431])


@pytest.mark.parametrize("target", TARGETS)
def test_lengths_that_agree_are_one_or_refused(target: str, server: Server) -> None:
    twice = b"Content-Length: %b\r\nContent-Length: %b\r\nConnection: close\r\n" % (LENGTH, LENGTH)
    assert len(statuses(server, post(TARGETS[target], twice))) == 1


@pytest.mark.parametrize("target", TARGETS)
def test_a_body_is_not_a_request(target: str, server: Server) -> None:
    whole = b"Content-Length: %b\r\n" % LENGTH
    chunked = b"Transfer-Encoding: chunked\r\n"
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)
    last = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    for request in (post(TARGETS[target], whole), post(TARGETS[target], chunked, body)):
        first, *others = statuses(server, request + last)
        assert first in (400, 405)
        # Read on behind the body, or closed: both are right.
        assert others in ([200], [])


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"DELETE", b"OPTIONS"])
def test_a_body_of_a_method_that_has_none_is_not_a_request(method: bytes, server: Server) -> None:
    request = method + b" /health HTTP/1.1\r\n" + HOST + b"Content-Length: %b\r\n\r\n" % LENGTH
    data = exchange(
        port_of(server), request + SMUGGLED + b"GET /health HTTP/1.0\r\n\r\n", timeout=PATIENCE
    )
    assert data.count(b"HTTP/1.1 ") <= 2


def test_a_body_that_is_too_large_is_refused_whatever_is_in_it(server: Server) -> None:
    body = SMUGGLED * 2_000
    request = post(TARGETS["read"], b"Content-Length: %d\r\n" % len(body), body)
    assert statuses(server, request) == [413]
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    assert statuses(server, post(TARGETS["read"], b"Transfer-Encoding: chunked\r\n", chunks)) == [
        413
    ]


def test_requests_that_come_together_are_answered_in_order(server: Server) -> None:
    paths = ["/health", "/api/nothing", "/api/market/symbols", "/api/auth/me"]
    requests = [f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in paths]
    requests.append(b"HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    data = exchange(port_of(server), b"".join(requests), timeout=PATIENCE)
    head = data.rindex(b"HTTP/1.1 ")
    assert [answer.status for answer in answers(data[:head])] == [200, 404, 200, 401]
    assert data[head:].endswith(b"\r\n\r\n")


@pytest.mark.parametrize("path", ["/health", "/", "/socket.io/?EIO=4&transport=polling", "/api/x"])
def test_an_answer_to_head_has_no_content(path: str, server: Server) -> None:
    request = f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    head, end, content = exchange(port_of(server), request, timeout=PATIENCE).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 ")
    assert end
    assert not content


def test_a_request_may_come_byte_by_byte(server: Server) -> None:
    request = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert statuses(server, *(bytes((byte,)) for byte in request)) == [200]


def test_a_client_that_waits_for_leave_to_send_gets_it(server: Server) -> None:
    body = b'{"username": "nobody-here", "password": "wrong password"}'
    headers = b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=PATIENCE) as connection:
        connection.sendall(post(TARGETS["read"], headers, b""))
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 401 ")


def test_old_http_is_served_and_closed(server: Server) -> None:
    assert statuses(server, b"GET /health HTTP/1.0\r\n\r\n") == [200]
    refused = b"POST /health HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED
    assert len(statuses(server, refused)) == 1


HANDSHAKES = {
    "an old version": (
        b"Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
        426,
    ),
    "no version": (b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", 426),
    "no key": (b"Sec-WebSocket-Version: 13\r\n", 400),
    "a key that is none": (b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: !\r\n", 400),
    "a short key": (b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n", 400),
}


@pytest.mark.parametrize("name", HANDSHAKES)
def test_after_a_refused_handshake_nothing_is_read(name: str, server: Server) -> None:
    headers, status = HANDSHAKES[name]
    request = (
        f"GET {STREAM_PATH} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        "Connection: keep-alive, Upgrade\r\n"
    ).encode()
    assert statuses(server, request + headers + b"\r\n" + SMUGGLED) == [status]


def test_an_upgrade_that_nobody_offers_is_no_tunnel(server: Server) -> None:
    request = (
        b"GET /health HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
        b"Connection: Upgrade, HTTP2-Settings, close\r\n\r\n"
    )
    assert statuses(server, request) == [200]


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 10\r\n\r\n\xff\xfe\xfd\x00\x01\x02\x03\x04\x05\x06",
        b"Content-Length: 5\r\n\r\nb!!!!",
        b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"Content-Length: 0\r\n\r\n",
    ],
    ids=["not UTF-8", "not base64", "not chunks", "empty"],
)
def test_a_post_of_packets_that_are_none_is_refused(body: bytes, server: Server) -> None:
    with Poller(server.url) as poller:
        head = f"POST /socket.io/?{poller.query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        assert statuses(server, head.encode() + body) in ([400], [200])
    assert "Traceback" not in server.output()


def test_the_servers_own_page_may_always_connect(start_server: StartServer) -> None:
    server = start_server(CORS_ORIGINS="https://another.example")
    for origin, expected in (
        (server.url, 200),
        ("https://another.example", 200),
        ("https://elsewhere.example", 403),
    ):
        path = "/socket.io/?EIO=4&transport=polling"
        assert server.get(path, headers={"Origin": origin}).status_code == expected, origin


def test_answers_of_the_stream_have_the_security_headers(server: Server) -> None:
    for path in ("EIO=4&transport=polling", "EIO=3&transport=polling", ""):
        headers = server.get(f"/socket.io/?{path}").headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Content-Security-Policy" in headers


@pytest.mark.soak
@pytest.mark.parametrize(
    "begin",
    [b"GET /health HTTP/1.1\r\nX: ", post(TARGETS["read"], b"Content-Length: 9999\r\n", b"{")],
)
def test_a_request_has_a_deadline_as_a_whole(begin: bytes, server: Server) -> None:
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=1.0) as connection:
        connection.sendall(begin)
        while time.monotonic() - began < 90:
            try:
                connection.sendall(b"a")
                if not connection.recv(1000):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
    assert time.monotonic() - began < 60


def test_every_refusal_is_of_the_one_shape(server: Server) -> None:
    answer = talk(server, b"nonsense\r\n\r\n")[0]
    assert answer.headers["connection"] == "close"
    assert json.loads(answer.body)["error"]["code"] == "bad_request"
