"""What is counted for thousands at once reads as the library's own would."""

from prometheus_client import CollectorRegistry, Histogram, generate_latest

from backend.metrics import Metrics, Spread


def test_a_spread_is_the_histogram_that_the_library_would_have_made() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    spread = Spread("late", "How late", "event", (0.1, 1.0, 5.0))
    ours.register(spread)
    histogram = Histogram("late", "How late", ["event"], registry=theirs, buckets=(0.1, 1.0, 5.0))
    for event, seconds, count in (("a", 0.1, 3), ("a", 0.5, 2), ("a", 60.0, 1), ("b", 1.5, 4)):
        spread.add(event, seconds, count)
        for _ in range(count):
            histogram.labels(event).observe(seconds)

    def lines(registry: CollectorRegistry) -> list[str]:
        text = generate_latest(registry).decode()
        return [line for line in text.splitlines() if "_created" not in line]

    assert lines(ours) == lines(theirs)


def test_a_gauge_that_is_shown_is_read_at_each_scrape() -> None:
    metrics = Metrics()
    watched = {("BTC",): 1}
    metrics.show("crs_watched", "Watched", ("symbol",), lambda: watched)
    assert b'crs_watched{symbol="BTC"} 1.0' in metrics.render()
    watched[("BTC",)] = 2
    assert b'crs_watched{symbol="BTC"} 2.0' in metrics.render()


def test_the_lag_of_a_feed_stands_among_the_metrics() -> None:
    metrics = Metrics()
    metrics.feed_lag.add("kraken", 0.03)
    text = metrics.render().decode()
    assert 'crs_feed_lag_seconds_bucket{feed="kraken",le="0.025"} 0.0' in text
    assert 'crs_feed_lag_seconds_bucket{feed="kraken",le="0.05"} 1.0' in text
    assert 'crs_feed_lag_seconds_sum{feed="kraken"} 0.03' in text
