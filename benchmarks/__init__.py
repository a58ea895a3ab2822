"""Measures this server against its peers on one machine: `python -m benchmarks`."""
