"""The backend: every collection of Medha in one of Chroma."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

from medha.backend import VectorStorageBackend
from medha.errors import CollectionMismatchError, CollectionNotFoundError
from medha.memory import mismatch_message
from medha.models import Page
from medha_chroma import records, schema
from medha_chroma.connection import not_connected
from medha_chroma.embedded import EmbeddedConnection
from medha_chroma.feedback import Feedback
from medha_chroma.plugin import CAPABILITIES, capabilities_with
from medha_chroma.queries import Condition, matching
from medha_chroma.scrolling import page_of
from medha_chroma.searching import Asked, Overlaps, search
from medha_chroma.server import ServerConnection
from medha_chroma.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medha.capabilities import Capability, Support
    from medha.models import CacheEntry, CollectionSpec, Match, Vector
    from medha.where import Where
    from medha_chroma.connection import Connection
    from medha_chroma.settings import ChromaSettings

_FEW: Final = 16
"""Entries that are turned into records on the event loop; more are on a thread."""


class ChromaBackend(VectorStorageBackend):
    """Entries as records: the vector, and every field in what Chroma calls metadata."""

    capabilities: Mapping[Capability, Support] = CAPABILITIES

    def __init__(self, settings: ChromaSettings) -> None:
        self.capabilities = capabilities_with(settings)
        self._settings = settings
        self._connection: Connection | None = None
        self._models: dict[str, Any] = {}
        self._feedback = Feedback()
        self._overlaps: defaultdict[str, Overlaps] = defaultdict(Overlaps)
        self._deletes: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def connect(self) -> None:
        """Reach the server, or open the engine in this process."""
        if self._connection is None:
            make = ServerConnection if self._settings.mode == "server" else EmbeddedConnection
            self._connection = make(self._settings)
        await self._connection.open()

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        self._models = {}
        if connection is not None:
            await connection.close()

    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        """Make the collection, or open the one that is there."""
        target, doing = self._target(collection), "opening the collection"
        try:
            model = await target.find(doing)
        except CollectionNotFoundError:
            model = await target.make(doing, spec)
        stored = schema.spec_of(model.metadata, f"{doing} {target.source}")
        if stored != spec:
            raise CollectionMismatchError(mismatch_message(collection, stored, spec))

    async def drop_collection(self, collection: str) -> None:
        """Remove the collection."""
        target = self._target(collection)
        with suppress(CollectionNotFoundError):
            await target.drop()

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        """Store the entries in one request, which Chroma writes to its log whole before it answers."""
        if not entries:
            return
        target = self._target(collection)
        if len(entries) <= _FEW:
            request = records.to_request(entries)
        else:
            request = await asyncio.to_thread(records.to_request, entries)
        with self._overlaps[collection].writing(request["ids"]):
            await target.write(f"storing {len(entries)} entries in", "upsert", **request)

    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        """The entries that are there."""
        target = self._target(collection)
        return target.entries(await target.get(f"getting {len(ids)} entries of", Condition(ids)))

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
        """The closest, by the index."""
        asked = Asked(vector, limit, min_similarity, where, now)
        return await search(self._target(collection), asked, self._overlaps[collection])

    async def scroll(
        self,
        collection: str,
        *,
        where: Where | None = None,
        limit: int = 500,
        cursor: str | None = None,
        with_vectors: bool = False,
    ) -> Page:
        """Entries in the order of their places; the cursor is the last one's place."""
        target = self._target(collection)
        found, following = await page_of(target, where, limit, cursor, with_vectors=with_vectors)
        return Page(target.entries(found, with_vectors=with_vectors), following)

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        """How many match."""
        target, condition = self._target(collection), matching(where)
        if condition == Condition():
            return await target.read("counting", "count")
        return len(await target.ids("counting", condition))

    async def delete(self, collection: str, *, where: Where) -> int:
        """Find what matches, and remove it; the deletes of this process take turns."""
        target, condition = self._target(collection), matching(where)
        async with self._deletes.setdefault(collection, asyncio.Lock()):
            ids = await target.ids("deleting from", condition)
            await target.remove(ids)
        return len(ids)

    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        """Count what this process has added; readers add up what all have."""
        return await self._feedback.add(self._target(collection), entry_id, correct, incorrect)

    def _target(self, collection: str) -> Target:
        if self._connection is None:
            raise not_connected(self._settings.place)
        return Target(self._connection, self._settings, collection, self._models)
