"""The backend: every collection of Medha in one of Qdrant."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakValueDictionary

from qdrant_client import models

from medha.backend import VectorStorageBackend
from medha.errors import CollectionMismatchError, CollectionNotFoundError
from medha.memory import mismatch_message
from medha.models import Page
from medha_qdrant import feedback, points, schema, searching
from medha_qdrant.connection import not_connected
from medha_qdrant.embedded import EmbeddedConnection
from medha_qdrant.pairing import Writes
from medha_qdrant.plugin import CAPABILITIES, capabilities_with
from medha_qdrant.queries import matching
from medha_qdrant.searching import Asked
from medha_qdrant.server import ServerConnection
from medha_qdrant.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qdrant_client import AsyncQdrantClient

    from medha.capabilities import Capability, Support
    from medha.models import CacheEntry, CollectionSpec, Match, Vector
    from medha.where import Where
    from medha_qdrant.connection import Connection
    from medha_qdrant.settings import QdrantSettings

_FEW: Final = 16
"""Entries that are turned into points on the event loop; more are on a thread."""

_PAUSES: Final = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds after which a collection that another process is just making is looked for again."""


class QdrantBackend(VectorStorageBackend):
    """Entries as points: the vector, every field in the payload, and tokens that filters ask for."""

    capabilities: Mapping[Capability, Support] = CAPABILITIES

    def __init__(self, settings: QdrantSettings) -> None:
        self.capabilities = capabilities_with(settings)
        self._settings = settings
        self._connection: Connection | None = None
        self._limits: dict[str, schema.Limits] = {}
        self._writes = Writes()
        self._writer = feedback.new_writer()
        self._locks: WeakValueDictionary[tuple[str, ...], asyncio.Lock] = WeakValueDictionary()

    async def connect(self) -> None:
        """Reach the server, or open the engine in this process."""
        if self._connection is None:
            make = EmbeddedConnection if self._settings.embedded else ServerConnection
            self._connection = make(self._settings)
        await self._connection.open()

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        """Make the collection, or open the one that is there, and see that it has its indexes."""
        target, doing = self._target(collection), "opening the collection"
        info = await self._info(target, doing, spec)
        stored = schema.spec_of(info, f"{doing} {target.source}")
        if stored != spec:
            raise CollectionMismatchError(mismatch_message(collection, stored, spec))
        if not self._settings.embedded:
            await target.write(doing, lambda client: schema.add_indexes(client, target.name, info))
        self._limits[collection] = schema.limits_of(info)

    async def drop_collection(self, collection: str) -> None:
        """Remove the collection with its files."""
        target = self._target(collection)
        self._limits.pop(collection, None)
        await target.write("dropping the collection", lambda client: client.delete_collection(target.name))

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        """Store the entries in one request, which Qdrant writes to its log whole before it answers."""
        if not entries:
            return
        target = self._target(collection)
        over_grpc = self._settings.prefer_grpc and not self._settings.embedded
        convert = points.to_request if over_grpc else points.to_batch

        def make() -> Any:
            return convert(target.name, entries, feedback.new_revision(self._writer))

        made = make() if len(entries) <= _FEW else await asyncio.to_thread(make)

        async def store(client: AsyncQdrantClient) -> None:
            # the engine in this process answers from one moment
            ids = () if self._settings.embedded else {entry.id for entry in entries}
            with self._writes.writing(collection, ids) if ids else nullcontext():
                if over_grpc:
                    await cast("Any", client.grpc_points).Upsert(made, timeout=self._settings.timeout)
                else:
                    await client.upsert(target.name, made, wait=True)

        await target.write(f"storing {len(entries)} entries in", store)

    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        """The entries that are there."""
        return await self._target(collection).get(ids)

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
        """The closest, by the index or by comparing all."""
        target, asked = self._target(collection), Asked(vector, limit, min_similarity, where, now)
        with self._writes.watching(collection) as written:
            matches = await searching.search(target, asked)
            return await searching.paired(target, asked, matches, written)

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
        """Both in one request."""
        target, asked = self._target(collection), Asked(vector, limit, min_similarity, where, now)
        if limit > target.limits.page:
            conditions: Any = {"limit": limit, "min_similarity": min_similarity, "where": where, "now": now}
            return await super().get_and_search(collection, entry_id, vector, **conditions)
        with self._writes.watching(collection) as written:
            entry, matches = await searching.get_and_search(target, asked, entry_id)
            return entry, await searching.paired(target, asked, matches, written)

    async def scroll(
        self,
        collection: str,
        *,
        where: Where | None = None,
        limit: int = 500,
        cursor: str | None = None,
        with_vectors: bool = False,
    ) -> Page:
        """Entries in the order of their ids; the cursor is the first id of the next page."""
        target, condition = self._target(collection), matching(where)
        entries: list[CacheEntry] = []
        while True:
            wanted: dict[str, Any] = {"limit": min(limit - len(entries), target.limits.page), "offset": cursor}
            wanted |= {"with_payload": points.ENTRY_FIELDS, "with_vectors": with_vectors}
            found, following = await target.read("reading", schema.page_of(target.name, condition, wanted))
            entries += target.entries(found, with_vectors=with_vectors)
            cursor = None if following is None else str(following)
            if cursor is None or len(entries) >= limit:
                return Page(entries, cursor)

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        """How many match."""
        target, condition = self._target(collection), matching(where)
        return await target.read("counting", lambda client: schema.count(client, target.name, condition, target.limits))

    async def delete(self, collection: str, *, where: Where) -> int:
        """Count what matches, and remove it; the deletes of this process take turns."""
        target, condition = self._target(collection), matching(where) or models.Filter()
        selected = models.FilterSelector(filter=condition)
        async with self._lock("delete", collection):
            there = await self.count(collection, where=where)
            if there:
                await target.write("deleting from", lambda client: client.delete(target.name, selected, wait=True))
        return there

    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        """Count, by compare and set."""
        target = self._target(collection)
        adding = feedback.Adding(target.name, entry_id, correct, incorrect, self._writer, target.source)
        # the tasks of this process take turns, so that they need not outbid each other
        async with self._lock("feedback", collection, entry_id):
            return await target.write("counting feedback in", lambda client: feedback.add(client, adding))

    async def _info(self, target: Target, doing: str, spec: CollectionSpec) -> models.CollectionInfo:
        """Of the collection, which is made where there is none."""
        options = schema.options_of(self._settings, spec)
        for pause in _PAUSES:
            try:
                return await target.read(doing, lambda client: client.get_collection(target.name))
            except CollectionNotFoundError:
                await target.write(
                    doing, lambda client: schema.create(client, target.name, target.collection, spec, options)
                )
                await asyncio.sleep(pause)
        return await target.read(doing, lambda client: client.get_collection(target.name))

    def _target(self, collection: str) -> Target:
        if self._connection is None:
            raise not_connected(self._settings.place)
        return Target(self._connection, self._settings, collection, self._limits.get(collection, schema.NO_LIMITS))

    def _lock(self, *of: str) -> asyncio.Lock:
        return self._locks.setdefault(of, asyncio.Lock())
