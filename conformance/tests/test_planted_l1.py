"""L1 caches that break one clause each, and the standard test that catches each."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from medha import L1Read
from medha.errors import L1Error
from medha.l1_memory import MemoryL1Cache
from medha_conformance import L1Suite

if TYPE_CHECKING:
    from collections.abc import Collection

    from medha import CacheHit


class Changes(MemoryL1Cache):
    """Does something else with what it is to keep."""

    def changed(self, key: str, hit: CacheHit, tags: Collection[str]) -> tuple[str, CacheHit, Collection[str]]:
        raise NotImplementedError

    async def set(self, collection: str, key: str, hit: CacheHit, *, tags: Collection[str], fence: int) -> bool:
        key, hit, tags = self.changed(key, hit, tags)
        return await super().set(collection, key, hit, tags=tags, fence=fence)


class LosesTheExpiry(Changes):
    def changed(self, key: str, hit: CacheHit, tags: Collection[str]) -> Any:
        return key, replace(hit, expires_at=None), tags


class NumbersAreFloats(Changes):
    def changed(self, key: str, hit: CacheHit, tags: Collection[str]) -> Any:
        metadata = {k: float(v) if type(v) is int else v for k, v in hit.metadata.items()}
        return key, replace(hit, metadata=metadata), tags


class SplitsTagsAtBlanks(Changes):
    def changed(self, key: str, hit: CacheHit, tags: Collection[str]) -> Any:
        return key, hit, {word for tag in tags for word in tag.split()}


class CutsLongAnswers(Changes):
    def changed(self, key: str, hit: CacheHit, tags: Collection[str]) -> Any:
        return key, replace(hit, generated_query=(hit.generated_query or "")[:65_535]), tags


class KeepsTheFirstTag(Changes):
    def changed(self, key: str, hit: CacheHit, tags: Collection[str]) -> Any:
        return key, hit, list(tags)[:1]


class DefaultsForTheAbsent(MemoryL1Cache):
    async def get(self, collection: str, key: str) -> Any:
        read = await super().get(collection, key)
        return L1Read(read.hit, None) if read.hit is None else read  # pyright: ignore[reportArgumentType]


class KeepsTheFirstAnswer(MemoryL1Cache):
    async def set(self, collection: str, key: str, hit: CacheHit, *, tags: Collection[str], fence: int) -> bool:
        if (await self.get(collection, key)).hit is not None:
            return True
        return await super().set(collection, key, hit, tags=tags, fence=fence)


class InvalidatesOneAnswer(MemoryL1Cache):
    async def invalidate(self, collection: str, tags: Collection[str]) -> int:
        answers = self._answers(collection)
        answers.fence += 1
        for tag in tags:
            for key in sorted(answers.keys_of_tag.get(tag, ()))[:1]:
                answers.drop(key)
                return 1
        return 0


class CountsTags(MemoryL1Cache):
    async def invalidate(self, collection: str, tags: Collection[str]) -> int:
        return sum([await super(CountsTags, self).invalidate(collection, [tag]) or 1 for tag in tags])


class InvalidatesByPrefix(MemoryL1Cache):
    async def invalidate(self, collection: str, tags: Collection[str]) -> int:
        known = self._answers(collection).keys_of_tag
        return await super().invalidate(collection, [k for k in known for tag in tags if k.startswith(tag)])


class NoFence(MemoryL1Cache):
    async def set(self, collection: str, key: str, hit: CacheHit, *, tags: Collection[str], fence: int) -> bool:
        current = (await self.get(collection, key)).fence
        return await super().set(collection, key, hit, tags=tags, fence=current)


class FenceOnlyWhenSomethingWasRemoved(MemoryL1Cache):
    async def invalidate(self, collection: str, tags: Collection[str]) -> int:
        removed = await super().invalidate(collection, tags)
        if removed == 0:
            self._answers(collection).fence -= 1
        return removed


class ClearResetsTheFence(MemoryL1Cache):
    async def clear(self, collection: str) -> None:
        self._collections.pop(collection, None)


class RefusedAnswersEvict(MemoryL1Cache):
    async def set(self, collection: str, key: str, hit: CacheHit, *, tags: Collection[str], fence: int) -> bool:
        kept = await super().set(collection, key, hit, tags=tags, fence=fence)
        if not kept and key in self._answers(collection).hits:
            self._answers(collection).drop(key)
        return kept


class WritingMovesTheFence(MemoryL1Cache):
    async def set(self, collection: str, key: str, hit: CacheHit, *, tags: Collection[str], fence: int) -> bool:
        kept = await super().set(collection, key, hit, tags=tags, fence=fence)
        self._answers(collection).fence += 1
        return kept


class ClearMovesTheFenceOnly(MemoryL1Cache):
    async def clear(self, collection: str) -> None:
        self._answers(collection).fence += 1


class JoinsNames(MemoryL1Cache):
    """One flat space of keys, as in an engine without collections, joined without care."""

    async def get(self, collection: str, key: str) -> L1Read:
        return await super().get("", f"{collection}:{key}")

    async def set(self, collection: str, key: str, hit: CacheHit, *, tags: Collection[str], fence: int) -> bool:
        return await super().set("", f"{collection}:{key}", hit, tags=tags, fence=fence)


class OneFenceForAll(MemoryL1Cache):
    async def invalidate(self, collection: str, tags: Collection[str]) -> int:
        for other in [name for name in self._collections if name != collection]:
            await super().invalidate(other, [])
        return await super().invalidate(collection, tags)


class WritesTheCollectionBack(MemoryL1Cache):
    async def set(self, collection: str, key: str, hit: CacheHit, *, tags: Collection[str], fence: int) -> bool:
        before = {key, *self._answers(collection).hits}
        await asyncio.sleep(0)
        kept = await super().set(collection, key, hit, tags=tags, fence=fence)
        for other in set(self._answers(collection).hits) - before:
            self._answers(collection).drop(other)
        return kept


class ChecksTheFenceTooEarly(MemoryL1Cache):
    async def set(self, collection: str, key: str, hit: CacheHit, *, tags: Collection[str], fence: int) -> bool:
        if fence != self._answers(collection).fence:
            return False
        await asyncio.sleep(0)
        return await super().set(collection, key, hit, tags=tags, fence=self._answers(collection).fence)


class TagsAfterTheAnswer(MemoryL1Cache):
    async def set(self, collection: str, key: str, hit: CacheHit, *, tags: Collection[str], fence: int) -> bool:
        await super().set(collection, key, hit, tags=(), fence=fence)
        await asyncio.sleep(0)
        return await super().set(collection, key, hit, tags=tags, fence=fence)


class ClosesOnce(MemoryL1Cache):
    closed = False

    async def connect(self) -> None:
        self.closed = False

    async def close(self) -> None:
        if self.closed:
            raise L1Error("it is closed already")
        self.closed = True


PLANTED: list[tuple[type[MemoryL1Cache], str]] = [
    (DefaultsForTheAbsent, "test_an_absent_key_is_no_answer"),
    (LosesTheExpiry, "test_an_answer_comes_back_whole"),
    (NumbersAreFloats, "test_an_answer_comes_back_whole"),
    (SplitsTagsAtBlanks, "test_hostile_keys_tags_and_texts_are_only_texts"),
    (CutsLongAnswers, "test_a_long_answer_comes_back_whole"),
    (KeepsTheFirstAnswer, "test_a_key_set_again_holds_the_newer_answer"),
    (InvalidatesOneAnswer, "test_invalidate_removes_every_answer_with_the_tag"),
    (KeepsTheFirstTag, "test_any_one_tag_of_an_answer_removes_it"),
    (CountsTags, "test_several_tags_count_each_answer_once"),
    (InvalidatesByPrefix, "test_unknown_tags_remove_nothing"),
    (NoFence, "test_an_answer_read_before_an_invalidation_is_not_kept"),
    (FenceOnlyWhenSomethingWasRemoved, "test_an_answer_read_before_an_invalidation_is_not_kept"),
    (NoFence, "test_an_answer_read_before_a_clear_is_not_kept"),
    (ClearResetsTheFence, "test_an_old_fence_never_becomes_current_again"),
    (RefusedAnswersEvict, "test_a_refused_answer_leaves_the_kept_one"),
    (WritingMovesTheFence, "test_keeping_an_answer_does_not_move_the_fence"),
    (ClearMovesTheFenceOnly, "test_clear_removes_every_answer"),
    (JoinsNames, "test_collections_never_see_each_others_answers"),
    (OneFenceForAll, "test_one_collections_invalidation_leaves_the_others"),
    (WritesTheCollectionBack, "test_100_tasks_lose_no_answer"),
    (NoFence, "test_no_stale_answer_survives_concurrent_invalidations"),
    (ChecksTheFenceTooEarly, "test_no_stale_answer_survives_concurrent_invalidations"),
    (TagsAfterTheAnswer, "test_a_cancelled_call_leaves_the_cache_usable"),
    (ClosesOnce, "test_it_may_be_connected_and_closed_again"),
]


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[MemoryL1Cache], test: str, l1_test_fails: Any) -> None:
    await l1_test_fails(test, broken)


def test_every_standard_test_catches_a_bug() -> None:
    assert {test for _, test in PLANTED} == L1Suite.standard_tests
