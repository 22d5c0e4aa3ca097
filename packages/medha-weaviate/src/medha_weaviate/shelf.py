"""One collection in Weaviate, or one tenant of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from weaviate.classes.config import ConsistencyLevel
from weaviate.classes.query import Sort
from weaviate.exceptions import UnexpectedStatusCodeError

from medha.errors import BackendWriteError
from medha_weaviate import queries
from medha_weaviate.errors import FAILURES, is_absent_tenant
from medha_weaviate.objects import READ, READ_WHOLE, size_of, to_object, to_stored_row

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence

    from medha.models import Vector
    from medha.tallies import Row, Tally
    from medha_weaviate.connection import Connection
    from medha_weaviate.errors import Doing

FIRST: Final = "00000000-0000-0000-0000-000000000000"
"""Where a cursor begins."""

_OWNERS_AT_ONCE: Final = 500
_OBJECTS_AT_ONCE: Final = 1000
_INLINE_OBJECTS: Final = 10
"""More than these are turned into messages in a thread, with the event loop free meanwhile."""
_BELOW_BY_ROUNDING: Final = 1e-5


@dataclass(frozen=True, slots=True)
class Shelf:
    """Reads and writes rows; a tenant that does not exist is an empty one."""

    connection: Connection
    name: str
    """Of the class in Weaviate."""
    tenant: str | None
    doing: Doing

    async def page(self, condition: Any, after: str, limit: int, *, with_vectors: bool) -> list[Row]:
        """Rows in the order of their keys, from behind ``after``; fewer than ``limit`` are the last ones."""
        wanted: dict[str, Any] = {"limit": limit, "return_properties": READ_WHOLE if with_vectors else READ}
        if condition is None:
            # the cursor reads objects where they lie, and can be combined with no filter and no order
            wanted["after"] = after
        else:
            wanted["filters"] = condition if after == FIRST else queries.after_owner(condition, after)
            wanted["sort"] = Sort.by_property("owner", ascending=True)
        return [{**row, "key": key} for key, row, _ in await self._found(self._query.fetch_objects(**wanted))]

    async def of_owners(self, owners: Iterable[str], *, with_vectors: bool = False) -> list[Row]:
        """The entries with these keys, and their tallies."""
        return await self._all_of(list(dict.fromkeys(owners)), queries.of_owners, with_vectors)

    async def tallies_of(self, owners: Iterable[str]) -> list[Row]:
        """The tallies of these entries."""
        return await self._all_of(list(dict.fromkeys(owners)), queries.tallies_of, with_vectors=False)

    async def closest(
        self, vector: Vector, condition: Any, limit: int, min_similarity: float
    ) -> list[tuple[Row, float]]:
        """The closest entries that fulfil the condition, with their similarity."""
        search = self._query.near_vector(
            vector.tolist(),
            # what is a rounding below the least one is left out by number, in this process
            distance=min(2.0, max(0.0, 1.0 - min_similarity + _BELOW_BY_ROUNDING)),
            limit=min(limit, queries.MOST),
            filters=condition,
            return_metadata=["distance"],
            return_properties=READ,
        )
        found = [(row, queries.similarity(distance)) for _, row, distance in await self._found(search)]
        return [(row, similarity) for row, similarity in found if similarity >= min_similarity]

    async def count(self, condition: Any) -> int:
        """How many objects fulfil the condition."""
        counting = self._collection.aggregate.over_all(filters=condition, total_count=True)
        counted = await self._or_empty(counting)
        return 0 if counted is None else counted.total_count or 0

    async def store(self, rows: Mapping[str, Row]) -> None:
        """Store the rows by their keys, in as many requests as they need."""
        for batch in self._in_requests(rows):
            if len(batch) > _INLINE_OBJECTS:
                objects = await asyncio.to_thread(_to_objects, batch)
            else:
                objects = _to_objects(batch)
            stored = await self.connection.call(self._collection.data.insert_many(objects), self.doing)
            for error in stored.errors.values():
                raise BackendWriteError(f"{self.doing}: Weaviate refused an entry ({error.message:.300})")

    async def remove(self, condition: Any) -> list[str]:
        """Remove every object that fulfils the condition; returns their keys."""
        keys: list[str] = []
        while True:
            # a request removes at most QUERY_MAXIMUM_RESULTS, which may be set lower than 10,000
            call = self._collection.data.delete_many(where=condition, verbose=True)
            removed = await self._or_empty(call)
            if removed is None:
                return keys
            if removed.failed:
                raise BackendWriteError(
                    f"{self.doing}: Weaviate could not remove {removed.failed} of {removed.matches} entries; "
                    f"{len(keys) + removed.successful} are removed. Try again"
                )
            if not removed.matches:
                return keys
            keys += [str(one.uuid) for one in removed.objects or () if one.successful]

    async def with_tallies(self, owner: str) -> list[Row]:
        """The entry and its tallies."""
        return await self.of_owners([owner])

    async def mark_rated(self, owner: str) -> bool:
        """Set ``rated``, and nothing else; false when the entry is gone."""
        try:
            await self.connection.call(self._collection.data.update(owner, {"rated": True}), self.doing)
        except UnexpectedStatusCodeError as exc:
            if exc.status_code != 404:
                raise
            return False
        return True

    async def put_tally(self, tally: Tally) -> None:
        """Store the tally in place of the one with its key."""
        await self.store({tally.key: tally.row})

    @property
    def _collection(self) -> Any:
        level = ConsistencyLevel(self.connection.settings.consistency)
        collection = self.connection.client.collections.use(self.name).with_consistency_level(level)
        return collection if self.tenant is None else collection.with_tenant(self.tenant)

    @property
    def _query(self) -> Any:
        return self._collection.query

    async def _all_of(self, owners: Sequence[str], condition_of: Any, with_vectors: bool) -> list[Row]:
        """Every row of these owners: an answer that is full may be cut off, and is asked for in halves."""
        rows: list[Row] = []
        for start in range(0, max(len(owners), 1), _OWNERS_AT_ONCE):
            part = owners[start : start + _OWNERS_AT_ONCE]
            properties = READ_WHOLE if with_vectors else READ
            search = self._query.fetch_objects(
                filters=condition_of(part), limit=queries.MOST, return_properties=properties
            )
            found = await self._found(search)
            if len(found) == queries.MOST and len(part) > 1:
                for half in (part[::2], part[1::2]):
                    rows += await self._all_of(half, condition_of, with_vectors)
            else:
                rows += [row for _, row, _ in found]
        return rows

    async def _found(self, search: Coroutine[Any, Any, Any]) -> list[tuple[str, Row, float | None]]:
        answer = await self._or_empty(search)
        if answer is None:
            return []
        return [(str(one.uuid), to_stored_row(one.properties), one.metadata.distance) for one in answer.objects]

    async def _or_empty(self, call: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await self.connection.call(call, self.doing)
        except FAILURES as exc:
            if self.tenant is not None and is_absent_tenant(exc):
                return None
            raise

    def _in_requests(self, rows: Mapping[str, Row]) -> Iterator[list[tuple[str, Row]]]:
        batch: list[tuple[str, Row]] = []
        size, most = 0, self.connection.settings.max_request_bytes
        for key, row in rows.items():
            more = size_of(row)
            if batch and (size + more > most or len(batch) == _OBJECTS_AT_ONCE):
                yield batch
                batch, size = [], 0
            batch.append((key, row))
            size += more
        if batch:
            yield batch


def _to_objects(batch: Iterable[tuple[str, Row]]) -> list[Any]:
    return [to_object(key, row) for key, row in batch]
