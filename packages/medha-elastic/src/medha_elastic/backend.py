"""The backend: one index for each collection, every write visible when it returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from elasticsearch import BadRequestError, NotFoundError

from medha.backend import VectorStorageBackend
from medha.errors import CollectionMismatchError
from medha.memory import mismatch_message
from medha.models import Match
from medha.where import Where
from medha_elastic import queries, schema
from medha_elastic.cluster import Cluster
from medha_elastic.documents import Documents
from medha_elastic.plugin import CAPABILITIES
from medha_elastic.rows import UNREAD, UNREAD_WITH_VECTORS, to_entry
from medha_elastic.scrolling import Scrolling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medha.capabilities import Capability, Support
    from medha.models import CacheEntry, CollectionSpec, Page, Vector
    from medha_elastic.errors import Doing
    from medha_elastic.schema import Names
    from medha_elastic.settings import ElasticsearchSettings

_NOTHING: Final = Where(ids=())
_FEEDBACK_TRIES: Final = 10_000


class ElasticsearchBackend(VectorStorageBackend):
    """Entries and vectors in indices of an Elasticsearch cluster."""

    capabilities: Mapping[Capability, Support] = CAPABILITIES

    def __init__(self, settings: ElasticsearchSettings) -> None:
        self._settings = settings
        self._cluster = Cluster(settings)

    async def connect(self) -> None:
        """Make the client, and ask the server who it is."""
        await self._cluster.connect()

    async def close(self) -> None:
        """Let what is being written arrive, and close the connections."""
        await self._cluster.close()

    async def initialize(self, collection: str, spec: CollectionSpec) -> None:
        """Make the index, or open the one that is there."""
        names, doing = self._names(collection), self._cluster.doing("opening the collection", collection)
        with doing.translated():
            while (stored := await self._stored_spec(names)) is None:
                try:
                    await self._cluster.client.indices.create(
                        index=names.index, **schema.new_index(names, spec, self._settings)
                    )
                except BadRequestError as exc:
                    # another process was faster
                    if exc.message != "resource_already_exists_exception":
                        raise
            if stored != spec:
                raise CollectionMismatchError(mismatch_message(collection, stored, spec))
            # whoever made it, it may have been a moment ago: searches do not wait for its shard by themselves
            await self._cluster.client.cluster.health(index=names.alias, wait_for_status="yellow", timeout="10s")

    async def drop_collection(self, collection: str) -> None:
        """Remove the index."""
        await self._cluster.writes.settled()
        with self._cluster.doing("dropping the collection", collection).translated():
            await self._cluster.client.indices.delete(index=self._names(collection).index, ignore_unavailable=True)

    async def upsert(self, collection: str, entries: Sequence[CacheEntry]) -> None:
        """Store the entries in one bulk request, which goes to one shard."""
        if not entries:
            await self.count(collection, where=_NOTHING)
            return
        doing = self._cluster.doing(f"storing {len(entries)} entries in", collection)
        with doing.translated():
            await self._documents(collection, doing).store(entries)

    async def get(self, collection: str, ids: Sequence[str]) -> list[CacheEntry]:
        """The entries that are there."""
        if not ids:
            await self.count(collection, where=_NOTHING)
            return []
        doing = self._cluster.doing(f"getting {len(ids)} entries of", collection)
        with doing.translated():
            return await self._documents(collection, doing).read(ids, UNREAD)

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
        """One kNN search with the conditions inside."""
        body = self._search_body(vector, limit, min_similarity, where, now)
        with self._cluster.doing("searching", collection).translated():
            found = await self._cluster.client.search(index=self._names(collection).alias, body=body)
            return _matches(found, min_similarity)

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
        """Two searches in one request, of the id and of the vector."""
        doing, there = self._cluster.doing("searching", collection), {"index": self._names(collection).alias}
        by_id = {"query": {"ids": {"values": [entry_id]}}, "size": 1, "_source": {"excludes": UNREAD}}
        by_vector = self._search_body(vector, limit, min_similarity, where, now)
        with doing.translated():
            answer = await self._cluster.client.msearch(searches=[there, by_id, there, by_vector])
            for part in answer["responses"]:
                if "error" in part:
                    doing.refuse(part["error"], part["status"])
            one, close = answer["responses"]
            entries = [to_entry(hit) for hit in one["hits"]["hits"]]
            return (entries[0] if entries else None), _matches(close, min_similarity)

    async def scroll(
        self,
        collection: str,
        *,
        where: Where | None = None,
        limit: int = 500,
        cursor: str | None = None,
        with_vectors: bool = False,
    ) -> Page:
        """Entries in the order of their ids; from the second page on, as they were at one point in time."""
        scrolling = Scrolling(
            alias=self._names(collection).alias,
            query=queries.query_of(where),
            limit=limit,
            unread=UNREAD_WITH_VECTORS if with_vectors else UNREAD,
        )
        with self._cluster.doing("reading", collection).translated():
            return await scrolling.page(self._cluster, cursor)

    async def count(self, collection: str, *, where: Where | None = None) -> int:
        """How many match."""
        with self._cluster.doing("counting", collection).translated():
            found = await self._cluster.client.count(index=self._names(collection).alias, query=queries.query_of(where))
            return found["count"]

    async def delete(self, collection: str, *, where: Where) -> int:
        """Remove what matches; what somebody changed meanwhile is looked at again."""
        if where.ids is not None and not where.ids:
            return await self.count(collection, where=where)
        doing, alias, deleted = self._cluster.doing("deleting from", collection), self._names(collection).alias, 0
        await self._cluster.writes.settled()
        with doing.translated():
            if where.ids is not None and where == Where(ids=where.ids):
                return await self._documents(collection, doing).remove(where.ids)
            while True:
                done = await self._cluster.client.delete_by_query(
                    index=alias, query=queries.query_of(where), conflicts="proceed", refresh=True
                )
                for failure in done["failures"]:
                    doing.refuse(failure.get("cause") or failure["reason"], failure["status"])
                deleted += done["deleted"]
                if not done["version_conflicts"]:
                    return deleted

    async def add_feedback(
        self, collection: str, entry_id: str, *, correct: int = 0, incorrect: int = 0
    ) -> tuple[int, int] | None:
        """Count, by a script on the server."""
        await self._cluster.writes.settled()
        with self._cluster.doing("counting feedback in", collection).translated():
            try:
                updated = await self._cluster.client.update(
                    index=self._names(collection).alias,
                    id=entry_id,
                    script={
                        "source": queries.ADD_FEEDBACK,
                        "params": {"correct": correct, "incorrect": incorrect},
                    },
                    source_includes=["feedback_correct", "feedback_incorrect"],
                    retry_on_conflict=_FEEDBACK_TRIES,
                    refresh=True,
                    require_alias=True,
                )
            except NotFoundError as exc:
                if exc.message != "document_missing_exception":
                    raise
                return None
            counters = updated["get"]["_source"]
            return counters["feedback_correct"], counters["feedback_incorrect"]

    def _names(self, collection: str) -> Names:
        return schema.names_of(collection, self._settings.prefix)

    def _documents(self, collection: str, doing: Doing) -> Documents:
        return Documents(self._cluster, self._names(collection).alias, doing)

    def _search_body(
        self, vector: Vector, limit: int, min_similarity: float, where: Where, now: float
    ) -> dict[str, Any]:
        search = queries.knn_search(
            vector,
            limit=limit,
            min_similarity=min_similarity,
            where=where,
            now=now,
            num_candidates=self._settings.num_candidates,
        )
        return search | {"_source": {"excludes": UNREAD}}

    async def _stored_spec(self, names: Names) -> CollectionSpec | None:
        try:
            answer = await self._cluster.client.indices.get_mapping(index=names.alias)
        except NotFoundError:
            return None
        return schema.stored_spec(names, answer.body)


def _matches(found: Any, min_similarity: float) -> list[Match]:
    similarities = ((hit, queries.to_similarity(hit["_score"])) for hit in found["hits"]["hits"])
    return [Match(to_entry(hit), similarity) for hit, similarity in similarities if similarity >= min_similarity]
