"""The backend: entries in hashes, vectors in an index of the search module or in a vector set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from medha.backend import VectorStorageBackend
from medha.errors import BackendError, BackendUnavailableError, CollectionMismatchError
from medha.memory import mismatch_message
from medha.models import CollectionSpec, Page
from medha.where import Where
from medha_redis import removal_scripts, scripts
from medha_redis.calls import Calls, existing
from medha_redis.connection import Connection, address_of
from medha_redis.finding import Search, find
from medha_redis.plugin import CAPABILITIES
from medha_redis.schema import STORED_FLOAT, to_chunks
from medha_redis.search_module import SearchModule, index_schema
from medha_redis.vector_sets import VectorSets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medha.capabilities import Capability, Support
    from medha.models import CacheEntry, Match, Vector
    from medha_redis.engine import Engine
    from medha_redis.settings import RedisSettings

_ENGINES: Final = {"search": (SearchModule, "FT.SEARCH"), "vector_sets": (VectorSets, "VSIM")}


class RedisBackend(VectorStorageBackend):
    """A call is one round trip. A search makes a second one where expired entries are still among the closest."""

    capabilities: Mapping[Capability, Support] = CAPABILITIES

    def __init__(self, settings: RedisSettings) -> None:
        self._settings = settings
        self._connection: Connection | None = None
        self._engine: Engine | None = None

    async def connect(self) -> None:
        """Reach the server, and ask it what it finds vectors with."""
        connection = self._connection
        if connection is None:
            connection = self._connection = Connection(self._settings)
        try:
            engine = await self._choose_engine(connection)
        except BaseException:
            if self._connection is connection and self._engine is None:
                await self.close()
            raise
        if self._connection is connection:
            self._engine = engine

    async def close(self) -> None:
        """Close every connection."""
        connection, self._connection, self._engine = self._connection, None, None
        if connection is not None:
            await connection.close()

    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        """Make the collection with its index, or open the one that is there, in one script."""
        engine, graph = self._open, (self._settings.hnsw_m, self._settings.hnsw_ef_construction)
        arguments = (collection, spec.dimension, spec.model_name, engine.name, *graph)
        schema = index_schema(self._settings, spec.dimension)
        doing = f"opening the collection {collection!r}"
        dimension, model, made_with = await engine.calls.run(doing, collection, scripts.INITIALIZE, *arguments, *schema)
        stored = CollectionSpec(dimension=int(dimension), model_name=model.decode())
        if stored != spec:
            raise CollectionMismatchError(mismatch_message(collection, stored, spec))
        if made_with.decode() != engine.name:
            raise BackendError(
                f"{doing} on {engine.calls.connection.address}: it was made with the engine {made_with.decode()!r}, "
                f"and this connection uses {engine.name!r}. Set engine={made_with.decode()}, or export the "
                "collection, drop it and warm it again"
            )

    async def drop_collection(self, collection: str) -> None:
        """Remove every key of the collection, and its index, in one script."""
        await self._open.calls.run(f"dropping the collection {collection!r}", collection, removal_scripts.DROP)

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        """Store the entries; many go in several scripts of one transaction."""
        calls, doing = self._open.calls, f"storing {len(entries)} entries in {collection!r}"
        if not entries:
            await calls.run(doing, collection, scripts.COUNT)
            return
        dimension = len(entries[0].vector) if entries[0].vector is not None else 0
        chunks = await calls.converted(doing, len(entries), lambda: list(to_chunks(entries, dimension)))
        size = dimension * STORED_FLOAT.itemsize
        commands = [calls.script(collection, scripts.STORE, chunk, size) for chunk in chunks]
        if len(commands) == 1:
            answers = [await calls.connection.ask(doing, *commands[0], collection=collection)]
        else:
            answers = await calls.connection.ask_all(doing, commands, collection=collection, whole=True)
        stored_dimension = existing(collection, answers[0])
        if stored_dimension:
            raise CollectionMismatchError(
                f"{doing}: the vectors have {dimension} dimensions, and the collection holds {stored_dimension}; "
                "was it dropped and made anew meanwhile? Initialize it again"
            )

    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        """The entries that are there."""
        return await self._open.calls.read(collection, ids)

    async def search(
        self, collection: str, vector: Vector, *, limit: int, min_similarity: float, where: Where, now: float
    ) -> list[Match]:
        """The closest entries."""
        _, found = await find(self._open, collection, None, Search(vector, limit, min_similarity, where, now))
        return found

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
        """Both at once."""
        return await find(self._open, collection, entry_id, Search(vector, limit, min_similarity, where, now))

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
        engine = self._open
        if where is not None and where.ids is not None:
            rest = sorted(entry_id for entry_id in set(where.ids) if cursor is None or entry_id > cursor)
            entries = await engine.calls.read(collection, rest[:limit], with_vectors=with_vectors)
            page = [entry for entry in entries if where.matches(entry)]
            return Page(page, rest[limit - 1] if len(rest) > limit else None)
        if where is None or where == Where():
            return await engine.calls.page(collection, None, limit=limit, cursor=cursor, with_vectors=with_vectors)
        return await engine.page(collection, where, limit=limit, cursor=cursor, with_vectors=with_vectors)

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        """How many match."""
        engine = self._open
        if where is None or where == Where():
            return await engine.calls.run(f"counting {collection!r}", collection, scripts.COUNT)
        if where.ids is not None:
            entries = await engine.calls.read(collection, list(set(where.ids)))
            return sum(where.matches(entry) for entry in entries)
        return await engine.count(collection, where)

    async def delete(self, collection: str, *, where: Where) -> int:
        """Remove what matches; some hundred entries in each script, but all at once for ``Where()``."""
        engine = self._open
        if where == Where():
            return await engine.calls.run(f"deleting from {collection!r}", collection, removal_scripts.CLEAR)
        if where.ids is not None:
            return await engine.calls.remove(collection, where, list(dict.fromkeys(where.ids)))
        return await engine.delete(collection, where)

    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        """Count, in one script."""
        doing = f"counting feedback in {collection!r}"
        counted = await self._open.calls.run(doing, collection, scripts.FEEDBACK, entry_id, correct, incorrect)
        return (counted[0], counted[1]) if counted else None

    async def _choose_engine(self, connection: Connection) -> Engine:
        wanted = self._settings.engine
        names = list(_ENGINES) if wanted == "auto" else [wanted]
        known = await connection.ask("connecting", "COMMAND INFO", *(_ENGINES[name][1] for name in names))
        for name, info in zip(names, known, strict=True):
            if info is not None:
                return _ENGINES[name][0](Calls(connection, self._settings.prefix), self._settings)
        raise BackendUnavailableError(
            f"connecting to {connection.address}: the server has {'neither' if wanted == 'auto' else 'no'} "
            f"{' nor '.join(name.replace('_', ' ') for name in names)}. Use Redis Stack or Redis 8, or load the search "
            "module (redisearch.so)"
        )

    @property
    def _open(self) -> Engine:
        if self._engine is None:
            raise BackendUnavailableError(
                f"not connected to {address_of(self._settings)}; call connect() first (Medha does so when it starts)"
            )
        return self._engine
