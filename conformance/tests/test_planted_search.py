"""Backends that break one clause of searching each, and the standard test that catches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from medha import CacheEntry, Match, Where
from medha.memory import MemoryBackend
from medha_conformance.suite.search import SearchTopic

if TYPE_CHECKING:
    from collections.abc import Sequence


class Respells(MemoryBackend):
    """Gives its matches out otherwise than it found them."""

    def respelt(self, matches: list[Match], **options: Any) -> list[Match]:
        raise NotImplementedError

    async def search(self, collection: str, vector: Any, **options: Any) -> list[Match]:
        return self.respelt(await super().search(collection, vector, **options), **options)


class FarthestFirst(Respells):
    def respelt(self, matches: list[Match], **options: Any) -> list[Match]:
        return matches[::-1]


class RescalesToZeroOne(Respells):
    def respelt(self, matches: list[Match], **options: Any) -> list[Match]:
        return [Match(match.entry, (1 + match.similarity) / 2) for match in matches]


class CutsNegatives(Respells):
    def respelt(self, matches: list[Match], **options: Any) -> list[Match]:
        return [Match(match.entry, max(match.similarity, 0.0)) for match in matches]


class RoundsBeyondOne(Respells):
    def respelt(self, matches: list[Match], **options: Any) -> list[Match]:
        return [Match(match.entry, match.similarity * (1 + 1e-7)) for match in matches]


class ExcludesTheEdge(Respells):
    def respelt(self, matches: list[Match], **options: Any) -> list[Match]:
        return [match for match in matches if match.similarity > options["min_similarity"]]


class OneOfEachTie(Respells):
    def respelt(self, matches: list[Match], **options: Any) -> list[Match]:
        return list({round(match.similarity, 6): match for match in matches}.values())


class MissesEveryTenth(Respells):
    def respelt(self, matches: list[Match], **options: Any) -> list[Match]:
        return [match for match in matches if not match.entry.query_hash.endswith("3")]


class RemembersTheLastMatches(Respells):
    last: Sequence[Match] = ()

    def respelt(self, matches: list[Match], **options: Any) -> list[Match]:
        self.last = matches or self.last
        return list(self.last)


class OneTooMany(MemoryBackend):
    async def search(self, collection: str, vector: Any, *, limit: int, **options: Any) -> list[Match]:
        return await super().search(collection, vector, limit=limit + 1, **options)


class IgnoresTheMinimum(MemoryBackend):
    async def search(self, collection: str, vector: Any, *, min_similarity: float, **options: Any) -> list[Match]:
        return await super().search(collection, vector, min_similarity=-1.0, **options)


class FiltersAfterTheLimit(MemoryBackend):
    async def search(self, collection: str, vector: Any, *, where: Where, **options: Any) -> list[Match]:
        found = await super().search(collection, vector, where=Where(), **options)
        return [match for match in found if where.matches(match.entry)]


class ExpiresAfterTheLimit(MemoryBackend):
    async def search(self, collection: str, vector: Any, *, now: float, **options: Any) -> list[Match]:
        found = await super().search(collection, vector, now=0.0, **options)
        return [match for match in found if not match.entry.expired(now)]


class SearchesOneWriteBehind(MemoryBackend):
    newest: frozenset[str] = frozenset()

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        await super().upsert(collection, entries)
        self.newest = frozenset(entry.id for entry in entries)

    async def search(self, collection: str, vector: Any, **options: Any) -> list[Match]:
        found = await super().search(collection, vector, **options)
        return [match for match in found if match.entry.id not in self.newest]


class LooksTheEntryUpAmongTheMatches(MemoryBackend):
    async def get_and_search(
        self, collection: str, entry_id: str, vector: Any, **options: Any
    ) -> tuple[CacheEntry | None, list[Match]]:
        matches = await self.search(collection, vector, **options)
        return next((match.entry for match in matches if match.entry.id == entry_id), None), matches


class SearchesWithoutConditions(MemoryBackend):
    async def get_and_search(
        self, collection: str, entry_id: str, vector: Any, *, where: Where, **options: Any
    ) -> tuple[CacheEntry | None, list[Match]]:
        return await super().get_and_search(collection, entry_id, vector, where=Where(), **options)


PLANTED: list[tuple[type[MemoryBackend], str]] = [
    (FarthestFirst, "test_matches_come_closest_first"),
    (RescalesToZeroOne, "test_similarity_is_the_raw_cosine"),
    (CutsNegatives, "test_similarity_is_the_raw_cosine"),
    (RoundsBeyondOne, "test_similarity_never_leaves_minus_one_to_one"),
    (OneTooMany, "test_limit_is_the_most_that_is_returned"),
    (ExcludesTheEdge, "test_min_similarity_is_inclusive"),
    (IgnoresTheMinimum, "test_min_similarity_leaves_out_what_is_below"),
    (OneOfEachTie, "test_ties_are_all_returned"),
    (RemembersTheLastMatches, "test_an_empty_collection_has_no_matches"),
    (FiltersAfterTheLimit, "test_conditions_hold_before_the_limit"),
    (ExpiresAfterTheLimit, "test_expired_entries_take_no_place_in_the_limit"),
    (SearchesOneWriteBehind, "test_a_search_sees_every_earlier_write"),
    (LooksTheEntryUpAmongTheMatches, "test_get_and_search_answers_as_both_would"),
    (SearchesWithoutConditions, "test_get_and_search_applies_its_conditions_to_the_search"),
    (MissesEveryTenth, "test_exact_search_finds_the_true_neighbours"),
]


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[MemoryBackend], test: str, backend_test_fails: Any) -> None:
    await backend_test_fails(test, broken)


def test_every_standard_test_of_the_topic_catches_a_bug() -> None:
    assert {test for _, test in PLANTED} == {name for name in vars(SearchTopic) if name.startswith("test")}
