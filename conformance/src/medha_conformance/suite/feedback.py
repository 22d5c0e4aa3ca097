"""Topic: the two feedback counters of an entry."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medha import Where
from medha_conformance.corpus import NOW, axis, make_entry, make_id, unit_vectors
from medha_conformance.suite.lab import BackendTopic
from medha_conformance.suite.reading import closest, only, read_all, read_one

if TYPE_CHECKING:
    from medha import VectorStorageBackend


class FeedbackTopic(BackendTopic):
    """``add_feedback`` adds in one step, returns the new counters, and touches nothing else."""

    async def test_feedback_adds_up_and_is_returned(self, backend: VectorStorageBackend, collection: str) -> None:
        entry = make_entry("rated", feedback_correct=2, feedback_incorrect=1)
        await backend.upsert(collection, [entry])
        assert await backend.add_feedback(collection, entry.id, correct=1) == (3, 1)
        assert await backend.add_feedback(collection, entry.id, incorrect=2) == (3, 3)
        assert await backend.add_feedback(collection, entry.id, correct=4, incorrect=5) == (7, 8)
        assert await backend.add_feedback(collection, entry.id) == (7, 8), "adding nothing reads the counters"

    async def test_feedback_on_an_absent_entry_is_none(self, backend: VectorStorageBackend, collection: str) -> None:
        await backend.upsert(collection, [make_entry("other")])
        assert await backend.add_feedback(collection, make_id("absent"), correct=1) is None
        assert await backend.count(collection) == 1, "feedback made an entry"
        assert await backend.get(collection, [make_id("absent")]) == []

    async def test_feedback_changes_no_other_field(self, backend: VectorStorageBackend, collection: str) -> None:
        vector = unit_vectors(1)[0]
        entry = make_entry(
            "whole",
            vector=vector,
            expires_at=NOW + 0.123456,
            response_summary="A summary.",
            template_id="t",
            metadata={"flag": True, "year": 2024, "share": 10.0},
        )
        await backend.upsert(collection, [entry])
        await backend.add_feedback(collection, entry.id, correct=1, incorrect=2)
        expected = replace(entry, feedback_correct=1, feedback_incorrect=2)
        scrolled = only(await read_all(backend, collection, with_vectors=True))
        assert scrolled == expected
        assert scrolled.vector is not None
        assert np.array_equal(scrolled.vector, vector)
        assert [type(value) for value in scrolled.metadata.values()] == [bool, int, float]
        assert await read_one(backend, collection, entry.id) == expected
        assert [match.entry for match in await closest(backend, collection, vector)] == [expected]

    async def test_feedback_counts_for_one_entry_only(self, backend: VectorStorageBackend, collection: str) -> None:
        entries = [make_entry(f"twin {n}", question="same", normalized_question="same") for n in range(3)]
        await backend.upsert(collection, entries)
        await backend.add_feedback(collection, entries[1].id, incorrect=1)
        counters = {entry.id: entry.feedback_incorrect for entry in await read_all(backend, collection)}
        assert [counters[entry.id] for entry in entries] == [0, 1, 0]

    async def test_100_tasks_lose_no_feedback(self, backend: VectorStorageBackend, collection: str) -> None:
        entry = make_entry("popular")
        await backend.upsert(collection, [entry])
        counters = await asyncio.gather(*(backend.add_feedback(collection, entry.id, correct=1) for _ in range(100)))
        assert sorted(c for c in counters if c is not None) == [(n, 0) for n in range(1, 101)], "each saw its own step"
        assert (await read_one(backend, collection, entry.id)).feedback_correct == 100

    async def test_feedback_never_undoes_an_upsert(self, backend: VectorStorageBackend, collection: str) -> None:
        entry = make_entry("contested")
        await backend.upsert(collection, [entry])
        for number in range(22):
            newer = replace(entry, generated_query=f"SELECT {number}", vector=axis(number % 8))
            before = number % 11
            await asyncio.gather(
                *(backend.add_feedback(collection, entry.id, correct=1) for _ in range(before)),
                backend.upsert(collection, [newer]),
                *(backend.add_feedback(collection, entry.id, incorrect=1) for _ in range(10 - before)),
            )
            stored = await read_one(backend, collection, entry.id)
            assert stored.generated_query == f"SELECT {number}", "feedback wrote an older query back"
            match = only(await closest(backend, collection, axis(number % 8), min_similarity=0.9))
            assert match.entry.id == entry.id, "feedback wrote an older vector back"

    async def test_feedback_never_brings_a_deleted_entry_back(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        entry = make_entry("doomed")
        for before in (*range(11), *range(11)):
            await backend.upsert(collection, [entry])
            await asyncio.gather(
                *(backend.add_feedback(collection, entry.id, correct=1) for _ in range(before)),
                backend.delete(collection, where=Where(ids=[entry.id])),
                *(backend.add_feedback(collection, entry.id, correct=1) for _ in range(10 - before)),
            )
            assert await backend.get(collection, [entry.id]) == []
            assert await backend.count(collection) == 0
            assert await closest(backend, collection) == []

    async def test_storing_an_entry_again_sets_its_counters(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        entry = make_entry("reset")
        await backend.upsert(collection, [entry])
        await backend.add_feedback(collection, entry.id, correct=9, incorrect=9)
        await backend.upsert(collection, [replace(entry, feedback_correct=1)])
        assert await backend.add_feedback(collection, entry.id) == (1, 0)
