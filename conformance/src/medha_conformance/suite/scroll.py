"""Topic: reading a whole collection page by page."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medha import Where
from medha_conformance.corpus import make_entries, make_entry
from medha_conformance.suite.lab import BackendTopic
from medha_conformance.suite.reading import read_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha import CacheEntry, VectorStorageBackend


class ScrollTopic(BackendTopic):
    """A scroll gives every entry that stands untouched exactly once, whatever else is written meanwhile."""

    async def test_2500_entries_are_scrolled_each_exactly_once(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        entries = make_entries(2500)
        await backend.upsert(collection, entries)
        for limit in (100, 500, 2499, 2500, 10_000):
            _each_once(await read_all(backend, collection, limit=limit), entries)

    async def test_pages_of_one_reach_the_end(self, backend: VectorStorageBackend, collection: str) -> None:
        entries = make_entries(25)
        await backend.upsert(collection, entries)
        _each_once(await read_all(backend, collection, limit=1), entries)

    async def test_a_page_is_as_long_as_its_limit(self, backend: VectorStorageBackend, collection: str) -> None:
        await backend.upsert(collection, make_entries(50))
        page = await backend.scroll(collection, limit=20)
        assert len(page.entries) == 20, "a page that is not the last one is full"
        assert isinstance(page.cursor, str)

    async def test_the_default_page_holds_500(self, backend: VectorStorageBackend, collection: str) -> None:
        await backend.upsert(collection, make_entries(501))
        assert len((await backend.scroll(collection)).entries) == 500

    async def test_an_empty_collection_is_one_empty_page(self, backend: VectorStorageBackend, collection: str) -> None:
        page = await backend.scroll(collection)
        assert list(page.entries) == []
        assert page.cursor is None

    async def test_a_condition_selects_across_pages(self, backend: VectorStorageBackend, collection: str) -> None:
        entries = [replace(entry, template_id=f"t{n % 3}") for n, entry in enumerate(make_entries(700))]
        await backend.upsert(collection, entries)
        wanted = [entry for entry in entries if entry.template_id == "t1"]
        for limit in (10, 233, 234, 1000):
            _each_once(await read_all(backend, collection, where=Where(template_id="t1"), limit=limit), wanted)

    async def test_vectors_come_when_they_are_asked_for(self, backend: VectorStorageBackend, collection: str) -> None:
        entries = make_entries(60)
        # so that the order in which they came is none in which they could be read
        for first in range(5):
            await backend.upsert(collection, entries[first::5])
        stored = {entry.id: entry.vector for entry in entries}
        read = await read_all(backend, collection, limit=25, with_vectors=True)
        assert sorted(entry.id for entry in read) == sorted(stored), "each exactly once, with its vector too"
        for entry in read:
            expected = stored[entry.id]
            assert entry.vector is not None, "with_vectors=True gives every entry its vector"
            assert expected is not None
            assert np.array_equal(entry.vector, expected)

    async def test_two_scrolls_do_not_disturb_each_other(self, backend: VectorStorageBackend, collection: str) -> None:
        entries = make_entries(300)
        await backend.upsert(collection, entries)
        read: dict[int, list[CacheEntry]] = {limit: [] for limit in (7, 10, 50)}
        cursors: dict[int, str | None] = dict.fromkeys(read)
        under_way = set(read)
        while under_way:
            for limit in sorted(under_way):
                page = await backend.scroll(collection, limit=limit, cursor=cursors[limit])
                read[limit].extend(page.entries)
                assert len(read[limit]) <= len(entries), "a scroll lost its place to another one"
                cursors[limit] = page.cursor
                if page.cursor is None:
                    under_way.remove(limit)
        for found in read.values():
            _each_once(found, entries)

    async def test_untouched_entries_come_exactly_once_under_concurrent_writes(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        untouched, moving = make_entries(2000), make_entries(500, "moving")
        # the moving ones stand between the others, wherever the engine keeps them
        for start in range(0, 2000, 400):
            await backend.upsert(collection, untouched[start : start + 400])
            await backend.upsert(collection, moving[start // 4 : start // 4 + 100])
        read: list[CacheEntry] = []
        cursor: str | None = None
        for turn in range(100):
            removed, changed = (
                moving[turn * 10 % 500 : turn * 10 % 500 + 5],
                moving[turn * 7 % 490 : turn * 7 % 490 + 10],
            )
            page, *_ = await asyncio.gather(
                backend.scroll(collection, limit=100, cursor=cursor),
                backend.delete(collection, where=Where(ids=[entry.id for entry in removed])),
                backend.upsert(collection, [replace(entry, generated_query=f"SELECT {turn}") for entry in changed]),
                backend.upsert(collection, make_entries(5, f"born in turn {turn}")),
                backend.add_feedback(collection, changed[0].id, correct=1),
            )
            read.extend(page.entries)
            cursor = page.cursor
            if cursor is None:
                break
        assert cursor is None, "a scroll ends although others write faster than it reads"
        ids = {entry.id for entry in untouched}
        _each_once([entry for entry in read if entry.id in ids], untouched)

    async def test_a_scroll_that_deletes_what_it_read_reaches_everything(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        await backend.upsert(collection, [*make_entries(1050), make_entry("last")])
        cursor: str | None = None
        removed = 0
        while True:
            page = await backend.scroll(collection, limit=100, cursor=cursor)
            removed += await backend.delete(collection, where=Where(ids=[entry.id for entry in page.entries]))
            cursor = page.cursor
            if cursor is None:
                break
        assert removed == 1051
        assert await backend.count(collection) == 0


def _each_once(read: Sequence[CacheEntry], expected: Sequence[CacheEntry]) -> None:
    times = Counter(entry.id for entry in read)
    assert [entry_id for entry_id, count in times.items() if count > 1] == [], "entries that came more than once"
    assert [entry.question for entry in expected if entry.id not in times] == [], "entries that never came"
    assert len(times) == len(expected), "entries that do not belong here"
    by_id = {entry.id: entry for entry in read}
    assert [by_id[entry.id] for entry in expected] == list(expected)
