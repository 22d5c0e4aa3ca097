"""One collection, as the calls of the backend reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from medha.errors import BackendError, CollectionNotFoundError
from medha_chroma import records, schema
from medha_chroma.queries import Condition
from medha_chroma.records import Record

if TYPE_CHECKING:
    from collections.abc import Collection as Ids
    from collections.abc import Iterator, Mapping, Sequence

    from medha.models import CacheEntry, CollectionSpec
    from medha_chroma.connection import Connection
    from medha_chroma.settings import ChromaSettings

_IDS_AT_ONCE: Final = 4000
"""How many ids one request may name."""
_REMOVED_AT_ONCE: Final = 500
"""Removing takes the engine far longer than reading."""
_RETRIES: Final = 5


class Target:
    """The connection bound to a collection; ``models`` are the driver's descriptions of those that were found."""

    def __init__(
        self, connection: Connection, settings: ChromaSettings, collection: str, models: dict[str, Any]
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._models = models
        self.collection = collection
        self.name = schema.engine_name(settings.prefix, collection)
        """In Chroma."""
        self.source = f"{collection!r} on {settings.place}"
        """As messages name it."""

    async def find(self, doing: str) -> Any:
        """The driver's description of the collection, asked for anew."""
        self._models.pop(self.collection, None)
        model = await self._connection.manage(self._named(doing), self.collection, "get_collection", name=self.name)
        self._models[self.collection] = model
        return model

    async def make(self, doing: str, spec: CollectionSpec) -> Any:
        """The description of a new collection, or of that which another process has just made."""
        try:
            await self._connection.manage(
                self._named(doing),
                self.collection,
                "create_collection",
                writing=True,
                name=self.name,
                metadata=schema.description(self.collection, spec),
                configuration=schema.configuration(self._settings),
            )
        except BackendError as exc:
            if "already exists" not in str(exc):
                raise
        return await self.find(doing)

    async def drop(self) -> None:
        """Remove the collection."""
        self._models.pop(self.collection, None)
        doing = self._named("dropping the collection")
        await self._connection.manage(doing, self.collection, "delete_collection", writing=True, name=self.name)

    async def read(self, doing: str, method: str, **values: Any) -> Any:
        """What the driver's method returns; it ends when its caller is cancelled."""
        return await self._ask(doing, method, writing=False, **values)

    async def write(self, doing: str, method: str, **values: Any) -> Any:
        """What the driver's method returns; it goes on when its caller is cancelled."""
        return await self._ask(doing, method, writing=True, **values)

    async def get(self, doing: str, condition: Condition, *, with_vectors: bool = False) -> list[Record]:
        """The records that fulfil the condition."""
        include = ["metadatas", "embeddings"] if with_vectors else ["metadatas"]
        found: list[Record] = []
        # Chroma is very slow with ids and a filter together
        for some in _portions(condition.ids):
            asked = {"where": condition.filter} if some is None else {"ids": some}
            found += _records(await self.read(doing, "get", include=include, **asked), some, condition)
        return await self._whole(doing, found, condition) if with_vectors else found

    async def _whole(self, doing: str, found: list[Record], condition: Condition) -> list[Record]:
        """The records, those read anew whose vector is of another version than the fields."""
        for _ in range(_RETRIES):
            torn = [record.id for record in found if not records.fits(record)]
            if not torn:
                break
            answer = await self.read(doing, "get", ids=torn, include=["metadatas", "embeddings"])
            found = [record for record in found if record.id not in torn] + _records(answer, torn, condition)
        return found

    async def ids(self, doing: str, condition: Condition) -> list[str]:
        """Of the records that fulfil the condition."""
        if condition.ids is None:
            return (await self.read(doing, "get", where=condition.filter, include=[]))["ids"]
        return [record.id for record in await self.get(doing, condition)]

    async def remove(self, ids: Sequence[str]) -> None:
        """Remove the records."""
        for some in _portions(ids, _REMOVED_AT_ONCE):
            await self.write("deleting from", "delete", ids=some)

    def entries(self, found: Sequence[Record], *, with_vectors: bool = False) -> list[CacheEntry]:
        """The entries in records."""
        return [records.to_entry(record, self.source, with_vector=with_vectors) for record in found]

    async def _ask(self, doing: str, method: str, *, writing: bool, **values: Any) -> Any:
        model = self._models.get(self.collection)
        known = model is not None
        if not known:
            model = await self.find(doing)
        named = self._named(doing)
        try:
            return await self._connection.ask(named, self.collection, model, method, writing=writing, **values)
        except CollectionNotFoundError:
            if not known:
                raise
            # another process has dropped it, and perhaps made it anew
            model = await self.find(doing)
            return await self._connection.ask(named, self.collection, model, method, writing=writing, **values)

    def _named(self, doing: str) -> str:
        return f"{doing} {self.collection!r}"


def _portions(ids: Ids[str] | None, size: int = _IDS_AT_ONCE) -> Iterator[list[str] | None]:
    """Ids by so many at a time, each once; none at all is one portion."""
    if ids is None:
        yield None
        return
    distinct = list(dict.fromkeys(ids))
    for start in range(0, len(distinct), size):
        yield distinct[start : start + size]


def _records(answer: Mapping[str, Any], asked: Sequence[str] | None, condition: Condition) -> list[Record]:
    """What Chroma answered to ``get``, and of what was asked for by id that which fulfils the condition."""
    fields: list[dict[str, Any]] = [stored or {} for stored in answer["metadatas"]]
    vectors: Any = answer["embeddings"]
    if vectors is None:
        vectors = [None] * len(fields)
    found = list(map(Record, answer["ids"], fields, vectors))
    whole = asked is None or condition == Condition(condition.ids)
    return found if whole else [record for record in found if condition.accepts(record.fields)]
