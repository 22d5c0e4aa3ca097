"""The backend: one index for each collection, every write seen when it returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

from azure.core.exceptions import ResourceNotFoundError

from medha.apart import ApartBackend
from medha.errors import BackendError, CollectionMismatchError
from medha.memory import mismatch_message
from medha.models import Match, Page
from medha.tallies import Tallying, counted
from medha_azure_search import queries, schema, writing
from medha_azure_search.documents import READ, READ_WHOLE, key_of, to_stored_row
from medha_azure_search.errors import FAILURES
from medha_azure_search.plugin import CAPABILITIES, capabilities_with
from medha_azure_search.service import Service
from medha_azure_search.shelf import Shelf

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping, Sequence

    from azure.core.credentials_async import AsyncTokenCredential

    from medha.capabilities import Capability, Support
    from medha.models import CacheEntry, CollectionSpec, Vector
    from medha.tallies import Row
    from medha.where import Where
    from medha_azure_search.settings import AzureSearchSettings

_CURSOR: Final = "after:"


class AzureSearchBackend(ApartBackend):
    """Entries as documents: the vector, the entry as JSON, and tokens that filters ask for."""

    capabilities: Mapping[Capability, Support] = CAPABILITIES

    def __init__(self, settings: AzureSearchSettings, credential: AsyncTokenCredential | None = None) -> None:
        self.capabilities = capabilities_with(settings)
        # a credential that was given may belong to the caller's event loop
        self.apart = credential is None
        self._settings = settings
        self._service = Service(settings, credential)
        self._tallying = Tallying()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._specs: dict[str, CollectionSpec] = {}

    async def connect(self) -> None:
        """Reach the service."""
        await self._service.connect()

    async def close(self) -> None:
        """Let what is being written arrive, and close the connections."""
        await self._service.close()

    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        """Make the index, or open the one that is there."""
        with self._service.doing("opening the collection", collection).translated():
            while (stored := await self._stored_spec(collection)) is None:
                try:
                    await self._service.indexes.create_index(schema.new_index(collection, spec, self._settings))
                except FAILURES:
                    # another process may have been faster
                    if await self._stored_spec(collection) is None:
                        raise
        if stored != spec:
            raise CollectionMismatchError(mismatch_message(collection, stored, spec))
        self._specs[collection] = spec

    async def drop_collection(self, collection: str) -> None:
        """Remove the index."""
        self._specs.pop(collection, None)
        name = schema.index_name(collection, self._settings.prefix)
        await self._service.writes.settled()
        with self._service.doing("dropping the collection", collection).translated():
            try:
                await self._service.indexes.delete_index(name)
            except ResourceNotFoundError:
                return
            finally:
                await self._service.forget(name)

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        """Store the entries, and wait until searches see them; a caller that is cancelled leaves that running."""
        shelf, spec = self._shelf(f"storing {len(entries)} entries in", collection), self._specs.get(collection)
        for entry in entries:
            if spec is not None and entry.vector is not None and len(entry.vector) != spec.dimension:
                raise CollectionMismatchError(
                    f"{shelf.doing}: the vector of the entry {entry.id!r} has {len(entry.vector)} components, the "
                    f"collection holds vectors of another dimension ({spec.dimension}); nothing was stored"
                )
        with shelf.doing.translated():
            await self._service.writes.to_the_end(lambda: writing.store(shelf, entries))

    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        """The entries that are there, with their tallies in the same answer."""
        shelf = self._shelf(f"getting {len(ids)} entries of", collection)
        with shelf.doing.translated():
            found = await shelf.all_of("", "owner", list(dict.fromkeys(map(key_of, ids))))
            return counted(map(to_stored_row, found))

    async def search(
        self,
        collection: str,
        vector: Vector,
        *,
        limit: int,
        min_similarity: float,
        where: Where,
        now: float,
    ) -> list[Match]:
        """One search by vector with the conditions inside; a second request where there is feedback to count."""
        shelf = self._shelf("searching", collection)
        condition = queries.every(_matching(where), queries.living(now))
        with shelf.doing.translated():
            found = await shelf.closest(vector, condition, min(limit, queries.MOST), min_similarity)
            entries = await _with_feedback(shelf, [row for row, _ in found])
        return [Match(entry, similarity) for entry, (_, similarity) in zip(entries, found, strict=True)]

    async def scroll(
        self,
        collection: str,
        *,
        where: Where | None = None,
        limit: int = 500,
        cursor: str | None = None,
        with_vectors: bool = False,
    ) -> Page:
        """Entries in the order of their keys."""
        shelf, after, rows = self._shelf("reading", collection), _read_cursor(cursor), list["Row"]()
        with shelf.doing.translated():
            while len(rows) <= limit:
                wanted = min(limit + 1 - len(rows), queries.MOST)
                page = await shelf.page(_matching(where), after, wanted, READ_WHOLE if with_vectors else READ)
                rows += map(to_stored_row, page)
                if len(page) < wanted:
                    break
                after = page[-1]["key"]
            entries = await _with_feedback(shelf, rows[:limit])
        return Page(entries, f"{_CURSOR}{rows[limit - 1]['key']}" if len(rows) > limit else None)

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        """How many match."""
        shelf = self._shelf("counting", collection)
        with shelf.doing.translated():
            return await shelf.count(_matching(where))

    async def delete(self, collection: str, *, where: Where) -> int:
        """Remove what matches, and the feedback with it, and wait until it is no longer seen."""
        shelf = self._shelf("deleting from", collection)
        with shelf.doing.translated():
            return await self._service.writes.to_the_end(lambda: writing.remove(shelf, where))

    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        """Count in this writer's own tally beside the entry."""
        shelf, owner = self._shelf("counting feedback in", collection), key_of(entry_id)

        async def add() -> tuple[int, int] | None:
            async with shelf.alone_with([owner]):
                return await self._tallying.add(shelf, collection, owner, correct, incorrect)

        with shelf.doing.translated():
            return await self._service.writes.to_the_end(add)

    def _shelf(self, what: str, collection: str) -> Shelf:
        name = schema.index_name(collection, self._settings.prefix)
        return Shelf(self._service, name, self._service.doing(what, collection), self._locks)

    async def _stored_spec(self, collection: str) -> CollectionSpec | None:
        name = schema.index_name(collection, self._settings.prefix)
        try:
            index = await self._service.indexes.get_index(name)
        except ResourceNotFoundError:
            return None
        return schema.stored_spec(collection, index)


def _matching(where: Where | None) -> str:
    keys = queries.keys_asked(where)
    condition = queries.entries_where(where)
    return condition if keys is None else queries.every(condition, queries.among("key", keys))


async def _with_feedback(shelf: Shelf, rows: Sequence[Row]) -> list[CacheEntry]:
    """The entries in these rows, in this order; only where something was rated the tallies are asked for."""
    rated = [row["owner"] for row in rows if row["rated"]]
    tallies: list[Any] = await shelf.all_of(queries.is_part("tally"), "owner", rated) if rated else []
    return counted([*rows, *tallies])


def _read_cursor(cursor: str | None) -> str | None:
    if cursor is None:
        return None
    if not cursor.startswith(_CURSOR):
        raise BackendError(f"{cursor!r:.60} is no cursor that a scroll of this backend gave out")
    return cursor.removeprefix(_CURSOR)
