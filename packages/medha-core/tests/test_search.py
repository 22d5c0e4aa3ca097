"""Which tier answers what, and what each lookup costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from medha import Guard, Medha, SearchStrategy, Verdict
from medha.errors import (
    BackendUnavailableError,
    EmbedderUnavailableError,
    LifecycleError,
    ScopeRequiredError,
)

if TYPE_CHECKING:
    from conftest import Clock, MakeCache, WatchedBackend, WordsEmbedder

    from medha import Candidate, Question

QUESTION = "How many albums did Queen release?"
QUERY = "SELECT count(*) FROM album WHERE artist = 'Queen'"


async def test_a_stored_question_is_answered_exactly_then_from_l1(cache: Medha) -> None:
    entry_id = await cache.store(QUESTION, QUERY, "eight or so", "album_count", metadata={"tenant": "acme"})
    scope = {"tenant": "acme"}
    first = await cache.search(QUESTION, filters=scope)
    second = await cache.search(QUESTION, filters=scope)
    assert first
    assert (first.strategy, second.strategy) == (SearchStrategy.EXACT_MATCH, SearchStrategy.L1_CACHE)
    for hit in (first, second):
        assert hit.generated_query == QUERY
        assert hit.response_summary == "eight or so"
        assert hit.template_used == "album_count"
        assert hit.entry_id == entry_id
        assert hit.matched_question == QUESTION
        assert dict(hit.metadata) == scope
        assert hit.confidence == 1.0
        assert hit.reason


@pytest.mark.parametrize(
    "wording",
    [
        "how many albums did Queen release",
        "  How   many albums did Queen release??? ",
        "Could you please tell me how many albums did Queen release?",
    ],
)
async def test_wordings_that_normalise_alike_need_no_embedding(
    cache: Medha, embedder: WordsEmbedder, wording: str
) -> None:
    await cache.store(QUESTION, QUERY)
    embedder.calls.clear()
    assert (await cache.search(wording)).strategy is SearchStrategy.EXACT_MATCH
    assert embedder.calls == []


async def test_a_miss_is_a_false_hit_value_that_says_why(cache: Medha) -> None:
    hit = await cache.search("anything at all")
    assert not hit
    assert hit.strategy is SearchStrategy.NO_MATCH
    assert hit.generated_query is None
    assert "no candidate" in hit.reason


async def test_a_close_wording_that_the_guards_accept_is_a_semantic_match(make_cache: MakeCache) -> None:
    async with make_cache(score_threshold_semantic=0.8, score_threshold_exact=0.999) as cache:
        await cache.store("list the albums by Queen with their year", QUERY)
        hit = await cache.search("list albums by Queen with their year")
        assert hit.strategy is SearchStrategy.SEMANTIC_MATCH
        assert hit.similarity is not None
        assert hit.similarity == pytest.approx(hit.confidence)
        assert 0.8 <= hit.similarity < 0.999
        assert (await cache.search("list albums by Queen with their year")).strategy is SearchStrategy.L1_CACHE


async def test_similarity_from_the_exact_threshold_on_is_an_exact_match(cache: Medha) -> None:
    await cache.store("Albums by Queen", QUERY)
    hit = await cache.search("albums by Queen")
    assert hit.strategy is SearchStrategy.EXACT_MATCH
    assert hit.similarity == pytest.approx(1.0, abs=1e-5)


async def test_a_candidate_too_far_for_semantic_can_be_close_in_spelling(make_cache: MakeCache) -> None:
    async with make_cache(
        score_threshold_semantic=0.98, score_threshold_fuzzy_prefilter=0.3, score_threshold_fuzzy=85
    ) as cache:
        await cache.store("show the albums by Queen in the shop", QUERY)
        hit = await cache.search("show albums by Queen in the shop")
        assert hit.strategy is SearchStrategy.FUZZY_MATCH
        assert hit.confidence >= 0.85


async def test_a_different_question_with_the_same_words_is_rejected_by_a_guard(cache: Medha) -> None:
    await cache.store("flights from Rome to Paris", "SELECT 'Rome', 'Paris'")
    hit = await cache.search("flights from Paris to Rome")
    assert not hit
    assert "rejected by" in hit.reason
    assert sum(cache.stats().guard_rejections.values()) == 1


@pytest.mark.parametrize("near_miss", ["top 10 albums by sales", "top 5 albums by price", "bottom 5 albums by sales"])
async def test_near_misses_are_never_served(make_cache: MakeCache, near_miss: str) -> None:
    async with make_cache(score_threshold_semantic=0.3, score_threshold_fuzzy_prefilter=0.3) as cache:
        await cache.store("top 5 albums by sales", QUERY)
        assert not await cache.search(near_miss)


async def test_a_guard_that_raises_rejects(embedder: WordsEmbedder) -> None:
    class BrokenGuard(Guard):
        name = "broken"

        def verify(self, question: Question, candidate: Candidate) -> Verdict:
            raise RuntimeError("out of order")

    async with Medha("tests", embedder, guards=[BrokenGuard()]) as cache:
        await cache.store("albums Queen", QUERY)
        hit = await cache.search("Queen albums")
        assert not hit
        assert "the guard failed: RuntimeError: out of order" in hit.reason


async def test_a_guard_that_gives_no_verdict_rejects(embedder: WordsEmbedder) -> None:
    class SilentGuard(Guard):
        name = "silent"

        def verify(self, question: Question, candidate: Candidate) -> Verdict:
            return True  # pyright: ignore[reportReturnType]

    async with Medha("tests", embedder, guards=[SilentGuard()]) as cache:
        await cache.store("albums Queen", QUERY)
        hit = await cache.search("Queen albums")
        assert not hit
        assert "rejected by silent: the guard gave no Verdict, but a bool" in hit.reason


@pytest.mark.parametrize("question", ["albums by queen", "nothing like it"])
async def test_a_lookup_asks_the_backend_for_one_vector_search(
    cache: Medha, backend: WatchedBackend, question: str
) -> None:
    await cache.store("Albums by Queen", QUERY)
    backend.calls.clear()
    await cache.search(question)
    assert backend.calls == {"get": 1, "search": 1}


async def test_an_exact_answer_costs_one_get_and_l1_costs_nothing(cache: Medha, backend: WatchedBackend) -> None:
    await cache.store(QUESTION, QUERY)
    backend.calls.clear()
    await cache.search(QUESTION)
    assert backend.calls == {"get": 1}
    backend.calls.clear()
    await cache.search(QUESTION)
    assert not backend.calls


async def test_with_the_embedder_down_l1_and_exact_still_answer(cache: Medha, embedder: WordsEmbedder) -> None:
    await cache.store(QUESTION, QUERY)
    await cache.store("scoped one", QUERY, metadata={"tenant": "acme"})
    embedder.down = True
    assert (await cache.search(QUESTION)).strategy is SearchStrategy.EXACT_MATCH
    assert (await cache.search(QUESTION)).strategy is SearchStrategy.L1_CACHE
    wider = await cache.search("scoped one")
    assert wider.strategy is SearchStrategy.EXACT_MATCH
    assert wider.generated_query == QUERY


async def test_with_the_embedder_down_a_new_question_raises_its_fault(cache: Medha, embedder: WordsEmbedder) -> None:
    embedder.down = True
    with pytest.raises(EmbedderUnavailableError, match="switched off"):
        await cache.search("something new")
    assert cache.stats().errors == {"EmbedderUnavailableError": 1}


async def test_on_backend_error_miss_carries_the_fault_and_counts_it(
    make_cache: MakeCache, backend: WatchedBackend, embedder: WordsEmbedder
) -> None:
    async with make_cache(on_backend_error="miss") as cache:
        backend.down = True
        hit = await cache.search("anything")
        assert not hit
        assert isinstance(hit.error, BackendUnavailableError)
        backend.down, embedder.down = False, True
        hit = await cache.search("anything else")
        assert isinstance(hit.error, EmbedderUnavailableError)
        stats = cache.stats()
        assert stats.errors == {"BackendUnavailableError": 1, "EmbedderUnavailableError": 1}
        assert stats.misses == 2


async def test_on_backend_error_raise_raises(cache: Medha, backend: WatchedBackend) -> None:
    backend.down = True
    with pytest.raises(BackendUnavailableError):
        await cache.search("anything")


async def test_an_entry_is_served_until_the_instant_it_expires(cache: Medha, clock: Clock) -> None:
    await cache.store(QUESTION, QUERY, ttl=60)
    assert (await cache.search(QUESTION)).expires_at == clock.now + 60
    clock.now += 59.999
    assert (await cache.search(QUESTION)).strategy is SearchStrategy.L1_CACHE
    clock.now += 0.001
    assert not await cache.search(QUESTION)
    assert not await cache.search("albums Queen release many how did")


# --- scope


async def test_a_lookup_never_crosses_its_scope(cache: Medha) -> None:
    await cache.store(QUESTION, "SELECT 1", metadata={"tenant": "acme", "level": 1})
    for other in ({"tenant": "globex"}, {"tenant": "ACME"}, {"level": True}, {"level": "1"}, {"region": "eu"}):
        for question in (QUESTION, "albums Queen release did many how"):
            assert not await cache.search(question, filters=other)
    assert await cache.search(QUESTION, filters={"tenant": "acme"})
    assert await cache.search(QUESTION, filters={"level": 1.0})


async def test_an_unscoped_entry_does_not_answer_a_scoped_lookup(cache: Medha) -> None:
    await cache.store(QUESTION, QUERY)
    assert await cache.search(QUESTION)
    assert not await cache.search(QUESTION, filters={"tenant": "acme"})


async def test_l1_keeps_scopes_and_collections_apart(embedder: WordsEmbedder) -> None:
    from medha.l1_memory import MemoryL1Cache

    shared = MemoryL1Cache()
    async with Medha("one", embedder, l1_backend=shared) as one, Medha("two", embedder, l1_backend=shared) as two:
        await one.store(QUESTION, "SELECT 'one'")
        await two.store(QUESTION, "SELECT 'two'")
        await one.store(QUESTION, "SELECT 'one for acme'", metadata={"tenant": "acme"})
        for _ in range(2):
            assert (await two.search(QUESTION)).generated_query == "SELECT 'two'"
            assert (await one.search(QUESTION, filters={"tenant": "acme"})).generated_query == "SELECT 'one for acme'"
            assert (await one.search(QUESTION)).generated_query == "SELECT 'one'"


async def test_one_question_with_different_queries_in_two_scopes_needs_filters(cache: Medha) -> None:
    await cache.store(QUESTION, "SELECT 1", metadata={"tenant": "acme"})
    await cache.store(QUESTION, "SELECT 2", metadata={"tenant": "globex"})
    hit = await cache.search(QUESTION)
    assert not hit
    assert "pass filters" in hit.reason


async def test_two_wordings_with_different_queries_in_two_scopes_need_filters_too(cache: Medha) -> None:
    await cache.store("Total sales", "SELECT 1", metadata={"tenant": "acme"})
    await cache.store("total sales", "SELECT 2", metadata={"tenant": "globex"})
    assert "pass filters" in (await cache.search("total Sales")).reason
    assert (await cache.search("total Sales", filters={"tenant": "globex"})).generated_query == "SELECT 2"


async def test_require_scope_refuses_to_store_and_never_serves_without_one(make_cache: MakeCache) -> None:
    async with make_cache(require_scope=True) as cache:
        with pytest.raises(ScopeRequiredError, match="metadata="):
            await cache.store(QUESTION, QUERY)
        await cache.store(QUESTION, QUERY, metadata={"tenant": "acme"})
        hit = await cache.search(QUESTION)
        assert not hit
        assert "require_scope" in hit.reason
        assert not (await cache.search_batch([QUESTION]))[0]
        assert not (await cache.explain(QUESTION)).hit
        assert await cache.search(QUESTION, filters={"tenant": "acme"})
        with pytest.raises(ScopeRequiredError):
            await cache.get_or_generate("new one", lambda _: "SELECT 1")


# --- batches


async def test_a_batch_embeds_once_and_counts_every_question(
    cache: Medha, embedder: WordsEmbedder, backend: WatchedBackend
) -> None:
    await cache.store("Albums by Queen", "SELECT 1")
    await cache.store("tracks by Abba", "SELECT 2")
    embedder.calls.clear()
    backend.calls.clear()
    questions = ["albums by Queen", "tracks by Abba", "no such thing", "tracks by Abba", "another unknown"]
    hits = await cache.search_batch(questions)
    assert [hit.generated_query for hit in hits] == ["SELECT 1", "SELECT 2", None, "SELECT 2", None]
    assert len(embedder.calls) == 1
    assert backend.calls == {"get": 1, "search": 3}
    stats = cache.stats()
    assert (stats.lookups, stats.hits, stats.misses) == (5, 3, 2)


async def test_a_batch_answers_as_single_lookups_do(cache: Medha) -> None:
    await cache.store_many(
        [{"question": f"albums of year {year}", "query": f"SELECT {year}"} for year in range(1990, 2000)]
    )
    questions = [f"albums of year {year}" for year in range(1985, 2005)]
    batch = await cache.search_batch(questions)
    await cache.clear_caches()
    singles = [await cache.search(question) for question in questions]
    assert [(h.generated_query, h.strategy) for h in batch] == [(h.generated_query, h.strategy) for h in singles]


async def test_a_batch_with_the_embedder_down_answers_what_it_can(
    make_cache: MakeCache, embedder: WordsEmbedder
) -> None:
    async with make_cache(on_backend_error="miss") as cache:
        await cache.store(QUESTION, QUERY)
        embedder.down = True
        known, new = await cache.search_batch([QUESTION, "a new one"])
        assert known.generated_query == QUERY
        assert isinstance(new.error, EmbedderUnavailableError)


async def test_an_empty_batch_is_an_empty_list(cache: Medha) -> None:
    assert await cache.search_batch([]) == []


# --- explain


async def test_explain_shows_the_decision_and_changes_nothing(
    cache: Medha, backend: WatchedBackend, embedder: WordsEmbedder
) -> None:
    await cache.store("flights from Rome to Paris", "SELECT 1")
    before = cache.stats()
    decision = await cache.explain("flights from Paris to Rome")
    assert not decision.hit
    assert [tier.tier for tier in decision.tiers] == ["l1", "exact", "template", "learned", "semantic", "fuzzy"]
    candidate = decision.candidates[0]
    assert candidate.similarity == pytest.approx(1.0, abs=1e-5)
    assert "rejected by" in candidate.outcome
    assert any(not verdict.verdict.accepted and verdict.verdict.reason for verdict in candidate.verdicts)
    assert decision.milliseconds >= sum(tier.milliseconds for tier in decision.tiers) * 0.5
    assert cache.stats() == before
    assert decision.to_dict()["candidates"][0]["entry_id"] == candidate.entry_id


async def test_explain_fills_neither_l1_nor_the_embeddings(cache: Medha, embedder: WordsEmbedder) -> None:
    await cache.store(QUESTION, QUERY)
    assert (await cache.explain(QUESTION)).hit.strategy is SearchStrategy.EXACT_MATCH
    assert (await cache.search(QUESTION)).strategy is SearchStrategy.EXACT_MATCH
    embedder.calls.clear()
    await cache.explain("a new one")
    await cache.explain("a new one")
    assert len(embedder.calls) == 2


# --- statistics, life


async def test_stats_count_per_tier_and_clear_caches_leaves_them_alone(cache: Medha) -> None:
    await cache.store("Albums by Queen", QUERY)
    for question in ("Albums by Queen", "Albums by Queen", "albums by Queen", "no such thing"):
        await cache.search(question)
    stats = cache.stats()
    assert {name: tier.count for name, tier in stats.by_strategy.items()} == {
        "exact_match": 2,
        "l1_cache": 1,
        "no_match": 1,
    }
    assert stats.hit_rate == 0.75
    assert stats.latency.p50 is not None
    assert stats.latency.p99 is not None
    assert stats.latency.p50 <= stats.latency.p99
    await cache.clear_caches()
    assert cache.stats() == stats
    assert (await cache.search("Albums by Queen")).strategy is SearchStrategy.EXACT_MATCH
    cache.reset_stats()
    assert cache.stats().lookups == 0
    assert cache.stats().latency.p50 is None


async def test_stats_can_be_switched_off(make_cache: MakeCache) -> None:
    async with make_cache(collect_stats=False) as cache:
        await cache.store(QUESTION, QUERY)
        await cache.search(QUESTION)
        assert cache.stats().lookups == cache.stats().stored == 0


async def test_use_before_start_and_after_close_raises(make_cache: MakeCache) -> None:
    cache = make_cache()
    with pytest.raises(LifecycleError, match="not started; use it inside 'async with'"):
        await cache.search(QUESTION)
    async with cache:
        await cache.search(QUESTION)
    with pytest.raises(LifecycleError, match="closed"):
        await cache.store(QUESTION, QUERY)
    await cache.close()


async def test_given_instances_are_not_closed(make_cache: MakeCache, backend: WatchedBackend) -> None:
    async with make_cache() as cache:
        await cache.store(QUESTION, QUERY)
    assert await backend.count("tests") == 1
    async with make_cache() as again:
        assert (await again.search(QUESTION)).generated_query == QUERY
