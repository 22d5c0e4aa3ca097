"""Backends that break one clause of scrolling each, and the standard test that catches it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from medha import Page, Where
from medha.memory import MemoryBackend
from medha_conformance.suite.scroll import ScrollTopic


class PagesByOffset(MemoryBackend):
    """The cursor counts entries, so that every deletion shifts what comes next."""

    async def scroll(self, collection: str, *, limit: int = 500, cursor: str | None = None, **options: Any) -> Page:
        everything = (await super().scroll(collection, limit=1_000_000, **options)).entries
        start = int(cursor or 0)
        end = start + limit
        return Page(everything[start:end], str(end) if end < len(everything) else None)


class ForgetsTheLastPage(MemoryBackend):
    async def scroll(self, collection: str, *, limit: int = 500, **options: Any) -> Page:
        page = await super().scroll(collection, limit=limit, **options)
        return Page([] if page.cursor is None and options.get("cursor") else page.entries, page.cursor)


class RepeatsTheLastOfEachPage(MemoryBackend):
    async def scroll(self, collection: str, **options: Any) -> Page:
        page = await super().scroll(collection, **options)
        return Page(page.entries, page.cursor and str(int(page.cursor) - 1))


class HalfPages(MemoryBackend):
    async def scroll(self, collection: str, *, limit: int = 500, **options: Any) -> Page:
        return await super().scroll(collection, limit=max(1, limit // 2), **options)


class PagesOf100(MemoryBackend):
    async def scroll(self, collection: str, *, limit: int = 100, **options: Any) -> Page:
        return await super().scroll(collection, limit=limit, **options)


class AlwaysOneMorePage(MemoryBackend):
    async def scroll(self, collection: str, *, cursor: str | None = None, **options: Any) -> Page:
        page = await super().scroll(collection, cursor=cursor, **options)
        return page if cursor is not None else Page(page.entries, page.cursor or "1")


class FiltersThePage(MemoryBackend):
    async def scroll(self, collection: str, *, where: Where | None = None, **options: Any) -> Page:
        page = await super().scroll(collection, **options)
        found = [entry for entry in page.entries if where is None or where.matches(entry)]
        return Page(found, page.cursor if len(found) == len(page.entries) else None)


class GivesNoVectors(MemoryBackend):
    async def scroll(self, collection: str, *, with_vectors: bool = False, **options: Any) -> Page:
        return await super().scroll(collection, **options)


class GivesTheFirstVectorToAll(MemoryBackend):
    async def scroll(self, collection: str, **options: Any) -> Page:
        page = await super().scroll(collection, **options)
        return Page([replace(entry, vector=page.entries[0].vector) for entry in page.entries], page.cursor)


class ScrollsVectorsAsTheyCame(MemoryBackend):
    """The cursor is an id, and the page is not in the order of ids."""

    async def scroll(
        self,
        collection: str,
        *,
        limit: int = 500,
        cursor: str | None = None,
        with_vectors: bool = False,
        **options: Any,
    ) -> Page:
        if not with_vectors:
            return await super().scroll(collection, limit=limit, cursor=cursor, **options)
        everything = await super().scroll(collection, limit=1_000_000, with_vectors=True, **options)
        page = [entry for entry in everything.entries if cursor is None or entry.id > cursor][:limit]
        return Page(page, page[-1].id if len(page) == limit else None)


class OneScrollForAll(MemoryBackend):
    """Keeps its place in the backend instead of in the cursor."""

    place: str | None = None

    async def scroll(self, collection: str, *, cursor: str | None = None, **options: Any) -> Page:
        page = await super().scroll(collection, cursor=cursor and self.place, **options)
        self.place = page.cursor
        return page


PLANTED: list[tuple[type[MemoryBackend], str]] = [
    (ForgetsTheLastPage, "test_2500_entries_are_scrolled_each_exactly_once"),
    (RepeatsTheLastOfEachPage, "test_2500_entries_are_scrolled_each_exactly_once"),
    (RepeatsTheLastOfEachPage, "test_pages_of_one_reach_the_end"),
    (HalfPages, "test_a_page_is_as_long_as_its_limit"),
    (PagesOf100, "test_the_default_page_holds_500"),
    (AlwaysOneMorePage, "test_an_empty_collection_is_one_empty_page"),
    (FiltersThePage, "test_a_condition_selects_across_pages"),
    (GivesNoVectors, "test_vectors_come_when_they_are_asked_for"),
    (GivesTheFirstVectorToAll, "test_vectors_come_when_they_are_asked_for"),
    (ScrollsVectorsAsTheyCame, "test_vectors_come_when_they_are_asked_for"),
    (OneScrollForAll, "test_two_scrolls_do_not_disturb_each_other"),
    (PagesByOffset, "test_untouched_entries_come_exactly_once_under_concurrent_writes"),
    (PagesByOffset, "test_a_scroll_that_deletes_what_it_read_reaches_everything"),
]


@pytest.mark.parametrize(("broken", "test"), PLANTED)
async def test_the_planted_bug_is_caught(broken: type[MemoryBackend], test: str, backend_test_fails: Any) -> None:
    await backend_test_fails(test, broken)


def test_every_standard_test_of_the_topic_catches_a_bug() -> None:
    assert {test for _, test in PLANTED} == {name for name in vars(ScrollTopic) if name.startswith("test")}
