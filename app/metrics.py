"""Metrics for Prometheus: requests, and whether the server keeps up with its photographs."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pestcheck.records import Records

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper ends of the classes of the histogram; a tap is to be answered within 0.1."""


class Metrics:
    """Of one server. Counts of requests begin with it; those of photographs and the log are those of its records."""

    def __init__(self, records: Records) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # they double what is sent, and nobody reads them
        self.registry = CollectorRegistry()
        self.requests = Counter("pestcheck_requests", "Requests answered", ["method", "route", "status"], registry=self.registry)
        self.seconds = Histogram(
            "pestcheck_request_seconds", "Time to the end of the answer", ["method", "route"], buckets=SECONDS, registry=self.registry
        )
        self.registry.register(_OfRecords(records))

    def text(self) -> tuple[bytes, str]:
        """All of them in Prometheus' text format, and its media type.

        Raises:
            OSError: the records cannot be read now.
        """
        return generate_latest(self.registry), CONTENT_TYPE_PLAIN_0_0_4

    def seen(self, scope: Scope, mounted: str, status: int, seconds: float) -> None:
        """Count a request. Addresses are counted by their pattern, so that ids do not make series without end.

        Args:
            mounted: where the app is that answered, within the one that is counted.
        """
        pattern = getattr(scope.get("route"), "path", None)
        route = "none" if pattern is None else f"{mounted}{pattern}"
        method = scope["method"] if scope["method"] in METHODS else "other"
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(method, route).observe(seconds)


METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}


class Counting:
    """ASGI middleware that counts the requests of an app."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status, root = time.perf_counter(), 500, scope.get("root_path", "")

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, told)
        finally:
            mounted = scope.get("root_path", "").removeprefix(root)
            self.metrics.seen(scope, mounted, status, time.perf_counter() - began)


class _OfRecords(Collector):
    def __init__(self, records: Records) -> None:
        self.records = records

    def describe(self) -> Iterator[Metric]:
        return iter(())  # or registering would ask the database

    def collect(self) -> Iterator[Metric]:
        now = self.records.counters()
        states = GaugeMetricFamily("pestcheck_photographs", "Photographs at points, by what the model did with them", labels=["state"])
        for state, count in now.photographs.items():
            states.add_metric([state], count)
        yield states
        yield SummaryMetricFamily(
            "pestcheck_scan_seconds",
            "Seconds the model took a photograph",
            count_value=now.photographs["scored"],
            sum_value=now.scan_seconds,
        )
        yield CounterMetricFamily("pestcheck_events", "Entries of the log", value=now.events)
