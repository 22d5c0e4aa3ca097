"""What ``explain`` tells: near misses with what told them apart, and what a template bound."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from medha import Medha
from medha.models import BindingTrace

if TYPE_CHECKING:
    from conftest import MakeCache, WatchedBackend, WordsEmbedder

STAYS: Final[dict[str, Any]] = {
    "intent": "stays",
    "template_text": "top {count} hotels in {city} since {day}",
    "query_template": "SELECT name FROM hotel WHERE city = {city} AND opened >= {day} ORDER BY stars LIMIT {count}",
    "parameters": {"count": "int", "city": "string", "day": "date"},
}


async def test_a_rejected_candidate_is_a_near_miss_with_the_guards_reason(make_cache: MakeCache) -> None:
    async with make_cache(score_threshold_semantic=0.5) as cache:
        await cache.store("top 5 customers by spending in the north", "SELECT 5")
        decision = await cache.explain("top 10 customers by spending in the north")
        (near,) = decision.near_misses
        assert (near.tier, near.generated_query) == ("semantic", "SELECT 5")
        assert near.outcome.startswith("rejected by numbers: different numbers")


async def test_an_entry_below_the_thresholds_is_a_near_miss_too(make_cache: MakeCache) -> None:
    async with make_cache() as cache:
        await cache.store("ferries to Elba", "SELECT 1")
        await cache.store("opening hours of the museum", "SELECT 2")
        decision = await cache.explain("ferries to Capri")
        assert [near.question for near in decision.near_misses] == ["ferries to Elba", "opening hours of the museum"]
        assert decision.near_misses[0].outcome.startswith("below the thresholds; names would reject it")
        assert decision.near_misses[0].similarity > decision.near_misses[1].similarity
        assert decision.candidates == ()


async def test_near_misses_stay_within_the_scope(make_cache: MakeCache) -> None:
    async with make_cache() as cache:
        await cache.store("ferries to Elba", "SELECT 1", metadata={"tenant": "a"})
        decision = await cache.explain("ferries to Capri", filters={"tenant": "b"})
        assert decision.near_misses == ()


async def test_what_was_served_is_no_near_miss(make_cache: MakeCache) -> None:
    async with make_cache(score_threshold_semantic=0.5) as cache:
        await cache.store("which ferries sail to Elba", "SELECT 1")
        decision = await cache.explain("what ferries sail to Elba")
        assert decision.hit
        assert decision.near_misses == ()


async def test_looking_for_near_misses_counts_no_rejection(make_cache: MakeCache) -> None:
    async with make_cache() as cache:
        await cache.store("ferries to Elba", "SELECT 1")
        await cache.explain("ferries to Capri")
        assert cache.stats().guard_rejections == {}
        assert cache.stats().lookups == 0


async def test_a_template_shows_its_slots_with_column_value_and_words(embedder: WordsEmbedder) -> None:
    async with Medha("tests", embedder, "memory", templates=[STAYS]) as cache:
        decision = await cache.explain("top 5 hotels in Porto since 2026-08-12")
        trace = decision.tiers[-1]
        assert (trace.tier, trace.answered) == ("template", True)
        by_slot = {binding.slot: binding for binding in trace.bindings}
        assert by_slot["count"] == BindingTrace("count", "LIMIT", 5, "the question says '5'")
        assert by_slot["city"] == BindingTrace("city", "city", "Porto", "the question says 'Porto'")
        assert by_slot["day"].column == "opened"
        assert by_slot["day"].source == "the question says '2026-08-12'"
        (shown,) = [b for b in decision.to_dict()["tiers"][-1]["bindings"] if b["slot"] == "day"]
        assert json.loads(json.dumps(shown))["value"] == "2026-08-12"


async def test_no_near_misses_are_looked_for_without_a_vector(
    embedder: WordsEmbedder, backend: WatchedBackend, make_cache: MakeCache
) -> None:
    async with make_cache(on_backend_error="miss") as cache:
        await cache.store("ferries to Elba", "SELECT 1")
        embedder.down = True
        backend.calls.clear()
        decision = await cache.explain("ferries to Capri")
        assert decision.hit.error is not None
        assert decision.near_misses == ()
        assert backend.calls["search"] == 0
