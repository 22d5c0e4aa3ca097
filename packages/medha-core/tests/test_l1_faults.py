"""What was removed is not served by L1 either, when the backend answers late or the L1 cache is away."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from medha import Medha, SearchStrategy, Settings
from medha.errors import BackendTimeoutError, L1Error
from medha.identity import query_hash
from medha.l1_memory import MemoryL1Cache
from medha.memory import MemoryBackend

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from conftest import WordsEmbedder

    from medha import CacheEntry, Where
    from medha.l1 import L1Read

QUESTION, PARAPHRASE = "Albums by Queen", "albums by Queen"
OLD, NEW = "SELECT 'old'", "SELECT 'new'"

REMOVALS: dict[str, Callable[[Medha], Awaitable[object]]] = {
    "invalidate": lambda cache: cache.invalidate(QUESTION),
    "by query hash": lambda cache: cache.invalidate_by_query_hash(query_hash(OLD)),
    "by template": lambda cache: cache.invalidate_by_template("albums"),
    "collection": lambda cache: cache.invalidate_collection(),
}


class LateBackend(MemoryBackend):
    """Does what it is asked, and while ``late`` does not say so in time."""

    late = False

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        await super().upsert(collection, entries)
        await self._never()

    async def delete(self, collection: str, *, where: Where) -> int:
        deleted = await super().delete(collection, where=where)
        await self._never()
        return deleted

    async def _never(self) -> None:
        if self.late:
            await asyncio.Event().wait()


class RemoteL1(MemoryL1Cache):
    """An L1 cache that may wait; while ``away``, these of its methods fail."""

    in_process = False
    away: Collection[str] = ()

    async def connect(self) -> None:
        self._check("connect")

    async def get(self, collection: str, key: str) -> L1Read:
        self._check("get")
        return await super().get(collection, key)

    async def invalidate(self, collection: str, tags: Collection[str]) -> int:
        self._check("invalidate")
        return await super().invalidate(collection, tags)

    async def clear(self, collection: str) -> None:
        self._check("clear")
        await super().clear(collection)

    def _check(self, method: str) -> None:
        if method in self.away:
            raise ConnectionError("no route to the cache")


async def _answered(embedder: WordsEmbedder, **parts: Any) -> Medha:
    """A cache whose L1 holds the answers to both wordings, each from the one entry."""
    cache = Medha("tests", embedder, **parts)
    await cache.start()
    await cache.store(QUESTION, OLD, template_id="albums")
    for question in (QUESTION, PARAPHRASE):
        assert await cache.search(question)
        assert (await cache.search(question)).strategy is SearchStrategy.L1_CACHE
    return cache


@pytest.mark.parametrize("remove", REMOVALS.values(), ids=REMOVALS)
async def test_a_removal_that_the_backend_confirmed_too_late_is_gone_from_l1(
    embedder: WordsEmbedder, remove: Callable[[Medha], Awaitable[object]]
) -> None:
    backend = LateBackend()
    cache = await _answered(embedder, backend=backend, settings=Settings(backend_timeout=0.01))
    backend.late = True
    with pytest.raises(BackendTimeoutError):
        await remove(cache)
    for question in (QUESTION, PARAPHRASE):
        assert not await cache.search(question)


async def test_a_store_that_the_backend_confirmed_too_late_is_not_contradicted_by_l1(embedder: WordsEmbedder) -> None:
    backend = LateBackend()
    cache = await _answered(embedder, backend=backend, settings=Settings(backend_timeout=0.01))
    backend.late = True
    with pytest.raises(BackendTimeoutError):
        await cache.store(QUESTION, NEW)
    for question in (QUESTION, PARAPHRASE):
        assert (await cache.search(question)).generated_query == NEW


@pytest.mark.parametrize("remove", REMOVALS.values(), ids=REMOVALS)
async def test_an_l1_cache_that_missed_a_removal_is_not_read_before_it_made_up_for_it(
    embedder: WordsEmbedder, remove: Callable[[Medha], Awaitable[object]]
) -> None:
    l1 = RemoteL1()
    cache = await _answered(embedder, l1_backend=l1)
    l1.away = {"invalidate", "clear"}
    with pytest.raises(L1Error, match="no route to the cache"):
        await remove(cache)
    for question in (QUESTION, PARAPHRASE):
        assert not await cache.search(question)
    l1.away = ()
    for question in (QUESTION, PARAPHRASE):
        assert not await cache.search(question)
    await cache.store(QUESTION, NEW)
    assert (await cache.search(PARAPHRASE)).generated_query == NEW
    assert (await cache.search(PARAPHRASE)).strategy is SearchStrategy.L1_CACHE


async def test_an_l1_cache_that_missed_very_many_removals_is_cleared(embedder: WordsEmbedder) -> None:
    l1 = RemoteL1()
    cache = await _answered(embedder, l1_backend=l1)
    l1.away = {"invalidate"}
    with pytest.raises(L1Error):
        await cache.invalidate(QUESTION)
    many = [{"question": f"track number {number}", "query": NEW} for number in range(6_000)]
    with pytest.raises(Exception, match="stopped after 0 of 6000 entries"):
        await cache.store_many(many, batch_size=6_000)
    l1.away = ()
    assert not await cache.search(PARAPHRASE)


async def test_an_l1_cache_that_fails_is_passed_by_where_calls_have_no_deadline(embedder: WordsEmbedder) -> None:
    l1 = RemoteL1()
    cache = await _answered(embedder, l1_backend=l1, settings=Settings(backend_timeout=None))
    l1.away = {"get"}
    assert (await cache.search(QUESTION)).strategy is SearchStrategy.EXACT_MATCH
    assert cache.stats().errors == {"L1Error": 1}


async def test_an_l1_cache_that_cannot_be_reached_at_start_is_an_l1_error(embedder: WordsEmbedder) -> None:
    l1 = RemoteL1()
    l1.away = {"connect"}
    with pytest.raises(L1Error, match="could not connect to the L1 cache RemoteL1: ConnectionError: no route"):
        await Medha("tests", embedder, l1_backend=l1).start()


async def test_l1_learns_that_the_question_behind_an_answer_got_another_query_in_another_scope(
    embedder: WordsEmbedder,
) -> None:
    async with Medha("tests", embedder) as cache:
        await cache.store(QUESTION, OLD, metadata={"tenant": "acme"})
        assert (await cache.search(PARAPHRASE)).generated_query == OLD
        await cache.store(QUESTION, NEW, metadata={"tenant": "globex"})
        hit = await cache.search(PARAPHRASE)
        assert not hit
        assert "pass filters" in hit.reason
