"""Backends that let one tenant see another's entries, and the standard test that catches each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from medha.memory import MemoryBackend
from medha_conformance.suite.isolation import IsolationTopic
from medha_conformance.suite.reading import read_all

if TYPE_CHECKING:
    from medha import CacheEntry, Match, Page, Where
    from medha.models import Metadata


class WidensConditions(MemoryBackend):
    def fits(self, wanted: Metadata, stored: Metadata) -> bool:
        raise NotImplementedError

    async def _ids(self, collection: str, where: Where) -> list[str]:
        entries = await read_all(_Bare(self), collection)
        return [entry.id for entry in entries if self.fits(where.metadata, entry.metadata)]

    async def _widened(self, collection: str, where: Where | None) -> Where | None:
        if where is None or not where.metadata:
            return where
        return replace(where, metadata={}, ids=await self._ids(collection, where))

    async def search(self, collection: str, vector: Any, *, where: Where, **options: Any) -> list[Match]:
        widened = await self._widened(collection, where)
        assert widened is not None
        return await super().search(collection, vector, where=widened, **options)

    async def scroll(self, collection: str, *, where: Where | None = None, **options: Any) -> Page:
        return await super().scroll(collection, where=await self._widened(collection, where), **options)

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        return await super().count(collection, where=await self._widened(collection, where))

    async def delete(self, collection: str, *, where: Where) -> int:
        widened = await self._widened(collection, where)
        assert widened is not None
        return await super().delete(collection, where=widened)


class _Bare(MemoryBackend):
    def __init__(self, other: MemoryBackend) -> None:
        super().__init__()
        self._collections = other._collections


class GluesKeysToValues(WidensConditions):
    def fits(self, wanted: Metadata, stored: Metadata) -> bool:
        return ",".join(f"{k}={v}" for k, v in wanted.items()) == ",".join(f"{k}={v}" for k, v in stored.items())


class TakesWildcards(WidensConditions):
    def fits(self, wanted: Metadata, stored: Metadata) -> bool:
        return all(key in stored and value in {"*", stored[key]} for key, value in wanted.items())


class IgnoresCase(WidensConditions):
    def fits(self, wanted: Metadata, stored: Metadata) -> bool:
        return all(str(stored.get(key)).lower() == str(value).lower() for key, value in wanted.items())


class SearchesEveryScope(MemoryBackend):
    async def get_and_search(
        self, collection: str, entry_id: str, vector: Any, *, where: Where, **options: Any
    ) -> tuple[CacheEntry | None, list[Match]]:
        where = replace(where, metadata={})
        return await super().get_and_search(collection, entry_id, vector, where=where, **options)


class DeletesByTheFirstKey(MemoryBackend):
    async def delete(self, collection: str, *, where: Where) -> int:
        first = dict(list(where.metadata.items())[:1])
        return await super().delete(collection, where=replace(where, metadata=first))


_NO_REACH = "test_no_scope_reaches_into_another"
_DELETING = "test_deleting_one_scope_leaves_every_other"
PLANTED: list[tuple[type[MemoryBackend], str]] = [
    (GluesKeysToValues, _NO_REACH),
    (TakesWildcards, _NO_REACH),
    (IgnoresCase, _NO_REACH),
    (SearchesEveryScope, _NO_REACH),
    (TakesWildcards, _DELETING),
    (IgnoresCase, _DELETING),
    (DeletesByTheFirstKey, _DELETING),
]


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[MemoryBackend], test: str, backend_test_fails: Any) -> None:
    await backend_test_fails(test, broken)


def test_every_standard_test_of_the_topic_catches_a_bug() -> None:
    assert {test for _, test in PLANTED} == {name for name in vars(IsolationTopic) if name.startswith("test")}
