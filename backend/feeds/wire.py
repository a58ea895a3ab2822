"""One TCP or TLS socket that another task can cut off in any state.

A blocking call on a socket has no other way to end early: whoever cuts the wire makes it return
at once, whether it connects, shakes hands, sends or reads.
"""

import contextlib
import os
import socket
import ssl
import threading
from urllib.parse import urlsplit

SECURE_SCHEMES = ("https", "wss")


class Wire:
    """At most one open socket, and the right to cut it off from elsewhere. Goes direct, without
    a proxy.

    `tls` is passed in because making a context takes some 20 ms of everybody's time.
    """

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._cut = False

    def open(self, url: str, timeout: float) -> socket.socket:
        """A connected socket to the host of `url` (TLS for https and wss), all of whose calls
        have `timeout` seconds. Raises OSError, which every TLS error is too."""
        parts = urlsplit(url)
        secure = parts.scheme in SECURE_SCHEMES
        host, port = parts.hostname or "", parts.port or (443 if secure else 80)
        failure = OSError(f"{host} has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        ):
            try:
                return self._connect(
                    socket.socket(family, kind, protocol), address, timeout, host if secure else ""
                )
            except OSError as error:
                failure = error
        raise failure

    def _connect(
        self, raw: socket.socket, address: tuple, timeout: float, tls_host: str
    ) -> socket.socket:
        sock = raw
        try:
            self._hold(sock)
            sock.settimeout(timeout)
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls_host:
                sock = self._tls.wrap_socket(
                    raw, server_hostname=tls_host, do_handshake_on_connect=False
                )
                self._hold(sock)
                sock.do_handshake()
        except OSError:
            sock.close()
            raise
        return sock

    def _hold(self, sock: socket.socket) -> None:
        with self._lock:
            if self._cut:
                raise ConnectionAbortedError("cut off")
            self._socket = sock

    def cut(self) -> None:
        """Make whatever call is under way on the socket fail now, and every later `open` too."""
        with self._lock:
            self._cut = True
            if self._socket is None:
                return
            # Through a duplicate, since a TLS socket's own shutdown takes the TLS layer away from
            # under a reader. Fails where the socket is closed already, which is as good.
            with contextlib.suppress(OSError):
                duplicate = socket.socket(fileno=os.dup(self._socket.fileno()))
                with duplicate:
                    duplicate.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the socket back; whoever reads from it has to have ended."""
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None
