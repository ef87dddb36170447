"""Measurements for Prometheus. Labels name routes and statuses, never clients, keys or texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, ProcessCollector, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Media type of the exposition format."""
_METHODS = ("GET", "POST", "DELETE", "OPTIONS", "HEAD")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_SEGMENTS = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Collects measurements of a service, for Prometheus to read.

    Args:
        replica: Name of this process if several processes serve the same address; it becomes a label of each value.
            None = there is only one process.
    """

    def __init__(self, *, replica: str | None = None) -> None:
        self._replica = replica
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)  # memory, processor time, open files
        self._requests = Counter(
            "regard_requests", "HTTP requests.", ("route", "method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "regard_request_seconds", "Time of HTTP requests.", ("route",), buckets=_SECONDS, registry=self._registry
        )
        self._refusals = Counter(
            "regard_refused_connections",
            "Connections that were refused before there was a whole request.",
            ("status",),
            registry=self._registry,
        )
        self._segments = Histogram(
            "regard_batch_segments", "Segments in a batch.", buckets=_SEGMENTS, registry=self._registry
        )
        self._batch_seconds = Histogram(
            "regard_batch_seconds", "Time to decode a batch.", buckets=_SECONDS, registry=self._registry
        )

    def add_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts an answered HTTP request, and the time that it took.

        Args:
            route: Pattern of the route, such as `/v1/files/{job_id}`; not the path, whose values are unbounded.
            method: HTTP method of the request.
            status: HTTP status of the answer.
            seconds: Time until the answer was complete.
        """
        self._requests.labels(route, method if method in _METHODS else "other", str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def add_refusal(self, status: int) -> None:
        """Counts a connection that was refused before there was a request: too slow, too large, or not HTTP.

        Args:
            status: HTTP status of the answer.
        """
        self._refusals.labels(str(status)).inc()

    def add_batch(self, segments: int, seconds: float) -> None:
        """Counts a decoded batch, with its size and the time that it took.

        Args:
            segments: Number of segments in the batch.
            seconds: Time to decode the batch.
        """
        self._segments.observe(segments)
        self._batch_seconds.observe(seconds)

    def watch(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Adds a gauge: a value that is computed each time Prometheus reads the measurements.

        Args:
            name: Name of the gauge.
            description: Help text of the gauge, which Prometheus shows.
            value: Function that returns the current value.
        """
        Gauge(name, description, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """All measurements in Prometheus' text format."""
        if self._replica is None:
            return generate_latest(self._registry)
        return generate_latest(_Labeled(self._registry, {"replica": self._replica}))


class _Labeled(CollectorRegistry):
    """Exposes the metrics of a Prometheus registry with further labels on each value.

    Args:
        registry: The registry whose metrics are exposed.
        labels: Labels to add to each value, by name.
    """

    def __init__(self, registry: CollectorRegistry, labels: dict[str, str]) -> None:
        super().__init__()
        self._source, self._labels = registry, labels

    def collect(self) -> Iterator[Metric]:
        """Collects all metrics of the registry given to the constructor, and adds `labels` to each value.

        Yields:
            Each metric with all its values.
        """
        for metric in self._source.collect():
            metric.samples = [sample._replace(labels={**self._labels, **sample.labels}) for sample in metric.samples]
            yield metric
