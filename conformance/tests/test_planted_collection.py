"""Backends that break one clause of collections each, and the standard test that catches it."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest

from medha.errors import BackendError, CollectionMismatchError
from medha.memory import MemoryBackend
from medha_conformance.suite.collection import CollectionTopic

if TYPE_CHECKING:
    from medha import CollectionSpec, Where


class Renames(MemoryBackend):
    """Keeps its collections under other names than it is given."""

    def renamed(self, name: str) -> str:
        raise NotImplementedError

    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        await super().initialize(self.renamed(collection), spec)

    def _open(self, collection: str) -> Any:
        return super()._open(self.renamed(collection))

    async def drop_collection(self, collection: str) -> None:
        await super().drop_collection(self.renamed(collection))


class KeepsWordCharacters(Renames):
    def renamed(self, name: str) -> str:
        return re.sub(r"\W", "_", name)


class FoldsCase(Renames):
    def renamed(self, name: str) -> str:
        return name.casefold()


class NormalisesUnicode(Renames):
    def renamed(self, name: str) -> str:
        return unicodedata.normalize("NFKC", name)


class CutsAfter63(Renames):
    def renamed(self, name: str) -> str:
        return name[:63]


class Strips(Renames):
    def renamed(self, name: str) -> str:
        return name.strip()


class StartsAfresh(MemoryBackend):
    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        await self.drop_collection(collection)
        await super().initialize(collection, spec)


class InitializesOnlyAlone(MemoryBackend):
    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        known = collection in self._collections
        await asyncio.sleep(0)
        if not known and collection in self._collections:
            raise BackendError("the table exists already")
        await super().initialize(collection, spec)


class IgnoresTheDimension(MemoryBackend):
    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        known = self._collections.get(collection)
        if known is None or known.spec.model_name != spec.model_name:
            await super().initialize(collection, spec)


class IgnoresTheModel(MemoryBackend):
    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        known = self._collections.get(collection)
        if known is None or known.spec.dimension != spec.dimension:
            await super().initialize(collection, spec)


class NamesOnlyOne(MemoryBackend):
    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        try:
            await super().initialize(collection, spec)
        except CollectionMismatchError as exc:
            raise CollectionMismatchError(f"{collection} cannot be opened with {spec}") from exc


class CountsAllCollections(MemoryBackend):
    async def count(self, collection: str, *, where: Where | None = None) -> int:
        return sum([await super(CountsAllCollections, self).count(name, where=where) for name in self._collections])


class DeletesEverywhere(MemoryBackend):
    async def delete(self, collection: str, *, where: Where) -> int:
        return max([await super(DeletesEverywhere, self).delete(name, where=where) for name in self._collections])


class AbsentIsEmpty(MemoryBackend):
    async def count(self, collection: str, *, where: Where | None = None) -> int:
        return await super().count(collection, where=where) if collection in self._collections else 0


class WordlessNotFound(MemoryBackend):
    def _open(self, collection: str) -> Any:
        if collection not in self._collections:
            raise BackendError("42P01")
        return super()._open(collection)


class DropsByPrefix(MemoryBackend):
    async def drop_collection(self, collection: str) -> None:
        for name in [name for name in self._collections if name.startswith(collection)]:
            await super().drop_collection(name)


class DropsTheNameOnly(MemoryBackend):
    def __init__(self) -> None:
        super().__init__()
        self.dropped: dict[str, Any] = {}

    async def drop_collection(self, collection: str) -> None:
        self.dropped[collection] = self._collections.pop(collection, None)

    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        if self.dropped.get(collection) is not None:
            self._collections[collection] = self.dropped.pop(collection)
        else:
            await super().initialize(collection, spec)


class DropsOnlyWhatIsThere(MemoryBackend):
    async def drop_collection(self, collection: str) -> None:
        self._open(collection)
        await super().drop_collection(collection)


PLANTED: list[tuple[type[MemoryBackend], str]] = [
    (StartsAfresh, "test_initializing_again_keeps_the_entries"),
    (InitializesOnlyAlone, "test_many_tasks_may_initialize_one_collection"),
    (IgnoresTheDimension, "test_another_dimension_is_refused_naming_both"),
    (NamesOnlyOne, "test_another_dimension_is_refused_naming_both"),
    (IgnoresTheModel, "test_another_model_is_refused_naming_both"),
    (NamesOnlyOne, "test_another_model_is_refused_naming_both"),
    (KeepsWordCharacters, "test_names_that_differ_in_punctuation_are_different"),
    (FoldsCase, "test_names_that_differ_in_case_are_different"),
    (NormalisesUnicode, "test_names_in_any_script_are_different"),
    (CutsAfter63, "test_names_of_200_characters_are_told_apart"),
    (Strips, "test_hostile_names_are_only_names"),
    (KeepsWordCharacters, "test_hostile_names_are_only_names"),
    (CountsAllCollections, "test_two_collections_never_see_each_other"),
    (DeletesEverywhere, "test_one_id_may_stand_in_two_collections"),
    (AbsentIsEmpty, "test_every_method_refuses_an_uninitialised_collection"),
    (WordlessNotFound, "test_every_method_refuses_an_uninitialised_collection"),
    (DropsByPrefix, "test_dropping_a_collection_removes_it_and_nothing_else"),
    (DropsTheNameOnly, "test_a_dropped_collection_may_be_made_anew"),
    (DropsOnlyWhatIsThere, "test_dropping_an_absent_collection_is_harmless"),
]


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[MemoryBackend], test: str, backend_test_fails: Any) -> None:
    await backend_test_fails(test, broken)


def test_every_standard_test_of_the_topic_catches_a_bug() -> None:
    assert {test for _, test in PLANTED} == {name for name in vars(CollectionTopic) if name.startswith("test")}
