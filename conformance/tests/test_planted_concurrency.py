"""Backends that break one clause of concurrency each, and the standard test that catches it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from medha import CacheEntry, Match, Where
from medha.errors import BackendError
from medha.memory import MemoryBackend
from medha_conformance.corpus import axis
from medha_conformance.suite import concurrency
from medha_conformance.suite.concurrency import ConcurrencyTopic
from medha_conformance.suite.reading import read_all

if TYPE_CHECKING:
    from collections.abc import Sequence


class WritesTheCollectionBack(MemoryBackend):
    """Reads all, adds its own, writes all: who read before the other wrote undoes it."""

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        before = await read_all(self, collection, with_vectors=True)
        await asyncio.sleep(0)
        await self.delete(collection, where=Where())
        await super().upsert(collection, [*before, *entries])


class WritesVectorsApart(MemoryBackend):
    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        await super().upsert(collection, [replace(entry, vector=axis(0)) for entry in entries])
        await asyncio.sleep(0)
        await super().upsert(collection, entries)


class WritesFieldsApart(MemoryBackend):
    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        await super().upsert(collection, [replace(entry, metadata={}) for entry in entries])
        await asyncio.sleep(0)
        await super().upsert(collection, entries)


class LocksInTheGivenOrder(MemoryBackend):
    def __init__(self) -> None:
        super().__init__()
        self.locked: set[str] = set()

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        mine: set[str] = set()
        try:
            for entry in entries:
                if entry.id in self.locked - mine:
                    raise BackendError("deadlock detected")
                mine.add(entry.id)
                self.locked.add(entry.id)
                await asyncio.sleep(0)
            await super().upsert(collection, entries)
        finally:
            self.locked -= mine


class WritesLater(MemoryBackend):
    def __init__(self) -> None:
        super().__init__()
        self.writes: set[asyncio.Task[None]] = set()

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        self.writes.add(asyncio.create_task(super().upsert(collection, entries)))


class ReadsEntriesAfterTheSearch(MemoryBackend):
    async def search(
        self, collection: str, vector: Any, *, limit: int, min_similarity: float, where: Where, now: float
    ) -> list[Match]:
        source = self._open(collection)
        found = source.matrix.search_here(vector, limit=limit, min_similarity=min_similarity, accept=where.matches)
        await asyncio.sleep(0)
        return [Match(source.entries[entry.id], similarity) for entry, similarity in found]


class DeletesThenInserts(MemoryBackend):
    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        await self.delete(collection, where=Where(ids=[entry.id for entry in entries]))
        await asyncio.sleep(0)
        await super().upsert(collection, entries)


class KeepsItsLockWhenCancelled(MemoryBackend):
    def __init__(self) -> None:
        super().__init__()
        self.lock = asyncio.Lock()

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        await self.lock.acquire()
        await asyncio.sleep(0)
        await super().upsert(collection, entries)
        self.lock.release()


class FailsAfterCancellation(MemoryBackend):
    broken = False

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        if self.broken:
            raise BackendError("another command is in progress")
        self.broken = True
        await asyncio.sleep(0)
        self.broken = False
        return await super().count(collection, where=where)


class StoresOneByOne(MemoryBackend):
    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        for entry in entries:
            await super().upsert(collection, [entry])
            await asyncio.sleep(0)


PLANTED: list[tuple[type[MemoryBackend], str]] = [
    (WritesTheCollectionBack, "test_100_tasks_storing_different_entries_lose_none"),
    (WritesVectorsApart, "test_100_tasks_storing_one_entry_never_mix_two_versions"),
    (WritesFieldsApart, "test_100_tasks_storing_one_entry_never_mix_two_versions"),
    (LocksInTheGivenOrder, "test_overlapping_batches_leave_whole_entries"),
    (WritesLater, "test_each_task_reads_its_own_writes"),
    (ReadsEntriesAfterTheSearch, "test_a_search_pairs_each_entry_with_its_own_similarity"),
    (DeletesThenInserts, "test_an_entry_is_found_all_the_while_it_is_replaced"),
    (KeepsItsLockWhenCancelled, "test_a_cancelled_call_leaves_the_backend_usable"),
    (FailsAfterCancellation, "test_a_cancelled_call_leaves_the_backend_usable"),
    (StoresOneByOne, "test_a_cancelled_upsert_stores_all_or_nothing"),
]


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "STUCK_AFTER", 0.2)


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[MemoryBackend], test: str, backend_test_fails: Any) -> None:
    await backend_test_fails(test, broken)


def test_every_standard_test_of_the_topic_catches_a_bug() -> None:
    assert {test for _, test in PLANTED} == {name for name in vars(ConcurrencyTopic) if name.startswith("test")}
