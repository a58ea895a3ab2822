"""An exchange that speaks Binance's protocol and never rests, in a process of its own:
`firehose SYMBOLS TRADES_PER_S`. Prints its two URLs, and plays from the first connection on.

Trades are spread over the symbols as on a real exchange (a few have most); beside them each symbol
has a mini ticker a second, and each that has one a book ticker with a third of the trades. Candles
of any time are made up as they are asked for, and end at the price that is traded.
"""

import asyncio
import http.server
import math
import random
import sys
import threading
import time
from urllib.parse import parse_qs, urlsplit

import numpy as np
import orjson
from websockets.asyncio.server import ServerConnection, serve

INTERVALS_MS = {"1m": 60_000, "1h": 3_600_000, "1d": 86_400_000}
PAST_MS = 730 * INTERVALS_MS["1d"]
ROUND_S = 0.01
# The share of the trades of the symbol of rank r goes with 1 / r ** this.
SKEW = 0.9
BOOKS_PER_TRADE = 1 / 3


class Exchange:
    def __init__(self, symbols: list[str], trades_per_s: float) -> None:
        self._symbols = symbols
        self._trades_per_s = trades_per_s
        self._prices = {symbol: 0.05 * 1.03**rank for rank, symbol in enumerate(symbols)}
        self._ids = dict.fromkeys(symbols, 1)
        self._weights = [1 / (rank + 1) ** SKEW for rank in range(len(symbols))]
        self._random = random.Random(4)

    async def serve(self, connection: ServerConnection) -> None:
        """Play to one connection what it has subscribed to."""
        request = connection.request
        assert request is not None
        named = parse_qs(urlsplit(request.path).query).get("streams", [""])[0]
        streams = set(named.split("/"))
        reader = asyncio.create_task(self._listen(connection, streams))
        began, sent, second = time.monotonic(), 0.0, 0
        try:
            while not reader.done():
                due = (time.monotonic() - began) * self._trades_per_s
                for _ in range(math.floor(due - sent)):
                    sent += 1
                    (symbol,) = self._random.choices(self._symbols, self._weights)
                    for text in self._trade(symbol):
                        if text[11 : text.index('"', 11)] in streams:
                            await connection.send(text)
                if time.monotonic() - began > second:
                    second += 1
                    for number, symbol in enumerate(self._symbols):
                        await connection.send(self._ticker(symbol))
                        if number % 20 == 0:
                            await asyncio.sleep(0)
                await asyncio.sleep(ROUND_S)
        finally:
            reader.cancel()

    async def _listen(self, connection: ServerConnection, streams: set[str]) -> None:
        async for text in connection:
            request = orjson.loads(text)
            change = (
                streams.update if request["method"] == "SUBSCRIBE" else streams.difference_update
            )
            change(request["params"])
            await connection.send(orjson.dumps({"result": None, "id": request["id"]}).decode())

    def _trade(self, symbol: str) -> list[str]:
        price = self._prices[symbol] = self._prices[symbol] * (1 + self._random.gauss(0, 5e-5))
        self._ids[symbol] += 1
        now_ms, pair = time.time_ns() // 1_000_000, f"{symbol}USDT"
        texts = [
            f'{{"stream":"{pair.lower()}@trade","data":{{"e":"trade","E":{now_ms},"s":"{pair}",'
            f'"t":{self._ids[symbol]},"p":"{price:.8f}","q":"1.50000000","T":{now_ms},"m":true,'
            '"M":true}}'
        ]
        if self._random.random() < BOOKS_PER_TRADE:
            texts.append(
                f'{{"stream":"{pair.lower()}@bookTicker","data":{{"u":{now_ms},"s":"{pair}",'
                f'"b":"{price * 0.9999:.8f}","B":"3.0","a":"{price * 1.0001:.8f}","A":"1.0"}}}}'
            )
        return texts

    def _ticker(self, symbol: str) -> str:
        price, now_ms, pair = self._prices[symbol], time.time_ns() // 1_000_000, f"{symbol}USDT"
        return (
            f'{{"stream":"{pair.lower()}@miniTicker","data":{{"e":"24hrMiniTicker","E":{now_ms},'
            f'"s":"{pair}","c":"{price:.8f}","o":"{price * 0.98:.8f}","h":"{price * 1.1:.8f}",'
            f'"l":"{price * 0.9:.8f}","v":"100000.0","q":"{price * 1e5:.8f}"}}}}'
        )

    def klines(self, symbol: str, interval: str, limit: int, end_ms: int | None) -> bytes:
        """As the exchange answers."""
        step = INTERVALS_MS[interval]
        now_ms = time.time_ns() // 1_000_000
        last = min(end_ms if end_ms is not None else now_ms, now_ms) // step * step
        times = last - step * np.arange(limit)[::-1]
        times = times[times > now_ms - PAST_MS]
        closes = self._prices[symbol] * (1 + 0.05 * np.sin(times / 7e6))
        opens = self._prices[symbol] * (1 + 0.05 * np.sin((times - step) / 7e6))
        highs, lows = np.maximum(opens, closes) * 1.001, np.minimum(opens, closes) * 0.999
        return orjson.dumps(
            [
                [int(at), f"{o:.8f}", f"{h:.8f}", f"{low:.8f}", f"{c:.8f}", "500.0",
                 int(at) + step - 1, f"{500 * c:.8f}", 300, "0", "0", "0"]
                for at, o, h, low, c in zip(times, opens, highs, lows, closes, strict=True)
            ]
        )  # fmt: skip


def rest(exchange: Exchange) -> http.server.ThreadingHTTPServer:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            query = {name: one[0] for name, one in parse_qs(urlsplit(self.path).query).items()}
            end = query.get("endTime")
            body = exchange.klines(
                query["symbol"].removesuffix("USDT"),
                query["interval"],
                int(query["limit"]),
                None if end is None else int(end),
            )
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


async def main() -> None:
    exchange = Exchange(sys.argv[1].split(","), float(sys.argv[2]))
    candles = rest(exchange)
    async with serve(exchange.serve, "127.0.0.1", 0, compression=None, max_queue=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        print(f"ws://127.0.0.1:{port} http://127.0.0.1:{candles.server_port}", flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
