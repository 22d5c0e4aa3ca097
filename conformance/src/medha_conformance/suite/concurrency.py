"""Topic: many tasks at once, and calls that are cancelled."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from medha import CollectionSpec, Where
from medha_conformance.corpus import axis, make_entries, make_entry, make_id, unit_vectors
from medha_conformance.suite.lab import BackendTopic
from medha_conformance.suite.reading import closest, only, outcome_of, read_all, read_one

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine

    from medha import CacheEntry, VectorStorageBackend
    from medha_conformance.suite.lab import Lab

STUCK_AFTER: float = 60.0
"""Seconds after which a backend that still does not answer is stuck, not slow."""


class ConcurrencyTopic(BackendTopic):
    """Every method may be called from many tasks; a cancelled call leaves the backend usable."""

    async def test_100_tasks_storing_different_entries_lose_none(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        entries = make_entries(300)
        await asyncio.gather(*(backend.upsert(collection, entries[n : n + 3]) for n in range(0, 300, 3)))
        read = {entry.id: entry for entry in await read_all(backend, collection)}
        assert read == {entry.id: entry for entry in entries}
        assert len(await closest(backend, collection)) == 300

    async def test_100_tasks_storing_one_entry_never_mix_two_versions(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        vectors = unit_vectors(100)
        versions = [
            make_entry(
                "contested",
                vector=vectors[n],
                generated_query=f"SELECT {n}",
                response_summary=f"{n}",
                metadata={"n": n},
            )
            for n in range(100)
        ]
        seen: list[CacheEntry] = []

        async def watch() -> None:
            for _ in range(20):
                seen.extend(await read_all(backend, collection, with_vectors=True))
                await asyncio.sleep(0)

        await asyncio.gather(*(backend.upsert(collection, [v]) for v in versions), *(watch() for _ in range(5)))
        seen.append(only(await read_all(backend, collection, with_vectors=True)))
        for stored in seen:
            assert stored in versions, "the stored entry mixes two versions"
            written = versions[versions.index(stored)].vector
            assert stored.vector is not None
            assert written is not None
            assert stored.vector.tobytes() == written.tobytes(), "the vector is of another version than the query"

    async def test_overlapping_batches_leave_whole_entries(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        entries = make_entries(60)
        batches = [[replace(entry, generated_query=f"SELECT {n}") for entry in entries[n:]] for n in range(30)]
        outcomes = await asyncio.gather(
            *(backend.upsert(collection, batch if n % 2 else batch[::-1]) for n, batch in enumerate(batches)),
            return_exceptions=True,
        )
        assert [outcome for outcome in outcomes if outcome is not None] == [], "batches in opposite order deadlock"
        assert {entry.id for entry in await read_all(backend, collection)} == {entry.id for entry in entries}

    async def test_each_task_reads_its_own_writes(self, backend: VectorStorageBackend, collection: str) -> None:
        vectors = unit_vectors(100)

        async def write_and_read(number: int) -> None:
            entry = make_entry(f"mine {number}", vector=vectors[number], query_hash=f"mine-{number}")
            where = Where(query_hash=entry.query_hash)
            await backend.upsert(collection, [entry])
            assert await backend.get(collection, [entry.id]) == [entry]
            assert entry in [match.entry for match in await closest(backend, collection, vectors[number], limit=3)]
            assert list((await backend.scroll(collection, where=where)).entries) == [entry]
            assert await backend.count(collection, where=where) == 1
            assert await backend.delete(collection, where=where) == 1
            assert await backend.get(collection, [entry.id]) == []

        await asyncio.gather(*(write_and_read(number) for number in range(100)))
        assert await backend.count(collection) == 0

    async def test_a_search_pairs_each_entry_with_its_own_similarity(self, lab: Lab) -> None:
        dimension = 512
        collection = await lab.open(spec=CollectionSpec(dimension=dimension, model_name="pairs"))
        near = make_entry("turning", vector=axis(0, dimension), generated_query="near")
        far = replace(near, vector=-axis(0, dimension), generated_query="far")
        # so many rows that the search leaves the event loop, where others write meanwhile
        await lab.backend.upsert(collection, [near, *make_entries(2500, dimension=dimension)])
        for turn in range(8):
            found, _ = await asyncio.gather(
                closest(lab.backend, collection, axis(0, dimension), limit=3000),
                lab.backend.upsert(collection, [far if turn % 2 == 0 else near]),
            )
            for match in found:
                if match.entry.id == near.id:
                    assert match.entry.generated_query == ("near" if match.similarity > 0 else "far")

    async def test_an_entry_is_found_all_the_while_it_is_replaced(self, lab: Lab) -> None:
        dimension = 512
        collection = await lab.open(spec=CollectionSpec(dimension=dimension, model_name="replaced"))
        entry = make_entry("renewed", vector=axis(0, dimension))
        await lab.backend.upsert(collection, [entry, *make_entries(2500, dimension=dimension)])

        async def replace_it() -> None:
            for _ in range(5):
                await lab.backend.upsert(collection, [entry])
                await asyncio.sleep(0)

        for _ in range(10):
            matches, found, *_ = await asyncio.gather(
                closest(lab.backend, collection, axis(0, dimension), limit=3, min_similarity=0.9),
                outcome_of(lab.backend.get(collection, [entry.id])),
                replace_it(),
            )
            assert [match.entry for match in matches] == [entry], "a search came between the old entry and the new one"
            assert found == [entry]

    async def test_a_cancelled_call_leaves_the_backend_usable(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        entries = make_entries(200)
        await backend.upsert(collection, entries)
        calls: list[Callable[[], Coroutine[Any, Any, object]]] = [
            lambda: backend.upsert(collection, entries),
            lambda: backend.get(collection, [entry.id for entry in entries]),
            lambda: closest(backend, collection),
            lambda: backend.scroll(collection, with_vectors=True),
            lambda: backend.count(collection, where=Where(query_hash="hash-row-1")),
            lambda: backend.delete(collection, where=Where(ids=[make_id("absent")])),
            lambda: backend.add_feedback(collection, make_id("absent"), correct=1),
        ]
        async with _not_stuck():
            for steps in range(12):
                for call in calls:
                    await _cancel_after(call(), steps)
                    assert await outcome_of(backend.count(collection)) == 200
            found = await asyncio.gather(*(read_one(backend, collection, entry.id) for entry in entries))
            await backend.upsert(collection, [make_entry("after")])
            assert list(found) == entries
            assert await backend.count(collection) == 201

    async def test_a_cancelled_upsert_stores_all_or_nothing(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        async with _not_stuck():
            for steps in range(25):
                batch = make_entries(40, f"batch {steps}", template_id=f"batch {steps}")
                await _cancel_after(backend.upsert(collection, batch), steps)
                stored = await backend.count(collection, where=Where(template_id=f"batch {steps}"))
                assert stored in {0, 40}, "a cancelled upsert left a part of its batch"


@asynccontextmanager
async def _not_stuck() -> AsyncGenerator[None]:
    try:
        async with asyncio.timeout(STUCK_AFTER):
            yield
    except TimeoutError:
        pytest.fail(f"after cancelled calls the backend did not answer within {STUCK_AFTER} seconds")


async def _cancel_after(call: Coroutine[Any, Any, object], steps: int) -> None:
    """Cancel the call after so many turns of the event loop, unless it has ended by then."""
    task = asyncio.create_task(call)
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    outcome = await outcome_of(task)
    assert not isinstance(outcome, Exception), f"a call cancelled after {steps} steps raised {outcome!r}"
