"""Writes that take several requests, and are undone together."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from medha.errors import BackendError, BackendWriteError
from medha_azure_search import queries
from medha_azure_search.documents import READ_PLACES, READ_WHOLE, entry_document
from medha_azure_search.errors import FAILURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medha.models import CacheEntry
    from medha.where import Where
    from medha_azure_search.shelf import Shelf

_KEYS_AT_ONCE: Final = 1000


async def store(shelf: Shelf, entries: Sequence[CacheEntry]) -> None:
    """Store the entries; when some are refused, what was there before is put back."""
    version = uuid.uuid4().hex
    documents = {document["key"]: document for document in (entry_document(entry, version) for entry in entries)}
    async with shelf.alone_with(documents):
        former = {found["key"]: found for found in await shelf.all_of("", "key", [*documents], READ_WHOLE)}
        before = {key: found["version"] for key, found in former.items()}
        try:
            await shelf.put(documents, before)
        except (BackendError, *FAILURES) as failed:
            if len(documents) > 1:
                await _put_back(shelf, [*documents], version, former, failed)
            raise


async def remove(shelf: Shelf, where: Where) -> int:
    """Remove matching entries with their tallies; returns how many entries there were."""
    condition, keys, removed = queries.entries_where(where), queries.keys_asked(where), 0
    if keys is not None:
        for start in range(0, max(len(keys), 1), _KEYS_AT_ONCE):
            removed += await _remove_among(shelf, condition, keys[start : start + _KEYS_AT_ONCE])
        return removed
    after: str | None = None
    while found := await shelf.page(condition, after, _KEYS_AT_ONCE, READ_PLACES):
        removed += await _remove_among(shelf, condition, [one["key"] for one in found])
        after = found[-1]["key"]
    return removed


async def _remove_among(shelf: Shelf, condition: str, keys: Sequence[str]) -> int:
    async with shelf.alone_with(keys):
        # looked at again: who had them before may have changed or removed them
        found = await shelf.all_of(condition, "key", keys, READ_PLACES)
        if not found:
            return 0
        versions = {one["key"]: one["version"] for one in found}
        await shelf.remove(versions)
        tallies = await shelf.all_of(queries.is_part("tally"), "owner", [*versions], READ_PLACES)
        if tallies:
            await shelf.remove({one["key"]: one["version"] for one in tallies})
        return len(versions)


async def _put_back(
    shelf: Shelf, keys: Sequence[str], version: str, former: Mapping[str, Any], failed: Exception
) -> None:
    try:
        # not only what is seen of the batch: the rest may be on its way
        await shelf.remove({key: version for key in keys if key not in former})
        again = {key: _as_it_was(found) for key, found in former.items()}
        if again:
            seen = await shelf.all_of("", "key", [*again], READ_PLACES)
            await shelf.put(again, {one["key"]: one["version"] for one in seen})
    except (BackendError, *FAILURES) as exc:
        raise BackendWriteError(
            f"{shelf.doing}: a part of the batch may be stored, for after a failure ({failed!s:.300}) it could not be "
            f"taken back either ({exc!s:.300}). Store the batch again"
        ) from exc


def _as_it_was(found: Mapping[str, Any]) -> dict[str, Any]:
    document = {name: value for name, value in found.items() if not name.startswith("@")}
    return document | {"version": uuid.uuid4().hex}
