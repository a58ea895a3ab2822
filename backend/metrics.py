"""What the process counts of itself, for `GET /metrics` in Prometheus' text format."""

from collections import Counter as Sums
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.registry import Collector

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
