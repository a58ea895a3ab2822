"""The stream of one process: its parts, and the background tasks that emit.

Thin by intent. Who is let in is decided in `reception`, how connections end in `parting`; what a
connection may ask for and have in `streaming/`; what the market says comes from `market/` and
`analysis/`, what the words are from `protocol`.
"""

import random
from collections.abc import Callable, Container, Iterable

from flask_socketio import SocketIO

from backend import green
from backend.auth.tokens import Authenticator, Revocations
from backend.clock import Clock
from backend.fanout.transport import Transports
from backend.journal.census import Census
from backend.journal.journal import NotSaid
from backend.metrics import Metrics
from backend.parting import Parting
from backend.reception import Reception
from backend.rooms import Rooms
from backend.streaming.broadcaster import PRICE_FLUSH_SECONDS, Broadcaster
from backend.streaming.candle_stream import LOOK_SECONDS, CandleStream
from backend.streaming.clients import Clients
from backend.streaming.figures import Figures, figures_of
from backend.streaming.outlet import Outlet
from backend.streaming.periodic import Periodic, Prompted
from backend.streaming.producer import Producer
from backend.streaming.recovery import Recovery
from backend.streaming.renewal import Renewal
from backend.streaming.requests import Requests
from backend.streaming.resume import Resumption
from backend.streaming.sessions import Sessions
from backend.streaming.source import Source
from backend.streaming.subscriptions import Subscriptions
from backend.streaming.watch import WATCH_SECONDS, Watch


class WebSocketService:
    """Wires what serves the connections of one process, and emits to them."""

    def __init__(
        self,
        socketio: SocketIO,
        transports: Transports,
        source: Source,
        recovered_here: Callable[[str, int], None],
        authenticator: Authenticator,
        revocations: Revocations,
        census: Census,
        *,
        symbols: Container[str],
        auth_required: bool,
        per_user: int,
        user_rooms: bool,
        token_warning_seconds: float,
        clock: Clock,
        metrics: Metrics,
        rng: random.Random,
    ) -> None:
        """With `user_rooms` each user's connections are in a room, for programs outside to emit
        to. `recovered_here(sid, returns)` is called when a connection has come back here so often
        that may still be another process's: there `parting.recovered_elsewhere` is to be called."""
        self._socketio = socketio
        self._transports = transports
        self._production = source.production
        self._clock = clock
        self._metrics = metrics
        self.sessions = Sessions(round(token_warning_seconds * 1000))
        self._subscriptions = Subscriptions()
        market, journal, published = source.market, source.journal, source.published
        rooms = Rooms(socketio, transports, user_rooms)
        out = Outlet(rooms.put, rooms.put_joined, market, self.sessions, clock, metrics)
        self.parting = Parting(socketio, transports, out, self.sessions, recovered_here, clock, rng)
        revocations.subscribe(self.parting.revoke)
        resumption = Resumption(journal, metrics, lambda: self._renewal.wait())
        self._recovery = Recovery(
            journal.log,
            source.recoveries,
            resumption,
            lambda: self._renewal.sent,
            symbols,
            socketio.server.eio.generate_id,
            self.parting.end_former,
            clock,
            metrics,
        )
        self._clients = Clients(transports.polls, clock, metrics)
        metrics.show("crs_clients", "Connections", ("transport", "client"), self._clients.counts)
        metrics.show(
            "crs_symbol_subscriptions",
            "Connections that are subscribed to a symbol",
            ("symbol",),
            lambda: {(symbol,): n for symbol, n in self._subscriptions.by_symbol().items()},
        )
        self._broadcaster = Broadcaster(
            market,
            journal.log,
            self._subscriptions,
            out.emit,
            out.emit_joined,
            out.announce,
            lambda: self._prices.prompt(),
            clock,
            metrics,
        )
        self._candles = CandleStream(market, self._subscriptions, out.emit, green.pause)
        self._prices = Prompted(
            socketio.server.eio.create_event(),
            "prices",
            PRICE_FLUSH_SECONDS,
            self._broadcaster.flush_prices,
            socketio.sleep,
            clock,
            metrics,
        )
        self._watch = Watch(
            out,
            self.sessions,
            self._subscriptions,
            market,
            self.parting.refuse,
            clock,
            metrics,
        )
        self._tasks: list[Periodic] = []
        self._requests = requests = Requests(
            out,
            self.sessions,
            self._subscriptions,
            self._broadcaster,
            published,
            resumption,
            self._recovery,
            self._candles,
            self._say_first,
            authenticator,
            symbols,
            rooms.move,
            rooms.recognise,
            self.parting.refuse,
            self.parting.part_for,
            clock,
        )
        self._renewal = Renewal(
            journal.log,
            resumption.place,
            requests.begin_again,
            self._broadcaster.send,
            socketio.start_background_task,
            socketio.sleep,
        )
        reception = Reception(
            socketio,
            transports,
            rooms,
            self.parting,
            out,
            self.sessions,
            self._subscriptions,
            self._clients,
            published,
            self._recovery,
            requests,
            authenticator,
            census,
            lambda: self._produce(Producer.say_sentiment),
            auth_required=auth_required,
            per_user=per_user,
        )
        reception.register()

    def start(self, intervals: dict[str, float]) -> None:
        """Start the background tasks; `intervals` gives the seconds between market, sentiment
        and signal events under those names."""
        actions: dict[str, tuple[float, Callable[[], None]]] = {
            "market": (intervals["market"], lambda: self._production.tick(self.tick)),
            "sentiment": (intervals["sentiment"], self._say_sentiment),
            "signals": (intervals["signal"], self._say_signals),
            "candles": (LOOK_SECONDS, self._candles.look),
            "watch": (WATCH_SECONDS, self._look_after),
        }
        sleep = self._socketio.sleep
        self._tasks = [
            Periodic(name, interval, action, sleep, self._clock, self._metrics)
            for name, (interval, action) in actions.items()
        ]
        self._tasks.append(self._prices)
        for task in self._tasks:
            self._socketio.start_background_task(task.run)

    def stop(self) -> None:
        """End the background tasks."""
        for task in self._tasks:
            task.stop()

    def figures(self) -> Figures:
        """What this process does and has done, in numbers."""
        return figures_of(self._clients, self._subscriptions, self._metrics)

    def is_watched(self, symbol: str) -> bool:
        """Whether any connection is subscribed to a symbol."""
        return self._subscriptions.watchers(symbol) > 0

    def follow(self, symbol: str) -> None:
        """A symbol is served from now on: whoever wants it subscribes."""

    def unfollow(self, symbol: str) -> None:
        """A symbol is not served any more."""
        if self.is_watched(symbol):
            self._requests.withdraw(symbol)

    def tick(self) -> None:
        """Send every client its quotes."""
        self._broadcaster.tick()

    def _say_signals(self) -> None:
        self._produce(Producer.say_signals)

    def _say_sentiment(self) -> None:
        self._produce(Producer.say_sentiment)
        self._produce(Producer.recall)

    def _say_first(self, symbols: Iterable[str]) -> None:
        """Nobody who subscribes waits for the next cycle where there is something to say."""
        self._produce(Producer.say_first, symbols)

    def _produce(self, say: Callable[..., None], *args: object) -> None:
        """Have something said, where that is this process's part."""
        producer = self._production.producer
        if producer is not None:
            try:
                say(producer, *args)
            except NotSaid:
                self._metrics.not_said.inc()  # the next cycle says it, if it is still true

    def _look_after(self) -> None:
        self._watch.look()
        self._recovery.rewrite()
        self._transports.sweep()
