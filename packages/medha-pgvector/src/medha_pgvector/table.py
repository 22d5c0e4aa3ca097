"""The table of one collection, and what is done with it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg

from medha.errors import CollectionNotFoundError
from medha.memory import not_found_message
from medha.models import CollectionSpec
from medha_pgvector import statements
from medha_pgvector.database import lock
from medha_pgvector.names import rendered, table_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import LiteralString

    from medha_pgvector.database import Database
    from medha_pgvector.pool import Connection

T = TypeVar("T")

_INLINE_ROWS: Final = 100
"""More take over a millisecond to convert, which is done in a thread."""


class Table:
    """Each method is one call of the backend, or a part of one."""

    def __init__(self, database: Database, collection: str) -> None:
        self._database = database
        self._collection = collection
        self._name = table_of(collection)

    async def fetch(
        self,
        doing: str,
        template: LiteralString,
        values: dict[str, Any],
        to: Callable[[tuple[Any, ...]], T],
        *,
        conditions: tuple[str, ...] = (),
        dimension: int = 0,
        limit: int = 0,
    ) -> list[T]:
        """What the rows of one statement are turned into."""
        query = self._rendered(template, conditions=conditions, dimension=dimension, limit=limit)
        # planned for the very values: how many entries match decides whether an index helps
        prepare = False if "metadata" in conditions else None

        async def work(connection: Connection) -> list[T]:
            cursor = connection.cursor(binary=True)
            await cursor.execute(query, values, prepare=prepare)
            rows = await cursor.fetchall()
            return await aside(len(rows), lambda: [to(row) for row in rows])

        return await self._database.run(f"{doing} {self._collection!r}", self._collection, work)

    async def execute(
        self, doing: str, template: LiteralString, values: dict[str, Any], *, conditions: tuple[str, ...] = ()
    ) -> int:
        """How many rows one statement changed."""
        query = self._rendered(template, conditions=conditions)

        async def work(connection: Connection) -> int:
            return (await connection.execute(query, values)).rowcount

        return await self._database.run(f"{doing} {self._collection!r}", self._collection, work)

    async def open_or_make(self, spec: CollectionSpec) -> CollectionSpec:
        """The spec that the collection was made with, which is now where it was not there."""
        doing = f"opening the collection {self._collection!r}"

        async def make(connection: Connection) -> CollectionSpec:
            async with connection.transaction():
                await self._lock(connection)
                stored = await self._spec(connection)
                if stored is None:
                    await self._make(connection, spec)
            return stored or spec

        # only a new collection takes the lock
        stored = await self._database.run(doing, self._collection, self._spec)
        return stored or await self._database.run(doing, self._collection, make)

    async def drop(self) -> None:
        """Remove the table, and the collection from the list of them."""

        async def work(connection: Connection) -> None:
            async with connection.transaction():
                await self._lock(connection)
                await connection.execute(self._rendered(statements.DROP_ENTRIES))
                await connection.execute(self._rendered(statements.FORGET_COLLECTION), {"table": self._name})

        await self._database.run(f"dropping the collection {self._collection!r}", self._collection, work)

    async def holds(self, count: int) -> bool:
        """Whether there are so many entries."""
        counted = await self.fetch("counting", statements.COUNT_UP_TO, {}, tuple[int], limit=count)
        return counted == [(count,)]

    async def build_index(self) -> None:
        """Make the vector index, unless it is there or another process is making it; writers need not wait.

        There is none for vectors of more dimensions than it can hold; searching them is always exact. Of two that
        begin at the very same moment the second waits for the first.
        """
        index = self._database.names.index

        async def work(connection: Connection) -> None:
            spec = await self._spec(connection)
            if spec is None:
                raise CollectionNotFoundError(not_found_message(self._collection))
            if spec.dimension > index.largest_dimension:
                return
            state = await (await connection.execute(self._rendered(statements.FIND_INDEX))).fetchone()
            if state == (False, False):
                # its maker was stopped midway
                await connection.execute(self._rendered(statements.DROP_INDEX))
            elif state is not None:
                return
            make = index.make_half if index.halved(spec.dimension) else index.make
            try:
                await connection.execute(self._rendered(make, dimension=spec.dimension))
            except psycopg.errors.UniqueViolation:
                return  # another process began at the same moment

        await self._database.run(f"making the vector index of {self._collection!r}", self._collection, work)

    async def _make(self, connection: Connection, spec: CollectionSpec) -> None:
        values = {
            "table": self._name,
            "name": self._collection,
            "dimension": spec.dimension,
            "model_name": spec.model_name,
        }
        await connection.execute(self._rendered(statements.RECORD_COLLECTION), values)
        await connection.execute(self._rendered(statements.MAKE_ENTRIES, dimension=spec.dimension))
        if spec.dimension <= statements.LARGEST_INLINE_DIMENSION:
            await connection.execute(self._rendered(statements.KEEP_VECTORS_INLINE))
        for statement in statements.MAKE_INDEXES:
            await connection.execute(self._rendered(statement))

    async def _spec(self, connection: Connection) -> CollectionSpec | None:
        found = await connection.execute(self._rendered(statements.FIND_COLLECTION), {"table": self._name})
        row = await found.fetchone()
        return None if row is None else CollectionSpec(dimension=row[0], model_name=row[1])

    async def _lock(self, connection: Connection) -> None:
        await lock(connection, f"medha {self._database.names.schema}.{self._name}")

    def _rendered(
        self,
        template: LiteralString,
        *,
        conditions: tuple[str, ...] = (),
        dimension: int = 0,
        limit: int = 0,
    ) -> bytes:
        return rendered(
            template, self._database.names, self._name, conditions=conditions, dimension=dimension, limit=limit
        )


async def aside(count: int, work: Callable[[], T]) -> T:
    """The work, done in a thread when it is about many rows."""
    return work() if count <= _INLINE_ROWS else await asyncio.to_thread(work)
