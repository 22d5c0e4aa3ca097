"""The backend: every collection in a Lance table."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from medha.backend import VectorStorageBackend
from medha.errors import BackendError, BackendUnavailableError, CollectionMismatchError, CollectionNotFoundError
from medha.memory import mismatch_message
from medha.models import Match, Page
from medha_lancedb import rows
from medha_lancedb.arrow import connect
from medha_lancedb.conditions import matching, with_ids
from medha_lancedb.names import table_name
from medha_lancedb.plugin import CAPABILITIES, capabilities_with
from medha_lancedb.table import Table, translated
from medha_lancedb.writing import Delete, Feedback, Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from medha.capabilities import Capability, Support
    from medha.models import CacheEntry, CollectionSpec, Vector
    from medha.where import Where
    from medha_lancedb.arrow import Rows
    from medha_lancedb.settings import LanceSettings

_FEW: Final = 16
"""Entries that are turned into rows on the event loop; more are on a thread."""


class LanceBackend(VectorStorageBackend):
    """Entries as rows of tables that several processes may use."""

    capabilities: Mapping[Capability, Support] = CAPABILITIES

    def __init__(self, settings: LanceSettings) -> None:
        self.capabilities = capabilities_with(settings)
        self._settings = settings
        self._database: Any = None
        self._tables: dict[str, Table] = {}
        self._opening = asyncio.Lock()

    async def connect(self) -> None:
        """Find the place, making the folder where there is none."""
        async with self._opening:
            if self._database is None:
                self._database = await self._run("opening", "", self._connect)

    async def close(self) -> None:
        """Finish the writes that were begun."""
        tables, self._tables = self._tables, {}
        database, self._database = self._database, None
        await asyncio.gather(*(table.writer.finish() for table in tables.values()))
        if database is not None:
            database.close()

    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        """Make the table, or open the one that is there."""
        doing = "opening the collection"
        async with self._opening:
            try:
                table = await self._open(doing, collection)
            except CollectionNotFoundError:
                table = await self._make(doing, collection, spec)
        stored = rows.spec_of(table.schema, f"{doing} {table.source}")
        if stored != spec:
            raise CollectionMismatchError(mismatch_message(collection, stored, spec))

    async def drop_collection(self, collection: str) -> None:
        """Remove the table with its files."""
        database = self._connected
        table = self._tables.pop(collection, None)
        if table is not None:
            await table.writer.finish()
        name = table_name(self._settings.prefix, collection)
        doing = f"dropping the collection {collection!r}"
        await self._run(doing, collection, lambda: database.drop_table(name, ignore_missing=True), writing=True)

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        """Store the entries in one commit, which others may share."""
        table = await self._table(collection)
        if not entries:
            return
        make = (entries, table.schema, table.source)
        made = rows.to_table(*make) if len(entries) <= _FEW else await asyncio.to_thread(rows.to_table, *make)
        await self._write(collection, Store(made))

    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        """The entries that are there."""
        doing, condition, wanted = f"getting {len(ids)} entries of", with_ids(ids), set(ids)
        found = await self._read(collection, lambda table: table.rows(doing, condition))
        return [entry for entry in await self._entries(collection, found) if entry.id in wanted]

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
        condition = matching(where, alive_at=now)
        found, similarities = await self._read(
            collection, lambda table: table.nearest(vector, limit=limit, condition=condition)
        )
        entries = await self._entries(collection, found)
        matches = [Match(entry, similarity) for entry, similarity in zip(entries, similarities, strict=True)]
        return [match for match in matches if match.similarity >= min_similarity and where.matches(match.entry)]

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
        condition = matching(where, after=cursor)
        found = await self._read(
            collection,
            lambda table: table.rows("reading", condition, limit=limit + 1, with_vectors=with_vectors),
        )
        page = found.slice(0, limit)
        following = str(page.column("place")[limit - 1].as_py()) if len(found) > limit else None
        return Page(await self._entries(collection, page), following)

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        """How many match."""
        condition = matching(where)
        return await self._read(collection, lambda table: table.count(condition))

    async def delete(self, collection: str, *, where: Where) -> int:
        """Remove what matches."""
        return await self._write(collection, Delete(matching(where)))

    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        """Count, in one commit, which others may share."""
        return await self._write(collection, Feedback(entry_id, correct, incorrect))

    async def _connect(self) -> Any:
        if self._settings.local:
            await asyncio.to_thread(Path(self._settings.uri).mkdir, parents=True, exist_ok=True)
        options = {name: value.get_secret_value() for name, value in self._settings.storage_options.items()}
        database = await connect(
            self._settings.uri, storage_options=options or None, read_consistency_interval=timedelta(0)
        )
        await database.list_tables(limit=1)
        return database

    async def _open(self, doing: str, collection: str) -> Table:
        database, name = self._connected, table_name(self._settings.prefix, collection)

        async def opening() -> Table:
            opened = await database.open_table(name)
            return Table(opened, await opened.schema(), collection, self._settings)

        table = await self._run(f"{doing} {collection!r}", collection, opening)
        return self._keep(collection, table)

    async def _make(self, doing: str, collection: str, spec: CollectionSpec) -> Table:
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

    def _keep(self, collection: str, table: Table) -> Table:
        known = self._tables.get(collection)
        if known is not None and known.schema.equals(table.schema, check_metadata=True):
            # what is waiting to be written there keeps its turn
            return known
        self._tables[collection] = table
        return table

    async def _table(self, collection: str) -> Table:
        return self._tables.get(collection) or await self._open("opening the collection", collection)

    async def _read(self, collection: str, call: Callable[[Table], Awaitable[Any]]) -> Any:
        known = await self._table(collection)
        try:
            return await call(known)
        except CollectionNotFoundError:
            # another process has dropped it, and perhaps made it anew
            self._tables.pop(collection, None)
            return await call(await self._open("opening the collection", collection))

    async def _write(self, collection: str, work: Store | Feedback | Delete) -> Any:
        return await self._read(collection, lambda table: table.writer.do(work))

    async def _entries(self, collection: str, found: Rows) -> list[CacheEntry]:
        source = f"{collection!r} on {self._settings.uri}"
        if len(found) <= _FEW:
            return rows.to_entries(found, source)
        return await asyncio.to_thread(rows.to_entries, found, source)

    async def _run(self, doing: str, collection: str, call: Callable[[], Awaitable[Any]], **kind: bool) -> Any:
        return await translated(call, doing=doing, place=self._settings.uri, collection=collection, **kind)

    @property
    def _connected(self) -> Any:
        if self._database is None:
            raise BackendUnavailableError(
                f"the lancedb backend on {self._settings.uri} is not connected; call connect() first"
            )
        return self._database
