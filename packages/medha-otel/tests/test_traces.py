"""The spans of a lookup: whose child they are, when they were, what they say and what they keep to themselves."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import StatusCode

from medha import MedhaSync
from medha.errors import BackendUnavailableError
from medha.memory import MemoryBackend
from medha_otel import OtelSettings, Telemetry

if TYPE_CHECKING:
    from conftest import Listening
    from opentelemetry.sdk.trace import ReadableSpan

Questions = tuple[str, str, str]


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent is not None else None


def id_of(span: Any) -> int:
    return span.get_span_context().span_id


async def test_a_lookup_is_a_span_with_a_span_for_each_tier_in_it(listening: Listening, questions: Questions) -> None:
    async with listening.cache() as cache:
        await cache.store(questions[0], "SELECT 1")
        await cache.search(questions[1])
    (lookup,) = listening.spans("medha.lookup")
    tiers = [span for span in listening.spans() if span is not lookup]
    names = ("l1", "exact", "template", "learned", "semantic")
    assert [span.name for span in tiers] == [f"medha.tier.{name}" for name in names]
    assert {parent_of(span) for span in tiers} == {id_of(lookup)}
    assert parent_of(lookup) is None
    attributes = lookup.attributes or {}
    similarity: Any = attributes["medha.similarity"]
    assert 0.9 < similarity <= 1
    assert {
        name: attributes[name] for name in ("medha.collection", "medha.outcome", "medha.tier", "medha.strategy")
    } == {
        "medha.collection": "shop",
        "medha.outcome": "hit",
        "medha.tier": "semantic",
        "medha.strategy": "semantic_match",
    }


async def test_the_times_are_those_of_the_lookup(listening: Listening, questions: Questions) -> None:
    import time

    async with listening.cache() as cache:
        before = time.time_ns()
        await cache.search(questions[0])
        after = time.time_ns()
    (lookup,) = listening.spans("medha.lookup")
    tiers = [span for span in listening.spans() if span is not lookup]
    assert lookup.start_time is not None
    assert lookup.end_time is not None
    # the two clocks of the machine may disagree by a little
    assert before - 50_000_000 <= lookup.start_time < lookup.end_time <= after
    for one, next_one in itertools.pairwise(tiers):
        assert one.end_time == next_one.start_time
    assert tiers[-1].end_time == lookup.end_time
    assert (tiers[0].start_time or 0) >= lookup.start_time


async def test_each_task_s_lookups_are_children_of_its_own_span(listening: Listening, questions: Questions) -> None:
    tracer = listening.tracers.get_tracer("an application")
    requests: dict[str, int] = {}

    async def request(number: int) -> None:
        with tracer.start_as_current_span(f"request {number}") as span:
            requests[f"request {number}"] = id_of(span)
            await cache.search(f"{questions[0]} {number}")
            await cache.search_batch([f"{questions[0]} {number} a", f"{questions[0]} {number} b"])
            await cache.get_or_generate(f"{questions[0]} {number} c", lambda question: "SELECT 1")

    async with listening.cache() as cache:
        await asyncio.gather(*map(request, range(5)))
    children = [parent_of(span) for span in listening.spans("medha.lookup")]
    assert {parent: children.count(parent) for parent in set(children)} == dict.fromkeys(requests.values(), 4)


async def test_what_follows_a_lookup_is_not_its_child(listening: Listening, questions: Questions) -> None:
    tracer = listening.tracers.get_tracer("an application")
    async with listening.cache() as cache:
        with tracer.start_as_current_span("request") as request:
            await cache.search(questions[0])
            with tracer.start_as_current_span("model"):
                pass
    (model,) = listening.spans("model")
    assert parent_of(model) == id_of(request)


def test_a_blocking_lookup_is_a_child_of_the_caller_s_span(listening: Listening, questions: Questions) -> None:
    telemetry = Telemetry(OtelSettings(), tracer_provider=listening.tracers, meter_provider=listening.meters)
    tracer = listening.tracers.get_tracer("a script")
    with (
        MedhaSync("shop", "wordllama", MemoryBackend(), listeners=[telemetry]) as cache,
        tracer.start_as_current_span("script") as script,
    ):
        cache.search(questions[0])
    (lookup,) = listening.spans("medha.lookup")
    assert parent_of(lookup) == id_of(script)


async def test_a_rejected_candidate_is_an_event_with_its_guard(listening: Listening, questions: Questions) -> None:
    async with listening.cache() as cache:
        entry_id = await cache.store(questions[0], "SELECT 1")
        await cache.search(questions[2])
    (semantic,) = listening.spans("medha.tier.semantic")
    (event,) = semantic.events
    attributes = event.attributes or {}
    assert (attributes["medha.guard"], attributes["medha.entry_id"]) == ("negation", entry_id)


async def ask(listening: Listening, questions: Questions, settings: OtelSettings) -> str:
    async with listening.cache(settings) as cache:
        await cache.store(questions[0], "SELECT secret", metadata={"tenant": "acme"})
        for asked in questions:
            await cache.search(asked, filters={"tenant": "acme"})
    return " ".join(span.to_json() for span in listening.spans())


async def test_neither_questions_nor_scopes_are_recorded_unless_asked_for(
    listening: Listening, questions: Questions
) -> None:
    told = await ask(listening, questions, OtelSettings())
    assert "medha.outcome" in told
    assert [word for word in ("Ghent", "secret", "acme", "live in") if word.casefold() in told.casefold()] == []


async def test_questions_are_recorded_on_request(listening: Listening, questions: Questions) -> None:
    told = await ask(listening, questions, OtelSettings(record_questions=True))
    assert all(question in told for question in questions)
    assert "acme" not in told
    assert "secret" not in told
    attributes = listening.spans("medha.lookup")[1].attributes or {}
    assert (attributes["medha.question"], attributes["medha.matched_question"]) == (questions[1], questions[0])


async def test_scopes_are_recorded_on_request(listening: Listening, questions: Questions) -> None:
    told = await ask(listening, questions, OtelSettings(record_scopes=True))
    assert "Ghent" not in told
    assert (listening.spans("medha.lookup")[0].attributes or {})["medha.scope.tenant"] == "acme"


class Down(MemoryBackend):
    async def get(self, collection: str, ids: object) -> list[object]:  # pyright: ignore[reportIncompatibleMethodOverride]
        raise BackendUnavailableError("the backend is switched off")


async def test_a_lookup_that_failed_is_a_span_with_an_error(listening: Listening, questions: Questions) -> None:
    async with listening.cache(backend=Down()) as cache:
        with pytest.raises(BackendUnavailableError):
            await cache.search(questions[0])
    (lookup,) = listening.spans("medha.lookup")
    assert lookup.status.status_code is StatusCode.ERROR
    assert (lookup.attributes or {})["error.type"] == "BackendUnavailableError"


async def test_traces_can_be_turned_off(listening: Listening, questions: Questions) -> None:
    async with listening.cache(OtelSettings(traces=False)) as cache:
        await cache.search(questions[0])
    assert listening.spans() == []
    assert listening.counted("medha.lookups") == {(): 1}
