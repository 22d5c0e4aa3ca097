"""Backends that break one clause of deleting and counting each, and the standard test that catches it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from medha import Match, Where
from medha.memory import MemoryBackend
from medha_conformance.suite.deletion import DeletionTopic


class SaysHowManyWereAsked(MemoryBackend):
    async def delete(self, collection: str, *, where: Where) -> int:
        removed = await super().delete(collection, where=where)
        return removed if where.ids is None else len(where.ids)


class SearchesWhatIsGone(MemoryBackend):
    gone: tuple[Match, ...] = ()

    async def delete(self, collection: str, *, where: Where) -> int:
        found = [entry for entry in self._open(collection).entries.values() if where.matches(entry)]
        self.gone += tuple(Match(entry, 1.0) for entry in found)
        return await super().delete(collection, where=where)

    async def search(self, collection: str, vector: Any, **options: Any) -> list[Match]:
        return [*self.gone, *await super().search(collection, vector, **options)]


class DeletesAtMost10000(MemoryBackend):
    async def delete(self, collection: str, *, where: Where) -> int:
        found = [entry.id for entry in self._open(collection).entries.values() if where.matches(entry)]
        return await super().delete(collection, where=Where(ids=found[:10_000]))


class CountsToAtMost10000(MemoryBackend):
    async def count(self, collection: str, *, where: Where | None = None) -> int:
        return min(10_000, await super().count(collection, where=where))


class CountsWrites(MemoryBackend):
    written = 0

    async def upsert(self, collection: str, entries: Any) -> None:
        await super().upsert(collection, entries)
        self.written += len(entries)

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        return self.written if where is None else await super().count(collection, where=where)


class BuriesForGood(MemoryBackend):
    buried: frozenset[str] = frozenset()

    async def delete(self, collection: str, *, where: Where) -> int:
        self.buried |= {entry.id for entry in self._open(collection).entries.values() if where.matches(entry)}
        return await super().delete(collection, where=where)

    async def upsert(self, collection: str, entries: Any) -> None:
        await super().upsert(collection, [entry for entry in entries if entry.id not in self.buried])


class CountsThenDeletes(MemoryBackend):
    async def delete(self, collection: str, *, where: Where) -> int:
        counted = await self.count(collection, where=where)
        await asyncio.sleep(0)
        await super().delete(collection, where=where)
        return counted


PLANTED: list[tuple[type[MemoryBackend], str]] = [
    (SaysHowManyWereAsked, "test_delete_says_how_many_existed"),
    (SearchesWhatIsGone, "test_what_was_deleted_is_gone_for_every_method"),
    (DeletesAtMost10000, "test_no_condition_removes_all_of_over_10000"),
    (DeletesAtMost10000, "test_over_10000_matching_entries_are_counted_and_deleted"),
    (CountsToAtMost10000, "test_over_10000_matching_entries_are_counted_and_deleted"),
    (CountsWrites, "test_count_counts_what_matches"),
    (BuriesForGood, "test_a_deleted_entry_may_be_stored_again"),
    (CountsThenDeletes, "test_two_deletes_at_once_count_each_entry_once"),
]


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[MemoryBackend], test: str, backend_test_fails: Any) -> None:
    await backend_test_fails(test, broken)


def test_every_standard_test_of_the_topic_catches_a_bug() -> None:
    assert {test for _, test in PLANTED} == {name for name in vars(DeletionTopic) if name.startswith("test")}
