"""One collection, as the calls of the backend reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from medha_qdrant import points, schema
from medha_qdrant.queries import is_point_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from qdrant_client import AsyncQdrantClient, models

    from medha.models import CacheEntry
    from medha_qdrant.connection import Connection
    from medha_qdrant.settings import QdrantSettings

T = TypeVar("T")


class Target:
    """The connection bound to a collection."""

    def __init__(
        self, connection: Connection, settings: QdrantSettings, collection: str, limits: schema.Limits
    ) -> None:
        self._connection = connection
        self.settings = settings
        self.collection = collection
        self.limits = limits
        self.name = schema.engine_name(settings.prefix, collection)
        """In Qdrant."""
        self.source = f"{collection!r} on {settings.place}"
        """As messages name it."""

    async def read(self, doing: str, call: Callable[[AsyncQdrantClient], Awaitable[T]]) -> T:
        """What the call returns; it ends when its caller is cancelled."""
        return await self._connection.run(f"{doing} {self.collection!r}", self.collection, call)

    async def write(self, doing: str, call: Callable[[AsyncQdrantClient], Awaitable[T]]) -> T:
        """What the call returns; it goes on when its caller is cancelled."""
        return await self._connection.run(f"{doing} {self.collection!r}", self.collection, call, writing=True)

    async def get(self, ids: Sequence[str], *, with_vectors: bool = False) -> list[CacheEntry]:
        """The entries that are there."""
        known = [entry_id for entry_id in ids if is_point_id(entry_id)]
        found = await self.read(
            f"getting {len(ids)} entries of",
            lambda client: client.retrieve(
                self.name, known, with_payload=points.ENTRY_FIELDS, with_vectors=with_vectors
            ),
        )
        return self.entries(found, with_vectors=with_vectors)

    async def query(self, *queries: models.QueryRequest) -> list[list[models.ScoredPoint]]:
        """What each query finds; one request for all."""
        answers = await self.read("searching", lambda client: client.query_batch_points(self.name, queries))
        return [answer.points for answer in answers]

    def entries(
        self, found: Sequence[models.Record | models.ScoredPoint], *, with_vectors: bool = False
    ) -> list[CacheEntry]:
        """The entries in points."""
        return [points.to_entry(point, self.source, with_vector=with_vectors) for point in found]
