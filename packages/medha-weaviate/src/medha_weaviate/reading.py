"""Entries out of the rows of shelves, each with its feedback."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from medha.models import Match
from medha.tallies import ENTRY, counted
from medha_weaviate import queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medha.models import CacheEntry, Vector
    from medha.tallies import Row
    from medha_weaviate.shelf import Shelf

_MORE: Final = 100


async def get(shelves: Iterable[Shelf], owners: Sequence[str]) -> list[CacheEntry]:
    """The entries with these keys."""
    found = await asyncio.gather(*(shelf.of_owners(owners) for shelf in shelves))
    return counted(row for rows in found for row in rows)


async def closest(shelf: Shelf, vector: Vector, condition: Any, limit: int, min_similarity: float) -> list[Match]:
    """The closest entries of one shelf."""
    found = await shelf.closest(vector, condition, limit, min_similarity)
    entries = await with_feedback([(shelf, row) for row, _ in found])
    return [Match(entry, similarity) for entry, (_, similarity) in zip(entries, found, strict=True)]


async def with_feedback(rows: Sequence[tuple[Shelf, Row]]) -> list[CacheEntry]:
    """The entries in these rows, in this order; only where something was rated the tallies are asked for."""
    rated: defaultdict[Shelf, list[str]] = defaultdict(list)
    for shelf, row in rows:
        if row["rated"]:
            rated[shelf].append(row["owner"])
    tallies = await asyncio.gather(*(shelf.tallies_of(owners) for shelf, owners in rated.items()))
    return counted([*(row for _, row in rows), *(tally for part in tallies for tally in part)])


async def entries_after(shelf: Shelf, condition: Any, after: str, wanted: int, *, with_vectors: bool) -> list[Row]:
    """Rows of entries from behind ``after``: at least ``wanted``, or all that are left."""
    entries: list[Row] = []
    asked = wanted
    while True:
        page = await shelf.page(condition, after, asked, with_vectors=with_vectors)
        entries += [row for row in page if row["part"] == ENTRY]
        if len(page) < asked or len(entries) >= wanted:
            return entries
        after = page[-1]["key"]
        # what was left out are tallies, which may stand close together
        asked = min(queries.MOST, max(wanted - len(entries), _MORE))
