"""How the standard tests read a collection back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from medha import CacheEntry, Match, VectorStorageBackend, Where
from medha_conformance.corpus import NOW, axis

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from medha.models import Vector

T = TypeVar("T")

SIMILARITY_TOLERANCE: Final = 1e-5
"""What float32 arithmetic, and a score turned back into a cosine, may differ by."""

_LONG_AGO: Final = 0.0


async def read_one(backend: VectorStorageBackend, collection: str, entry_id: str) -> CacheEntry:
    """The one entry under the id."""
    found = await backend.get(collection, [entry_id])
    assert [entry.id for entry in found] == [entry_id], "get returns exactly the entry that was asked for"
    return found[0]


async def outcome_of(call: Awaitable[object]) -> object:
    """What the call returns or raises, so that a test can say what it expected instead."""
    (outcome,) = await asyncio.gather(call, return_exceptions=True)
    return outcome


def only(found: Sequence[T]) -> T:
    """The one thing that was found."""
    assert len(found) == 1, f"exactly one was expected, not {len(found)}: {found}"
    return found[0]


async def read_all(
    backend: VectorStorageBackend,
    collection: str,
    *,
    where: Where | None = None,
    limit: int = 500,
    with_vectors: bool = False,
) -> list[CacheEntry]:
    """Every matching entry, by scrolling to the end."""
    entries: list[CacheEntry] = []
    cursor: str | None = None
    seen: set[str] = set()
    while True:
        page = await backend.scroll(collection, where=where, limit=limit, cursor=cursor, with_vectors=with_vectors)
        assert len(page.entries) <= limit, "a page holds at most `limit` entries"
        entries.extend(page.entries)
        if page.cursor is None:
            return entries
        assert page.cursor not in seen, f"the cursor {page.cursor!r} came twice; a scroll must move on"
        seen.add(page.cursor)
        cursor = page.cursor


async def closest(
    backend: VectorStorageBackend,
    collection: str,
    vector: Vector | None = None,
    *,
    limit: int = 1000,
    min_similarity: float = -1.0,
    where: Where | None = None,
    now: float = NOW,
) -> list[Match]:
    """A search that leaves nothing out unless it is told to."""
    return await backend.search(
        collection,
        axis(0) if vector is None else vector,
        limit=limit,
        min_similarity=min_similarity,
        where=Where() if where is None else where,
        now=now,
    )


async def found_by(backend: VectorStorageBackend, collection: str, where: Where) -> set[str]:
    """The ids that match, on which scroll, count and search must agree; for collections of under 1,000 entries."""
    scrolled = {entry.id for entry in await read_all(backend, collection, where=where)}
    counted = await backend.count(collection, where=where)
    searched = {match.entry.id for match in await closest(backend, collection, where=where, now=_LONG_AGO)}
    assert counted == len(scrolled), f"count and scroll disagree on {where}"
    assert searched == scrolled, f"search and scroll disagree on {where}"
    return scrolled
