"""What this distribution offers to Medha."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from medha import Decision, hookimpl
from medha.plugins import read_settings
from medha_otel.settings import OtelSettings

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings

    from medha_otel.telemetry import Telemetry


@hookimpl
def medha_listener_settings() -> type[BaseSettings]:
    """Read when a cache starts, so that a wrong variable is refused there."""
    return OtelSettings


@hookimpl
def medha_lookup_finished(decision: Decision) -> None:
    """Record the lookup with the providers that the application has set for the process."""
    process_telemetry()(decision)


@functools.cache
def process_telemetry() -> Telemetry:
    """The one of all caches that name this plugin."""
    from medha_otel.telemetry import Telemetry

    return Telemetry(OtelSettings.model_validate(read_settings(OtelSettings)))
