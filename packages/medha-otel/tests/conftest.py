"""What the tests share: a cache that is heard by the real SDK, in this process."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from medha import Medha, Settings
from medha.memory import MemoryBackend
from medha_otel import OtelSettings, Telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from opentelemetry.sdk.trace import ReadableSpan

QUESTION: Final = "Which customers live in Ghent?"
REPHRASED: Final = "What customers live in Ghent?"
NEAR_MISS: Final = "Which customers do not live in Ghent?"
TENANT: Final = {"tenant": "acme"}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's own settings, neither Medha's nor the SDK's."""
    for name in [name for name in os.environ if name.startswith(("MEDHA_", "OTEL_"))]:
        monkeypatch.delenv(name)


class Listening:
    """Caches whose lookups are heard, and what was heard of them."""

    def __init__(self) -> None:
        self.tracers = TracerProvider()
        self.meters_reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.meters_reader])
        self._spans = InMemorySpanExporter()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))

    @asynccontextmanager
    async def cache(
        self, settings: OtelSettings | None = None, *, backend: Any = None, **core: Any
    ) -> AsyncGenerator[Medha]:
        listener = Telemetry(settings or OtelSettings(), tracer_provider=self.tracers, meter_provider=self.meters)
        chosen = MemoryBackend() if backend is None else backend
        async with Medha("shop", "wordllama", chosen, Settings(**core), listeners=[listener]) as cache:
            yield cache

    def spans(self, name: str = "") -> list[ReadableSpan]:
        """Those that ended, in the order in which they began, by name where one is given."""
        found = sorted(self._spans.get_finished_spans(), key=lambda span: span.start_time or 0)
        return [span for span in found if not name or span.name == name]

    def forget(self) -> None:
        self._spans.clear()

    def points(self, metric: str) -> list[Any]:
        """The data points of a metric."""
        data = self.meters_reader.get_metrics_data()
        if data is None:
            return []
        metrics = [m for resource in data.resource_metrics for scope in resource.scope_metrics for m in scope.metrics]
        return [point for found in metrics if found.name == metric for point in found.data.data_points]

    def counted(self, metric: str, *attributes: str) -> dict[tuple[Any, ...], float]:
        """The sums of a counter, by these attributes."""
        sums: dict[tuple[Any, ...], float] = {}
        for point in self.points(metric):
            key = tuple(point.attributes.get(name) for name in attributes)
            sums[key] = sums.get(key, 0) + point.value
        return sums

    def close(self) -> None:
        self.tracers.shutdown()
        self.meters.shutdown()


@pytest.fixture
def listening() -> Iterator[Listening]:
    listening = Listening()
    yield listening
    listening.close()


@pytest.fixture
def questions() -> tuple[str, str, str]:
    """One, the same in other words, and one that only sounds alike."""
    return QUESTION, REPHRASED, NEAR_MISS
