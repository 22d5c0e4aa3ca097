"""Topic: a stored row that cannot be an entry is an error, never a miss."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

import pytest

from medha import Capability, Where
from medha.errors import CorruptEntryError
from medha_conformance.corpus import NOW, axis, make_entry, vector_at
from medha_conformance.suite.lab import BackendTopic
from medha_conformance.suite.reading import closest, outcome_of, read_all, read_one

if TYPE_CHECKING:
    from medha import CacheEntry, VectorStorageBackend

Corrupt: TypeAlias = Callable[[str, str], Awaitable[None]]
"""Damages the row of an entry, given the collection and the id, so that no entry can be made of it."""


class CorruptionTopic(BackendTopic):
    """Who reads a damaged row is told which one it is, and can remove it; its neighbours are read as before."""

    @pytest.fixture
    def corrupt(self) -> Corrupt | None:
        """Damages a stored row past the backend; an author's class returns its own."""
        return None

    async def test_a_corrupt_row_is_an_error_and_never_a_miss(
        self, backend: VectorStorageBackend, collection: str, corrupt: Corrupt | None
    ) -> None:
        whole, damaged = await _one_damaged(backend, collection, corrupt)
        await _check_refused(backend, collection, damaged)
        assert await read_one(backend, collection, whole.id) == whole

    async def test_a_corrupt_row_can_be_removed_or_replaced(
        self, backend: VectorStorageBackend, collection: str, corrupt: Corrupt | None
    ) -> None:
        whole, damaged = await _one_damaged(backend, collection, corrupt)
        outcome = await outcome_of(backend.upsert(collection, [damaged]))
        assert outcome is None, f"storing a corrupt entry again gave {outcome!r}"
        assert await read_one(backend, collection, damaged.id) == damaged, "storing it again repairs it"
        await _damage(corrupt, backend, collection, damaged)
        removed = await outcome_of(backend.delete(collection, where=Where(ids=[damaged.id])))
        assert removed == 1, f"deleting one corrupt entry gave {removed!r}"
        assert await read_all(backend, collection) == [whole]
        assert [match.entry for match in await closest(backend, collection)] == [whole]


async def check_damaged(backend: VectorStorageBackend, collection: str, corrupt: Corrupt) -> str:
    """For a package's own tests: one more damage is noticed by whoever reads the row, which can be removed.

    Returns what the error says.
    """
    whole, damaged = await _one_damaged(backend, collection, corrupt)
    said = await _check_refused(backend, collection, damaged)
    assert await backend.delete(collection, where=Where(ids=[damaged.id])) == 1
    assert await read_all(backend, collection) == [whole]
    return said


async def _check_refused(backend: VectorStorageBackend, collection: str, damaged: CacheEntry) -> str:
    said = ""
    where = Where(ids=[damaged.id])
    calls = {
        "get": lambda: backend.get(collection, [damaged.id]),
        "search": lambda: closest(backend, collection),
        "get_and_search": lambda: backend.get_and_search(
            collection, damaged.id, axis(0), limit=5, min_similarity=-1.0, where=Where(), now=NOW
        ),
        "scroll": lambda: read_all(backend, collection, where=where, with_vectors=True),
    }
    for name, call in calls.items():
        outcome = await outcome_of(call())
        assert isinstance(outcome, CorruptEntryError), f"{name} made {outcome!r} of a corrupt row"
        said = str(outcome)
        assert damaged.id in said, f"{name} does not say which entry is corrupt: {said}"
        assert damaged.question not in said, f"{name} shows somebody's question: {said}"
    return said


async def _one_damaged(
    backend: VectorStorageBackend, collection: str, corrupt: Corrupt | None
) -> tuple[CacheEntry, CacheEntry]:
    whole = make_entry("whole", vector=vector_at(0.5))
    damaged = make_entry("damaged", question="Whose salary is it?", metadata={"tenant": "acme"})
    await backend.upsert(collection, [whole, damaged])
    await _damage(corrupt, backend, collection, damaged)
    return whole, damaged


async def _damage(corrupt: Corrupt | None, backend: VectorStorageBackend, collection: str, damaged: CacheEntry) -> None:
    if corrupt is not None:
        await corrupt(collection, damaged.id)
    elif backend.capabilities[Capability.DURABLE]:
        pytest.skip("the suite cannot damage a row by itself: the class has no fixture `corrupt` that does")
    else:
        pytest.skip("the backend keeps nothing outside this process that could be damaged")
