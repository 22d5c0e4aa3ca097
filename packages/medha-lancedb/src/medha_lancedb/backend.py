"""The backend: every collection in a Lance table."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from medha.backend import VectorStorageBackend
from medha.errors import BackendError, BackendUnavailableError, CollectionMismatchError, CollectionNotFoundError
from medha.memory import mismatch_message
from medha_lancedb import rows
from medha_lancedb.arrow import connect
from medha_lancedb.collection import Collection
from medha_lancedb.errors import translated
from medha_lancedb.names import table_name
from medha_lancedb.plugin import CAPABILITIES, capabilities_with
from medha_lancedb.table import Table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from medha.capabilities import Capability, Support
    from medha.models import CacheEntry, CollectionSpec, Match, Page, Vector
    from medha.where import Where
    from medha_lancedb.settings import LanceSettings

T = TypeVar("T")


class LanceBackend(VectorStorageBackend):
    """Entries as rows of tables that several processes may use."""

    capabilities: Mapping[Capability, Support] = CAPABILITIES

    def __init__(self, settings: LanceSettings) -> None:
        self.capabilities = capabilities_with(settings)
        self._settings = settings
        self._database: Any = None
        self._folder: Path | None = None
        self._known: dict[str, Collection] = {}
        self._opening = asyncio.Lock()

    async def connect(self) -> None:
        """Find the place, making the folder where there is none."""
        async with self._opening:
            if self._database is None:
                self._database = await self._run("opening", "", self._connect)

    async def close(self) -> None:
        """Finish the writes that were begun."""
        known, self._known = self._known, {}
        database, self._database = self._database, None
        await asyncio.gather(*(collection.close() for collection in known.values()))
        if database is not None:
            database.close()

    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        """Make the table, or open the one that is there."""
        doing = "opening the collection"
        async with self._opening:
            try:
                known = await self._open(doing, collection)
            except CollectionNotFoundError:
                known = await self._make(doing, collection, spec)
        if known.table.spec != spec:
            raise CollectionMismatchError(mismatch_message(collection, known.table.spec, spec))

    async def drop_collection(self, collection: str) -> None:
        """Remove the table with its files."""
        database = self._connected
        known = self._known.pop(collection, None)
        if known is not None:
            await known.close(merging=False)
        name = table_name(self._settings.prefix, collection)
        doing = f"dropping the collection {collection!r}"
        await self._run(doing, collection, lambda: database.drop_table(name, ignore_missing=True), writing=True)

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        """Store the entries: a few in the file of pending ones, many in a commit that others may share."""
        if not entries:
            await self._collection(collection)
            return
        await self._do(collection, lambda known: known.upsert(entries))

    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        """The entries that are there."""
        return await self._do(collection, lambda known: known.get(ids))

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
        """The closest, by comparing all, or by the index of a large table."""
        return await self._do(
            collection,
            lambda known: known.search(vector, limit=limit, min_similarity=min_similarity, where=where, now=now),
        )

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
        return await self._do(collection, lambda known: known.scroll(where, limit, cursor, with_vectors=with_vectors))

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        """How many match."""
        return await self._do(collection, lambda known: known.count(where))

    async def delete(self, collection: str, *, where: Where) -> int:
        """Remove what matches."""
        return await self._do(collection, lambda known: known.delete(where))

    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        """Count, in one commit, which others may share."""
        return await self._do(collection, lambda known: known.add_feedback(entry_id, correct, incorrect))

    async def _connect(self) -> Any:
        if self._settings.local:
            self._folder = await asyncio.to_thread(_made, self._settings.uri)
        options = {name: value.get_secret_value() for name, value in self._settings.storage_options.items()}
        database = await connect(
            self._folder or self._settings.uri, storage_options=options or None, read_consistency_interval=timedelta(0)
        )
        await database.list_tables(limit=1)
        return database

    async def _open(self, doing: str, collection: str) -> Collection:
        database, name = self._connected, table_name(self._settings.prefix, collection)

        async def opening() -> Table:
            opened = await database.open_table(name)
            folder = self._folder and self._folder / f"{name}.lance"
            return Table(opened, await opened.schema(), collection, folder, self._settings)

        table = await self._run(f"{doing} {collection!r}", collection, opening)
        known = self._known.get(collection)
        if known is None or not known.table.schema.equals(table.schema, check_metadata=True):
            stale, known = known, Collection(table, collection, self._settings)
            self._known[collection] = known
            if stale is not None:
                await stale.close(merging=False)
        # else what is waiting to be written there keeps its turn
        await known.open()
        return known

    async def _make(self, doing: str, collection: str, spec: CollectionSpec) -> Collection:
        database, name = self._connected, table_name(self._settings.prefix, collection)
        schema = rows.schema(collection, spec)
        try:
            await self._run(
                f"{doing} {collection!r}",
                collection,
                lambda: database.create_table(name, schema=schema, exist_ok=True),
                writing=True,
            )
        except BackendError:
            # another process may have made it at the same moment
            try:
                return await self._open(doing, collection)
            except CollectionNotFoundError:
                pass
            raise
        return await self._open(doing, collection)

    async def _collection(self, collection: str) -> Collection:
        known = self._known.get(collection)
        if known is not None and await known.table.is_as_opened():
            return known
        return await self._open("opening the collection", collection)

    async def _do(self, collection: str, call: Callable[[Collection], Awaitable[T]]) -> T:
        known = await self._collection(collection)
        try:
            return await call(known)
        except CollectionNotFoundError:
            # another process has dropped it, and perhaps made it anew
            if self._known.get(collection) is known:
                del self._known[collection]
            return await call(await self._collection(collection))

    async def _run(self, doing: str, collection: str, call: Callable[[], Awaitable[Any]], **kind: bool) -> Any:
        return await translated(call, doing=doing, place=self._settings.uri, collection=collection, **kind)

    @property
    def _connected(self) -> Any:
        if self._database is None:
            raise BackendUnavailableError(
                f"the lancedb backend on {self._settings.uri} is not connected; call connect() first"
            )
        return self._database


def _made(uri: str) -> Path:
    # it stays where it is, though the program may go to another folder
    folder = Path(uri).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder
