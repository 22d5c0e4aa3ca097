"""Topic: what is stored comes back, whole and exact."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from medha import CacheEntry, CollectionSpec, Where
from medha_conformance.corpus import (
    HOSTILE_KEYS,
    HOSTILE_TEXTS,
    NOW,
    axis,
    make_entries,
    make_entry,
    unit_vectors,
)
from medha_conformance.suite.lab import BackendTopic
from medha_conformance.suite.reading import closest, only, read_all, read_one

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha import VectorStorageBackend
    from medha_conformance.suite.lab import Lab

_FULL: Final = make_entry(
    "every field",
    expires_at=NOW + 86_400.123456,
    created_at=NOW - 0.000123,
    response_summary="There are 275 of them.",
    template_id="count-things",
    metadata={"tenant": "acme", "year": 2024, "share": 10.5, "draft": True},
    feedback_correct=3,
    feedback_incorrect=1,
)
_NUMBERS: Final = (0, 1, -1, 10, 2**53 + 1, -(2**63), 10.0, 10.5, -0.25, 1e300, 5e-324, 0.1 + 0.2)


class StorageTopic(BackendTopic):
    """Every field of an entry comes back equal, of the same type, and nothing else happens to it."""

    async def test_every_field_comes_back(self, backend: VectorStorageBackend, collection: str) -> None:
        await backend.upsert(collection, [_FULL])
        await _comes_back(backend, collection, [_FULL])

    async def test_an_absent_text_is_not_an_empty_one(self, backend: VectorStorageBackend, collection: str) -> None:
        absent = make_entry("absent", response_summary=None, template_id=None)
        empty = make_entry("empty", response_summary="", template_id="")
        await backend.upsert(collection, [absent, empty])
        await _comes_back(backend, collection, [absent, empty])

    async def test_hostile_texts_come_back_unchanged(self, backend: VectorStorageBackend, collection: str) -> None:
        entries = [
            make_entry(
                name,
                question=text,
                normalized_question=text,
                generated_query=text,
                query_hash=text,
                response_summary=text,
                template_id=text,
                metadata={"text": text},
            )
            for name, text in HOSTILE_TEXTS.items()
        ]
        await backend.upsert(collection, entries)
        await _comes_back(backend, collection, entries)

    async def test_long_texts_come_back_unchanged(self, backend: VectorStorageBackend, collection: str) -> None:
        entries = [
            make_entry(
                f"{size} {letter}",
                question=f"{letter}" * size,
                generated_query=f"{letter}'" * (size // 2),
                response_summary=f"{letter}\n" * (size // 2),
            )
            for size in (10_000, 1_000_000)
            for letter in ("x", "é", "🎸")
        ]
        for entry in entries:
            await backend.upsert(collection, [entry])
        await _comes_back(backend, collection, entries)

    async def test_metadata_values_keep_their_types(self, backend: VectorStorageBackend, collection: str) -> None:
        metadata = {f"number {index}": value for index, value in enumerate(_NUMBERS)}
        entry = make_entry("types", metadata={**metadata, "yes": True, "no": False, "text": "1", "word": "true"})
        await backend.upsert(collection, [entry])
        await _comes_back(backend, collection, [entry])

    async def test_one_key_may_hold_another_type_in_each_entry(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        values = (True, 1, 1.5, "one", "2024-01-01", False, 0, "")
        entries = [make_entry(f"typed {n}", metadata={"value": value}) for n, value in enumerate(values)]
        for entry in entries:
            await backend.upsert(collection, [entry])
        await _comes_back(backend, collection, entries)

    async def test_hostile_metadata_keys_come_back(self, backend: VectorStorageBackend, collection: str) -> None:
        entry = make_entry("keys", metadata={key: f"value of {key}" for key in HOSTILE_KEYS})
        await backend.upsert(collection, [entry])
        await _comes_back(backend, collection, [entry])

    async def test_vectors_come_back_bit_for_bit(self, lab: Lab) -> None:
        for dimension in (2, 384):
            collection = await lab.open(spec=CollectionSpec(dimension=dimension, model_name="exact"))
            vectors = unit_vectors(50, dimension)
            vectors[0] = axis(0, dimension)
            vectors[0, 1] = 1e-30
            entries = [make_entry(f"vector {number}", vector=vector) for number, vector in enumerate(vectors)]
            await lab.backend.upsert(collection, entries)
            for entry in await read_all(lab.backend, collection, with_vectors=True):
                expected = vectors[[other.id for other in entries].index(entry.id)]
                assert entry.vector is not None, "vectors were asked for"
                assert entry.vector.dtype == np.float32
                assert entry.vector.tobytes() == expected.tobytes(), "a float32 component changed"

    async def test_a_vector_of_3072_components_is_stored_and_found(self, lab: Lab) -> None:
        dimension = 3072
        collection = await lab.open(spec=CollectionSpec(dimension=dimension, model_name="large"))
        entries = make_entries(5, dimension=dimension)
        await lab.backend.upsert(collection, entries)
        for entry in entries:
            match = only(await closest(lab.backend, collection, entry.vector, limit=1))
            assert match.entry == entry

    async def test_storing_an_id_again_replaces_the_whole_entry(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        await backend.upsert(collection, [replace(_FULL, vector=axis(0))])
        plain = make_entry("every field", generated_query="SELECT 2", vector=axis(1))
        await backend.upsert(collection, [plain])
        assert await backend.count(collection) == 1
        await _comes_back(backend, collection, [plain])
        assert await closest(backend, collection, axis(0), min_similarity=0.5) == [], "the old vector is still searched"
        match = only(await closest(backend, collection, axis(1), min_similarity=0.5))
        assert match.entry == plain
        assert await backend.count(collection, where=Where(template_id="count-things")) == 0

    async def test_storing_a_batch_leaves_other_entries_alone(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        first = make_entries(30)
        await backend.upsert(collection, first)
        second = [replace(entry, generated_query="SELECT 2") for entry in first[10:20]] + make_entries(10, "new")
        await backend.upsert(collection, second)
        await _comes_back(backend, collection, [*first[:10], *second, *first[20:]])

    async def test_a_batch_of_5000_is_stored_whole(self, backend: VectorStorageBackend, collection: str) -> None:
        entries = make_entries(5000)
        await backend.upsert(collection, entries)
        assert await backend.count(collection) == 5000
        found = await backend.get(collection, [entry.id for entry in entries])
        assert {entry.id: entry for entry in found} == {entry.id: entry for entry in entries}

    async def test_an_empty_batch_changes_nothing(self, backend: VectorStorageBackend, collection: str) -> None:
        entry = make_entry("kept")
        await backend.upsert(collection, [entry])
        await backend.upsert(collection, [])
        assert await read_all(backend, collection) == [entry]

    async def test_absent_ids_are_left_out(self, backend: VectorStorageBackend, collection: str) -> None:
        entry, absent = make_entry("kept"), make_entry("absent")
        await backend.upsert(collection, [entry])
        assert await backend.get(collection, [absent.id, entry.id]) == [entry]
        assert await backend.get(collection, [absent.id]) == []
        assert await backend.get(collection, []) == []

    async def test_the_callers_objects_are_not_changed(self, backend: VectorStorageBackend, collection: str) -> None:
        vector, metadata = unit_vectors(1)[0], {"tenant": "acme"}
        kept_vector = vector.copy()
        entries = [make_entry("mine", vector=vector, metadata=metadata)]
        query, ids = vector.copy(), [entries[0].id]
        query.flags.writeable = False
        await backend.upsert(collection, entries)
        await closest(backend, collection, query)
        await backend.get(collection, ids)
        assert entries == [make_entry("mine", metadata={"tenant": "acme"})]
        assert entries[0].vector is vector
        assert np.array_equal(vector, kept_vector), "upsert changed the caller's vector"
        assert metadata == {"tenant": "acme"}
        assert ids == [entries[0].id]

    async def test_a_stored_vector_is_nobody_elses_array(self, backend: VectorStorageBackend, collection: str) -> None:
        vector = axis(0)
        await backend.upsert(collection, [make_entry("mine", vector=vector)])
        vector[:] = axis(1)
        stored = only(await read_all(backend, collection, with_vectors=True))
        assert stored.vector is not None
        assert np.array_equal(stored.vector, axis(0)), "the caller's array is still the stored one"
        if stored.vector.flags.writeable:
            stored.vector[:] = axis(2)
        match = only(await closest(backend, collection, axis(0)))
        assert abs(match.similarity - 1.0) < 1e-6, "an array that scroll gave out is still the stored one"


async def _comes_back(backend: VectorStorageBackend, collection: str, entries: Sequence[CacheEntry]) -> None:
    """``get``, ``scroll`` and ``search`` all give the entries back, equal in every field and its type."""
    read = {
        "get": [await read_one(backend, collection, entry.id) for entry in entries],
        "scroll": await read_all(backend, collection, limit=7),
        "search": [match.entry for match in await closest(backend, collection)],
    }
    for method, found in read.items():
        by_id = {entry.id: entry for entry in found}
        assert sorted(entry.id for entry in found) == sorted(entry.id for entry in entries), f"{method} gave other ids"
        for entry in entries:
            _same(by_id[entry.id], entry, method)


def _same(found: CacheEntry, stored: CacheEntry, method: str) -> None:
    for field in fields(CacheEntry):
        if field.compare:
            came, went = getattr(found, field.name), getattr(stored, field.name)
            assert came == went, f"{method} gave another {field.name}"
    kinds = {key: type(value) for key, value in found.metadata.items()}
    assert kinds == {key: type(value) for key, value in stored.metadata.items()}, f"{method} changed a metadata type"
