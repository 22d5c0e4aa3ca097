"""Backends that make something else than an error of a damaged row, and the standard test that catches each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from medha.errors import BackendError, CorruptEntryError
from medha.memory import MemoryBackend
from medha_conformance import BackendSuite
from medha_conformance.corpus import SPEC
from medha_conformance.suite.corruption import CorruptionTopic

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medha import CacheEntry, Match, Page, Where

STANDARD = sorted(name for name in vars(CorruptionTopic) if name.startswith("test"))


class Brittle(MemoryBackend):
    """Rows that somebody damaged are named, and say so when they are read."""

    def __init__(self) -> None:
        super().__init__()
        self.damaged: set[str] = set()

    async def corrupt(self, collection: str, entry_id: str) -> None:
        assert entry_id in self._collections[collection].entries
        self.damaged.add(entry_id)

    def refuse(self, entry: CacheEntry) -> None:
        raise CorruptEntryError(f"the entry {entry.id!r} is damaged; delete it or store it again")

    def read(self, entries: Iterable[CacheEntry]) -> None:
        for entry in entries:
            if entry.id in self.damaged:
                self.refuse(entry)

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        await super().upsert(collection, entries)
        self.damaged -= {entry.id for entry in entries}

    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        found = await super().get(collection, ids)
        self.read(found)
        return found

    async def search(self, collection: str, vector: Any, **options: Any) -> list[Match]:
        found = await super().search(collection, vector, **options)
        self.read(match.entry for match in found)
        return found

    async def scroll(self, collection: str, **options: Any) -> Page:
        page = await super().scroll(collection, **options)
        self.read(page.entries)
        return page


class CallsItAMiss(Brittle):
    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        return await super().get(collection, [entry_id for entry_id in ids if entry_id not in self.damaged])


class LeavesItOut(Brittle):
    async def search(self, collection: str, vector: Any, **options: Any) -> list[Match]:
        found = await MemoryBackend.search(self, collection, vector, **options)
        return [match for match in found if match.entry.id not in self.damaged]


class InventsTheRest(Brittle):
    async def scroll(self, collection: str, **options: Any) -> Page:
        page = await MemoryBackend.scroll(self, collection, **options)
        return replace(page, entries=[replace(entry, metadata={}) for entry in page.entries])


class LeaksTheParsersError(Brittle):
    def refuse(self, entry: CacheEntry) -> None:
        raise ValueError(f"{entry.id}: unexpected end of data")


class ShowsTheQuestion(Brittle):
    def refuse(self, entry: CacheEntry) -> None:
        raise CorruptEntryError(f"the entry {entry.id!r} ({entry.question}) is damaged")


class DoesNotSayWhich(Brittle):
    def refuse(self, entry: CacheEntry) -> None:
        raise CorruptEntryError("a row is damaged")


class ReadsBeforeItDeletes(Brittle):
    async def delete(self, collection: str, *, where: Where) -> int:
        self.read(self._collections[collection].entries.values())
        return await super().delete(collection, where=where)


class NeverRepairs(Brittle):
    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        if self.damaged:
            raise BackendError("there are damaged rows")
        await super().upsert(collection, entries)


_ERROR = "test_a_corrupt_row_is_an_error_and_never_a_miss"
_REMOVED = "test_a_corrupt_row_can_be_removed_or_replaced"
PLANTED: list[tuple[type[Brittle], str]] = [
    (CallsItAMiss, _ERROR),
    (LeavesItOut, _ERROR),
    (InventsTheRest, _ERROR),
    (LeaksTheParsersError, _ERROR),
    (ShowsTheQuestion, _ERROR),
    (DoesNotSayWhich, _ERROR),
    (ReadsBeforeItDeletes, _REMOVED),
    (NeverRepairs, _REMOVED),
]


async def _run(kind: type[Brittle], test: str) -> None:
    backend = kind()
    await backend.connect()
    await backend.initialize("kit", SPEC)
    suite: Any = BackendSuite()
    await getattr(suite, test)(backend=backend, collection="kit", corrupt=backend.corrupt)


@pytest.mark.parametrize("test", STANDARD)
async def test_a_sound_backend_passes(test: str) -> None:
    await _run(Brittle, test)


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[Brittle], test: str) -> None:
    with pytest.raises(AssertionError):
        await _run(broken, test)


def test_every_standard_test_of_the_topic_catches_a_bug() -> None:
    assert sorted({test for _, test in PLANTED}) == STANDARD
