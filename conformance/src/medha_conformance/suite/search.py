"""Topic: search by vector, in raw cosine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pytest

from medha import Capability, CollectionSpec, Where
from medha_conformance.corpus import NOW, SPEC, axis, make_entries, make_entry, make_id, unit_vectors, vector_at
from medha_conformance.suite.lab import BackendTopic
from medha_conformance.suite.reading import SIMILARITY_TOLERANCE, closest, only

if TYPE_CHECKING:
    from medha import CacheEntry, Match, VectorStorageBackend
    from medha_conformance.suite.lab import Lab

_COSINES: Final = (1.0, 0.95, 0.5, 0.25, 0.0, -0.3, -0.999, -1.0)


def _entries_at_known_cosines() -> list[CacheEntry]:
    # stored in an order that is neither ascending nor descending
    return [make_entry(f"at {cosine}", vector=vector_at(cosine)) for cosine in (*_COSINES[::2], *_COSINES[1::2])]


class SearchTopic(BackendTopic):
    """The closest entries, closest first, each with its cosine, and nothing that was excluded."""

    async def test_matches_come_closest_first(self, backend: VectorStorageBackend, collection: str) -> None:
        await backend.upsert(collection, _entries_at_known_cosines())
        matches = await closest(backend, collection)
        assert [match.entry.id for match in matches] == [make_id(f"at {cosine}") for cosine in _COSINES]

    async def test_similarity_is_the_raw_cosine(self, backend: VectorStorageBackend, collection: str) -> None:
        await backend.upsert(collection, _entries_at_known_cosines())
        found = {match.entry.id: match.similarity for match in await closest(backend, collection)}
        expected = {make_id(f"at {cosine}"): cosine for cosine in _COSINES}
        assert found == pytest.approx(expected, abs=SIMILARITY_TOLERANCE)

    async def test_similarity_never_leaves_minus_one_to_one(self, lab: Lab) -> None:
        collection = await lab.open(spec=CollectionSpec(dimension=384, model_name="rounding"))
        vectors = unit_vectors(64, 384)
        await lab.backend.upsert(collection, [make_entry(f"{n}", vector=vector) for n, vector in enumerate(vectors)])
        for number, vector in enumerate(vectors):
            same = only(await closest(lab.backend, collection, vector, limit=1))
            assert same.entry.id == make_id(f"{number}")
            assert 1.0 - SIMILARITY_TOLERANCE <= same.similarity <= 1.0
            everything = await closest(lab.backend, collection, -vector)
            assert len(everything) == len(vectors), "min_similarity=-1.0 leaves nothing out"
            opposite = everything[-1]
            assert opposite.entry.id == make_id(f"{number}")
            assert -1.0 <= opposite.similarity <= -1.0 + SIMILARITY_TOLERANCE

    async def test_limit_is_the_most_that_is_returned(self, backend: VectorStorageBackend, collection: str) -> None:
        await backend.upsert(collection, _entries_at_known_cosines())
        for limit in (1, 3, len(_COSINES), 1000):
            found = [match.entry.id for match in await closest(backend, collection, limit=limit)]
            assert found == [make_id(f"at {cosine}") for cosine in _COSINES[:limit]]

    async def test_min_similarity_is_inclusive(self, backend: VectorStorageBackend, collection: str) -> None:
        half = np.array([0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0], dtype=np.float32)
        exact = {1.0: axis(0), 0.5: half, 0.0: axis(1), -1.0: -axis(0)}
        await backend.upsert(collection, [make_entry(f"at {c}", vector=vector) for c, vector in exact.items()])
        for cosine in exact:
            found = {match.entry.id for match in await closest(backend, collection, min_similarity=cosine)}
            assert found == {make_id(f"at {other}") for other in exact if other >= cosine}, f"at {cosine}"

    async def test_min_similarity_leaves_out_what_is_below(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        await backend.upsert(collection, _entries_at_known_cosines())
        for cosine in (0.95, 0.5, 0.25, -0.3):
            for margin, expected in ((-1e-4, True), (1e-4, False)):
                matches = await closest(backend, collection, min_similarity=cosine + margin)
                found = make_id(f"at {cosine}") in {match.entry.id for match in matches}
                assert found is expected, f"cosine {cosine} with min_similarity {cosine + margin}"

    async def test_ties_are_all_returned(self, backend: VectorStorageBackend, collection: str) -> None:
        twins = [make_entry(f"twin {number}", vector=vector_at(0.8)) for number in range(20)]
        await backend.upsert(collection, [*twins, make_entry("closer", vector=axis(0))])
        ids = {entry.id for entry in twins}
        matches = await closest(backend, collection, limit=21)
        assert [match.entry.id for match in matches[:1]] == [make_id("closer")]
        assert {match.entry.id for match in matches[1:]} == ids
        few = await closest(backend, collection, limit=6)
        assert len({match.entry.id for match in few[1:]} & ids) == 5

    async def test_an_empty_collection_has_no_matches(self, backend: VectorStorageBackend, collection: str) -> None:
        assert await closest(backend, collection) == []
        await backend.upsert(collection, [make_entry("gone")])
        assert len(await closest(backend, collection)) == 1
        await backend.delete(collection, where=Where())
        assert await closest(backend, collection) == [], "the last entry was deleted"

    async def test_conditions_hold_before_the_limit(self, backend: VectorStorageBackend, collection: str) -> None:
        nearer = [make_entry(f"nearer {number}", vector=axis(0)) for number in range(200)]
        fitting = make_entry("fitting", vector=vector_at(0.1), template_id="wanted", metadata={"tenant": "acme"})
        await backend.upsert(collection, [*nearer, fitting])
        wheres = [
            Where(ids=[fitting.id]),
            Where(template_id="wanted"),
            Where(query_hash=fitting.query_hash),
            Where(normalized_question=fitting.normalized_question),
        ]
        if backend.capabilities[Capability.METADATA_FILTER]:
            wheres.append(Where(metadata={"tenant": "acme"}))
        for where in wheres:
            matches = await closest(backend, collection, limit=1, where=where)
            assert [match.entry for match in matches] == [fitting], f"{where} was applied after the limit"

    async def test_expired_entries_take_no_place_in_the_limit(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        nearer = [make_entry(f"nearer {number}", vector=axis(0), expires_at=NOW) for number in range(200)]
        alive = make_entry("alive", vector=vector_at(0.1), expires_at=NOW + 1)
        await backend.upsert(collection, [*nearer, alive])
        assert [match.entry for match in await closest(backend, collection, limit=1)] == [alive]

    async def test_a_search_sees_every_earlier_write(self, backend: VectorStorageBackend, collection: str) -> None:
        entries = make_entries(20)
        for number, entry in enumerate(entries):
            await backend.upsert(collection, [entry])
            assert len(await closest(backend, collection)) == number + 1
        changed = replace(entries[0], vector=-axis(0), generated_query="SELECT 2")
        await backend.upsert(collection, [changed])
        assert (await closest(backend, collection))[-1].entry == changed
        for number, entry in enumerate(entries[1:], start=1):
            await backend.delete(collection, where=Where(ids=[entry.id]))
            assert len(await closest(backend, collection)) == len(entries) - number

    async def test_get_and_search_answers_as_both_would(self, backend: VectorStorageBackend, collection: str) -> None:
        entries = _entries_at_known_cosines()
        far, expired = entries[-1], make_entry("expired", vector=vector_at(0.9), expires_at=NOW)
        await backend.upsert(collection, [*entries, expired])
        for wanted in (far, expired):
            entry, matches = await _get_and_search(backend, collection, wanted.id)
            assert entry == wanted, "neither limit, similarity nor time matter to the entry"
            assert [match.entry.id for match in matches] == [make_id(f"at {cosine}") for cosine in _COSINES[:2]]
            assert [match.similarity for match in matches] == pytest.approx(_COSINES[:2], abs=SIMILARITY_TOLERANCE)
        entry, matches = await _get_and_search(backend, collection, make_id("absent"))
        assert entry is None
        assert len(matches) == 2

    async def test_get_and_search_applies_its_conditions_to_the_search(
        self, backend: VectorStorageBackend, collection: str
    ) -> None:
        entries = _entries_at_known_cosines()
        await backend.upsert(collection, entries)
        where = Where(query_hash=entries[0].query_hash)
        entry, matches = await _get_and_search(backend, collection, entries[1].id, where=where)
        assert entry == entries[1]
        assert [match.entry for match in matches] == [entries[0]]
        entry, matches = await _get_and_search(backend, collection, entries[1].id, where=Where(ids=[]))
        assert entry == entries[1]
        assert matches == []

    async def test_exact_search_finds_the_true_neighbours(self, lab: Lab) -> None:
        support = lab.backend.capabilities[Capability.EXACT_SEARCH]
        if not support:
            pytest.skip(f"the backend declares that its search is not exact: {support.reason}")
        dimension, count = 32, 2000
        collection = await lab.open(spec=CollectionSpec(dimension=dimension, model_name=SPEC.model_name))
        vectors = unit_vectors(count, dimension)
        await lab.backend.upsert(collection, make_entries(count, dimension=dimension))
        for query in unit_vectors(20, dimension, seed=11):
            true = vectors @ query
            matches = await closest(lab.backend, collection, query, limit=10)
            best = np.sort(true)[::-1][:10]
            assert [match.similarity for match in matches] == pytest.approx(best, abs=SIMILARITY_TOLERANCE)
            for match in matches:
                row = int(match.entry.query_hash.removeprefix("hash-row-"))
                assert match.similarity == pytest.approx(float(true[row]), abs=SIMILARITY_TOLERANCE)


async def _get_and_search(
    backend: VectorStorageBackend, collection: str, entry_id: str, *, where: Where | None = None
) -> tuple[CacheEntry | None, list[Match]]:
    return await backend.get_and_search(
        collection, entry_id, axis(0), limit=2, min_similarity=0.1, where=where or Where(), now=NOW
    )
