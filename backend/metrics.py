"""What the process counts of itself, for `GET /metrics` in Prometheus' text format."""

from bisect import bisect_left
from collections import Counter as Sums
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

# An exchange on the other side of the world is a quarter of a second away, one that is in trouble
# many seconds.
LAG_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)
# A tick is meant to take milliseconds; anything over a quarter of the 2 s cadence is a fault.
TICK_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


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

    def collect(self) -> Iterator[CounterMetricFamily]:
        name, text, label = self._describe
        family = CounterMetricFamily(name, text, labels=[label])
        for value, count in self._sums.items():
            family.add_metric([value], count)
        yield family


class Distribution(Collector):
    """A histogram with one label, for what is measured thousands of times a second: without locks,
    as a `Tally` is."""

    def __init__(self, name: str, text: str, label: str, buckets: Sequence[float]) -> None:
        self._describe = (name, text, label)
        self._bounds = tuple(buckets)
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}

    def observe(self, label: str, value: float) -> None:
        """Count a value that is not negative."""
        counts = self._counts.get(label)
        if counts is None:
            counts = self._counts[label] = [0] * (len(self._bounds) + 1)
            self._sums[label] = 0.0
        counts[bisect_left(self._bounds, value)] += 1
        self._sums[label] += value

    def collect(self) -> Iterator[HistogramMetricFamily]:
        name, text, label = self._describe
        family = HistogramMetricFamily(name, text, labels=[label])
        bounds = [*map(str, self._bounds), "+Inf"]
        for value, counts in self._counts.items():
            buckets = list(zip(bounds, accumulate(counts), strict=True))
            family.add_metric([value], buckets, self._sums[value])
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
        for tally in (self.emits, self.deliveries):
            self.registry.register(tally)
        self.feed_lag = Distribution(
            "crs_feed_lag_seconds",
            "From a trade's time at the exchange to its reception, by this machine's clock",
            "feed",
            LAG_BUCKETS,
        )
        self.registry.register(self.feed_lag)
        self.dropped_data = gauge("crs_dropped_data", "Feed data dropped, by why", "kind")
        self.auth_failures = counter("crs_auth_failures", "Refused tokens and logins", "reason")
        self.client_errors = counter("crs_client_errors", "Requests answered with error", "code")
        self.closed = counter("crs_closed_connections", "Connections the server closed", "reason")
        self.refusals = counter("crs_refusals", "Refused, by the limit it ran into", "limit")
        self.orders = counter("crs_orders", "Orders from process to process", "fate")
        self.outside = counter("crs_outside_messages", "Messages that other programs sent", "fate")
        self.task_errors = counter("crs_task_errors", "Exceptions in background tasks", "task")
        self.not_said = counter("crs_not_said", "Times that signals or sentiment waited for Redis")
        self.redis_failures = counter("crs_redis_failures", "Redis did not serve", "what")
        self.leads = gauge("crs_leads", "1 where this process runs the feed for all")
        self.tick_seconds = Histogram(
            "crs_tick_seconds",
            "Time that one market_update tick took, all connections included",
            buckets=TICK_BUCKETS,
            registry=self.registry,
        )

    def render(self) -> bytes:
        """The present values in Prometheus' text format."""
        return generate_latest(self.registry)
