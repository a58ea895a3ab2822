"""The head of a request: read by h11, and where that forgives what a proxy may read in another
way, refused.

Two servers that disagree on where a request ends can be made to take one client's bytes for the
request of another (RFC 9112, 11.2). So whatever is odd about lengths, lines or names is refused.
"""

import re

import h11

# A request line and headers together. A browser's take 1-2 KB, a bearer token 0.5 KB more.
HEAD_MAX_BYTES = 16 * 1024
END = b"\r\n\r\n"

# A path, or the absolute form that clients use towards proxies (RFC 9112, 3.2).
_TARGET = re.compile(rb"/|https?://", re.IGNORECASE)
_LENGTHS = re.compile(rb"\r\ncontent-length:[ \t]*([^\r]*?)[ \t]*(?=\r)", re.IGNORECASE)
_FOLDS = (b"\n ", b"\n\t")


class BadRequest(Exception):
    """Not HTTP as it has to be: answer `status`, and close. The text holds nothing of the
    client's."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def parse(head: bytes, connection: h11.Connection) -> h11.Request:
    """The request whose head, with the empty line at its end, is given; raises `BadRequest`.
    `connection` is at its start, and is ready for the body afterwards."""
    lines = head.count(b"\r\n")
    if not lines == head.count(b"\n") == head.count(b"\r") or any(fold in head for fold in _FOLDS):
        raise BadRequest("Lines end in CR LF, and none is folded")
    lengths = _LENGTHS.findall(head)
    if len(lengths) > 1 or not all(length.isdigit() for length in lengths):
        raise BadRequest("Content-Length is one number")
    connection.receive_data(head)
    try:
        request = connection.next_event()
    except h11.RemoteProtocolError as error:
        raise BadRequest("The request is malformed") from error
    if not isinstance(request, h11.Request):
        raise BadRequest("The request is malformed")
    if request.http_version not in (b"1.0", b"1.1"):
        raise BadRequest("HTTP/1.0 and HTTP/1.1 are spoken here", 505)
    if request.method == b"CONNECT":
        raise BadRequest("This is no proxy", 405)
    if not _TARGET.match(request.target):
        raise BadRequest("The target of a request is a path")
    codings = [value for name, value in request.headers if name == b"transfer-encoding"]
    if codings and (lengths or request.http_version != b"1.1"):
        raise BadRequest("Transfer-Encoding goes with no length, and with HTTP/1.1 only")
    return request
