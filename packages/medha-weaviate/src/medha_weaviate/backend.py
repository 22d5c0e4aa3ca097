"""The backend: every collection of Medha in one of Weaviate."""

from __future__ import annotations

import asyncio
import uuid
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from medha.apart import ApartBackend
from medha.errors import BackendError, CollectionMismatchError
from medha.memory import mismatch_message
from medha.models import Page
from medha.tallies import Tallying
from medha.where import Where
from medha_weaviate import queries, reading, schema, writing
from medha_weaviate.connection import Connection
from medha_weaviate.errors import FAILURES, is_absent_class
from medha_weaviate.objects import entry_row, object_id
from medha_weaviate.plugin import CAPABILITIES, capabilities_with
from medha_weaviate.shelf import FIRST, Shelf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medha.capabilities import Capability, Support
    from medha.models import CacheEntry, CollectionSpec, Match, Vector
    from medha.tallies import Row
    from medha_weaviate.errors import Doing
    from medha_weaviate.settings import WeaviateSettings


class WeaviateBackend(ApartBackend):
    """Entries as objects: the vector, every field, and tokens that filters ask for."""

    capabilities: Mapping[Capability, Support] = CAPABILITIES

    def __init__(self, settings: WeaviateSettings) -> None:
        self.capabilities = capabilities_with(settings)
        self._settings = settings
        self._connection = Connection(settings)
        self._tallying = Tallying()
        self._specs: dict[str, CollectionSpec] = {}

    async def connect(self) -> None:
        """Reach the server, or start the embedded one."""
        await self._connection.connect()

    async def close(self) -> None:
        """Let what is being written arrive, and close the connections."""
        await self._connection.close()

    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        """Make the collection, or open the one that is there."""
        doing = self._connection.doing("opening the collection", collection)
        with doing.translated():
            while (stored := await self._stored_spec(collection, doing)) is None:
                body = schema.new_class(collection, spec, self._settings)
                try:
                    await self._connection.call(self._collections.create_from_dict(body), doing)
                except FAILURES:
                    # another process may have been faster
                    if await self._stored_spec(collection, doing) is None:
                        raise
        if stored != spec:
            raise CollectionMismatchError(mismatch_message(collection, stored, spec))
        self._specs[collection] = spec

    async def drop_collection(self, collection: str) -> None:
        """Remove the collection with all its tenants."""
        self._specs.pop(collection, None)
        doing = self._connection.doing("dropping the collection", collection)
        with doing.translated():
            await self._connection.call(self._collections.delete(self._name(collection)), doing)

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        """Store the entries; a caller that is cancelled leaves that running to its end."""
        doing = self._connection.doing(f"storing {len(entries)} entries in", collection)
        spec = self._specs.get(collection)
        for entry in entries:
            if spec is not None and entry.vector is not None and len(entry.vector) != spec.dimension:
                raise CollectionMismatchError(
                    f"{doing}: the vector of the entry {entry.id!r} has {len(entry.vector)} components, the collection "
                    f"holds vectors of another dimension ({spec.dimension}); nothing was stored"
                )
        revision, key = uuid.uuid4().hex, self._settings.tenant_key
        rows: defaultdict[str | None, dict[str, Row]] = defaultdict(dict)
        for entry in entries:
            tenant = None if key is None else schema.tenant_of(entry.metadata, key)
            rows[tenant][object_id(entry.id)] = entry_row(entry, revision)
        with doing.translated():
            shelves = {shelf.tenant: shelf for shelf in await self._shelves(collection, doing)}
            shelves.update({tenant: self._shelf(collection, doing, tenant) for tenant in rows if tenant not in shelves})
            await self._connection.writes.to_the_end(lambda: writing.store(shelves, rows))

    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        """The entries that are there."""
        doing, owners = self._connection.doing(f"getting {len(ids)} entries of", collection), [*map(object_id, ids)]
        with doing.translated():
            return await reading.get(await self._shelves(collection, doing), owners)

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
        doing = self._connection.doing("searching", collection)
        with doing.translated():
            shelves, condition = await self._shelves(collection, doing, where), queries.living_where(where, now)
            found = await asyncio.gather(
                *(reading.closest(shelf, vector, condition, limit, min_similarity) for shelf in shelves)
            )
        matches = [match for part in found for match in part]
        return sorted(matches, key=lambda match: -match.similarity)[:limit]

    async def scroll(
        self,
        collection: str,
        *,
        where: Where | None = None,
        limit: int = 500,
        cursor: str | None = None,
        with_vectors: bool = False,
    ) -> Page:
        """Entries in the order of their keys, one tenant after the other."""
        doing = self._connection.doing("reading", collection)
        tenant, after = _read_cursor(cursor)
        condition = None if where is None or where == Where() else queries.entries_where(where)
        limit, rows = min(limit, queries.MOST - 1), list[tuple[Shelf, "Row"]]()
        with doing.translated():
            for shelf in await self._shelves(collection, doing, where):
                if (shelf.tenant or "") < tenant:
                    continue
                start = after if (shelf.tenant or "") == tenant else FIRST
                found = await reading.entries_after(
                    shelf, condition, start, limit + 1 - len(rows), with_vectors=with_vectors
                )
                rows += [(shelf, row) for row in found]
                if len(rows) > limit:
                    break
            entries = await reading.with_feedback(rows[:limit])
        if len(rows) <= limit:
            return Page(entries, None)
        shelf, last = rows[limit - 1]
        return Page(entries, f"{shelf.tenant or ''}/{last['key']}")

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        """How many match."""
        doing, condition = self._connection.doing("counting", collection), queries.entries_where(where)
        with doing.translated():
            shelves = await self._shelves(collection, doing, where)
            return sum(await asyncio.gather(*(shelf.count(condition) for shelf in shelves)))

    async def delete(self, collection: str, *, where: Where) -> int:
        """Remove what matches, and the feedback with it."""
        doing = self._connection.doing("deleting from", collection)
        await self._connection.writes.settled()
        with doing.translated():
            shelves = await self._shelves(collection, doing, where)
            return sum(await asyncio.gather(*(writing.remove(shelf, where) for shelf in shelves)))

    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        """Count in this writer's own tally beside the entry."""
        doing, owner = self._connection.doing("counting feedback in", collection), object_id(entry_id)

        async def add() -> tuple[int, int] | None:
            for shelf in await self._shelves(collection, doing):
                counters = await self._tallying.add(shelf, collection, owner, correct, incorrect)
                if counters is not None:
                    return counters
            return None

        with doing.translated():
            return await self._connection.writes.to_the_end(add)

    @property
    def _collections(self) -> Any:
        return self._connection.client.collections

    def _name(self, collection: str) -> str:
        return schema.class_name(collection, self._settings.prefix)

    def _shelf(self, collection: str, doing: Doing, tenant: str | None) -> Shelf:
        return Shelf(self._connection, self._name(collection), tenant, doing)

    async def _shelves(self, collection: str, doing: Doing, where: Where | None = None) -> list[Shelf]:
        """Where matching entries may be: everywhere, or in the one tenant that the conditions name."""
        key = self._settings.tenant_key
        if key is None:
            return [self._shelf(collection, doing, None)]
        tenants = self._collections.use(self._name(collection)).tenants
        existing = sorted(await self._connection.call(tenants.get(), doing))
        if where is not None and key in where.metadata:
            named = schema.tenant_of(where.metadata, key)
            existing = [tenant for tenant in existing if tenant == named]
        return [self._shelf(collection, doing, tenant) for tenant in existing]

    async def _stored_spec(self, collection: str, doing: Doing) -> CollectionSpec | None:
        name = self._name(collection)
        try:
            config = await self._connection.call(self._collections.use(name).config.get(), doing)
        except FAILURES as exc:
            if is_absent_class(exc):
                return None
            raise
        return schema.stored_spec(collection, name, config.description, self._settings)


def _read_cursor(cursor: str | None) -> tuple[str, str]:
    if cursor is None:
        return "", FIRST
    tenant, slash, after = cursor.partition("/")
    if not slash or object_id(after) != after:
        raise BackendError(f"{cursor!r:.60} is no cursor that a scroll of this backend gave out")
    return tenant, after
