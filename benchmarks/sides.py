"""The two sides of a comparison: a backend of Medha, and the bare driver."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from medha import CacheEntry, Capability, CollectionSpec, VectorStorageBackend, Where

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from medha.models import Match, Vector, Vectors

DIMENSION = 384
TENANTS = 100
CLOSEST = 10
MIN_SIMILARITY = 0.9
CONDITIONS: Mapping[str, Any] = {"limit": CLOSEST, "min_similarity": MIN_SIMILARITY, "where": Where(), "now": 1.0}
SPEC = CollectionSpec(dimension=DIMENSION, model_name="bench")


class Row(NamedTuple):
    """An entry as a bare driver is given it: plain values, in the order of the columns."""

    id: str
    question: str
    normalized_question: str
    generated_query: str
    query_hash: str
    created_at: float
    expires_at: float | None
    response_summary: str | None
    template_id: str | None
    feedback_correct: int
    feedback_incorrect: int
    tenant: str
    vector: Vector


class Part:
    """Some of the rows, ready for both sides."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.ids = [row.id for row in rows]
        self.entries = [_entry(row) for row in rows]


def _entry(row: Row) -> CacheEntry:
    *values, tenant, vector = row
    fields: dict[str, Any] = dict(zip(Row._fields[:-2], values, strict=True))
    return CacheEntry(**fields, metadata={"tenant": tenant}, vector=vector)


def unit_rows(count: int, seed: int) -> Vectors:
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSION), dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def rows_of(vectors: Vectors, first: int = 0) -> list[Row]:
    return [
        Row(
            id=str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))),
            question=f"How many albums has artist {number} sold?",
            normalized_question=f"how many albums has artist {number} sold",
            generated_query=f"SELECT count(*) FROM album WHERE artist_id = {number}",
            query_hash=f"{number:032x}",
            created_at=0.0,
            expires_at=None,
            response_summary=None,
            template_id=None,
            feedback_correct=0,
            feedback_incorrect=0,
            tenant=f"tenant-{number % TENANTS}",
            vector=vector,
        )
        for number, vector in enumerate(vectors, first)
    ]


class Found(NamedTuple):
    """One of the closest, as a lookup has it in its hands at the end."""

    id: str
    generated_query: str
    tenant: str
    similarity: float


class Side(Protocol):
    """Who can do what is measured."""

    async def upsert(self, part: Part) -> object:
        """Store rows, replacing those with the same ids."""
        ...

    async def lookup(self, part: Part) -> object:
        """Get the one row by its id and the closest rows by its vector; only the one, if it takes a request each."""
        ...

    async def remove(self, part: Part) -> object:
        """Remove rows by their ids."""
        ...

    async def delete(self, tenant: str) -> object:
        """Remove the rows of a tenant."""
        ...


class Work(NamedTuple):
    """A call, and what brings the collection to the state in which it is made."""

    call: Callable[[Side], Awaitable[object]]
    prepare: Callable[[Side], Awaitable[object]] | None = None


class Ours:
    """A backend with one collection."""

    def __init__(self, backend: VectorStorageBackend) -> None:
        self.backend = backend
        self.collection = f"bench {uuid.uuid4().hex[:8]}"

    async def upsert(self, part: Part) -> None:
        await self.backend.upsert(self.collection, part.entries)

    async def lookup(self, part: Part) -> tuple[CacheEntry | None, list[Match]]:
        (key,) = part.ids
        if self.backend.capabilities[Capability.ONE_ROUND_TRIP]:
            return await self.backend.get_and_search(self.collection, key, part.rows[0].vector, **CONDITIONS)
        if found := await self.backend.get(self.collection, [key]):
            return found[0], []
        return None, await self.backend.search(self.collection, part.rows[0].vector, **CONDITIONS)

    async def remove(self, part: Part) -> int:
        return await self.backend.delete(self.collection, where=Where(ids=part.ids))

    async def delete(self, tenant: str) -> int:
        return await self.backend.delete(self.collection, where=Where(metadata={"tenant": tenant}))


class Bare(ABC):
    """The bare driver. It does each work once before it is measured, as the backend does."""

    calls: int | None = None
    """Of the driver in what was rehearsed, where they are counted."""

    def __init__(self, place: str) -> None:
        self.place = place
        """The address of the server, or a folder of its own."""

    async def open(self) -> None:  # noqa: B027 - a tape on the backend's own connection has nothing to open
        """Connect."""

    async def close(self) -> None:  # noqa: B027
        """Close what was opened."""

    async def begin(self, parts: Sequence[Part]) -> None:  # noqa: B027 - a tape works on the backend's rows
        """Have these rows and no others."""

    async def settle(self) -> None:  # noqa: B027
        """Do what the driver wants done now and then."""

    async def verify(self, part: Part, ours: Ours) -> None:  # noqa: B027 - a tape plays what was recorded
        """Raise if a lookup here finds something else than the backend does."""

    @abstractmethod
    async def forget(self, part: Part, ours: Ours) -> None:
        """Remove what was stored here."""

    @abstractmethod
    async def rehearse(self, work: Work, ours: Ours) -> None:
        """Do the work once and undo it."""

    @abstractmethod
    async def perform(self) -> object:
        """Do what was rehearsed."""


class Plain(Bare):
    """A few lines by hand, with rows of their own, that make no entries and check nothing."""

    async def begin(self, parts: Sequence[Part]) -> None:
        for part in parts:
            await self.upsert(part)
        await self.settle()

    async def verify(self, part: Part, ours: Ours) -> None:
        got, matches = await ours.lookup(part)
        row, closest = await self.lookup(part)
        assert (row is None) == (got is None)
        assert got is None or {got.id, got.generated_query} <= {value for value in row or () if isinstance(value, str)}
        theirs = [(match.entry.id, match.entry.generated_query, match.entry.metadata["tenant"]) for match in matches]
        assert [found[:-1] for found in closest] == theirs
        assert all(
            abs(found.similarity - match.similarity) < 1e-5 for found, match in zip(closest, matches, strict=True)
        )

    async def forget(self, part: Part, ours: Ours) -> None:
        await self.remove(part)

    async def rehearse(self, work: Work, ours: Ours) -> None:
        await work.call(self)
        if work.prepare is not None:
            await work.prepare(self)
        self._work = work

    async def perform(self) -> object:
        return await self._work.call(self)

    @abstractmethod
    async def upsert(self, part: Part) -> object: ...

    @abstractmethod
    async def lookup(self, part: Part) -> tuple[Sequence[Any] | None, list[Found]]: ...

    @abstractmethod
    async def remove(self, part: Part) -> object: ...

    @abstractmethod
    async def delete(self, tenant: str) -> object: ...
