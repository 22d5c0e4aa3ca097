"""Turns each decision into measurements and spans."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry import metrics, trace

from medha_otel.measuring import Measuring
from medha_otel.names import SCOPE
from medha_otel.tracing import Tracing

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from medha import Decision
    from medha_otel.settings import OtelSettings


class Telemetry:
    """A listener: ``Medha(..., listeners=[Telemetry(settings)])``; the plugin ``otel`` is one for the whole process.

    Without providers of its own it uses those of the process, also when they are set only later.
    """

    def __init__(
        self,
        settings: OtelSettings,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        own = version("medha-otel")
        self._tracing = self._measuring = None
        if settings.traces:
            self._tracing = Tracing(trace.get_tracer(SCOPE, own, tracer_provider), settings)
        if settings.metrics:
            self._measuring = Measuring(metrics.get_meter(SCOPE, own, meter_provider), settings)

    def __call__(self, decision: Decision) -> None:
        """Record a lookup that ended just now, in the task that asked."""
        ended = time.time_ns()
        # the span first: while it is current, a measurement can point to it as its example
        if self._tracing is None:
            self._measure(decision)
        else:
            with self._tracing.lookup(decision, ended):
                self._measure(decision)

    def _measure(self, decision: Decision) -> None:
        if self._measuring is not None:
            self._measuring.lookup(decision)
