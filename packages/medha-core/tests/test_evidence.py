"""``max_false_hit_rate``: judged answers decide what may be served, and are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from medha import CollectionSource, Medha, SearchStrategy, Settings
from medha.errors import BackendUnavailableError, MigrationError

if TYPE_CHECKING:
    from conftest import WatchedBackend, WordsEmbedder

NAMES = [f"Town{chr(65 + number // 26)}{chr(97 + number % 26)}" for number in range(150)]


def known(name: str) -> str:
    return f"which customers in the old harbour district of {name} ordered red paint last winter"


def reworded(name: str) -> str:
    return known(name).replace("which", "what")


def query(name: str) -> str:
    return f"SELECT id FROM customer WHERE town = '{name}'"  # noqa: S608


def make(embedder: WordsEmbedder, backend: WatchedBackend, collection: str = "tests", **settings: Any) -> Medha:
    values = {"max_false_hit_rate": 0.1, "score_threshold_semantic": 0.8, "fuzzy_prefilter_top_k": 1000, **settings}
    return Medha(collection, embedder, backend, Settings(**values))


async def fill(cache: Medha, count: int = len(NAMES)) -> None:
    await cache.store_many({"question": known(name), "generated_query": query(name)} for name in NAMES[:count])


async def miss_and_store(cache: Medha, names: list[str], *, right: bool) -> None:
    """What an application does: on a miss it asks its model, and stores what that says."""
    for name in names:
        hit = await cache.search(reworded(name))
        if not hit:
            await cache.store(reworded(name), query(name) if right else "SELECT something_else")


async def test_until_answers_are_judged_only_the_strictest_is_served(
    embedder: WordsEmbedder, backend: WatchedBackend
) -> None:
    async with make(embedder, backend) as cache:
        await fill(cache, 1)
        hit = await cache.search(reworded(NAMES[0]))
        assert not hit
        assert "0.99 or more" in hit.reason
        assert "held back by max_false_hit_rate 0.1: not proven yet" in hit.reason
        assert (await cache.search(known(NAMES[0]))).strategy is SearchStrategy.EXACT_MATCH


async def test_what_is_stored_after_a_miss_proves_the_answers_that_were_held_back(
    embedder: WordsEmbedder, backend: WatchedBackend
) -> None:
    async with make(embedder, backend) as cache:
        await fill(cache)
        await miss_and_store(cache, NAMES[:80], right=True)
        terms = cache.stats().terms
        assert terms is not None
        assert terms.tiers["semantic"].state == "proven"
        assert (terms.tiers["semantic"].threshold or 1) < 0.95
        hit = await cache.search(reworded(NAMES[100]))
        assert (hit.strategy, hit.generated_query) == (SearchStrategy.SEMANTIC_MATCH, query(NAMES[100]))


async def test_answers_that_would_have_been_wrong_keep_the_tier_strict(
    embedder: WordsEmbedder, backend: WatchedBackend
) -> None:
    async with make(embedder, backend) as cache:
        await fill(cache)
        await miss_and_store(cache, NAMES[:20], right=False)
        await miss_and_store(cache, NAMES[20:100], right=True)
        assert not await cache.search(reworded(NAMES[120]))
        assert cache.stats().guard_rejections.keys() <= {"words"}


async def test_feedback_closes_a_tier_again_and_its_answers_leave_the_l1_cache(
    embedder: WordsEmbedder, backend: WatchedBackend
) -> None:
    async with make(embedder, backend, feedback_incorrect_threshold=100) as cache:
        await fill(cache)
        await miss_and_store(cache, NAMES[:80], right=True)
        served = NAMES[80:120]
        for name in served:
            assert await cache.search(reworded(name))
        assert (await cache.search(reworded(served[-1]))).strategy is SearchStrategy.L1_CACHE
        for name in served[:-1]:
            await cache.feedback(reworded(name), False)
        assert not await cache.search(reworded(served[-1]))


async def test_the_evidence_survives_a_restart_and_belongs_to_its_collection(
    embedder: WordsEmbedder, backend: WatchedBackend
) -> None:
    async with make(embedder, backend) as cache:
        await fill(cache)
        await miss_and_store(cache, NAMES[:80], right=True)
        before, entries = cache.stats().terms, await cache.count()
    assert before is not None
    assert before.tiers["semantic"].right > 0
    assert entries <= len(NAMES) + 80  # the evidence is in a collection of its own
    async with make(embedder, backend) as again, make(embedder, backend, "others") as other:
        assert again.stats().terms == before
        terms = other.stats().terms
        assert terms is not None
        assert terms.tiers["semantic"].right == 0


async def test_the_evidence_moves_house_and_goes_on_there(embedder: WordsEmbedder, backend: WatchedBackend) -> None:
    async with make(embedder, backend) as cache:
        await fill(cache)
        await miss_and_store(cache, NAMES[:10], right=True)
        before = cache.stats().terms
    house: Any = type(backend)()
    for name in ("tests", "tests.evidence"):
        async with Medha(name.replace("tests", "moved"), embedder, house) as new:
            await new.migrate_from(CollectionSource(backend, name))
    async with make(embedder, house, "moved") as cache:
        assert before is not None
        assert cache.stats().terms == before
        await miss_and_store(cache, NAMES[10:20], right=True)
    kept = (await house.scroll("moved.evidence")).entries
    places = [(entry.metadata["tier"], entry.metadata.get("band")) for entry in kept]
    assert len(places) == len(set(places)), "no counter begins anew"
    assert sum(entry.feedback_correct for entry in kept) == 20


async def test_evidence_of_another_model_stays_behind(embedder: WordsEmbedder, backend: WatchedBackend) -> None:
    async with make(embedder, backend) as cache:
        await fill(cache, 1)
        await miss_and_store(cache, NAMES[:1], right=True)
    other: Any = type(embedder)()
    other.model_name = "other words"
    house: Any = type(backend)()
    async with Medha("tests.evidence", other, house) as new:
        with pytest.raises(MigrationError, match="judged answers of another model"):
            await new.migrate_from(CollectionSource(backend, "tests.evidence"))
        assert await new.count() == 0


async def test_a_judgement_counts_once(embedder: WordsEmbedder, backend: WatchedBackend) -> None:
    async with make(embedder, backend, feedback_incorrect_threshold=100) as cache:
        entry = await cache.store(known(NAMES[0]), query(NAMES[0]))
        for _ in range(5):
            await cache.feedback(reworded(NAMES[0]), False, entry_id=entry)
        assert await evidence(backend) == [("semantic", 0, 1)]


async def evidence(backend: WatchedBackend) -> list[tuple[Any, int, int]]:
    entries = (await backend.scroll("tests.evidence")).entries
    return [(entry.metadata["tier"], entry.feedback_correct, entry.feedback_incorrect) for entry in entries]


async def test_feedback_on_a_named_entry_judges_an_answer_that_was_never_served(
    embedder: WordsEmbedder, backend: WatchedBackend
) -> None:
    async with make(embedder, backend) as cache:
        for name in NAMES[:80]:
            entry = await cache.store(known(name), query(name))
            assert await cache.feedback(reworded(name), True, entry_id=entry)
        assert await cache.search(reworded(NAMES[10]))


async def test_feedback_on_a_miss_judges_nothing(embedder: WordsEmbedder, backend: WatchedBackend) -> None:
    async with make(embedder, backend) as cache:
        await fill(cache, 1)
        assert not await cache.search(reworded(NAMES[0]))
        assert not await cache.feedback(reworded(NAMES[0]), False)
        assert await evidence(backend) == []


async def test_explain_shows_the_terms_and_which_tier_is_held_back(
    embedder: WordsEmbedder, backend: WatchedBackend
) -> None:
    async with make(embedder, backend) as cache:
        await fill(cache, 1)
        decision = await cache.explain(reworded(NAMES[0]))
        assert decision.terms == cache.stats().terms
        assert next(trace for trace in decision.tiers if trace.tier == "fuzzy").reason.startswith("held back")
        assert decision.to_dict()["terms"]["tiers"]["fuzzy"]["allowed"] is False


async def test_without_the_setting_nothing_is_kept(embedder: WordsEmbedder, backend: WatchedBackend) -> None:
    async with make(embedder, backend, max_false_hit_rate=None) as cache:
        await fill(cache, 1)
        assert await cache.search(reworded(NAMES[0]))
        await cache.feedback(reworded(NAMES[0]), True)
        assert cache.stats().terms is None
        assert (await cache.explain(reworded(NAMES[0]))).terms is None


async def test_a_judgement_that_cannot_be_kept_is_a_fault_of_feedback(
    embedder: WordsEmbedder, backend: WatchedBackend
) -> None:
    async with make(embedder, backend) as cache:
        await fill(cache, 1)
        await cache.search(known(NAMES[0]))
        backend.down = True
        with pytest.raises(BackendUnavailableError):
            await cache.feedback(known(NAMES[0]), True)
