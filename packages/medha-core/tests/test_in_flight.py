"""What was removed or replaced is never served again, whatever was under way at that moment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from medha import Medha, SearchStrategy
from medha.errors import BackendUnavailableError, InvalidInputError, L1Error
from medha.identity import query_hash
from medha.l1_memory import MemoryL1Cache
from medha.memory import MemoryBackend

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from conftest import Clock, MakeCache, WatchedBackend, WordsEmbedder

    from medha import CacheHit

QUESTION = "Albums by Queen"
PARAPHRASE = "albums by Queen"
OLD, NEW = "SELECT 'old'", "SELECT 'new'"

REMOVALS: dict[str, Callable[[Medha], Awaitable[object]]] = {
    "invalidate": lambda cache: cache.invalidate(QUESTION),
    "by query hash": lambda cache: cache.invalidate_by_query_hash(query_hash(OLD)),
    "by template": lambda cache: cache.invalidate_by_template("albums"),
    "collection": lambda cache: cache.invalidate_collection(),
    "feedback": lambda cache: cache.feedback(QUESTION, False),
}


@pytest.fixture(params=REMOVALS)
def remove(request: pytest.FixtureRequest) -> Callable[[Medha], Awaitable[object]]:
    return REMOVALS[request.param]


@pytest.fixture
async def stocked(make_cache: MakeCache) -> Medha:
    cache = make_cache(feedback_incorrect_threshold=1)
    await cache.start()
    await cache.store(QUESTION, OLD, template_id="albums")
    return cache


async def test_what_was_removed_is_gone_from_every_tier(
    stocked: Medha, remove: Callable[[Medha], Awaitable[object]]
) -> None:
    for question in (QUESTION, QUESTION, PARAPHRASE, PARAPHRASE):
        assert await stocked.search(question)
    await remove(stocked)
    for question in (QUESTION, PARAPHRASE):
        assert not await stocked.search(question)
    assert await stocked.count() == 0


@pytest.mark.parametrize("asked", [QUESTION, PARAPHRASE])
async def test_a_lookup_in_flight_does_not_serve_what_was_removed(
    stocked: Medha, backend: WatchedBackend, remove: Callable[[Medha], Awaitable[object]], asked: str
) -> None:
    # feedback finds the entry through L1 for the one wording, past the backend that holds the lookup of the other
    other = PARAPHRASE if asked == QUESTION else QUESTION
    await stocked.search(other)
    backend.hold = asyncio.Event()
    lookup = asyncio.create_task(stocked.search(asked))
    await backend.held.wait()
    if remove is REMOVALS["feedback"]:
        await stocked.feedback(other, False)
    else:
        await remove(stocked)
    backend.hold.set()
    assert not await lookup
    assert not await stocked.search(asked)


async def test_a_lookup_in_flight_serves_the_new_query_of_a_replaced_entry(
    stocked: Medha, backend: WatchedBackend
) -> None:
    backend.hold = asyncio.Event()
    lookup = asyncio.create_task(stocked.search(PARAPHRASE))
    await backend.held.wait()
    await stocked.store(QUESTION, NEW)
    backend.hold.set()
    assert (await lookup).generated_query == NEW
    assert (await stocked.search(PARAPHRASE)).generated_query == NEW


async def test_storing_again_replaces_one_row_and_what_l1_holds(stocked: Medha) -> None:
    for question in (QUESTION, PARAPHRASE):
        assert (await stocked.search(question)).generated_query == OLD
    await stocked.store(QUESTION, NEW)
    assert await stocked.count() == 1
    for question in (QUESTION, PARAPHRASE):
        for _ in range(2):
            assert (await stocked.search(question)).generated_query == NEW


async def test_storing_a_question_withdraws_the_answer_it_had_from_another_entry(stocked: Medha) -> None:
    assert (await stocked.search(PARAPHRASE)).generated_query == OLD
    assert (await stocked.search(PARAPHRASE)).strategy is SearchStrategy.L1_CACHE
    await stocked.store(PARAPHRASE, NEW)
    assert (await stocked.search(PARAPHRASE)).generated_query == NEW


async def test_the_same_question_in_another_scope_is_another_row(stocked: Medha) -> None:
    await stocked.store(QUESTION, NEW, metadata={"tenant": "acme"})
    assert await stocked.count() == 2
    assert await stocked.invalidate(QUESTION, filters={"tenant": "acme"}) == 1
    assert (await stocked.search(QUESTION)).generated_query == OLD
    assert await stocked.invalidate(QUESTION) == 1
    assert await stocked.invalidate(QUESTION) == 0


async def test_expire_covers_every_collection_that_was_opened(
    make_cache: MakeCache, backend: WatchedBackend, clock: Clock
) -> None:
    async with make_cache("one") as one, make_cache("two") as two:
        await one.store(QUESTION, OLD, ttl=10)
        await one.store("stays", OLD)
        await two.store(QUESTION, OLD, ttl=10)
        await two.store(QUESTION, OLD, ttl=10, metadata={"tenant": "acme"})
        assert await one.expire("two") == 0
        clock.now += 10
        assert await one.expire() == 3
        assert await one.count() == 1
        assert await two.count() == 0


async def test_expire_passes_by_a_collection_that_somebody_dropped(
    make_cache: MakeCache, backend: WatchedBackend, clock: Clock
) -> None:
    async with make_cache("own") as own, make_cache("dropped"):
        await own.store(QUESTION, OLD, ttl=10)
        await own.expire("dropped")
        await backend.drop_collection("dropped")
        clock.now += 10
        assert await own.expire() == 1


async def test_an_entry_renewed_while_expiring_stays(stocked: Medha, backend: WatchedBackend, clock: Clock) -> None:
    await stocked.store(QUESTION, OLD, ttl=10)
    clock.now += 10
    expiring = asyncio.create_task(stocked.expire())
    while not backend.calls["scroll"]:
        await asyncio.sleep(0)
    await stocked.store(QUESTION, NEW, ttl=10)
    await expiring
    hit = await stocked.search(QUESTION)
    assert hit.generated_query in {NEW, None}
    assert bool(hit) == (await stocked.count() == 1)


async def test_the_background_removes_what_has_expired(make_cache: MakeCache, clock: Clock) -> None:
    async with make_cache(cleanup_interval_seconds=0.001) as cache:
        await cache.store(QUESTION, OLD, ttl=10)
        clock.now += 10
        async with asyncio.timeout(10):
            while await cache.count():
                await asyncio.sleep(0)


async def test_the_background_survives_a_fault_and_counts_it(
    make_cache: MakeCache, backend: WatchedBackend, clock: Clock
) -> None:
    async with make_cache(cleanup_interval_seconds=0.001) as cache:
        await cache.store(QUESTION, OLD, ttl=10)
        clock.now += 10
        backend.down = True
        async with asyncio.timeout(10):
            while not cache.stats().errors:
                await asyncio.sleep(0)
            backend.down = False
            while await cache.count():
                await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("strategy", "kept"), [("keep_latest", "late"), ("keep_first", "early"), ("keep_best_feedback", "praised")]
)
async def test_dedup_keeps_one_entry_per_question_and_scope(embedder: WordsEmbedder, strategy: str, kept: str) -> None:
    from dataclasses import replace

    backend = MemoryBackend()
    async with Medha("tests", embedder, backend) as cache:
        await cache.store(QUESTION, "SELECT 'early'")
        await cache.store(PARAPHRASE, "SELECT 'paraphrase'")
        await cache.store(QUESTION, "SELECT 'scoped'", metadata={"tenant": "acme"})
        page = await backend.scroll("tests", with_vectors=True)
        own = next(entry for entry in page.entries if "early" in entry.generated_query)
        copies = [
            replace(own, id="other-1", generated_query="SELECT 'late'", created_at=own.created_at + 2),
            replace(
                own, id="other-2", generated_query="SELECT 'praised'", created_at=own.created_at + 1, feedback_correct=3
            ),
        ]
        await backend.upsert("tests", copies)
        assert await cache.dedup_collection(strategy=strategy) == 2  # pyright: ignore[reportArgumentType]
        left = {entry.generated_query for entry in (await backend.scroll("tests")).entries}
        assert left == {f"SELECT '{kept}'", "SELECT 'paraphrase'", "SELECT 'scoped'"}
        assert await cache.dedup_collection() == 0


async def test_an_unknown_dedup_strategy_is_an_error_that_names_the_known(cache: Medha) -> None:
    with pytest.raises(InvalidInputError, match="'keep_newest'; they are 'keep_latest'"):
        await cache.dedup_collection(strategy="keep_newest")  # pyright: ignore[reportArgumentType]


async def test_feedback_counts_and_removes_at_the_threshold(make_cache: MakeCache) -> None:
    async with make_cache(feedback_incorrect_threshold=2) as cache:
        entry_id = await cache.store(QUESTION, OLD)
        assert (await cache.search(PARAPHRASE)).entry_id == entry_id
        first = await cache.feedback(PARAPHRASE, False)
        assert (first.entry_id, first.correct, first.incorrect, first.removed) == (entry_id, 0, 1, False)
        assert (await cache.feedback(QUESTION, True)).correct == 1
        last = await cache.feedback("whatever was asked", False, entry_id=entry_id)
        assert (last.incorrect, last.removed) == (2, True)
        assert not await cache.search(QUESTION)
        assert not await cache.search(PARAPHRASE)
        assert not await cache.feedback(QUESTION, True)


async def test_feedback_that_cannot_be_counted_is_an_error_even_where_faults_are_misses(
    make_cache: MakeCache, backend: WatchedBackend
) -> None:
    async with make_cache(on_backend_error="miss") as cache:
        await cache.store(QUESTION, OLD)
        backend.down = True
        with pytest.raises(BackendUnavailableError):
            await cache.feedback(QUESTION, False)


async def test_what_is_forgotten_while_a_batch_is_embedded_is_no_fault(cache: Medha, embedder: WordsEmbedder) -> None:
    await cache.store(QUESTION, OLD)
    embedder.gate = asyncio.Event()
    calls = len(embedder.calls)
    storing = asyncio.create_task(cache.store_batch([{"question": q, "query": NEW} for q in (QUESTION, "tracks")]))
    while len(embedder.calls) == calls:
        await asyncio.sleep(0)
    await cache.clear_caches()
    embedder.gate.set()
    assert await storing == 2
    for question in (QUESTION, "tracks"):
        assert (await cache.search(question)).generated_query == NEW


async def test_an_l1_cache_that_fails_is_passed_by_in_lookups_and_reported_by_removals(
    embedder: WordsEmbedder,
) -> None:
    class FailingL1(MemoryL1Cache):
        in_process = False
        down = False

        async def get(self, collection: str, key: str):
            self._check()
            return await super().get(collection, key)

        async def set(self, collection: str, key: str, hit: CacheHit, *, tags: Collection[str], fence: int) -> bool:
            self._check()
            return await super().set(collection, key, hit, tags=tags, fence=fence)

        async def invalidate(self, collection: str, tags: Collection[str]) -> int:
            self._check()
            return await super().invalidate(collection, tags)

        def _check(self) -> None:
            if self.down:
                raise ConnectionError("no route to the cache")

    l1 = FailingL1()
    async with Medha("tests", embedder, l1_backend=l1) as cache:
        await cache.store(QUESTION, OLD)
        await cache.search(QUESTION)
        l1.down = True
        assert (await cache.search(QUESTION)).strategy is SearchStrategy.EXACT_MATCH
        assert cache.stats().errors["L1Error"] >= 1
        with pytest.raises(L1Error, match="no route to the cache"):
            await cache.invalidate(QUESTION)
        assert not await cache.search(QUESTION)
