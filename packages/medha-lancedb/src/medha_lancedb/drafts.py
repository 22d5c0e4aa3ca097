"""Many entries on their way into the table: what is known of them at once, and what becomes of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from medha.errors import BackendError
from medha.facts import place
from medha_lancedb.rows import checked_vector, to_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medha.models import CacheEntry, Vector
    from medha_lancedb.arrow import Rows
    from medha_lancedb.table import Table

FEW: Final = 16
"""Entries that are turned into rows, or rows into entries, on the event loop; more are on a thread."""


class Draft(NamedTuple):
    """Entries that fit the collection, with all that must be known of them before they become rows."""

    entries: Sequence[CacheEntry]
    vectors: Sequence[Vector]
    places: Sequence[int]


async def draft(entries: Sequence[CacheEntry], table: Table) -> Draft:
    """The entries as they are looked at first.

    Raises:
        CollectionMismatchError: a vector does not fit the table.
    """

    def look() -> Draft:
        vectors = [checked_vector(entry, table.spec.dimension, table.source) for entry in entries]
        return Draft(entries, vectors, [place(entry.id) for entry in entries])

    return look() if len(entries) <= FEW else await asyncio.to_thread(look)


async def made(drafts: Sequence[Draft], table: Table, *, alone: bool) -> tuple[bool, list[Rows | BackendError]]:
    """Whether the rows are sure to be new in the table, and the rows of each draft, or why it has none.

    ``alone`` says that nobody else can add rows meanwhile.
    """

    async def new() -> bool:
        return alone and await table.lacks([number for drafted in drafts for number in drafted.places])

    async def make() -> list[Rows | BackendError]:
        if sum(len(drafted.entries) for drafted in drafts) <= FEW:
            return [_rows(drafted, table) for drafted in drafts]
        return await asyncio.to_thread(lambda: [_rows(drafted, table) for drafted in drafts])

    # the table is asked first: then it looks while Python is busy
    return await asyncio.gather(new(), make())


def _rows(drafted: Draft, table: Table) -> Rows | BackendError:
    try:
        return to_table(drafted, table.schema, table.source)
    except BackendError as exc:
        # what shares its commit is stored all the same
        return exc
