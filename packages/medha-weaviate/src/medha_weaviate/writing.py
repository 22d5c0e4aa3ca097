"""Writes that take several requests, and are undone together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeAlias

from medha.errors import BackendError, BackendWriteError
from medha.tallies import ENTRY
from medha_weaviate import queries
from medha_weaviate.errors import FAILURES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medha.tallies import Row
    from medha.where import Where
    from medha_weaviate.shelf import Shelf

Shelves: TypeAlias = "Mapping[str | None, Shelf]"
Rows: TypeAlias = "Mapping[str | None, Mapping[str, Row]]"

_KEYS_AT_ONCE: Final = 500


async def store(shelves: Shelves, rows: Rows) -> None:
    """Store rows by tenant and key; when one is refused, what was there before is put back.

    What is there before is read first, in any case: the server makes a collection that it does not know, and must not.
    """
    keys = [key for part in rows.values() for key in part]
    read = await asyncio.gather(*(shelf.of_owners(keys, with_vectors=True) for shelf in shelves.values()))
    former = {
        tenant: {row["owner"]: row for row in part if row["part"] == ENTRY}
        for tenant, part in zip(shelves, read, strict=True)
    }
    try:
        for tenant, part in rows.items():
            await shelves[tenant].store(part)
        for tenant, part in former.items():
            # an entry that has moved to another tenant
            moved = [key for key in part if key not in rows.get(tenant, {})]
            if moved:
                await shelves[tenant].remove(queries.of_owners(moved))
    except (BackendError, *FAILURES) as failed:
        if len(keys) > 1:
            await _put_back(shelves, rows, former, failed)
        raise


async def remove(shelf: Shelf, where: Where) -> int:
    """Remove matching entries with their tallies; returns how many entries there were."""
    keys = await shelf.remove(queries.entries_where(where))
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        await shelf.remove(queries.tallies_of(keys[start : start + _KEYS_AT_ONCE]))
    return len(keys)


async def _put_back(shelves: Shelves, rows: Rows, former: Rows, failed: Exception) -> None:
    try:
        for tenant, part in rows.items():
            new = [key for key in part if key not in former[tenant]]
            for start in range(0, len(new), _KEYS_AT_ONCE):
                await shelves[tenant].remove(queries.of_owners(new[start : start + _KEYS_AT_ONCE]))
        for tenant, part in former.items():
            await shelves[tenant].store(part)
    except (BackendError, *FAILURES) as exc:
        doing = next(iter(shelves.values())).doing
        raise BackendWriteError(
            f"{doing}: a part of the batch may be stored, for after a failure ({failed!s:.300}) it could not be taken "
            f"back either ({exc!s:.300}). Store the batch again"
        ) from exc
