"""One collection of a backend, as core uses it: every call has a deadline and fails with a typed error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict, TypeVar, Unpack

from medha.capabilities import Capability
from medha.deadline import within
from medha.errors import BackendError, BackendTimeoutError, LifecycleError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Sequence

    from medha.backend import VectorStorageBackend
    from medha.models import CacheEntry, CollectionSpec, Match, Page, Vector
    from medha.where import Where

T = TypeVar("T")

PAGE_SIZE: Final = 500


class SearchConditions(TypedDict):
    """What a search asks for besides the vector."""

    limit: int
    min_similarity: float
    where: Where
    now: float


class Storage:
    """The calls of a backend, bound to a collection."""

    def __init__(self, backend: VectorStorageBackend, collection: str, timeout: float | None) -> None:
        self.backend = backend
        self.collection = collection
        self.one_round_trip = bool(backend.capabilities.get(Capability.ONE_ROUND_TRIP))
        self.closed = False
        self._timeout = timeout

    def other(self, collection: str) -> Storage:
        """The same backend, bound to another collection."""
        return Storage(self.backend, collection, self._timeout)

    async def close(self) -> None:
        """Say from now on, where a call fails, that the cache was closed; the backend is not closed here."""
        self.closed = True

    async def connect(self) -> None:
        """Connect the backend."""
        await self._call("connect to the backend", self.backend.connect())

    async def initialize(self, spec: CollectionSpec) -> None:
        """Make or open the collection."""
        await self._call("open", self.backend.initialize(self.collection, spec))

    async def upsert(self, entries: Sequence[CacheEntry]) -> None:
        """Store entries."""
        await self._call(f"store {len(entries)} entries in", self.backend.upsert(self.collection, entries))

    async def get(self, ids: Sequence[str]) -> list[CacheEntry]:
        """Entries by id."""
        return await self._call("get entries from", self.backend.get(self.collection, ids))

    async def search(self, vector: Vector, **conditions: Unpack[SearchConditions]) -> list[Match]:
        """The closest entries."""
        return await self._call("search", self.backend.search(self.collection, vector, **conditions))

    async def get_and_search(
        self, entry_id: str, vector: Vector, **conditions: Unpack[SearchConditions]
    ) -> tuple[CacheEntry | None, list[Match]]:
        """One entry, and the closest entries."""
        return await self._call("search", self.backend.get_and_search(self.collection, entry_id, vector, **conditions))

    async def page(self, where: Where | None, cursor: str | None, *, with_vectors: bool = False) -> Page:
        """One page of a scroll."""
        return await self._call(
            "scroll through",
            self.backend.scroll(
                self.collection, where=where, limit=PAGE_SIZE, cursor=cursor, with_vectors=with_vectors
            ),
        )

    async def pages(
        self, where: Where | None = None, *, with_vectors: bool = False
    ) -> AsyncIterator[Sequence[CacheEntry]]:
        """Every matching entry, a page at a time."""
        cursor: str | None = None
        while True:
            page = await self.page(where, cursor, with_vectors=with_vectors)
            if page.entries:
                yield page.entries
            cursor = page.cursor
            if cursor is None:
                return

    async def count(self, where: Where | None = None) -> int:
        """How many entries match."""
        return await self._call("count", self.backend.count(self.collection, where=where))

    async def delete(self, where: Where) -> int:
        """Remove matching entries."""
        return await self._call("delete from", self.backend.delete(self.collection, where=where))

    async def add_feedback(self, entry_id: str, *, correct: int, incorrect: int) -> tuple[int, int] | None:
        """Count feedback."""
        return await self._call(
            "count feedback in",
            self.backend.add_feedback(self.collection, entry_id, correct=correct, incorrect=incorrect),
        )

    async def _call(self, what: str, call: Awaitable[T]) -> T:
        name = type(self.backend).__name__
        try:
            return await within(
                self._timeout,
                call,
                late=lambda: BackendTimeoutError(
                    f"{name} did not {what} collection {self.collection!r} within {self._timeout} s; "
                    "see whether it is overloaded, or raise MEDHA_BACKEND_TIMEOUT"
                ),
                failed=lambda why: BackendError(f"{name} failed to {what} collection {self.collection!r}: {why}"),
            )
        except BackendError as exc:
            if self.closed:
                raise LifecycleError(f"the cache of {self.collection!r} was closed while this was under way") from exc
            raise
