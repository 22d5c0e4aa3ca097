"""A backend that cannot filter by metadata is filtered by core."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from medha import Capability, CollectionSpec, Medha, Where, impossible
from medha.errors import UnsupportedError
from medha.memory import MemoryBackend
from medha.overfetch import OverfetchingBackend

if TYPE_CHECKING:
    from conftest import WordsEmbedder

    from medha import Match, Page
    from medha.models import Vector


class PlainBackend(MemoryBackend):
    """Refuses every metadata condition, and says so."""

    capabilities = MappingProxyType(
        {**MemoryBackend.capabilities, Capability.METADATA_FILTER: impossible("it has no such index")}
    )

    async def search(self, collection: str, vector: Vector, *, where: Where, **options: Any) -> list[Match]:
        return await super().search(collection, vector, where=_refuse(where), **options)

    async def scroll(self, collection: str, *, where: Where | None = None, **options: Any) -> Page:
        return await super().scroll(collection, where=None if where is None else _refuse(where), **options)

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        return await super().count(collection, where=None if where is None else _refuse(where))

    async def delete(self, collection: str, *, where: Where) -> int:
        return await super().delete(collection, where=_refuse(where))


def _refuse(where: Where) -> Where:
    if where.metadata:
        raise UnsupportedError("no metadata conditions")
    return where


async def test_scopes_hold_on_a_backend_without_metadata_conditions(embedder: WordsEmbedder) -> None:
    async with Medha("tests", embedder, PlainBackend()) as cache:
        for number in range(60):
            await cache.store("Albums by Queen", f"SELECT {number}", metadata={"tenant": number})
        hit = await cache.search("albums by Queen", filters={"tenant": 57})
        assert hit.generated_query == "SELECT 57"
        assert not await cache.search("albums by Queen", filters={"tenant": 60})
        assert await cache.invalidate("Albums by Queen", filters={"tenant": 57}) == 1
        assert not await cache.search("albums by Queen", filters={"tenant": 57})
        assert await cache.count() == 59


async def test_count_and_delete_apply_the_condition(embedder: WordsEmbedder) -> None:
    inner = PlainBackend()
    async with Medha("tests", embedder, inner) as cache:
        for number in range(10):
            await cache.store(f"question {number}", "SELECT 1", metadata={"even": number % 2 == 0})
    backend = OverfetchingBackend(inner)
    await backend.initialize("tests", CollectionSpec(dimension=64, model_name="words"))
    even = Where(metadata={"even": True})
    assert await backend.count("tests", where=even) == 5
    assert await backend.delete("tests", where=even) == 5
    assert await backend.count("tests") == 5
    with pytest.raises(UnsupportedError):
        await inner.count("tests", where=even)
