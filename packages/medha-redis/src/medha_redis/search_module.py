"""The search module (RediSearch): one index for each collection, over the hashes of its entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from medha.models import CacheEntry, Page
from medha_redis import removal_scripts
from medha_redis.engine import Engine, Nearest, Row, cosine
from medha_redis.schema import ENTRY_MARK, to_bytes, to_entry, tokens

if TYPE_CHECKING:
    from medha.models import Vector
    from medha.where import Where
    from medha_redis.connection import Command
    from medha_redis.settings import RedisSettings

MOST_RESULTS: Final = 1_000_000
"""The module refuses to be asked for more."""
_TIMEOUT: Final = 3_600_000
"""Milliseconds. By default the module gives a part of the truth after half a second; the deadline is core's."""
_OPTIONS: Final = ("DIALECT", 2, "TIMEOUT", _TIMEOUT)

Fields = dict[bytes, Any]


def index_schema(settings: RedisSettings, dimension: int) -> tuple[Any, ...]:
    """What follows SCHEMA in FT.CREATE."""
    vector: list[Any] = ["TYPE", "FLOAT32", "DIM", dimension, "DISTANCE_METRIC", "COSINE"]
    if settings.index == "hnsw":
        vector += ["M", settings.hnsw_m, "EF_CONSTRUCTION", settings.hnsw_ef_construction]
        vector += ["EF_RUNTIME", settings.hnsw_ef_runtime]
    fields = ("tokens", "TAG", "expires", "NUMERIC", "serial", "NUMERIC", "SORTABLE")
    return (*fields, "vector", "VECTOR", settings.index.upper(), len(vector), *vector)


def condition(where: Where, *, alive_at: float | None = None, after: str | None = None) -> str:
    """The condition in the module's language; tokens are hexadecimal, so that nothing in it can be misread."""
    parts = [f"@tokens:{{{token}}}" for token in tokens(where)]
    if where.expired_at is not None:
        parts.append(f"@expires:[-inf {float(where.expired_at)!r}]")
    if alive_at is not None:
        parts.append(f"-@expires:[-inf {float(alive_at)!r}]")
    if after is not None:
        parts.append(f"@serial:[({int(after)} +inf]")
    return " ".join(parts) or "*"


class SearchModule(Engine):
    """Conditions are answered by the index."""

    name: ClassVar[str] = "search"

    def nearest(self, collection: str, vector: Vector, *, limit: int, where: Where, alive_at: float | None) -> Command:
        """K nearest neighbours: a search by radius may miss an exact match in an HNSW index."""
        most = min(limit, MOST_RESULTS)
        query = f"({condition(where, alive_at=alive_at)})=>[KNN {most} @vector $vector AS distance]"
        wanted = ("RETURN", 4, "distance", "entry", "correct", "incorrect", "SORTBY", "distance", "LIMIT", 0, most)
        parameters = ("PARAMS", 2, "vector", to_bytes(vector))
        return ("FT.SEARCH", self.calls.names(collection).index, query, *parameters, *wanted, *_OPTIONS)

    def read_nearest(self, answer: Any) -> Nearest:
        """An entry that expired while it was being found has no fields."""
        rows = [(cosine(1.0 - float(fields[b"distance"])), _row(key, fields)) for key, fields in _documents(answer)]
        return Nearest(int(answer[0]), rows)

    async def page(self, collection: str, where: Where, *, limit: int, cursor: str | None, with_vectors: bool) -> Page:
        """Sorted by serial number; the cursor is the last one's."""
        doing, names = f"reading {collection!r}", self.calls.names(collection)
        query = condition(where, after=cursor)
        wanted = ("RETURN", 4, "entry", "correct", "incorrect", "serial", "SORTBY", "serial")
        command = ("FT.SEARCH", names.index, query, *wanted, "LIMIT", 0, min(limit, MOST_RESULTS), *_OPTIONS)
        found, rows = 1, list[tuple[bytes, Fields]]()
        while found and not rows:
            # entries that expired while they were being found are not found again
            answer = await self.calls.connection.ask(doing, *command, collection=collection)
            found, rows = int(answer[0]), _documents(answer)

        def convert() -> list[CacheEntry]:
            return [to_entry(*_row(key, fields)) for key, fields in rows]

        entries = await self.calls.converted(doing, len(rows), convert)
        if with_vectors:
            entries = await self.calls.read(collection, [entry.id for entry in entries], with_vectors=True)
        return Page(entries, rows[-1][1][b"serial"].decode() if found > limit else None)

    async def count(self, collection: str, where: Where) -> int:
        """Without any row, so without the module's limit on rows."""
        command = ("FT.SEARCH", self.calls.names(collection).index, condition(where), "LIMIT", 0, 0, *_OPTIONS)
        answer = await self.calls.connection.ask(f"counting {collection!r}", *command, collection=collection)
        return int(answer[0])

    async def delete(self, collection: str, where: Where) -> int:
        """Some hundred at a time, since taking a vector out of an HNSW graph may take a millisecond."""
        removed, found = 0, removal_scripts.REMOVED_AT_ONCE
        arguments = (condition(where), removal_scripts.REMOVED_AT_ONCE, _TIMEOUT)
        while found == removal_scripts.REMOVED_AT_ONCE:
            gone, found = await self.calls.run(
                f"deleting from {collection!r}", collection, removal_scripts.REMOVE_FOUND, *arguments
            )
            removed += gone
        return removed


def _documents(answer: Any) -> list[tuple[bytes, Fields]]:
    """The keys in an answer of FT.SEARCH that are still there, each with its fields."""
    pairs = zip(answer[1::2], answer[2::2], strict=True)
    return [(key, dict(zip(fields[::2], fields[1::2], strict=True))) for key, fields in pairs if fields is not None]


def _row(key: bytes, fields: Fields) -> Row:
    _, _, entry_id = key.decode().partition(ENTRY_MARK)
    return entry_id, fields.get(b"entry"), fields.get(b"correct"), fields.get(b"incorrect")
