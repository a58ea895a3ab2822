"""What the process counts of itself."""

import math
import random

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from backend.metrics import Distribution, Metrics


@pytest.mark.parametrize("seed", range(3))
def test_a_distribution_is_what_the_librarys_histogram_is(seed: int) -> None:
    rng = random.Random(seed)
    buckets = (0.01, 0.1, 1.0)
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    distribution = Distribution("lag", "Text", "feed", buckets)
    ours.register(distribution)
    histogram = Histogram("lag", "Text", ["feed"], buckets=buckets, registry=theirs)
    for _ in range(500):
        feed, value = rng.choice("ab"), rng.choice([*buckets, 0.0, rng.expovariate(5)])
        distribution.observe(feed, value)
        histogram.labels(feed).observe(value)

    def samples(registry: CollectorRegistry) -> dict[tuple, float]:
        return {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in registry.collect()
            for sample in family.samples
            if not sample.name.endswith("_created")
        }

    mine, known = samples(ours), samples(theirs)
    assert mine.keys() == known.keys()
    assert all(math.isclose(mine[name], known[name]) for name in known)
    assert b'lag_bucket{feed="a",le="0.01"}' in generate_latest(ours)


def test_the_lag_of_a_feed_stands_among_the_metrics() -> None:
    metrics = Metrics()
    metrics.feed_lag.observe("kraken", 0.03)
    text = metrics.render().decode()
    assert 'crs_feed_lag_seconds_bucket{feed="kraken",le="0.025"} 0.0' in text
    assert 'crs_feed_lag_seconds_bucket{feed="kraken",le="0.05"} 1.0' in text
    assert 'crs_feed_lag_seconds_sum{feed="kraken"} 0.03' in text
