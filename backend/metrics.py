"""What the process counts of itself, for `GET /metrics` in Prometheus' text format."""

from bisect import bisect_left
from collections import Counter as Sums
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

# An exchange on the other side of the world is a quarter of a second away, one that is in trouble
# many seconds.
LAG_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)
# A tick is meant to take milliseconds; anything over a quarter of the 2 s cadence is a fault.
TICK_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
# From the exchange's time to the socket: a tick's newest quote is as old as the market is quiet.
LATENESS_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0)
# From a page that is closed at once to a machine that is never switched off.
CONNECTION_BUCKETS = (1.0, 10.0, 60.0, 600.0, 3_600.0, 14_400.0, 86_400.0)

# What a gauge shows: its values by those of its labels.
Reading = Callable[[], Mapping[tuple[str, ...], int]]


class Tally(Collector):
    """A counter with one label for what happens thousands of times a second.

    The library's own takes two locks, 5 us under a green hub, which is half of what it costs to
    send an event; this is read when it is scraped.
    """

    def __init__(self, name: str, text: str, label: str) -> None:
        self._describe = (name, text, label)
        self._sums: Sums[str] = Sums()

    def add(self, value: str, count: int = 1) -> None:
        """Count under this value of the label."""
        self._sums[value] += count

    def figures(self) -> dict[str, int]:
        """The counts by the label's value."""
        return dict(self._sums)

    def collect(self) -> Iterator[CounterMetricFamily]:
        name, text, label = self._describe
        family = CounterMetricFamily(name, text, labels=[label])
        for value, count in self._sums.items():
            family.add_metric([value], count)
        yield family


class Spread(Collector):
    """A histogram with one label, for what happens to thousands at once: it is told of them
    together."""

    def __init__(self, name: str, text: str, label: str, bounds: Sequence[float]) -> None:
        self._describe = (name, text, label)
        self._bounds = bounds
        self._names = [*map(floatToGoString, bounds), "+Inf"]
        # By the label's value: how many are in each bucket, and the sum of all.
        self._counts: dict[str, list[int]] = {}
        self._sums: Sums[str] = Sums()

    def add(self, value: str, seconds: float, count: int = 1) -> None:
        """Count so many of the same under this value of the label."""
        counts = self._counts.get(value)
        if counts is None:
            counts = self._counts[value] = [0] * len(self._names)
        counts[bisect_left(self._bounds, seconds)] += count
        self._sums[value] += seconds * count  # type: ignore[assignment]

    def figures(self) -> dict[str, dict[str, Any]]:
        """By the label's value: `count`, the sum of `seconds`, how many took `up_to` so long."""
        return {
            value: {
                "count": sum(counts),
                "seconds": round(self._sums[value], 3),
                "up_to": dict(zip(self._names, accumulate(counts), strict=True)),
            }
            for value, counts in self._counts.items()
        }

    def collect(self) -> Iterator[HistogramMetricFamily]:
        name, text, label = self._describe
        family = HistogramMetricFamily(name, text, labels=[label])
        for value, counts in self._counts.items():
            buckets = zip(self._names, accumulate(counts), strict=True)
            family.add_metric([value], list(buckets), self._sums[value])
        yield family


class Live(Collector):
    """A gauge that is read where it is kept, when it is scraped; `read` gives values by those of
    the labels."""

    def __init__(self, name: str, text: str, labels: Sequence[str], read: Reading) -> None:
        self._describe = (name, text, labels)
        self._read = read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        name, text, labels = self._describe
        family = GaugeMetricFamily(name, text, labels=labels)
        for values, number in self._read().items():
            family.add_metric(values, number)
        yield family


class Metrics:
    """One registry a process; every label has a bounded set of values."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=self.registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=self.registry)

        self.connections = gauge("crs_connections", "Accepted Socket.IO connections")
        self.subscriptions = gauge("crs_subscriptions", "Symbol subscriptions of all connections")
        self.baskets = gauge("crs_baskets", "Distinct sets of symbols and fields in use")
        self.feed_age = gauge("crs_feed_age_seconds", "Seconds since the feed last delivered")
        self.feed_state = gauge("crs_feed_state", "1 for the feed's present state", "feed", "state")
        self.emits = Tally("crs_emits", "Events emitted, a room counting once", "event")
        self.deliveries = Tally("crs_deliveries", "Events handed to connections", "event")
        self.reconnects = Tally("crs_reconnects", "Connections that went on from others", "client")
        self.resumes = Tally("crs_resumes", "Resumes, by how they ended", "outcome")
        self.lateness = Spread(
            "crs_lateness_seconds",
            "From the exchange's time of the newest quote of an event to its last write",
            "event",
            LATENESS_BUCKETS,
        )
        self.durations = Spread(
            "crs_connection_seconds",
            "How long connections that have ended had been accepted",
            "client",
            CONNECTION_BUCKETS,
        )
        for collector in (self.emits, self.deliveries, self.reconnects, self.resumes):
            self.registry.register(collector)
        self.feed_lag = Spread(
            "crs_feed_lag_seconds",
            "From a trade's time at the exchange to its reception, by this machine's clock",
            "feed",
            LAG_BUCKETS,
        )
        for spread in (self.lateness, self.durations, self.feed_lag):
            self.registry.register(spread)
        self.dropped_data = gauge("crs_dropped_data", "Feed data dropped, by why", "kind")
        self.auth_failures = counter("crs_auth_failures", "Refused tokens and logins", "reason")
        self.client_errors = counter("crs_client_errors", "Requests answered with error", "code")
        self.closed = counter("crs_closed_connections", "Connections the server closed", "reason")
        self.recoveries = counter(
            "crs_recoveries", "Clients that came back with a private id, by how it ended", "outcome"
        )
        self.refusals = counter("crs_refusals", "Refused, by the limit it ran into", "limit")
        self.orders = counter("crs_orders", "Orders from process to process", "fate")
        self.outside = counter("crs_outside_messages", "Messages that other programs sent", "fate")
        self.task_errors = counter("crs_task_errors", "Exceptions in background tasks", "task")
        self.not_said = counter("crs_not_said", "Times that signals or sentiment waited for Redis")
        self.redis_failures = counter("crs_redis_failures", "Redis did not serve", "what")
        self.ticks_left_out = counter(
            "crs_ticks_left_out",
            "Ticks that were not sent: the next had come when they were read",
        )
        self.leads = gauge("crs_leads", "1 where this process runs the feed for all")
        self.candles_stored = counter("crs_candles_stored", "Minutes written to the database")
        self.history_failures = counter(
            "crs_history_failures", "Candles not had from the source, or not written", "what"
        )
        self.tick_seconds = Histogram(
            "crs_tick_seconds",
            "Time that one market_update tick took, all connections included",
            buckets=TICK_BUCKETS,
            registry=self.registry,
        )

    def show(self, name: str, text: str, labels: Sequence[str], read: Reading) -> None:
        """Have a gauge read when it is scraped, as `Live` does."""
        self.registry.register(Live(name, text, labels, read))

    def render(self) -> bytes:
        """The present values in Prometheus' text format."""
        return generate_latest(self.registry)
