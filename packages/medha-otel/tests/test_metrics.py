"""What is counted and timed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medha.errors import BackendUnavailableError
from medha.memory import MemoryBackend
from medha_otel import OtelSettings

if TYPE_CHECKING:
    from conftest import Listening

Questions = tuple[str, str, str]


async def test_lookups_are_counted_by_tier_outcome_and_strategy(listening: Listening, questions: Questions) -> None:
    question, rephrased, near_miss = questions
    async with listening.cache() as cache:
        await cache.store(question, "SELECT 1")
        for asked in (question, question, rephrased, near_miss):
            await cache.search(asked)
        await cache.search_batch([near_miss, question])
    assert listening.counted("medha.lookups", "medha.tier", "medha.outcome", "medha.strategy") == {
        ("exact", "hit", "exact_match"): 1,
        ("l1", "hit", "l1_cache"): 2,
        ("semantic", "hit", "semantic_match"): 1,
        ("none", "miss", "no_match"): 2,
    }
    assert listening.counted("medha.lookups", "medha.collection") == {("shop",): 6}


async def test_the_counts_are_those_of_the_statistics(listening: Listening, questions: Questions) -> None:
    async with listening.cache() as cache:
        await cache.store(questions[0], "SELECT 1")
        for asked in questions * 2:
            await cache.search(asked)
        stats = cache.stats()
    by_strategy = listening.counted("medha.lookups", "medha.strategy")
    assert by_strategy == {(name,): tier.count for name, tier in stats.by_strategy.items()}
    rejections = listening.counted("medha.guard.rejections", "medha.guard")
    assert rejections == {(guard,): times for guard, times in stats.guard_rejections.items()}
    assert stats.guard_rejections


async def test_rejections_are_counted_by_guard_and_tier(listening: Listening, questions: Questions) -> None:
    async with listening.cache() as cache:
        await cache.store(questions[0], "SELECT 1")
        await cache.search(questions[2])
    counted = listening.counted("medha.guard.rejections", "medha.guard", "medha.tier")
    assert ("negation", "semantic") in counted


async def test_a_question_of_several_scopes_counts_as_rejected_by_another_scope(
    listening: Listening, questions: Questions
) -> None:
    async with listening.cache() as cache:
        await cache.store(questions[0], "SELECT 1", metadata={"tenant": "acme"})
        await cache.store(questions[0], "SELECT 2", metadata={"tenant": "globex"})
        await cache.search(questions[1])
    assert ("other_scope", "semantic") in listening.counted("medha.guard.rejections", "medha.guard", "medha.tier")


async def test_durations_are_seconds_in_buckets_that_tell_microseconds_apart(
    listening: Listening, questions: Questions
) -> None:
    async with listening.cache() as cache:
        await cache.store(questions[0], "SELECT 1")
        await cache.search(questions[0])
        await cache.search(questions[0])
    lookups = {point.attributes["medha.tier"]: point for point in listening.points("medha.lookup.duration")}
    assert {tier: point.count for tier, point in lookups.items()} == {"exact": 1, "l1": 1}
    assert lookups["l1"].explicit_bounds[:3] == (5e-6, 1e-5, 2.5e-5)
    assert 0 < lookups["l1"].sum < 60
    tiers = {
        (point.attributes["medha.tier"], point.attributes["medha.answered"]): point.count
        for point in listening.points("medha.tier.duration")
    }
    assert tiers == {("l1", False): 1, ("exact", True): 1, ("l1", True): 1}


async def test_every_hit_saves_the_tokens_and_the_money_of_a_query(listening: Listening, questions: Questions) -> None:
    settings = OtelSettings(tokens_per_query=2_000, price_per_million_tokens=3.0, currency="EUR")
    async with listening.cache(settings) as cache:
        await cache.get_or_generate(questions[0], lambda question: "SELECT 1")
        for asked in questions:
            await cache.search(asked)
    assert listening.counted("medha.tokens.saved", "medha.collection") == {("shop",): 4_000}
    assert listening.counted("medha.money.saved", "medha.currency") == {("EUR",): pytest.approx(0.012)}


async def test_without_the_price_no_money_is_counted_and_without_tokens_no_tokens(
    listening: Listening, questions: Questions
) -> None:
    async with listening.cache(OtelSettings(tokens_per_query=10)) as cache:
        await cache.store(questions[0], "SELECT 1")
        await cache.search(questions[0])
    assert listening.counted("medha.tokens.saved") == {(): 10}
    assert listening.points("medha.money.saved") == []


class Down(MemoryBackend):
    async def get(self, collection: str, ids: object) -> list[object]:  # pyright: ignore[reportIncompatibleMethodOverride]
        raise BackendUnavailableError("the backend is switched off")


@pytest.mark.parametrize("on_backend_error", ["raise", "miss"])
async def test_a_lookup_that_failed_is_an_error_of_its_type(
    on_backend_error: str, listening: Listening, questions: Questions
) -> None:
    async with listening.cache(backend=Down(), on_backend_error=on_backend_error) as cache:
        if on_backend_error == "raise":
            with pytest.raises(BackendUnavailableError):
                await cache.search(questions[0])
        else:
            assert not await cache.search(questions[0])
    counted = listening.counted("medha.lookups", "medha.outcome", "error.type")
    assert counted == {("error", "BackendUnavailableError"): 1}


async def test_no_metric_holds_a_question_a_query_or_a_scope(listening: Listening, questions: Questions) -> None:
    settings = OtelSettings(record_questions=True, record_scopes=True, tokens_per_query=1, price_per_million_tokens=1)
    async with listening.cache(settings) as cache:
        await cache.store(questions[0], "SELECT secret", metadata={"tenant": "acme"})
        for asked in questions:
            await cache.search(asked, filters={"tenant": "acme"})
    told = str(listening.meters_reader.get_metrics_data())
    assert all(name in told for name in ("medha.lookups", "medha.guard.rejections", "medha.money.saved"))
    assert [word for word in ("Ghent", "secret", "acme") if word in told] == []


async def test_metrics_can_be_turned_off(listening: Listening, questions: Questions) -> None:
    async with listening.cache(OtelSettings(metrics=False)) as cache:
        await cache.search(questions[0])
    assert listening.points("medha.lookups") == []
    assert listening.spans() != []
