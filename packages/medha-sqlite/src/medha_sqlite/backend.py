"""The backend: every collection in one SQLite file, every search exact."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from medha.backend import VectorStorageBackend
from medha.errors import CollectionMismatchError, CollectionNotFoundError
from medha.explaining import not_connected
from medha.memory import mismatch_message, not_found_message
from medha.models import CacheEntry, CollectionSpec, Match, Page
from medha.where import Where
from medha_sqlite import statements
from medha_sqlite.connection import Connection
from medha_sqlite.plugin import CAPABILITIES
from medha_sqlite.rows import Collection, condition, from_entry, to_entry
from medha_sqlite.vectors import Matrices, acceptance

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from medha.capabilities import Capability, Support
    from medha.models import Vector
    from medha_sqlite.settings import SqliteSettings

DELETIONS_ON_RECORD: Final = 10_000
"""Per collection. Who has missed more than these reads its vectors anew, which is also about as fast."""


class SqliteBackend(VectorStorageBackend):
    """Entries and vectors in one file; a copy of the vectors in memory from the first search on."""

    capabilities: Mapping[Capability, Support] = CAPABILITIES

    def __init__(self, settings: SqliteSettings) -> None:
        self._settings = settings
        self._connection: Connection | None = None
        self._matrices = Matrices()

    async def connect(self) -> None:
        """Open the file, making it where there is none."""
        if self._connection is None:
            self._connection = Connection(self._settings)
        await self._connection.open()

    async def close(self) -> None:
        """Close the file, and forget the vectors held in memory."""
        connection, self._connection = self._connection, None
        self._matrices = Matrices()
        if connection is not None:
            await connection.close()

    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        """Make the collection, or open the one in the file."""

        def find(database: sqlite3.Connection) -> Collection | None:
            return _find(database, collection)

        def make(database: sqlite3.Connection) -> Collection:
            database.execute(statements.MAKE_COLLECTION, (collection, spec.dimension, spec.model_name))
            return _existing(database, collection)

        doing = f"opening the collection {collection!r}"
        # only a new collection takes the write lock
        stored = await self._open.read(doing, find) or await self._open.write(doing, make)
        stored_spec = CollectionSpec(dimension=stored.dimension, model_name=stored.model_name)
        if stored_spec != spec:
            raise CollectionMismatchError(mismatch_message(collection, stored_spec, spec))

    async def drop_collection(self, collection: str) -> None:
        """Remove the collection; its room in the file is used again by later entries."""

        def drop(database: sqlite3.Connection) -> None:
            self._matrices.forget(collection)
            found = _find(database, collection)
            if found is not None:
                for statement in (statements.DROP_ENTRIES, statements.DROP_DELETIONS, statements.DROP_COLLECTION):
                    database.execute(statement, (found.number,))

        await self._open.write(f"dropping the collection {collection!r}", drop)

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        """Store the entries in one transaction."""

        def store(database: sqlite3.Connection) -> None:
            target = _existing(database, collection)
            changed = _next_change(database, target)
            database.executemany(statements.UPSERT, (from_entry(entry, target, changed) for entry in entries))

        await self._open.write(f"storing {len(entries)} entries in {collection!r}", store)

    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        """The entries that are there."""
        one = len(ids) == 1
        statement, wanted = (statements.GET_ENTRY, ids[0]) if one else (statements.GET_ENTRIES, json.dumps(list(ids)))

        def read(database: sqlite3.Connection) -> list[Any]:
            return database.execute(statement, (wanted, collection)).fetchall()

        def made(rows: list[Any]) -> list[CacheEntry]:
            if not rows:
                raise CollectionNotFoundError(not_found_message(collection))
            return [to_entry(row) for row in rows if row[0] is not None]

        return await self._open.read_at_once(f"getting {len(ids)} entries of {collection!r}", read, made, few=one)

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
        """One product of the matrix with the vector, and the entries of what it finds, from one snapshot."""

        def find(database: sqlite3.Connection) -> list[Match]:
            source = _find(database, collection)
            if source is None:
                self._matrices.forget(collection)
                raise CollectionNotFoundError(not_found_message(collection))
            found = self._matrices.up_to_date(database, source).search_here(
                vector,
                limit=limit,
                min_similarity=min_similarity,
                accept=acceptance(where.metadata, now, _allowed_ids(database, source, where)),
            )
            if not found:
                return []
            entries = {entry.id: entry for entry in _entries(database, source, [row.id for row, _ in found])}
            # a row that another program removed from the file, past Medha, is not there
            return [Match(entries[row.id], similarity) for row, similarity in found if row.id in entries]

        return await self._open.read(f"searching {collection!r}", find)

    async def scroll(
        self,
        collection: str,
        *,
        where: Where | None = None,
        limit: int = 500,
        cursor: str | None = None,
        with_vectors: bool = False,
    ) -> Page:
        """Entries in the order in which their ids first came; the cursor is the last one's serial number."""
        head, tail = statements.SELECT_PAGE_WITH_VECTORS if with_vectors else statements.SELECT_PAGE
        after = int(cursor) if cursor is not None else 0

        def read(database: sqlite3.Connection) -> Page:
            source = _existing(database, collection)
            matching, values = condition(where, source)
            values |= {"after": after, "limit": limit + 1}
            rows = database.execute(head + matching + tail, values).fetchall()
            more = len(rows) > limit
            entries = [to_entry(row, source.dimension) for row in rows[:limit]]
            return Page(entries, str(rows[limit - 1][0]) if more else None)

        return await self._open.read(f"reading {collection!r}", read)

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        """How many match."""

        def count(database: sqlite3.Connection) -> int:
            matching, values = condition(where, _existing(database, collection))
            return database.execute(statements.COUNT + matching, values).fetchone()[0]

        return await self._open.read(f"counting {collection!r}", count)

    async def delete(self, collection: str, *, where: Where) -> int:
        """Remove what matches, and put on record what it was for the vectors that other processes hold."""
        head, tail = statements.DELETE

        def delete(database: sqlite3.Connection) -> int:
            target = _existing(database, collection)
            matching, values = condition(where, target)
            deleted = database.execute(head + matching + tail, values).fetchall()
            if deleted:
                _record_deletions(database, target, deleted)
            return len(deleted)

        return await self._open.write(f"deleting from {collection!r}", delete)

    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        """Count."""

        def add(database: sqlite3.Connection) -> tuple[int, int] | None:
            number = _existing(database, collection).number
            return database.execute(statements.ADD_FEEDBACK, (correct, incorrect, number, entry_id)).fetchone()

        return await self._open.write(f"counting feedback in {collection!r}", add)

    @property
    def _open(self) -> Connection:
        if self._connection is None:
            raise not_connected("sqlite", self._settings.path)
        return self._connection


def _find(database: sqlite3.Connection, collection: str) -> Collection | None:
    row = database.execute(statements.FIND_COLLECTION, (collection,)).fetchone()
    return None if row is None else Collection(*row)


def _existing(database: sqlite3.Connection, collection: str) -> Collection:
    found = _find(database, collection)
    if found is None:
        raise CollectionNotFoundError(not_found_message(collection))
    return found


def _next_change(database: sqlite3.Connection, collection: Collection) -> int:
    return database.execute(statements.NEXT_CHANGE, (collection.number,)).fetchone()[0]


def _entries(database: sqlite3.Connection, source: Collection, ids: Sequence[str]) -> list[CacheEntry]:
    matching, values = condition(Where(ids=ids), source)
    return [to_entry(row) for row in database.execute(statements.SELECT_ENTRIES + matching, values)]


def _allowed_ids(database: sqlite3.Connection, source: Collection, where: Where) -> set[str] | None:
    """The ids that fulfil the conditions that a matrix row cannot answer; ``None`` when there are none of those."""
    if where == Where(metadata=where.metadata):
        return None
    matching, values = condition(where, source)
    return {row[0] for row in database.execute(statements.SELECT_IDS + matching, values)}


def _record_deletions(database: sqlite3.Connection, target: Collection, deleted: Sequence[Any]) -> None:
    changed = _next_change(database, target)
    # one more than is kept is enough to have all of them forgotten
    recorded = [(target.number, changed, row[0]) for row in deleted[: DELETIONS_ON_RECORD + 1]]
    database.executemany(statements.RECORD_DELETION, recorded)
    too_many = database.execute(statements.OLDEST_TOO_MANY, (target.number, DELETIONS_ON_RECORD)).fetchone()
    if too_many is not None:
        database.execute(statements.FORGET_DELETIONS, (target.number, too_many[0]))
        database.execute(statements.RECORD_FORGOTTEN, (too_many[0], target.number))
