"""What is odd about a request's head is refused, so that no proxy reads it in another way."""

import h11
import pytest

from backend.http.head import BadRequest, parse

HOST = b"Host: x\r\n"


def read(text: bytes) -> h11.Request:
    return parse(text, h11.Connection(h11.SERVER))


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /a%20b?c=d HTTP/1.0\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: Chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + b"X-Content-Length: 5\r\nX: a,b\r\n\r\n",
    ],
)
def test_an_ordinary_request_is_read(head: bytes) -> None:
    assert read(head).method in (b"GET", b"POST")


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\nContent-Length: 5\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 0x5\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 5 5\r\n",
        b"Content-Length:\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"Content-Length : 5\r\n",
        b" Content-Length: 5\r\n",
        b"X: a\r\n folded\r\n",
        b"X: a\r\n\tfolded\r\n",
        b"X: a\nContent-Length: 5\r\n",
        b"X: a\rContent-Length: 5\r\n",
        b"X: \x00\r\n",
        b"no colon\r\n",
        b": no name\r\n",
        b"Host: y\r\n",
    ],
)
def test_odd_lengths_lines_and_names_are_refused(lines: bytes) -> None:
    with pytest.raises(BadRequest):
        read(b"POST / HTTP/1.1\r\n" + HOST + lines + b"\r\n")


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1",  # without a host
        b"GET /",
        b"GET  / HTTP/1.1",
        b"GET / HTTP/2",
        b"GET / HTTP/2.0",
        b"GET health HTTP/1.1",
        b"GET / HTTP/1.1 ",
        b"G\x01T / HTTP/1.1",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    ],
)
def test_an_odd_request_line_is_refused(line: bytes) -> None:
    with pytest.raises(BadRequest):
        read(line + b"\r\n\r\n")


def test_chunks_are_for_http_1_1() -> None:
    with pytest.raises(BadRequest):
        read(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")


def test_this_is_no_proxy() -> None:
    with pytest.raises(BadRequest) as refused:
        read(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n")
    assert refused.value.status == 405
