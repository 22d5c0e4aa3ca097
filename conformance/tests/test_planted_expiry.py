"""Backends that break one clause of expiry each, and the standard test that catches it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from medha import CacheEntry, Match, Where
from medha.memory import MemoryBackend
from medha_conformance.suite.expiry import ExpiryTopic

if TYPE_CHECKING:
    from collections.abc import Sequence


class SearchesAt(MemoryBackend):
    """Searches at another instant than it is given."""

    def instant(self, now: float) -> float:
        raise NotImplementedError

    async def search(self, collection: str, vector: Any, *, now: float, **options: Any) -> list[Match]:
        return await super().search(collection, vector, now=self.instant(now), **options)


class ExpiresAfterTheInstant(SearchesAt):
    def instant(self, now: float) -> float:
        return now - 1e-6


class ExpiresByTheSecond(SearchesAt):
    def instant(self, now: float) -> float:
        return float(round(now))


class ReadsTheClock(SearchesAt):
    def instant(self, now: float) -> float:
        return time.time()


class EverythingExpires(MemoryBackend):
    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        await super().upsert(collection, [replace(entry, expires_at=entry.expires_at or 4e9) for entry in entries])


class ExpiredAtByTheSecond(MemoryBackend):
    async def scroll(self, collection: str, *, where: Where | None = None, **options: Any) -> Any:
        if where is not None and where.expired_at is not None:
            where = replace(where, expired_at=float(int(where.expired_at)))
        return await super().scroll(collection, where=where, **options)


class PurgesByTheClock(MemoryBackend):
    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        await super().upsert(collection, entries)
        await self.delete(collection, where=Where(expired_at=time.time()))


class CountsTheLivingOnly(MemoryBackend):
    async def count(self, collection: str, *, where: Where | None = None) -> int:
        expired = await super().count(collection, where=Where(expired_at=time.time()))
        return await super().count(collection, where=where) - (expired if where is None else 0)


class DeletesTheImmortal(MemoryBackend):
    async def delete(self, collection: str, *, where: Where) -> int:
        removed = await super().delete(collection, where=where)
        if where.expired_at is None:
            return removed
        immortal = [e.id for e in self._open(collection).entries.values() if e.expires_at is None]
        return removed + await super().delete(collection, where=Where(ids=immortal))


class KeepsTheFirstExpiry(MemoryBackend):
    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        old = self._open(collection).entries
        kept = [replace(e, expires_at=old[e.id].expires_at) if e.id in old else e for e in entries]
        await super().upsert(collection, kept)


PLANTED: list[tuple[type[MemoryBackend], str]] = [
    (ExpiresAfterTheInstant, "test_an_entry_is_found_until_the_instant_it_expires"),
    (ExpiresByTheSecond, "test_an_entry_is_found_until_the_instant_it_expires"),
    (EverythingExpires, "test_an_entry_without_expiry_is_found_for_good"),
    (ReadsTheClock, "test_the_given_now_decides_and_not_the_clock"),
    (ExpiredAtByTheSecond, "test_expired_at_matches_to_the_exact_instant"),
    (PurgesByTheClock, "test_expired_entries_are_still_stored"),
    (CountsTheLivingOnly, "test_expired_entries_are_still_stored"),
    (DeletesTheImmortal, "test_deleting_the_expired_leaves_the_living"),
    (KeepsTheFirstExpiry, "test_a_replacement_takes_its_own_expiry"),
]


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[MemoryBackend], test: str, backend_test_fails: Any) -> None:
    await backend_test_fails(test, broken)


def test_every_standard_test_of_the_topic_catches_a_bug() -> None:
    assert {test for _, test in PLANTED} == {name for name in vars(ExpiryTopic) if name.startswith("test")}
