"""Backends that misread one condition of ``Where`` each, and the standard test that catches it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from medha import CacheEntry, Match, Page, Where
from medha.memory import MemoryBackend
from medha_conformance.suite.where import WhereTopic


class Misreads(MemoryBackend):
    """Applies another condition than it is given, everywhere."""

    def misread(self, where: Where) -> Where:
        raise NotImplementedError

    async def search(self, collection: str, vector: Any, *, where: Where, **options: Any) -> list[Match]:
        return await super().search(collection, vector, where=self.misread(where), **options)

    async def scroll(self, collection: str, *, where: Where | None = None, **options: Any) -> Page:
        return await super().scroll(collection, where=where and self.misread(where), **options)

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        return await super().count(collection, where=where and self.misread(where))

    async def delete(self, collection: str, *, where: Where) -> int:
        return await super().delete(collection, where=self.misread(where))


class AnyOf(Where):
    """A ``Where`` whose metadata is compared in another way."""

    def matches(self, entry: CacheEntry) -> bool:
        return Where.matches(replace(self, metadata={}), entry) and self.metadata_matches(entry)

    def metadata_matches(self, entry: CacheEntry) -> bool:
        return any(entry.metadata.get(key) == value for key, value in self.metadata.items()) or not self.metadata


class PlainEquality(AnyOf):
    def metadata_matches(self, entry: CacheEntry) -> bool:
        return all(key in entry.metadata and entry.metadata[key] == value for key, value in self.metadata.items())


class EqualAsText(AnyOf):
    def metadata_matches(self, entry: CacheEntry) -> bool:
        return all(str(entry.metadata.get(key)) == str(value) for key, value in self.metadata.items())


class EqualWithoutCase(AnyOf):
    def metadata_matches(self, entry: CacheEntry) -> bool:
        return all(
            str(entry.metadata.get(key)).strip().lower() == str(value).strip().lower()
            for key, value in self.metadata.items()
        )


class AbsentIsFalsy(AnyOf):
    def metadata_matches(self, entry: CacheEntry) -> bool:
        return all((entry.metadata.get(key) or "") == (value or "") for key, value in self.metadata.items())


class KeysAsPaths(AnyOf):
    def metadata_matches(self, entry: CacheEntry) -> bool:
        present = {key.replace(".", "_"): value for key, value in entry.metadata.items()}
        return all(present.get(key.replace(".", "_")) == value for key, value in self.metadata.items())


def _as(kind: type[Where], where: Where) -> Where:
    return kind(**{field.name: getattr(where, field.name) for field in fields(Where)})


class AnyKeyIsEnough(Misreads):
    def misread(self, where: Where) -> Where:
        return _as(AnyOf, where)


class TrueIsOne(Misreads):
    def misread(self, where: Where) -> Where:
        return _as(PlainEquality, where)


class ComparesAsText(Misreads):
    def misread(self, where: Where) -> Where:
        return _as(EqualAsText, where)


class ComparesWithoutCase(Misreads):
    def misread(self, where: Where) -> Where:
        return _as(EqualWithoutCase, where)


class TakesAbsentForEmpty(Misreads):
    def misread(self, where: Where) -> Where:
        return _as(AbsentIsFalsy, where)


class TakesDotsForPaths(Misreads):
    def misread(self, where: Where) -> Where:
        return _as(KeysAsPaths, where)


class NothingFulfilsNoCondition(Misreads):
    def misread(self, where: Where) -> Where:
        return Where(ids=[]) if where == Where() else where


class NoIdsAreNoCondition(Misreads):
    def misread(self, where: Where) -> Where:
        return where if where.ids else replace(where, ids=None)


class TakesOneId(Misreads):
    def misread(self, where: Where) -> Where:
        return where if where.ids is None else replace(where, ids=list(where.ids)[:1])


class TakesAThousandIds(Misreads):
    def misread(self, where: Where) -> Where:
        return where if where.ids is None else replace(where, ids=list(where.ids)[:1000])


class EmptyTextIsNoCondition(Misreads):
    def misread(self, where: Where) -> Where:
        return replace(
            where, normalized_question=where.normalized_question or None, template_id=where.template_id or None
        )


class SkipsTheHash(Misreads):
    def misread(self, where: Where) -> Where:
        return replace(where, query_hash=None) if where.normalized_question else where


class SkipsMetadataBesideFields(Misreads):
    def misread(self, where: Where) -> Where:
        return replace(where, metadata={}) if where.template_id else where


class ScrollsUnfiltered(MemoryBackend):
    async def scroll(self, collection: str, *, where: Where | None = None, **options: Any) -> Page:
        return await super().scroll(collection, **options)


class DeletesByHashAlone(MemoryBackend):
    async def delete(self, collection: str, *, where: Where) -> int:
        loose = Where(query_hash=where.query_hash) if where.query_hash else where
        return await super().delete(collection, where=loose)


class DeletesTrueWithOne(MemoryBackend):
    async def delete(self, collection: str, *, where: Where) -> int:
        return await super().delete(collection, where=_as(PlainEquality, where))


class SearchesByTheFirstTemplate(MemoryBackend):
    def __init__(self) -> None:
        super().__init__()
        self.first: dict[str, str | None] = {}

    async def upsert(self, collection: str, entries: Any) -> None:
        await super().upsert(collection, entries)
        for entry in entries:
            self.first.setdefault(entry.id, entry.template_id)

    async def search(self, collection: str, vector: Any, *, where: Where, **options: Any) -> list[Match]:
        found = await super().search(collection, vector, where=replace(where, template_id=None), **options)
        return [match for match in found if where.template_id in {None, self.first[match.entry.id]}]


PLANTED: list[tuple[type[MemoryBackend], str]] = [
    (NothingFulfilsNoCondition, "test_no_condition_matches_every_entry"),
    (TakesOneId, "test_ids_match_any_of_them"),
    (ScrollsUnfiltered, "test_ids_match_any_of_them"),
    (NoIdsAreNoCondition, "test_no_ids_match_nothing"),
    (TakesAThousandIds, "test_thousands_of_ids_may_be_asked_for"),
    (EmptyTextIsNoCondition, "test_a_text_field_matches_only_the_very_same_text"),
    (ComparesWithoutCase, "test_a_metadata_text_matches_only_the_very_same_text"),
    (TrueIsOne, "test_metadata_values_of_each_type_match_exactly"),
    (ComparesAsText, "test_metadata_values_of_each_type_match_exactly"),
    (TrueIsOne, "test_true_is_not_one"),
    (TakesAbsentForEmpty, "test_an_entry_without_the_key_never_matches"),
    (AnyKeyIsEnough, "test_all_metadata_keys_must_match"),
    (TakesDotsForPaths, "test_hostile_metadata_keys_are_only_keys"),
    (SkipsTheHash, "test_conditions_are_joined_by_and"),
    (SkipsMetadataBesideFields, "test_metadata_is_joined_with_the_fields_by_and"),
    (DeletesByHashAlone, "test_delete_removes_what_scroll_finds"),
    (DeletesTrueWithOne, "test_delete_by_metadata_removes_what_scroll_finds"),
    (SearchesByTheFirstTemplate, "test_search_applies_conditions_to_the_newest_version"),
]


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[MemoryBackend], test: str, backend_test_fails: Any) -> None:
    await backend_test_fails(test, broken)


def test_every_standard_test_of_the_topic_catches_a_bug() -> None:
    assert {test for _, test in PLANTED} == {name for name in vars(WhereTopic) if name.startswith("test")}
