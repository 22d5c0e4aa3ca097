"""Backends that break one clause of storing each, and the standard test that catches it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from medha import CacheEntry, Match, Page, Where
from medha.memory import MemoryBackend
from medha_conformance.suite.storage import StorageTopic

if TYPE_CHECKING:
    from collections.abc import Sequence


class Spoils(MemoryBackend):
    """Stores something else than it is given."""

    def spoiled(self, entry: CacheEntry) -> CacheEntry:
        raise NotImplementedError

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        await super().upsert(collection, [self.spoiled(entry) for entry in entries])


class LosesTheSummary(Spoils):
    def spoiled(self, entry: CacheEntry) -> CacheEntry:
        return replace(entry, response_summary=None)


class KeepsMilliseconds(Spoils):
    def spoiled(self, entry: CacheEntry) -> CacheEntry:
        return replace(entry, created_at=float(round(entry.created_at, 3)))


class EmptyIsAbsent(Spoils):
    def spoiled(self, entry: CacheEntry) -> CacheEntry:
        return replace(entry, response_summary=entry.response_summary or None)


class StripsTexts(Spoils):
    def spoiled(self, entry: CacheEntry) -> CacheEntry:
        return replace(entry, question=entry.question.strip())


class NormalisesLineEnds(Spoils):
    def spoiled(self, entry: CacheEntry) -> CacheEntry:
        return replace(entry, generated_query=entry.generated_query.replace("\r\n", "\n"))


class CutsLongTexts(Spoils):
    def spoiled(self, entry: CacheEntry) -> CacheEntry:
        return replace(entry, generated_query=entry.generated_query.encode()[:65_535].decode(errors="ignore"))


class NumbersAreFloats(Spoils):
    def spoiled(self, entry: CacheEntry) -> CacheEntry:
        return replace(entry, metadata={k: float(v) if type(v) is int else v for k, v in entry.metadata.items()})


class BooleansAreIntegers(Spoils):
    def spoiled(self, entry: CacheEntry) -> CacheEntry:
        return replace(entry, metadata={k: int(v) if type(v) is bool else v for k, v in entry.metadata.items()})


class FirstTypeWins(Spoils):
    def __init__(self) -> None:
        super().__init__()
        self.types: dict[str, type] = {}

    def spoiled(self, entry: CacheEntry) -> CacheEntry:
        kept = {key: self.types.setdefault(key, type(value))(value) for key, value in entry.metadata.items()}
        return replace(entry, metadata=kept)


class DotsAreUnderscores(Spoils):
    def spoiled(self, entry: CacheEntry) -> CacheEntry:
        return replace(entry, metadata={key.replace(".", "_"): value for key, value in entry.metadata.items()})


class HalfPrecision(Spoils):
    def spoiled(self, entry: CacheEntry) -> CacheEntry:
        assert entry.vector is not None
        return replace(entry, vector=entry.vector.astype(np.float16).astype(np.float32))


class MergesMetadata(Spoils):
    def spoiled(self, entry: CacheEntry) -> CacheEntry:
        old = [found.entries[entry.id].metadata for found in self._collections.values() if entry.id in found.entries]
        return replace(entry, metadata={**(old[0] if old else {}), **entry.metadata})


class IndexesAtMost2000Components(MemoryBackend):
    async def search(self, collection: str, vector: Any, **options: Any) -> list[Match]:
        return [] if len(vector) > 2000 else await super().search(collection, vector, **options)


class KeepsTheOldVector(MemoryBackend):
    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        target = self._open(collection)
        kept = [
            replace(entry, vector=target.matrix.vector(entry.id)) if entry.id in target.entries else entry
            for entry in entries
        ]
        await super().upsert(collection, kept)


class ReplacesTheCollection(MemoryBackend):
    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        await self.delete(collection, where=Where())
        await super().upsert(collection, entries)


class StoresTheFirst1000(MemoryBackend):
    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        await super().upsert(collection, entries[:1000])


class GetsTheFirst1000(MemoryBackend):
    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        return await super().get(collection, ids[:1000])


class NoIdsGetEverything(MemoryBackend):
    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        return await super().get(collection, ids or list(self._open(collection).entries))


class ScalesInPlace(MemoryBackend):
    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        await super().upsert(collection, entries)
        for entry in entries:
            assert entry.vector is not None
            np.multiply(entry.vector, 2, out=entry.vector)


class GivesOutItsArrays(MemoryBackend):
    def __init__(self) -> None:
        super().__init__()
        self.arrays: dict[str, Any] = {}

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        await super().upsert(collection, entries)
        self.arrays.update({entry.id: entry.vector for entry in entries})

    async def scroll(self, collection: str, **options: Any) -> Page:
        page = await super().scroll(collection, **options)
        return Page([replace(entry, vector=self.arrays[entry.id]) for entry in page.entries], page.cursor)


PLANTED: list[tuple[type[MemoryBackend], str]] = [
    (LosesTheSummary, "test_every_field_comes_back"),
    (KeepsMilliseconds, "test_every_field_comes_back"),
    (EmptyIsAbsent, "test_an_absent_text_is_not_an_empty_one"),
    (StripsTexts, "test_hostile_texts_come_back_unchanged"),
    (NormalisesLineEnds, "test_hostile_texts_come_back_unchanged"),
    (CutsLongTexts, "test_long_texts_come_back_unchanged"),
    (NumbersAreFloats, "test_metadata_values_keep_their_types"),
    (BooleansAreIntegers, "test_metadata_values_keep_their_types"),
    (FirstTypeWins, "test_one_key_may_hold_another_type_in_each_entry"),
    (DotsAreUnderscores, "test_hostile_metadata_keys_come_back"),
    (HalfPrecision, "test_vectors_come_back_bit_for_bit"),
    (IndexesAtMost2000Components, "test_a_vector_of_3072_components_is_stored_and_found"),
    (KeepsTheOldVector, "test_storing_an_id_again_replaces_the_whole_entry"),
    (MergesMetadata, "test_storing_an_id_again_replaces_the_whole_entry"),
    (ReplacesTheCollection, "test_storing_a_batch_leaves_other_entries_alone"),
    (StoresTheFirst1000, "test_a_batch_of_5000_is_stored_whole"),
    (GetsTheFirst1000, "test_a_batch_of_5000_is_stored_whole"),
    (ReplacesTheCollection, "test_an_empty_batch_changes_nothing"),
    (NoIdsGetEverything, "test_absent_ids_are_left_out"),
    (ScalesInPlace, "test_the_callers_objects_are_not_changed"),
    (GivesOutItsArrays, "test_a_stored_vector_is_nobody_elses_array"),
]


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[MemoryBackend], test: str, backend_test_fails: Any) -> None:
    await backend_test_fails(test, broken)


def test_every_standard_test_of_the_topic_catches_a_bug() -> None:
    assert {test for _, test in PLANTED} == {name for name in vars(StorageTopic) if name.startswith("test")}
