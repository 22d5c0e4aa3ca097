"""Topic: deleting and counting."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from medha import Capability, Where
from medha_conformance.corpus import axis, make_entries, make_entry, make_id
from medha_conformance.suite.lab import BackendTopic
from medha_conformance.suite.reading import closest, read_all

if TYPE_CHECKING:
    from medha import VectorStorageBackend

_MANY = 12_000
"""More than the 10,000 at which some engines stop counting or deleting."""


class DeletionTopic(BackendTopic):
    """``delete`` says how many existed, and what it removed is gone for every method; ``count`` is exact."""

    async def test_delete_says_how_many_existed(self, backend: VectorStorageBackend, collection: str) -> None:
        entries = make_entries(10)
        await backend.upsert(collection, entries)
        some = [entry.id for entry in entries[:4]]
        assert await backend.delete(collection, where=Where(ids=[*some, make_id("absent")])) == 4
        assert await backend.delete(collection, where=Where(ids=some)) == 0, "they were gone already"
        assert await backend.count(collection) == 6

    async def test_what_was_deleted_is_gone_for_every_method(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        gone, kept = make_entry("gone", template_id="t"), make_entry("kept")
        await backend.upsert(collection, [gone, kept])
        assert await backend.delete(collection, where=Where(template_id="t")) == 1
        assert await backend.get(collection, [gone.id, kept.id]) == [kept]
        assert [match.entry for match in await closest(backend, collection)] == [kept]
        assert await read_all(backend, collection) == [kept]
        assert await backend.count(collection) == 1
        assert await backend.count(collection, where=Where(template_id="t")) == 0
        assert await backend.add_feedback(collection, gone.id, correct=1) is None

    async def test_no_condition_removes_all_of_over_10000(self, backend: VectorStorageBackend, collection: str) -> None:
        await _store_many(backend, collection)
        assert await backend.delete(collection, where=Where()) == _MANY
        assert await backend.count(collection) == 0
        assert await closest(backend, collection) == []
        await backend.upsert(collection, [make_entry("new")])
        assert await backend.count(collection) == 1, "the collection itself stands"

    async def test_over_10000_matching_entries_are_counted_and_deleted(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        await _store_many(backend, collection)
        await backend.upsert(collection, [make_entry("other", template_id="other", metadata={"tenant": "zenith"})])
        assert await backend.count(collection) == _MANY + 1
        where = Where(template_id="many")
        if backend.capabilities[Capability.METADATA_FILTER]:
            where = replace(where, metadata={"tenant": "acme"})
        assert await backend.count(collection, where=where) == _MANY
        assert await backend.delete(collection, where=where) == _MANY
        assert await backend.count(collection) == 1

    async def test_count_counts_what_matches(self, backend: VectorStorageBackend, collection: str) -> None:
        assert await backend.count(collection) == 0
        assert await backend.count(collection, where=Where()) == 0
        entries = [replace(entry, template_id=f"t{n % 3}") for n, entry in enumerate(make_entries(10))]
        await backend.upsert(collection, entries)
        await backend.upsert(collection, entries[:5])
        assert await backend.count(collection) == 10, "storing an id again is no new entry"
        assert await backend.count(collection, where=Where(template_id="t0")) == 4
        assert await backend.count(collection, where=Where(template_id="t9")) == 0

    async def test_a_deleted_entry_may_be_stored_again(self, backend: VectorStorageBackend, collection: str) -> None:
        old = make_entry("phoenix", vector=axis(0), feedback_correct=5)
        await backend.upsert(collection, [old])
        await backend.delete(collection, where=Where(ids=[old.id]))
        new = make_entry("phoenix", vector=axis(1), generated_query="SELECT 2")
        await backend.upsert(collection, [new])
        assert await read_all(backend, collection) == [new]
        assert await closest(backend, collection, axis(0), min_similarity=0.5) == []

    async def test_two_deletes_at_once_count_each_entry_once(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        await backend.upsert(collection, make_entries(1500, template_id="t"))
        removed = await asyncio.gather(*(backend.delete(collection, where=Where(template_id="t")) for _ in range(4)))
        assert sum(removed) == 1500, f"four deletes at once claimed {removed}"
        assert await backend.count(collection) == 0


async def _store_many(backend: VectorStorageBackend, collection: str) -> None:
    entries = make_entries(_MANY, template_id="many", metadata={"tenant": "acme"})
    for start in range(0, _MANY, 4000):
        await backend.upsert(collection, entries[start : start + 4000])
