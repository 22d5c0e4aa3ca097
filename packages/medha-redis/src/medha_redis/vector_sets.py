"""The vector sets of Redis 8: one for each collection, whose elements are the ids of its entries."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final

from medha_redis import scripts
from medha_redis.engine import Engine, Nearest, cosine
from medha_redis.schema import to_bytes, tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from medha.models import CacheEntry, Page, Vector
    from medha.where import Where
    from medha_redis.connection import Command

_PAGE: Final = 1000
_FURTHEST: Final = 1e230
_LONGEST: Final = 250


class VectorSets(Engine):
    """Searches are filtered by the engine; all else that has a condition looks at every entry."""

    name: ClassVar[str] = "vector_sets"

    def nearest(self, collection: str, vector: Vector, *, limit: int, where: Where, alive_at: float | None) -> Command:
        """VSIM and the entries that it finds, in one script."""
        parts = [f'"{token}" in .t' for token in tokens(where)]
        if where.expired_at is not None:
            parts.append(f".x <= {_number(where.expired_at)}")
        if alive_at is not None:
            parts.append(f".x > {_number(alive_at)}")
        effort = self.settings.hnsw_ef_runtime if self.settings.index == "hnsw" else 0
        arguments = (to_bytes(vector), " and ".join(parts), limit, effort)
        return self.calls.script(collection, scripts.NEAREST, *arguments)

    def read_nearest(self, answer: Any) -> Nearest:
        """A vector set tells a cosine c as (c + 1) / 2."""
        found, rows = answer
        return Nearest(
            int(found),
            [
                (cosine(2.0 * float(similarity) - 1.0), (key.decode(), entry, correct, incorrect))
                for key, similarity, entry, correct, incorrect in rows
            ],
        )

    async def page(self, collection: str, where: Where, *, limit: int, cursor: str | None, with_vectors: bool) -> Page:
        """Each call looks at some thousand entries, so that a page may be short."""
        return await self.calls.page(collection, where, limit=limit, cursor=cursor, with_vectors=with_vectors)

    async def count(self, collection: str, where: Where) -> int:
        """By looking at all."""
        return sum([len(entries) async for entries in self._pages(collection, where)])

    async def delete(self, collection: str, where: Where) -> int:
        """By looking at all; what was replaced meanwhile is left alone."""
        pages = self._pages(collection, where)
        return sum([await self.calls.remove(collection, where, [e.id for e in entries]) async for entries in pages])

    async def _pages(self, collection: str, where: Where) -> AsyncIterator[Sequence[CacheEntry]]:
        cursor: str | None = None
        while True:
            page = await self.page(collection, where, limit=_PAGE, cursor=cursor, with_vectors=False)
            yield page.entries
            cursor = page.cursor
            if cursor is None:
                return


def _number(instant: float) -> str:
    """The instant as a filter can read it: without an exponent, and in less than 255 characters."""
    within = max(-_FURTHEST, min(_FURTHEST, float(instant)))
    return format(Decimal(repr(within)), "f")[:_LONGEST]
