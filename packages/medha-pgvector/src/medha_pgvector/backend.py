"""The backends: a table for each collection, and one statement for each call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medha.backend import VectorStorageBackend
from medha.errors import BackendUnavailableError, CollectionMismatchError
from medha.memory import mismatch_message
from medha.models import Match, Page
from medha_pgvector import statements
from medha_pgvector.database import Database, server_of
from medha_pgvector.indexes import VectorIndex, hnsw, vchordrq
from medha_pgvector.indexing import Indexer
from medha_pgvector.plugin import CAPABILITIES, capabilities_with
from medha_pgvector.rows import many_rows, one_row, pack, to_entry, to_entry_and_distance, to_entry_with_vector
from medha_pgvector.table import Table, aside

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import LiteralString

    from medha.capabilities import Capability, Support
    from medha.models import CacheEntry, CollectionSpec, Vector
    from medha.where import Where
    from medha_pgvector.settings import PgvectorSettings, PostgresSettings, VectorchordSettings


class PostgresBackend(VectorStorageBackend):
    """What the two backends share, which is all but the kind of their vector index."""

    capabilities: Mapping[Capability, Support] = CAPABILITIES

    def __init__(self, settings: PostgresSettings, index: VectorIndex) -> None:
        self._settings = settings
        self._index = index
        self._server = server_of(settings)
        self._database: Database | None = None
        self._indexer: Indexer
        self.capabilities = capabilities_with(settings)

    async def connect(self) -> None:
        """Log in, and make extension, schema and tables where they are missing."""
        if self._database is not None:
            return
        database = Database(self._server, self._settings.pool_size)
        try:
            await database.prepare(self._settings.schema_name, self._index)
        except BaseException:
            await database.close()
            raise
        if self._database is None:
            self._database, self._indexer = database, Indexer(database, self._settings)
        else:  # another task was faster
            await database.close()

    async def close(self) -> None:
        """Stop making indexes, and close the connections."""
        database, self._database = self._database, None
        if database is not None:
            try:
                await self._indexer.close()
            finally:
                await database.close()

    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        """Make the collection's table, or open the one that is there."""
        table = self._table(collection)
        stored = await table.open_or_make(spec)
        if stored != spec:
            raise CollectionMismatchError(mismatch_message(collection, stored, spec))
        if self._settings.metadata_index:
            await table.execute("indexing the metadata of", statements.MAKE_METADATA_INDEX, {})
        self._indexer.look(collection)

    async def drop_collection(self, collection: str) -> None:
        """Drop the collection's table."""
        table = self._table(collection)
        await self._indexer.forget(collection)
        await table.drop()

    async def build_index(self, collection: str) -> None:
        """Make the vector index now, however few entries there are, and wait for it: after a bulk load, say."""
        table = self._table(collection)
        await self._indexer.forget(collection)
        await table.build_index()

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        """Store the entries with one statement, which is a transaction of its own."""
        if not entries:
            await self.get(collection, [])
            return
        table, doing = self._table(collection), f"storing {len(entries)} entries in"
        if len(entries) == 1:
            await table.execute(doing, statements.UPSERT_ONE, one_row(entries[0]))
        else:
            rows = await aside(len(entries), lambda: many_rows(entries))
            await table.execute(doing, statements.UPSERT_MANY, rows)
        self._indexer.wrote(collection, len(entries))

    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        """The entries that are there."""
        table, doing = self._table(collection), f"getting {len(ids)} entries of"
        if len(ids) == 1:
            return await table.fetch(doing, statements.GET_ONE, {"id": ids[0]}, to_entry)
        return await table.fetch(doing, statements.GET, {"ids": list(ids)}, to_entry)

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
        """The closest entries, from the index where there is one and it finds enough."""
        exact = self._exact(vector)
        found = await self._found(
            collection,
            statements.EXACT_SEARCH if exact else statements.APPROXIMATE_SEARCH,
            vector,
            statements.asked(where, alive_at=now),
            {"min_similarity": min_similarity},
            limit=limit,
        )
        return [Match(entry, 1.0 - distance) for entry, distance in found]

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
        """Both with one statement."""
        exact = self._exact(vector)
        found = await self._found(
            collection,
            statements.GET_AND_EXACT_SEARCH if exact else statements.GET_AND_APPROXIMATE_SEARCH,
            vector,
            statements.asked(where, alive_at=now),
            {"min_similarity": min_similarity, "id": entry_id},
            limit=limit,
        )
        # only the entry that was asked for by its id has no distance
        entry = next((entry for entry, distance in found if distance is None), None)
        return entry, [Match(entry, 1.0 - distance) for entry, distance in found if distance is not None]

    async def scroll(
        self,
        collection: str,
        *,
        where: Where | None = None,
        limit: int = 500,
        cursor: str | None = None,
        with_vectors: bool = False,
    ) -> Page:
        """Entries in the order of their ids; the cursor is the last one's."""
        asked = statements.asked(where, after=cursor)
        found = await self._table(collection).fetch(
            "reading",
            statements.SCROLL_WITH_VECTORS if with_vectors else statements.SCROLL,
            asked,
            to_entry_with_vector if with_vectors else to_entry,
            conditions=tuple(asked),
            limit=limit + 1,
        )
        return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        """How many match."""
        asked = statements.asked(where)
        table = self._table(collection)
        ((count,),) = await table.fetch("counting", statements.COUNT, asked, tuple[int], conditions=tuple(asked))
        return count

    async def delete(self, collection: str, *, where: Where) -> int:
        """Remove what matches."""
        asked = statements.asked(where)
        return await self._table(collection).execute("deleting from", statements.DELETE, asked, conditions=tuple(asked))

    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        """Count."""
        values = {"id": entry_id, "correct": correct, "incorrect": incorrect}
        table = self._table(collection)
        counted = await table.fetch("counting feedback in", statements.ADD_FEEDBACK, values, tuple[int, int])
        return counted[0] if counted else None

    async def _found(
        self,
        collection: str,
        template: LiteralString,
        vector: Vector,
        asked: dict[str, Any],
        values: dict[str, Any],
        *,
        limit: int,
    ) -> list[tuple[CacheEntry, Any]]:
        return await self._table(collection).fetch(
            "searching",
            template,
            {**values, **asked, "vector": pack(vector)},
            to_entry_and_distance,
            conditions=tuple(asked),
            dimension=len(vector),
            limit=limit,
        )

    def _exact(self, vector: Vector) -> bool:
        return self._settings.index == "none" or len(vector) > self._index.largest_dimension

    def _table(self, collection: str) -> Table:
        return Table(self._open, collection)

    @property
    def _open(self) -> Database:
        if self._database is None:
            raise BackendUnavailableError(
                f"the backend is not connected to {self._server.address}; await its connect() first (Medha does so "
                "when it starts)"
            )
        return self._database


class PgvectorBackend(PostgresBackend):
    """PostgreSQL with pgvector: searches are exact, or by an HNSW index from a number of entries on."""

    def __init__(self, settings: PgvectorSettings) -> None:
        super().__init__(settings, hnsw(settings))


class VectorchordBackend(PostgresBackend):
    """PostgreSQL with VectorChord: searches are exact, or by a vchordrq index from a number of entries on."""

    def __init__(self, settings: VectorchordSettings) -> None:
        super().__init__(settings, vchordrq(settings))
