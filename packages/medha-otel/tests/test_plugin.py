"""The plugin by its name: the providers of the process, settings from the environment, nothing imported too early."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from medha import ListenerPlugin, Medha, Settings
from medha.errors import ConfigurationError
from medha.plugins import installed_plugins, read_settings
from medha_otel import OtelSettings

PROGRAM = """
import asyncio, json
from medha import Medha
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

async def main():
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    async with Medha.from_settings() as cache:
        await cache.search("asked before the SDK was set up")
        tracers = TracerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(spans))
        trace.set_tracer_provider(tracers)
        metrics.set_meter_provider(MeterProvider([reader]))
        await cache.search("Which customers live in Ghent?")
    data = reader.get_metrics_data()
    found = {m.name for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics}
    print(json.dumps([[span.name, span.attributes.get("medha.question")] for span in spans.get_finished_spans()]))
    print(json.dumps(sorted(found)))

asyncio.run(main())
"""


def run(code: str, **variables: str) -> list[Any]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MEDHA_", "OTEL_"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_variable_turns_it_on_with_the_providers_of_the_process_even_when_they_are_set_later() -> None:
    spans, metrics = run(PROGRAM, MEDHA_LISTENERS="otel", MEDHA_OTEL_RECORD_QUESTIONS="true")
    assert spans[-1] == ["medha.lookup", "Which customers live in Ghent?"]
    assert [name for name, _ in spans].count("medha.lookup") == 1
    assert metrics == ["medha.guard.rejections", "medha.lookup.duration", "medha.lookups", "medha.tier.duration"][1:]


def test_a_cache_that_does_not_name_it_does_not_import_it() -> None:
    code = (
        "import asyncio, json, sys\n"
        "from medha import Medha\n"
        "async def main():\n"
        "    async with Medha('shop', 'wordllama') as cache:\n"
        "        await cache.search('anything')\n"
        "asyncio.run(main())\n"
        "print(json.dumps([name for name in sys.modules if name.startswith(('opentelemetry', 'medha_otel'))]))\n"
    )
    assert run(code) == [[]]


def test_it_is_installed_as_a_listener() -> None:
    assert ("listener", "otel") in [offer for plugin in installed_plugins().installed() for offer in plugin.offers]
    assert installed_plugins().find(ListenerPlugin, "otel").settings is OtelSettings


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MEDHA_OTEL_TOKENS_PER_QUERY", "many", "MEDHA_OTEL_TOKENS_PER_QUERY"),
        ("MEDHA_OTEL_PRICE_PER_MILLION_TOKENS", "3", "needs tokens_per_query"),
        ("MEDHA_OTEL_CURRENCY", "dollars", "MEDHA_OTEL_CURRENCY"),
        ("MEDHA_OTEL_RECORD_QUESTION", "true", "MEDHA_OTEL_RECORD_QUESTIONS"),
    ],
)
async def test_a_wrong_setting_is_refused_when_the_cache_starts(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=says):
        await Medha("shop", "wordllama", settings=Settings(listeners=("otel",))).start()


def test_settings_come_from_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDHA_OTEL_TOKENS_PER_QUERY", "2000")
    monkeypatch.setenv("MEDHA_OTEL_PRICE_PER_MILLION_TOKENS", "3")
    settings = OtelSettings.model_validate(read_settings(OtelSettings))
    assert settings.money_per_query == pytest.approx(0.006)
