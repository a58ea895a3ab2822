"""A way to a server that takes its time."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class _Way:
    def __init__(self, port: int, seconds: float) -> None:
        self._port = port
        self._seconds = seconds
        self._writers: list[asyncio.StreamWriter] = []
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.listens = threading.Event()
        self.port = 0

    async def run(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self.listens.set()
        await self._stop.wait()
        server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(2 * self._seconds)

    def stop(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.transport.abort()
            return
        self._writers += (writer, far_writer)
        await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                loop.call_later(self._seconds, writer.write, data)
        loop.call_later(self._seconds, writer.transport.abort)


@contextmanager
def far_away(port: int, seconds: float) -> Iterator[int]:
    """A port on which the server on `port` is reached, everything `seconds` later each way."""
    way = _Way(port, seconds)
    thread = threading.Thread(target=lambda: asyncio.run(way.run()))
    thread.start()
    way.listens.wait()
    try:
        yield way.port
    finally:
        way.stop()
        thread.join()
