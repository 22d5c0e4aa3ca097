"""What leaves the process: OTLP over HTTP to a server that reads the protobuf, and a page that Prometheus scrapes."""

from __future__ import annotations

import asyncio
import gzip
import http.server
import threading
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from prometheus_client import start_http_server
from prometheus_client.parser import text_string_to_metric_families

from medha import Medha
from medha_otel import OtelSettings, Telemetry

if TYPE_CHECKING:
    from collections.abc import Generator

SETTINGS = OtelSettings(tokens_per_query=2_000, price_per_million_tokens=3.0)
PROMETHEUS_NAMES = (
    "medha_lookups_total",
    "medha_lookup_duration_seconds_bucket",
    "medha_tier_duration_seconds_bucket",
    "medha_guard_rejections_total",
    "medha_tokens_saved_total",
    "medha_money_saved_total",
)


class Collector(http.server.BaseHTTPRequestHandler):
    """The two addresses of an OTLP collector; it refuses what is not theirs."""

    traces: ClassVar[list[ExportTraceServiceRequest]]
    metrics: ClassVar[list[ExportMetricsServiceRequest]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        known: dict[str, tuple[Any, list[Any]]] = {
            "/v1/traces": (ExportTraceServiceRequest, self.traces),
            "/v1/metrics": (ExportMetricsServiceRequest, self.metrics),
        }
        if self.path not in known or self.headers["Content-Type"] != "application/x-protobuf":
            self.send_error(400)
            return
        message, received = known[self.path]
        received.append(message.FromString(body))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing."""


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Generator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


async def ask(listener: Telemetry, questions: tuple[str, str, str]) -> None:
    async with Medha("shop", "wordllama", "memory", listeners=[listener]) as cache:
        await cache.store(questions[0], "SELECT 1")
        for question in questions:
            await cache.search(question)


async def test_otlp_over_http_carries_spans_and_metrics(questions: tuple[str, str, str]) -> None:
    class Received(Collector):
        traces: ClassVar[list[ExportTraceServiceRequest]] = []
        metrics: ClassVar[list[ExportMetricsServiceRequest]] = []

    with serving(Received) as address:
        resource = Resource.create({"service.name": "shop"})
        tracers = TracerProvider(resource=resource)
        tracers.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{address}/v1/traces")))
        exporter = OTLPMetricExporter(f"{address}/v1/metrics")
        meters = MeterProvider([PeriodicExportingMetricReader(exporter)], resource=resource)
        await ask(Telemetry(SETTINGS, tracer_provider=tracers, meter_provider=meters), questions)
        tracers.shutdown()
        meters.shutdown()
    scopes = [scope for sent in Received.traces for one in sent.resource_spans for scope in one.scope_spans]
    spans = [span for scope in scopes for span in scope.spans]
    lookups = {span.span_id for span in spans if span.name == "medha.lookup"}
    assert len(lookups) == 3
    assert {span.parent_span_id for span in spans if span.name == "medha.tier.l1"} == lookups
    assert {scope.scope.name for scope in scopes} == {"medha"}
    last = Received.metrics[-1].resource_metrics[0]
    assert {a.key: a.value.string_value for a in last.resource.attributes}["service.name"] == "shop"
    sent = {metric.name: metric for metric in last.scope_metrics[0].metrics}
    assert sum(point.as_int for point in sent["medha.lookups"].sum.data_points) == 3
    assert sum(point.count for point in sent["medha.lookup.duration"].histogram.data_points) == 3
    assert sent["medha.money.saved"].sum.data_points[0].as_double == pytest.approx(0.012)
    assert sent["medha.lookup.duration"].unit == "s"


def read(address: str) -> str:
    with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - it says http
        return answer.read().decode()


async def test_prometheus_scrapes_every_metric_under_its_name(questions: tuple[str, str, str]) -> None:
    reader = PrometheusMetricReader()
    meters = MeterProvider([reader])
    server, thread = start_http_server(0, "127.0.0.1")
    try:
        await ask(Telemetry(SETTINGS, meter_provider=meters), questions)
        page = await asyncio.to_thread(read, f"http://127.0.0.1:{server.server_port}/metrics")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        meters.shutdown()
    samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    assert set(PROMETHEUS_NAMES) <= {sample.name for sample in samples}
    lookups = {
        (sample.labels["medha_tier"], sample.labels["medha_outcome"]): sample.value
        for sample in samples
        if sample.name == "medha_lookups_total"
    }
    assert lookups == {("exact", "hit"): 1, ("semantic", "hit"): 1, ("none", "miss"): 1}
