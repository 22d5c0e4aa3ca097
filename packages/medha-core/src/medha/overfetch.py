"""Metadata conditions for a backend whose engine has none: core fetches more and filters what comes back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from medha.backend import VectorStorageBackend
from medha.capabilities import FULL, Capability
from medha.models import NO_METADATA, Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.models import CacheEntry, CollectionSpec, Match, Vector
    from medha.where import Where

_GROWTH: Final = 8


class OverfetchingBackend(VectorStorageBackend):
    """Another backend, with ``Where.metadata`` applied here."""

    def __init__(self, inner: VectorStorageBackend) -> None:
        self._inner = inner
        self.capabilities = {**inner.capabilities, Capability.METADATA_FILTER: FULL}

    async def connect(self) -> None:
        """Connect the inner backend."""
        await self._inner.connect()

    async def close(self) -> None:
        """Close the inner backend."""
        await self._inner.close()

    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        """Make or open the collection."""
        await self._inner.initialize(collection, spec)

    async def drop_collection(self, collection: str) -> None:
        """Remove the collection."""
        await self._inner.drop_collection(collection)

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        """Store the entries."""
        await self._inner.upsert(collection, entries)

    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        """The entries with these ids."""
        return await self._inner.get(collection, ids)

    async def search(
        self, collection: str, vector: Vector, *, limit: int, min_similarity: float, where: Where, now: float
    ) -> list[Match]:
        """The closest that match: more and more are fetched, until enough do or there are no more."""
        fetch = limit if not where.metadata else limit * _GROWTH
        while True:
            found = await self._inner.search(
                collection, vector, limit=fetch, min_similarity=min_similarity, where=_without(where), now=now
            )
            matching = [match for match in found if where.matches(match.entry)][:limit]
            if len(matching) == limit or len(found) < fetch:
                return matching
            fetch *= _GROWTH

    async def get_and_search(
        self,
        collection: str,
        entry_id: str,
        vector: Vector,
        *,
        limit: int,
        min_similarity: float,
        where: Where,
        now: float,
    ) -> tuple[CacheEntry | None, list[Match]]:
        """The inner backend's, which is one round trip, where nothing is left to filter here."""
        ask = super() if where.metadata else self._inner
        return await ask.get_and_search(
            collection, entry_id, vector, limit=limit, min_similarity=min_similarity, where=where, now=now
        )

    async def scroll(
        self,
        collection: str,
        *,
        where: Where | None = None,
        limit: int = 500,
        cursor: str | None = None,
        with_vectors: bool = False,
    ) -> Page:
        """A page of the inner backend, less what does not match; it may be short, or empty with a cursor."""
        page = await self._inner.scroll(
            collection,
            where=None if where is None else _without(where),
            limit=limit,
            cursor=cursor,
            with_vectors=with_vectors,
        )
        return Page([entry for entry in page.entries if where is None or where.matches(entry)], page.cursor)

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        """How many match."""
        if where is None or not where.metadata:
            return await self._inner.count(collection, where=where)
        return len(await self._ids(collection, where))

    async def delete(self, collection: str, *, where: Where) -> int:
        """Remove what matches."""
        if not where.metadata:
            return await self._inner.delete(collection, where=where)
        ids = await self._ids(collection, where)
        return await self._inner.delete(collection, where=replace(_without(where), ids=ids)) if ids else 0

    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        """Count feedback."""
        return await self._inner.add_feedback(collection, entry_id, correct=correct, incorrect=incorrect)

    async def _ids(self, collection: str, where: Where) -> list[str]:
        ids: list[str] = []
        cursor: str | None = None
        while True:
            page = await self.scroll(collection, where=where, cursor=cursor)
            ids += (entry.id for entry in page.entries)
            cursor = page.cursor
            if cursor is None:
                return ids


def _without(where: Where) -> Where:
    return replace(where, metadata=NO_METADATA)
