"""OpenTelemetry for Medha: spans and metrics of every lookup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medha_otel.settings import OtelSettings

if TYPE_CHECKING:
    from medha_otel.telemetry import Telemetry

__all__ = ["OtelSettings", "Telemetry"]


def __getattr__(name: str) -> Any:
    # opentelemetry is imported only when it is used
    if name == "Telemetry":
        from medha_otel.telemetry import Telemetry

        return Telemetry
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
